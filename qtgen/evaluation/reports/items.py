"""The items of the HTML report: each with its answers side by side, its metrics, and how it changed."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from markupsafe import Markup

from qtgen._util.diff import DiffPart, compare_words, differing_ranges
from qtgen._util.html.links import file_link
from qtgen._util.preview import render_markdown
from qtgen.evaluation.gate import outcome
from qtgen.evaluation.metrics.base import Direction
from qtgen.evaluation.report import EvalItem, EvalReport, ItemFall
from qtgen.evaluation.reports import common
from qtgen.evaluation.reports.sources import ReportSources, key_of

RENDERED = 3_000_000
"""Characters of Markdown that one report renders, which takes two or three seconds. Later answers are shown as text."""

_MARKED = {"ins": Markup("<ins>{}</ins>"), "del": Markup("<del>{}</del>")}
_UNMARKED = Markup("{}")
_FEW_WORDS = 0.15  # share of common words; below it, nearly all of both answers would be marked
_SAME = 0.0005  # a smaller change is 0.000 in the report


class AnswerView(NamedTuple):
    """An answer as the report shows it. `file` is the path of its page, and `link` leads there."""

    title: str
    html: Markup
    words: int
    file: str
    link: str
    is_rendered: bool


class MetricValue(NamedTuple):
    """The value of one metric of an item. `tone` says whether it is better or worse than before."""

    name: str
    value: float | None
    before: float | None
    mean: float | None
    note: str
    tone: str

    @property
    def change(self) -> float | None:
        return None if self.value is None or self.before is None else self.value - self.before


class ItemEntry(NamedTuple):
    """One item of the list.

    `states` are those that the report filters by: failed, fell, flawed, uncertain, lower, higher, same-score, changed,
    same, new.
    `pair` holds the two answers to compare; `reference` is the reference if it is not one of them.
    """

    anchor: str
    item: EvalItem
    label: str
    states: Sequence[str]
    fall: ItemFall | None
    weakness: common.Weakness | None
    before: EvalItem | None
    metrics: Sequence[MetricValue]
    pair: Sequence[AnswerView]
    reference: AnswerView | None
    similarity: float | None

    @property
    def has_little_in_common(self) -> bool:
        """Whether the two answers share so few words that their differences are not marked."""
        return self.similarity is not None and self.similarity < _FEW_WORDS

    @property
    def change(self) -> float | None:
        """The change of the score since the report before."""
        before = self.before.score if self.before else None
        return None if before is None or self.item.score is None else self.item.score - before


def item_entries(report: EvalReport, sources: ReportSources, rendered: int = RENDERED) -> Iterator[ItemEntry]:
    """Yield an entry for every item, the lowest score first.

    Args:
        rendered: Characters of Markdown that are rendered at most.
    """
    yield from _Entries(report, sources, rendered)


class _Entries:
    def __init__(self, report: EvalReport, sources: ReportSources, rendered: int) -> None:
        self._report, self._sources = report, sources
        self._remaining = rendered
        self._falls = {fall.id: fall for fall in (report.gate.falls if report.gate else ())}
        self._before = {key_of(item): item for item in sources.before.items} if sources.before else {}
        self._weakest = common.find_weaknesses(report)

    def __iter__(self) -> Iterator[ItemEntry]:
        for number, item in enumerate(common.ranked_items(self._report), 1):
            before, fall = self._before.get(key_of(item)), self._falls.get(item.id)
            pair, reference, similarity = self._answers(item, before)
            entry = ItemEntry(
                anchor=f"i{number}",
                item=item,
                label=common.item_label(self._report, item),
                states=(),
                fall=fall,
                weakness=self._weakest(item),
                before=before,
                metrics=list(self._metrics(item, before)),
                pair=pair,
                reference=reference,
                similarity=similarity,
            )
            yield entry._replace(states=list(self._states(entry)))

    def _states(self, entry: ItemEntry) -> Iterator[str]:
        if entry.item.has_failed:
            yield "failed"
        elif entry.fall:
            yield "fell"
        if entry.item.error and not entry.item.has_failed:
            yield "flawed"
        if outcome.is_uncertain(entry.item):
            yield "uncertain"
        if self._sources.before is None:
            return
        if entry.before is None or not entry.before.candidate:
            yield "new"
        else:
            yield "same" if entry.before.candidate == entry.item.candidate else "changed"
        if entry.change is not None:
            yield "same-score" if abs(entry.change) < _SAME else "lower" if entry.change < 0 else "higher"

    def _metrics(self, item: EvalItem, before: EvalItem | None) -> Iterator[MetricValue]:
        for name, value in item.metrics.items():
            summary = self._report.metrics.get(name)
            old = before.metrics.get(name) if before else None
            direction = summary.direction if summary else Direction.NONE
            mean = summary.mean if summary else None
            yield MetricValue(name, value, old, mean, item.notes.get(name, ""), _tone(value, old, direction))

    def _answers(
        self, item: EvalItem, before: EvalItem | None
    ) -> tuple[list[AnswerView], AnswerView | None, float | None]:
        """Return the two answers to compare, the reference if it is a third one, and the share of common words."""
        page, reference = self._sources.pages.get(key_of(item)), self._sources.references.get(item.id)
        if before is not None and before.candidate != item.candidate and before.candidate and item.candidate:
            old_page = self._sources.pages_before.get(key_of(item))
            old, new = _Side("Before", before.candidate, "del", old_page), _Side("Now", item.candidate, "ins", page)
            pair, similarity = self._pair(old, new)
            third = self._view(_Side("Reference", item.reference, "", reference), []) if item.reference else None
            return pair, third, similarity
        if not item.candidate and not item.reference:
            return [], None, None
        answer, other = (
            _Side("Answer", item.candidate, "ins", page),
            _Side("Reference", item.reference, "del", reference),
        )
        pair, similarity = self._pair(answer, other)
        return pair, None, similarity if item.candidate and item.reference else None

    def _pair(self, first: "_Side", second: "_Side") -> tuple[list[AnswerView], float]:
        difference = compare_words(first.text, second.text)
        is_marked = difference.similarity >= _FEW_WORDS
        sides = ((first, difference.first), (second, difference.second))
        return [self._view(side, parts if is_marked else []) for side, parts in sides], difference.similarity

    def _view(self, side: "_Side", parts: Sequence[DiffPart]) -> AnswerView:
        is_rendered = len(side.text) <= self._remaining
        if is_rendered:
            self._remaining -= len(side.text)
            marks = [(start, end, side.kind) for start, end in differing_ranges(parts)]
            html = render_markdown(side.text, marks, math=self._sources.has_math)
        else:
            html = source_html(side.text, parts, side.kind)
        link = file_link(side.file, self._sources.folder) if side.file else ""
        return AnswerView(side.title, html, len(side.text.split()), str(side.file or ""), link, is_rendered)


class _Side(NamedTuple):
    """One of the answers that are compared. `kind` is the mark of what only this one has."""

    title: str
    text: str
    kind: str
    file: Path | None


def source_html(text: str, parts: Sequence[DiffPart], kind: str) -> Markup:
    """Return Markdown as it is written, with its parts that differ marked."""
    marked = [
        (_MARKED[kind] if part.differs else _UNMARKED).format(part.text) for part in parts or [DiffPart(text, False)]
    ]
    return Markup('<pre class="source">{}</pre>').format(Markup("").join(marked))


def _tone(value: float | None, before: float | None, direction: Direction) -> str:
    """Return good or bad for a value that is better or worse than before, else nothing."""
    if value is None or before is None or direction is Direction.NONE or abs(value - before) < _SAME:
        return ""
    return "good" if (value > before) is (direction is Direction.HIGHER) else "bad"


def values_of(entry: ItemEntry, names: Sequence[str]) -> str:
    """Return the values of metrics in the order of `names`, separated by spaces; `-` for none."""
    values: Mapping[str, float | None] = {**entry.item.metrics, "score": entry.item.score, "change": entry.change}
    return " ".join("-" if (value := values.get(name)) is None else f"{value:.4g}" for name in names)
