"""Render a rule's documentation as markdown, for `explain` and the reference pages."""

from difflib import ndiff

from qtgen.page import Page
from qtgen.page.profile import Profile
from qtgen.page.reader import read_as
from qtgen.page.sentences import find_sentence
from qtgen.site.index import SiteIndex, page_facts
from qtgen.site.sentences import page_sentences
from qtgen.site.similarity import question_words
from qtgen.site.values import SiteValues, split_values, with_values
from qtgen.validation.diagnostics import printable
from qtgen.validation.places import fill_names
from qtgen.validation.reports.text import diagnostic_line
from qtgen.validation.rules.checker import check_page
from qtgen.validation.rules.example import (
    ExampleSite,
    apply_example,
    example_pages,
    example_site_of,
    neighbour_of,
    resolve_example,
)
from qtgen.validation.rules.placeholders import fill_placeholders
from qtgen.validation.rules.types import PageFile, Rule, SiteFinding, SiteRule

_LINE_SHOWN = 1_000  # characters


def describe_rule(rule: Rule, profile: Profile) -> str:
    """Return a rule's heading, its docstring, and its bad example on a site, with the diagnostics for it."""
    site = example_site_of(profile)
    before, after = _changed_lines(rule, site)
    return "\n\n".join(
        [
            f"## {rule.code} {rule.name} ({rule.severity.value})",
            fill_placeholders(rule.doc, site.layout),
            f"For example, if this part of a valid page\n\n```\n{before}\n```",
            f"is replaced by\n\n```\n{after}\n```",
            f"qtgen reports\n\n```\n{_diagnostics(rule, site)}\n```",
        ]
    )


def first_line(rule: Rule, profile: Profile) -> str:
    """Return the first line of a rule's documentation on a site."""
    return fill_placeholders(rule.doc, example_site_of(profile).layout).strip().partition("\n")[0]


def _diagnostics(rule: Rule, site: ExampleSite) -> str:
    if isinstance(rule, SiteRule):
        return _site_diagnostic(rule, site)
    path, raw = apply_example(rule.bad, site)
    file = PageFile(path, read_as(raw, site.layout))
    return "\n".join(map(diagnostic_line, check_page(file, [rule], resolve_example(rule.bad, site).settings)))


def _site_diagnostic(rule: SiteRule, site: ExampleSite) -> str:
    """Return the first finding of a site rule, as one line."""
    paths = [path for path, _ in example_pages(rule.bad, site)]
    pages = [read_as(raw, site.layout) for _, raw in example_pages(rule.bad, site)]
    index = SiteIndex(resolve_example(rule.bad, site).settings.repeated_sentence_pages)
    index.add(map(page_facts, pages))
    index.values = SiteValues(site.profile)
    index.values.add(split_values(with_values(b"", page))[1] for page in pages)
    for path in paths:
        folder, slash, name = path.rpartition("/")
        index.names.add(folder + slash, [name])
    index.sentences.add(map(page_sentences, pages))
    index.question_words.add(question_words(page.text_of(site.layout.roles.question) or "") for page in pages)
    finding, row = next((finding, row) for finding in rule.check(index) for row in finding.rows)
    other = paths[finding.other] if finding.other is not None else ""
    number = index.page_number(row)
    message = fill_names(finding.message, site.layout, index.link_number(row))
    message = message.format(other=other, sentence=_sentence(finding, pages[number]))
    return f"{paths[number]}: {rule.code} {message}"


def _sentence(finding: SiteFinding, page: Page) -> str:
    answer = page.text_of(page.layout.roles.answer or "") or ""
    place = find_sentence(answer, finding.sentence, page.layout.codec) if finding.sentence is not None else None
    return answer[slice(*place)] if place else ""


def _changed_lines(rule: Rule, site: ExampleSite) -> tuple[str, str]:
    """Return the lines of the example pages that the bad example changes, before and after."""
    example = resolve_example(rule.bad, site)
    path, raw = apply_example(rule.bad, site)
    if path != site.path and site.profile.is_default:
        return site.path, path
    if example.raw is not None:
        return "(a page)", f"({len(raw):,} bytes: {raw[:12]!r})"
    before, after = _diff(site.text, raw.decode())
    if path != site.path:
        before, after = f"({site.path})\n{before}".strip(), f"({path})\n{after}".strip()
    if example.neighbour != ("", ""):
        neighbour = _diff(site.neighbour, neighbour_of(rule.bad, site))
        before, after = (
            "\n".join(filter(None, [lines, f"({site.neighbour_path})", neighbour_lines]))
            for lines, neighbour_lines in zip((before, after), neighbour, strict=True)
        )
    return before or "(nothing)", after or "(nothing)"


def _diff(valid: str, invalid: str) -> tuple[str, str]:
    lines = [line for line in ndiff(valid.splitlines(), invalid.splitlines()) if line[0] in "-+"]
    removed, added = ("\n".join(_shortened(line[2:]) for line in lines if line[0] == mark) for mark in "-+")
    return removed, added


def _shortened(line: str) -> str:
    return line if len(line) < _LINE_SHOWN else printable(line)
