"""Render a rule's documentation as markdown, for `explain` and the reference pages."""

from difflib import ndiff

from qtgen.page import Page, read
from qtgen.page.sentences import find_sentence
from qtgen.site.index import SiteIndex, page_facts
from qtgen.site.sentences import page_sentences
from qtgen.site.similarity import question_words
from qtgen.validation.diagnostics import printable
from qtgen.validation.reports.text import diagnostic_line
from qtgen.validation.rules.checker import check_page
from qtgen.validation.rules.example import (
    EXAMPLE_PAGE,
    EXAMPLE_PATH,
    NEIGHBOUR_PAGE,
    NEIGHBOUR_PATH,
    apply_example,
    example_site,
)
from qtgen.validation.rules.types import PageFile, Rule, SiteFinding, SiteRule

_LINE_SHOWN = 1_000  # characters


def describe_rule(rule: Rule) -> str:
    """Return a rule's heading, its docstring, and its bad example with the diagnostics for it."""
    before, after = _changed_lines(rule)
    return "\n\n".join(
        [
            f"## {rule.code} {rule.name} ({rule.severity.value})",
            rule.doc,
            f"For example, if this part of a valid page\n\n```\n{before}\n```",
            f"is replaced by\n\n```\n{after}\n```",
            f"qtgen reports\n\n```\n{_diagnostics(rule)}\n```",
        ]
    )


def _diagnostics(rule: Rule) -> str:
    if isinstance(rule, SiteRule):
        pages = example_site(rule.bad)
        site = SiteIndex(rule.bad.settings.repeated_sentence_pages)
        site.add(page_facts(read(raw)) for _, raw in pages)
        for path, _ in pages:
            folder, slash, name = path.rpartition("/")
            site.names.add(folder + slash, [name])
        site.sentences.add(page_sentences(read(raw)) for _, raw in pages)
        site.question_words.add(question_words(read(raw).text_of("title") or "") for _, raw in pages)
        finding, row = next((finding, row) for finding in rule.check(site) for row in finding.rows)
        other = pages[finding.other][0] if finding.other is not None else ""
        path, raw = pages[site.page_number(row)]
        message = finding.message.format(other=other, sentence=_sentence(finding, read(raw)))
        return f"{path}: {rule.code} {message}"
    path, raw = apply_example(rule.bad)
    return "\n".join(map(diagnostic_line, check_page(PageFile(path, read(raw)), [rule], rule.bad.settings)))


def _sentence(finding: SiteFinding, page: Page) -> str:
    answer = page.text_of(finding.key) or ""
    place = find_sentence(answer, finding.sentence) if finding.sentence is not None else None
    return answer[slice(*place)] if place else ""


def _changed_lines(rule: Rule) -> tuple[str, str]:
    """Return the lines of the example pages that the bad example changes, before and after."""
    path, raw = apply_example(rule.bad)
    if path != EXAMPLE_PATH:
        return EXAMPLE_PATH, path
    if rule.bad.raw is not None:
        return "(a page)", f"({len(raw):,} bytes: {raw[:12]!r})"
    before, after = _diff(EXAMPLE_PAGE, raw.decode())
    if rule.bad.neighbour != ("", ""):
        neighbour = _diff(NEIGHBOUR_PAGE, NEIGHBOUR_PAGE.replace(*rule.bad.neighbour))
        before, after = (
            "\n".join(filter(None, [lines, f"({NEIGHBOUR_PATH})", neighbour_lines]))
            for lines, neighbour_lines in zip((before, after), neighbour, strict=True)
        )
    return before or "(nothing)", after or "(nothing)"


def _diff(valid: str, invalid: str) -> tuple[str, str]:
    lines = [line for line in ndiff(valid.splitlines(), invalid.splitlines()) if line[0] in "-+"]
    removed, added = ("\n".join(_shortened(line[2:]) for line in lines if line[0] == mark) for mark in "-+")
    return removed, added


def _shortened(line: str) -> str:
    return line if len(line) < _LINE_SHOWN else printable(line)
