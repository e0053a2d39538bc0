"""Parts of the review screen: findings with what explains them, differences, history and provenance."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from qtgen.generation.decisions import REASONS, Action, Decision, DecisionLog
from qtgen.generation.provenance import ProvenanceRecord, written_groups
from qtgen.page import Page
from qtgen.page.layout import Layout
from qtgen.review.comparison.changes import compare_texts
from qtgen.review.fields import editable_fields, group_label_of
from qtgen.review.page_rows import compares_pages
from qtgen.review.types import FindingCount, Mark, Rewrite
from qtgen.review.web.templating import shown
from qtgen.review.web.views.lists import VERBS, coded
from qtgen.review.web.views.versions import Versions
from qtgen.validation.diagnostics import Diagnostic, Severity
from qtgen.validation.rules import REGISTRY
from qtgen.validation.rules.placeholders import fill_placeholders

_SOURCE_MAX = 30_000  # characters of a page that the source tab shows
_PLACES_MAX = 20  # of one rule
_HARD_BREAK = re.compile(r"(?<=[^\n])\n(?!\n|\s|- |Fix:|Why it is bad:)")  # inside a paragraph
_INS, _DEL = Markup("<ins>{}</ins>"), Markup("<del>{}</del>")


@dataclass(frozen=True, slots=True)
class RuleFindings:
    """What one rule reports about a page.

    Args:
        summary: What the rule reports, in one sentence.
        explanation: The documentation of the rule.
        places: Line, column and message of each finding.
        total: The number of findings.
    """

    code: str
    name: str
    severity: str
    summary: Markup
    explanation: Markup
    places: Sequence[tuple[str, Markup]]
    total: int


def rule_findings(
    diagnostics: Iterable[Diagnostic], counts: Iterable[FindingCount], layout: Layout, *, counts_all: bool = False
) -> list[RuleFindings]:
    """Return the findings by rule, errors first.

    Args:
        diagnostics: The findings of the rules that look at one page.
        counts: The counts of all rules. They alone tell what the rules found that compare pages.
        layout: The layout of the page, whose fields the explanations name.
        counts_all: Whether the counts of the other rules are used too, because the page was not checked again.
    """
    by_code: dict[str, list[Diagnostic]] = {}
    for diagnostic in diagnostics:
        by_code.setdefault(diagnostic.code, []).append(diagnostic)
    rows = [
        _row(
            code,
            layout,
            found[0].severity,
            [(f"{one.line}:{one.column}", coded(one.message)) for one in found],
            len(found),
        )
        for code, found in by_code.items()
    ]
    others = (one for one in counts if one.code not in by_code and (counts_all or compares_pages(one.code)))
    rows += [_row(one.code, layout, one.severity, [], one.total) for one in others]
    order = [severity.value for severity in Severity]
    return sorted(rows, key=lambda row: (order.index(row.severity), row.code))


def _row(code: str, layout: Layout, severity: str, places: Sequence[tuple[str, Markup]], total: int) -> RuleFindings:
    rule = REGISTRY.get(code)
    name, explanation = (rule.name, fill_placeholders(rule.doc, layout)) if rule else ("", "")
    text = _HARD_BREAK.sub(" ", explanation)
    summary = coded(text.partition("\n\n")[0])
    return RuleFindings(code, name, str(severity), summary, coded(text), places[:_PLACES_MAX], total)


def marked(text: str, marks: Sequence[Mark]) -> Markup:
    """Return a text as HTML, with `ins` and `del` elements for its marks."""
    parts: list[Markup] = []
    done = 0
    for mark in sorted(marks):
        start = max(mark.start, done)
        if mark.end <= start:
            continue
        tag = _INS if mark.kind == "ins" else _DEL
        parts += [shown(text[done:start]), tag.format(shown(text[start : mark.end]))]
        done = mark.end
    return Markup("").join([*parts, shown(text[done:])])


def changed_fields(versions: Versions, layout: Layout) -> list[dict[str, Any]]:
    """Return the fields besides the answer that a rewrite changes, with their differences."""
    old, new = versions.old, versions.new
    if old is None or new is None:
        return []
    rows = []
    for field in editable_fields(layout):
        path = field.path
        if field.form != "answer" and old[path] != new[path]:
            deleted, inserted = compare_texts(old[path], new[path])
            rows.append({"label": field.label, "old": marked(old[path], deleted), "new": marked(new[path], inserted)})
    return rows


def objections_to(rewrite: Rewrite | None) -> list[str]:
    """Return the objections of the comparison to a rewrite."""
    return [part for part in rewrite.why.split("; ") if part] if rewrite else []


def search_result(page: Page, values: Mapping[str, str]) -> dict[str, Any]:
    """Return the page as a search engine lists it: the site's words and the description, cut where it is cut."""
    layout, roles = page.layout, page.layout.roles
    description = values.get(layout.description or "", "")
    limit = layout.fields[layout.description].spec.max if layout.description else None
    most = len(description) if limit is None else int(limit)
    question, title = page.text_of(roles.question) or "", _search_title(layout)
    return {
        "title": (title and page.text_of(title)) or question,
        "question": question,
        "url": (roles.key and page.text_of(roles.key)) or "",
        "prefix": len(layout.profile.file.renderer.description_prefix),
        "description": description[:most],
        "cut": description[most:],
    }


def _search_title(layout: Layout) -> str | None:
    """Return the field with the title in search results, or None if it is the question.

    It is the one with a template in the same map as the description.
    """
    section = (layout.description or "").rpartition(".")[0]
    return next((path for path in layout.templates if section and path.rpartition(".")[0] == section), None)


def source_lines(text: str, diagnostics: Iterable[Diagnostic]) -> tuple[list[dict[str, Any]], bool]:
    """Return the lines of a page with the codes of their findings, and whether the text was shortened."""
    codes: dict[int, list[str]] = {}
    for one in diagnostics:
        codes.setdefault(one.line, []).append(one.code)
    lines = text[:_SOURCE_MAX].split("\n")
    rows = [
        {"number": number, "text": line, "codes": [*dict.fromkeys(codes.get(number, ()))]}
        for number, line in enumerate(lines, 1)
    ]
    return rows, len(text) > _SOURCE_MAX


def history_rows(log: DecisionLog, url: str) -> list[dict[str, Any]]:
    """Return what reviewers decided about a page, the last decision first."""
    return [
        {
            "decision": one,
            "verb": VERBS[one.action],
            "undone": log.is_undone(one),
            "reasons": [REASONS.get(reason, reason) for reason in one.reasons],
        }
        for one in reversed(log.history(url))
    ]


def provenance_rows(records: Mapping[str, ProvenanceRecord], layout: Layout) -> list[dict[str, str]]:
    """Return how the texts of a page were made, one row for each group of fields that a model wrote."""
    return [
        {
            "group": group_label_of(layout, group),
            "model": record.asked_model,
            "date": record.date,
            "prompt": record.prompt,
        }
        for group, record in records.items()
        if group in written_groups(layout)
    ]


def done_message(decision: Decision, title: str) -> str:
    """Return what a decision did, for the line above the next page."""
    verb = VERBS[decision.action]
    return f"“{title}”: {'undone' if decision.action is Action.UNDO else verb}."
