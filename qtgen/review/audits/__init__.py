"""Draw pages to read, and estimate from the readings how good the other pages are."""
