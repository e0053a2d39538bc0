"""Carry out what reviewers decide, and undo it."""
