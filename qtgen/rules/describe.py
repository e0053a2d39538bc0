"""A rule's documentation as markdown, for `qtgen explain` and docs/rules.md."""

from difflib import ndiff

from qtgen.page import read
from qtgen.reports.text import line
from qtgen.rules.base import PageFile, Rule, run
from qtgen.rules.example import EXAMPLE_PAGE, EXAMPLE_PATH, apply


def describe(rule: Rule) -> str:
    """Heading, text, and what its bad example is reported as."""
    path, raw = apply(rule.bad)
    reported = "\n".join(line(diagnostic) for diagnostic in run(PageFile(path, read(raw)), [rule]))
    right, wrong = _change(rule)
    example = (
        f"An example. Where this would be right\n\n```\n{right}\n```\n\nand this stands instead\n\n```\n{wrong}\n```"
    )
    return "\n\n".join(
        [
            f"## {rule.code} {rule.name} ({rule.severity.value})",
            rule.doc,
            example,
            f"it is reported as\n\n```\n{reported}\n```",
        ]
    )


def _change(rule: Rule) -> tuple[str, str]:
    """The lines of the example page that the bad example changes, before and after."""
    path, raw = apply(rule.bad)
    if path != EXAMPLE_PATH:
        return EXAMPLE_PATH, path
    if rule.bad.raw is not None:
        return "(a page)", f"({len(raw):,} bytes: {raw[:12]!r})"
    lines = [text for text in ndiff(EXAMPLE_PAGE.splitlines(), raw.decode().splitlines()) if text[0] in "-+"]
    before, after = ("\n".join(text[2:] for text in lines if text[0] == mark) for mark in "-+")
    return before or "(nothing)", after or "(nothing)"
