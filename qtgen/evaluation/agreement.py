"""Agreement of metrics with people who judged the same answers: how often both prefer the same one of two."""

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from statistics import fmean
from typing import Any, NamedTuple

from qtgen.errors import UsageError
from qtgen.evaluation.metrics import METRICS, AnalyzedText, Direction
from qtgen.evaluation.metrics.semantic import makes
from qtgen.evaluation.scoring import Item, Scored
from qtgen.evaluation.stats import accuracy_interval


class JudgedAnswer(NamedTuple):
    """An answer and what people said of it, drawn to 0 to 1. group: answers of one group are compared."""

    item: Item
    group: str
    cluster: str
    human: float


@dataclass(frozen=True, slots=True)
class Source:
    """A set of judged answers: which files of the folder it is read from, and how."""

    name: str
    files: tuple[str, ...]
    read: Callable[[Sequence[Sequence[Mapping[str, Any]]]], Iterator[JudgedAnswer]]


def _ragchecker(files: Sequence[Sequence[Mapping[str, Any]]]) -> Iterator[JudgedAnswer]:
    """Pairs of answers; two people say in -2 to 2 by how much the second is better."""
    for row in files[0]:
        better = sum(row["human"]["overall"]) / 8  # -0.5 to 0.5
        for side, human in (("a", 0.5 - better), ("b", 0.5 + better)):
            item = Item(f"{row['id']}/{side}", row["question"], (row["reference"],), row[f"answer_{side}"])
            yield JudgedAnswer(item, row["id"], row["id"], human)


def _squality(files: Sequence[Sequence[Mapping[str, Any]]]) -> Iterator[JudgedAnswer]:
    """Three answers a question; three people give each 0 to 100."""
    for row in files[0]:
        for number, one in enumerate(row["candidates"]):
            item = Item(f"{row['id']}/{number}", row["question"], tuple(row["references"]), one["answer"])
            yield JudgedAnswer(item, row["id"], row["cluster"], fmean(one["overall"]) / 100)


def _liveqa(files: Sequence[Sequence[Mapping[str, Any]]]) -> Iterator[JudgedAnswer]:
    """Answers of one question, judged from 1 (incorrect) to 4 (excellent)."""
    references = {row["cluster"]: tuple(row["references"]) for row in files[1]}
    for row in files[0]:
        if row["cluster"] in references:
            item = Item(row["id"], row["question"], references[row["cluster"]], row["answer"])
            yield JudgedAnswer(item, row["cluster"], row["cluster"], (row["judgement"] - 1) / 3)


SOURCES = (
    Source("RAGChecker", ("meta_ragchecker_pairs",), _ragchecker),
    Source("SQuALITY", ("meta_squality_ratings",), _squality),
    Source("LiveQA", ("meta_liveqa_medquad", "meta_liveqa_references"), _liveqa),
)


def sources_in(folder: Path) -> dict[str, list[JudgedAnswer]]:
    """The judged answers of every source whose files lie in a folder, as `NAME.jsonl` or `NAME.<part>.jsonl`.

    Raises UsageError where there is none, or where one has not the form of its data sheet.
    """
    found = {}
    for source in SOURCES:
        paths = [next(iter(sorted(folder.glob(f"{name}*.jsonl"))), None) for name in source.files]
        if all(paths):
            found[source.name] = _read(source, [path for path in paths if path])
    if not found:
        wanted = ", ".join(f"{name}*.jsonl" for source in SOURCES for name in source.files)
        raise UsageError(f"--data {folder}: no judged answers; wanted are {wanted}")
    return found


def _read(source: Source, paths: Iterable[Path]) -> list[JudgedAnswer]:
    path = None
    try:
        rows = []
        for path in paths:
            rows.append([json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()])
        return list(source.read(rows))
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise UsageError(f"{path}: not the form of {source.name}: {error!r}") from None


class Pair(NamedTuple):
    """Two of a group that people did not tie: their places, and by how much people prefer the second."""

    first: int
    second: int
    human: float
    cluster: str


