"""Draw pages to read, and say what the readings mean for the others."""
