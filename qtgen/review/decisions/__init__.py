"""Carry out what readers decide, and undo it."""