def pairs(judged: Sequence[JudgedAnswer]) -> list[Pair]:
    groups: dict[str, list[int]] = defaultdict(list)
    for place, one in enumerate(judged):
        groups[one.group].append(place)
    every = (pair for places in groups.values() for pair in combinations(places, 2))
    differences = ((a, b, judged[b].human - judged[a].human, judged[a].cluster) for a, b in every)
    return [Pair(*one) for one in differences if one[2]]


class Agreement(NamedTuple):
    """measure: `pairs`, share of pairs on which both agree, or `auc`; low, high: 95% by clusters."""

    source: str
    metric: str
    measure: str
    value: float
    low: float
    high: float
    items: int
    clusters: int


def agreement(
    source: str, judged: Sequence[JudgedAnswer], scored: Sequence[Scored], names: Sequence[str] | None = None
) -> list[Agreement]:
    """One row a metric. names: `score`, `length` or a metric's; all by default. An answer without a figure ties."""
    every = pairs(judged)
    columns = _columns(judged, scored)
    return [
        _agreement(source, name, values, every) for name, values in columns.items() if names is None or name in names
    ]


def _columns(judged: Sequence[JudgedAnswer], scored: Sequence[Scored]) -> dict[str, list[float | None]]:
    metrics = dict.fromkeys(name for one in scored for name in one.metrics)
    columns: dict[str, list[float | None]] = {"score": [one.score for one in scored]}
    columns["length"] = [float(len(one.item.candidate.split())) for one in judged]
    columns |= {name: [one.metrics.get(name) for one in scored] for name in metrics}
    known = {name: METRICS[name].direction for name in metrics}
    return {
        name: [None if value is None else -value for value in values] if known.get(name) is Direction.LOWER else values
        for name, values in columns.items()
        if any(value is not None for value in values)
    }


def _agreement(source: str, name: str, values: Sequence[float | None], every: Sequence[Pair]) -> Agreement:
    differences = [_difference(values[pair.first], values[pair.second]) for pair in every]
    shown = accuracy_interval(differences, [pair.human for pair in every], [pair.cluster for pair in every])
    mean = shown.mean or 0.0
    return Agreement(
        source, name, "pairs", mean, _or(shown.low, mean), _or(shown.high, mean), shown.items, shown.clusters
    )


def _or(value: float | None, other: float) -> float:
    return other if value is None else value


def _difference(first: float | None, second: float | None) -> float:
    return 0.0 if first is None or second is None else second - first


_CLAIMS = "meta_kqa_claims"


def claims_in(folder: Path) -> list[Agreement]:
    """How well nuggets are assigned: chance that a claim which physicians say an answer makes comes before another.

    The area under the ROC curve on K-QA's claims; nothing where they are not in the folder.
    """
    path = next(iter(sorted(folder.glob(f"{_CLAIMS}*.jsonl"))), None)
    if path is None:
        return []
    judged = _read(Source("K-QA claims", (_CLAIMS,), _claims), [path])
    sure = [makes(AnalyzedText(one.item.candidate), AnalyzedText(one.item.question)) for one in judged]
    every = [(a, b) for a, one in enumerate(judged) for b, other in enumerate(judged) if one.human > other.human]
    shown = accuracy_interval(
        [sure[a] - sure[b] for a, b in every], [1.0] * len(every), [judged[a].cluster for a, _ in every]
    )
    mean = shown.mean or 0.0
    row = Agreement(
        "K-QA claims", "nuggets", "auc", mean, _or(shown.low, mean), _or(shown.high, mean), len(judged), shown.clusters
    )
    return [row]


def _claims(files: Sequence[Sequence[Mapping[str, Any]]]) -> Iterator[JudgedAnswer]:
    """A claim stands where the question does elsewhere; 1: the answer makes it."""
    for row in files[0]:
        for claim in row["claims"]:
            item = Item(row["id"], claim["claim"], (row["reference"],), row["answer"])
            yield JudgedAnswer(item, row["id"], row["id"], float(claim["label"] == "Entailment"))
