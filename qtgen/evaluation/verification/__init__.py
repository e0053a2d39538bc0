"""Prove that a report belongs to its suite."""
