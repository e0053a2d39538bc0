"""Compare two texts word by word, without cutting formulas, links or markup."""
