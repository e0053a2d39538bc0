"""The rules. Importing this package registers them all; a new file of rules is a new line here."""

from qtgen.rules import names, reading, shape
from qtgen.rules.base import REGISTRY, Example, Finding, PageFile, Rule, rule, run, sort_key

FAMILIES = {1: reading, 2: shape, 3: names}

__all__ = ["FAMILIES", "REGISTRY", "Example", "Finding", "PageFile", "Rule", "rule", "run", "sort_key"]
