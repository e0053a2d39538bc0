"""Check the grounding of a page: concerns for repair requests, diagnostics, and a part of the provenance."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from qtgen._util.extras import missing
from qtgen.embeddings.sentences import sentence_similarity
from qtgen.generation.answer_check import AnswerCheck, Concern
from qtgen.generation.grounding.check import check
from qtgen.generation.grounding.source import read_source
from qtgen.generation.grounding.types import GroundingReport, Item, Kind
from qtgen.generation.types import Question
from qtgen.page import Page
from qtgen.validation.diagnostics import Diagnostic, Severity, printable
from qtgen.validation.rules import PageFile
from qtgen.validation.rules.edits import span_within

CODE = "groundedness"
"""The code of findings about text that its source does not support, and the name of a metric."""

_LISTED = 5  # maximum items in one message to the model
_MIN_SHARE = 0.2  # share of supported sentences below which an answer ignores its source
_MIN_SENTENCES = 3  # fewer sentences are too few for that share
_MIN_SOURCE = 5  # a source with fewer sentences is too short to support a whole answer
_IGNORED_WEIGHT = 5.0  # an answer that ignores its source is worse than one with a few unsupported items

_FAULTS = {
    Kind.FIGURE: ("the figure {items} is", "the figures {items} are", "use the source's figures"),
    Kind.DATE: ("the date {items} is", "the dates {items} are", "use the source's dates"),
    Kind.NAME: ("the name {items} is", "the names {items} are", "use the source's names"),
    Kind.QUOTATION: ("the quotation {items} is", "the quotations {items} are", "quote the source word for word"),
}
_IGNORED = "hardly a sentence rests on the source text; say what the source text says, and leave out everything else"


@dataclass(frozen=True, slots=True)
class PageGrounding:
    """How far the source of a question supports its page.

    Args:
        field: The path of the answer.
        answer: The report of the answer.
        items: Items that are not in the source, each with its field. Equal items count once.
        is_long: Whether the source is long enough to support a whole answer.
    """

    field: str
    answer: GroundingReport
    items: Sequence[tuple[str, Item]]
    is_long: bool

    @property
    def concerns(self) -> tuple[Concern, ...]:
        """One concern for each field and kind of item, and one if the answer ignores its source."""
        groups: dict[tuple[str, Kind], list[Item]] = {}
        for field, item in self.items:
            groups.setdefault((field, item.kind), []).append(item)
        found = [Concern(_fault(field, items), len(items)) for (field, _), items in groups.items()]
        return (*found, Concern(f"{self.field}: {_IGNORED}", _IGNORED_WEIGHT)) if self.ignores_source else tuple(found)

    @property
    def ignores_source(self) -> bool:
        """Whether hardly any sentence shares words with the source. It does not depend on the installed extras."""
        share = self.answer.with_words
        is_measured = self.is_long and share is not None and len(self.answer.sentences) >= _MIN_SENTENCES
        return is_measured and (share or 0.0) < _MIN_SHARE


def ground_page(page: Page, question: Question) -> PageGrounding | None:
    """Return how far the source of a question supports its page, or None if it has no source."""
    source = (question.context or "").strip()
    if not source:
        return None
    similarity = None if missing("wordllama") else sentence_similarity
    answer, description = page.layout.roles.answer or "", page.layout.description
    reports = {
        field: check(
            page.layout.codec.expand(page.text_of(field) or ""),
            source,
            question.text,
            similarity=similarity if field == answer else None,
        )
        for field in (answer, *([description] if description else []))
    }
    is_long = len(read_source(source, question.text).sentences) >= _MIN_SOURCE
    items: dict[tuple[Kind, str], tuple[str, Item]] = {}
    for field, report in reports.items():
        for item in report.items:
            items.setdefault((item.kind, item.text.casefold()), (field, item))
    return PageGrounding(answer, reports[answer], tuple(items.values()), is_long)


def add_grounding(checked: AnswerCheck, file: PageFile, question: Question, *, strict: bool) -> AnswerCheck:
    """Return the check of an answer, with concerns or faults for what its source does not support.

    Args:
        checked: The check of the page by itself.
        file: The page that the answer makes.
        question: Its question.
        strict: Whether unsupported text is a fault instead of a concern.
    """
    grounding = ground_page(file.page, question)
    if grounding is None:
        return checked
    concerns = grounding.concerns
    diagnostics = (*checked.diagnostics, *_diagnostics(file, grounding, Severity.ERROR if strict else Severity.WARNING))
    if strict and concerns:
        faults = (*checked.faults, *(concern.message for concern in concerns))
        return replace(checked, text=None, faults=faults, diagnostics=diagnostics)
    return replace(checked, concerns=(*checked.concerns, *concerns), diagnostics=diagnostics)


def grounding_provenance(page: Page, question: Question) -> dict[str, Any]:
    """Return the part of a page's provenance about its source; empty without a source."""
    grounding = ground_page(page, question)
    if grounding is None:
        return {}
    return {"grounding": {**grounding.answer.as_dict(), "unsupported_items": len(grounding.items)}}


def _fault(field: str, items: Sequence[Item]) -> str:
    """Return a sentence for the model about items of one kind."""
    kind, texts = items[0].kind, [_spelled(item) for item in items[:_LISTED]]
    more = [f"{len(items) - _LISTED} more"] if len(items) > _LISTED else []
    listed = (
        " and ".join([", ".join(texts[: len(texts) - (not more)]), *(more or texts[-1:])]) if items[1:] else texts[0]
    )
    name = field.rpartition(".")[2]
    if kind is Kind.UNIT:
        return f"{name}: the source text has {listed}; use the source's units"
    one, several, remedy = _FAULTS[kind]
    pronoun = "it" if len(items) == 1 else "them"
    subject = (several if items[1:] else one).format(items=listed)
    return f"{name}: {subject} not in the source text; leave {pronoun} out or {remedy}"


def _spelled(item: Item) -> str:
    if item.kind is Kind.UNIT:
        return f"the figure of `{item.text}` in another unit ({item.detail})"
    return f"`{item.text}` (the source has `{item.detail}`)" if item.detail else f"`{item.text}`"


def _diagnostics(file: PageFile, grounding: PageGrounding, severity: Severity) -> list[Diagnostic]:
    found = [
        _diagnostic(
            file, severity, field, (item.offset, item.length), f"unsupported-{item.kind}", _fault(field, [item])
        )
        for field, item in grounding.items
    ]
    if grounding.ignores_source:
        found.append(
            _diagnostic(file, severity, grounding.field, (0, 1), "ignored-source", f"{grounding.field}: {_IGNORED}")
        )
    return found


def _diagnostic(
    file: PageFile, severity: Severity, field: str, place: tuple[int, int], name: str, message: str
) -> Diagnostic:
    offset, length = place
    span = span_within(file.page, field, offset, offset + length)
    start, end = file.page.position(span.start), file.page.position(span.end)
    return Diagnostic(file.path, *start, *end, CODE, name, severity, printable(message), field)
