"""What `qtgen link --check` says of the graph of links: text and HTML; JSON is the graph's own."""
