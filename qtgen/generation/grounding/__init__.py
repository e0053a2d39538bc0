"""Grounding: compare an answer with its source text."""

from qtgen.generation.grounding.check import Similarity, check
from qtgen.generation.grounding.types import GroundingReport, Item, Kind, Sentence

__all__ = ["GroundingReport", "Item", "Kind", "Sentence", "Similarity", "check"]
