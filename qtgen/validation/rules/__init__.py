"""The built-in rules. Importing this package registers them; a new module of rules is one more import here."""

from qtgen.validation.rules import (
    accidents,
    answer_line,
    code_breaks,
    content,
    duplicates,
    formulas,
    invisible,
    keywords,
    latex_in_text,
    line_breaks,
    links,
    math,
    model_text,
    names,
    order,
    reading,
    rendering,
    shape,
    tables,
    text,
    values,
)
from qtgen.validation.rules.checker import PageChecker, check_page
from qtgen.validation.rules.registry import REGISTRY, rule, rules_of, site_rule
from qtgen.validation.rules.types import Example, Finding, PageFile, PageRule, Rule, SiteFinding, SiteRule

RULES_VERSION = 7
"""The version of the built-in rules, a part of the cache key.

Raise it with every change to a rule's findings or to the facts of a page. A golden test fails if they change and the
version does not.
"""

FAMILIES = {1: reading, 2: shape, 3: names, 4: links, 5: rendering, 6: content}
"""The module that documents each family of built-in rules, by the first digit of the codes."""

__all__ = [
    "FAMILIES",
    "REGISTRY",
    "RULES_VERSION",
    "Example",
    "Finding",
    "PageChecker",
    "PageFile",
    "PageRule",
    "Rule",
    "SiteFinding",
    "SiteRule",
    "accidents",
    "answer_line",
    "check_page",
    "code_breaks",
    "duplicates",
    "formulas",
    "invisible",
    "keywords",
    "latex_in_text",
    "line_breaks",
    "math",
    "model_text",
    "order",
    "rule",
    "rules_of",
    "site_rule",
    "tables",
    "text",
    "values",
]
