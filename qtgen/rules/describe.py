"""A rule's documentation as markdown, for `qtgen explain` and docs/rules.md."""

from difflib import unified_diff

from qtgen.page import read
from qtgen.reports.text import line
from qtgen.rules.base import Rule, run
from qtgen.rules.example import EXAMPLE_PAGE, EXAMPLE_PATH, apply


def describe(rule: Rule) -> str:
    """Heading, text, and what its bad example is reported as."""
    from qtgen.rules.base import PageFile

    path, raw = apply(rule.bad)
    reported = [line(d) for d in run(PageFile(path, read(raw)), [rule])]
    parts = [f"## {rule.code} {rule.name} ({rule.severity.value})", rule.doc, f"```diff\n{_change(rule)}\n```"]
    return "\n\n".join([*parts, "is reported as", "```\n" + "\n".join(reported) + "\n```"])


def _change(rule: Rule) -> str:
    """How the bad example differs from the example page."""
    path, raw = apply(rule.bad)
    if path != EXAMPLE_PATH:
        return f"-{EXAMPLE_PATH}\n+{path}"
    if rule.bad.raw is not None:
        return f"-{EXAMPLE_PATH}\n+the same file holding {len(raw):,} bytes: {raw[:12]!r}"
    lines = unified_diff(EXAMPLE_PAGE.splitlines(), raw.decode().splitlines(), n=0, lineterm="")
    return "\n".join(text for text in lines if not text.startswith(("---", "+++", "@@")) or text == "----")
