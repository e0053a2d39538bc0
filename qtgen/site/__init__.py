"""The pages of a site: finding and reading them, what they say about each other, and which questions are alike."""
