"""Intervals, paired tests and the number of references that they need."""
