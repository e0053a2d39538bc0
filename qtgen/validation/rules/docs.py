"""A rule's documentation as markdown, for `qtgen explain` and docs/rules.md."""

from difflib import ndiff

from qtgen.page import read
from qtgen.site.index import SiteIndex, page_facts
from qtgen.site.similarity import question_words
from qtgen.validation.reports.text import line
from qtgen.validation.rules.base import PageFile, Rule, SiteRule, printable, run
from qtgen.validation.rules.example import (
    EXAMPLE_PAGE,
    EXAMPLE_PATH,
    NEIGHBOUR_PAGE,
    NEIGHBOUR_PATH,
    apply,
    example_site,
)


def describe(rule: Rule) -> str:
    """Heading, text, and what its bad example is reported as."""
    right, wrong = _change(rule)
    example = (
        f"An example. Where this would be right\n\n```\n{right}\n```\n\nand this stands instead\n\n```\n{wrong}\n```"
    )
    return "\n\n".join(
        [
            f"## {rule.code} {rule.name} ({rule.severity.value})",
            rule.doc,
            example,
            f"it is reported as\n\n```\n{_reported(rule)}\n```",
        ]
    )


def _reported(rule: Rule) -> str:
    if isinstance(rule, SiteRule):
        pages = example_site(rule.bad)
        site = SiteIndex()
        site.add(page_facts(read(raw)) for _, raw in pages)
        site.question_words += (question_words(read(raw).text_of("title") or "") for _, raw in pages)
        found, row = next((found, row) for found in rule.check(site) for row in found.rows)
        other = pages[found.other][0] if found.other is not None else ""
        return f"{pages[site.page_number(row)][0]}: {rule.code} {found.message.format(other=other)}"
    path, raw = apply(rule.bad)
    return "\n".join(line(diagnostic) for diagnostic in run(PageFile(path, read(raw)), [rule]))


def _change(rule: Rule) -> tuple[str, str]:
    """The lines of the example pages that the bad example changes, before and after."""
    path, raw = apply(rule.bad)
    if path != EXAMPLE_PATH:
        return EXAMPLE_PATH, path
    if rule.bad.raw is not None:
        return "(a page)", f"({len(raw):,} bytes: {raw[:12]!r})"
    before, after = _lines(EXAMPLE_PAGE, raw.decode())
    if rule.bad.neighbour != ("", ""):
        of_other = _lines(NEIGHBOUR_PAGE, NEIGHBOUR_PAGE.replace(*rule.bad.neighbour))
        before, after = (
            "\n".join(filter(None, [mine, f"({NEIGHBOUR_PATH})", other]))
            for mine, other in zip((before, after), of_other, strict=True)
        )
    return before or "(nothing)", after or "(nothing)"


def _lines(right: str, wrong: str) -> tuple[str, str]:
    lines = [text for text in ndiff(right.splitlines(), wrong.splitlines()) if text[0] in "-+"]
    before, after = ("\n".join(_shown(text[2:]) for text in lines if text[0] == mark) for mark in "-+")
    return before, after


def _shown(text: str) -> str:
    return text if len(text) < 1_000 else printable(text)
