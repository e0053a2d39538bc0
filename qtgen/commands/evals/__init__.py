"""The commands of `qtgen eval`, one module each."""
