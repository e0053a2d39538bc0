"""Quirks of endpoints, at least one of each kind that qtgen copes with, and what a run against each has to do."""

from support import dialect_quirks, refusal_quirks, wire_quirks
from support.quirk_registry import CASES, QUIRKS

__all__ = ["CASES", "QUIRKS", "dialect_quirks", "refusal_quirks", "wire_quirks"]
