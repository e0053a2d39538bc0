"""The rules. Importing this package registers them all; a new file of rules is a new line here."""

from qtgen.validation.rules import content, links, names, reading, rendering, shape
from qtgen.validation.rules.base import (
    REGISTRY,
    Example,
    Finding,
    PageChecker,
    PageFile,
    PageRule,
    Rule,
    SiteRule,
    rule,
    run,
)

FAMILIES = {1: reading, 2: shape, 3: names, 4: links, 5: rendering, 6: content}

__all__ = [
    "FAMILIES",
    "REGISTRY",
    "Example",
    "Finding",
    "PageChecker",
    "PageFile",
    "PageRule",
    "Rule",
    "SiteRule",
    "rule",
    "run",
]
