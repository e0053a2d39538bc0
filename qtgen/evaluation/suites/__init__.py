"""Suites: references, candidates and recorded responses."""
