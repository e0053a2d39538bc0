"""Candidates and references -> scores. A case that cannot be scored is a value beside the others, never a 0."""

import math
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from itertools import chain, islice
from typing import TYPE_CHECKING, Any

from qtgen._util.processes import map_in_processes
from qtgen.errors import Failure, ProviderError
from qtgen.evaluation.metrics import METRICS, AnalyzedText, Case, PageFacts, Score, measured, overall
from qtgen.evaluation.metrics.overall import PARTS

if TYPE_CHECKING:
    from qtgen.embeddings.static import TextEmbedder

LONGEST = 100_000  # characters of a text; an answer has 5,000
_TOGETHER = 16  # cases that a process is handed at once
_WORTH_IT = 64  # cases from which a second process is started


@dataclass(frozen=True, slots=True)
class Item:
    """What is to be scored, as it was handed in. references: best first; the highest figure over them counts."""

    id: Any
    question: str
    references: tuple[str, ...]
    candidate: str
    must: tuple[str, ...] = ()
    nice: tuple[str, ...] = ()
    page: PageFacts | None = None


@dataclass(frozen=True, slots=True)
class Scored:
    """score: None where it could not be found out; error says why. metrics: by name, None where one does not apply."""

    id: Any
    score: float | None
    metrics: Mapping[str, float | None] = field(default_factory=dict)
    error: Failure | None = None
    notes: Mapping[str, str] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """The contract's object."""
        error = asdict(self.error) if self.error else None
        return {"id": self.id, "score": self.score, "metrics": dict(self.metrics), "error": error}


def item_of(record: Mapping[str, Any]) -> Item | Scored:
    """One line of `eval score`: `{"id", "question", "reference": text or list, "candidate"}`."""
    name: Any = record.get("id")
    reference = record.get("reference")
    references = [reference] if isinstance(reference, str) else reference
    if not isinstance(references, list) or not all(isinstance(text, str) for text in references):
        return _failed(name, "malformed", "`reference` must be a text or a list of texts")
    references = [text for text in references if text.strip()]
    if not references:
        return _failed(name, "no-reference", "`reference` is empty")
    for key in ("candidate", "question"):
        if not isinstance(record.get(key, ""), str):
            return _failed(name, "malformed", f"`{key}` must be a text")
    if "candidate" not in record:
        return _failed(name, "malformed", "no `candidate`")
    return Item(name, record.get("question", ""), tuple(references), record["candidate"])


def _failed(name: Any, kind: str, message: str) -> Scored:
    return Scored(name, None, error=Failure(kind, message))


def score(item: Item | Scored, names: Sequence[str] | None = None, embed: "TextEmbedder | None" = None) -> Scored:
    """One case. names: of the metrics wanted, all by default; those of the overall score are always measured. embed:
    instead of the static embeddings; what it raises as ProviderError leaves the case without a score.

    An empty candidate is the worst answer there is, by the score and by every metric, and named as an error.
    """
    if isinstance(item, Scored):
        return item
    if problem := _objection(item):
        return _failed(item.id, *problem)
    case = _case(item, embed)
    if case.candidate.words and (problem := _unusable(case.references)):
        return _failed(item.id, *problem)
    case = replace(case, references=_usable(case.references) or case.references)
    try:
        found = measured(case, None if names is None else [*names, *PARTS])
    except ProviderError as error:
        return _failed(item.id, error.kind, str(error))
    return _scored(item.id, {"score": overall(found), **found}) if case.candidate.words else _empty(item.id, found)


def _objection(item: Item) -> tuple[str, str] | None:
    for what, text in (("candidate", item.candidate), *(("reference", text) for text in item.references)):
        if len(text) > LONGEST:
            return "too-large", f"the {what} has {len(text):,} characters; {LONGEST:,} are scored"
    return None


def _unusable(references: Sequence[AnalyzedText]) -> tuple[str, str] | None:
    if not any(reference.words for reference in references):
        return "no-reference", "no reference has a word"
    if not _usable(references):
        return "language", "no reference is English, which is all that the metrics know"
    return None


def _usable(references: Sequence[AnalyzedText]) -> tuple[AnalyzedText, ...]:
    return tuple(reference for reference in references if reference.words and reference.is_english())


def _empty(name: Any, found: Mapping[str, Score]) -> Scored:
    """By contradictions or repetitions that are not there, nothing would look like a good answer."""
    metrics = {key: None if one.value is None else METRICS[key].worst(one.value) for key, one in found.items()}
    return Scored(name, 0.0, metrics, Failure("empty-candidate", "the candidate has no word"))


def _case(item: Item, embed: "TextEmbedder | None") -> Case:
    texts = (item.references, item.must, item.nice)
    references, must, nice = (tuple(AnalyzedText(text, embed) for text in some) for some in texts)
    question, candidate = AnalyzedText(item.question, embed), AnalyzedText(item.candidate, embed)
    return Case(question, references, candidate, must, nice, item.page)


def _scored(name: Any, found: Mapping[str, Score]) -> Scored:
    """A figure that is no number is a fault of the metric: it is left out and named."""
    values = {key: _rounded(one.value) for key, one in found.items()}
    broken = [key for key, one in found.items() if one.value is not None and values[key] is None]
    error = Failure("not-a-number", f"{', '.join(broken)} came out as no number") if broken else None
    notes = {key: one.note for key, one in found.items() if one.note}
    return Scored(name, values.pop("score"), values, error, notes)


def _rounded(value: float | None) -> float | None:
    """What comes after the fifth decimal depends on the machine; a gate must not see it."""
    return None if value is None or not math.isfinite(value) else round(value, 5)


def score_all(
    items: Iterable[Item | Scored],
    names: Sequence[str] | None = None,
    jobs: int | None = None,
    embed: "TextEmbedder | None" = None,
) -> Iterator[Scored]:
    """Scores in the order of the items. jobs: processes, as many as there are processors by default; one with embed."""
    source = iter(items)
    first = list(islice(source, _WORTH_IT))
    jobs = 1 if embed else jobs or os.cpu_count() or 1
    if jobs == 1 or len(first) < _WORTH_IT:
        yield from (score(item, names, embed) for item in chain(first, source))
        return
    everything = chain(first, source)
    parcels = ((None, (some, names)) for some in iter(lambda: list(islice(everything, _TOGETHER)), []))
    for _, done in map_in_processes(_score_some, parcels, jobs):
        yield from done


def _score_some(parcel: list[Item | Scored], names: Sequence[str] | None) -> list[Scored]:
    return [score(item, names) for item in parcel]
