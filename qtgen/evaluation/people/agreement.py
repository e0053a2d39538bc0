"""Agreement of metrics with people who judged the same answers: how often both prefer the same one of two."""

import json
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from statistics import fmean
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from qtgen.errors import UsageError
from qtgen.evaluation.metrics import METRICS, AnalyzedText, Direction
from qtgen.evaluation.metrics.nuggets import claim_dispute, claim_support
from qtgen.evaluation.people.decided_pairs import decided_pairs
from qtgen.evaluation.scoring import Sample, SampleResult
from qtgen.evaluation.statistics.paired import Clusters, Floats, Interval, Values, finite_array, mean_interval
from qtgen.generation.output import OutputFolder
from qtgen.page.profile import Profile

Records = Sequence[Mapping[str, Any]]
COMPARISON = "comparison"
"""The column of what `regenerate` itself found better. It is always shown if there are values."""
DECISIONS = "Decisions"
"""The source of the team's own decisions."""


class JudgedAnswer(NamedTuple):
    """An answer and people's judgement of it, scaled to 0 to 1. Answers of one group are compared with each other.

    `comparison` is the judgement of `regenerate`, on the same scale, if it compared the answers of the group.
    """

    sample: Sample
    group: str
    cluster: str
    human: float
    comparison: float | None = None


@dataclass(frozen=True, slots=True)
class AnswerSource:
    """A data set of judged answers: the files it consists of, and how to read their records."""

    name: str
    files: tuple[str, ...]
    read: Callable[[Sequence[Records]], Iterator[JudgedAnswer]]


def _read_ragchecker(files: Sequence[Records]) -> Iterator[JudgedAnswer]:
    """Pairs of answers. Two people say from -2 to 2 how much better the second one is."""
    for row in files[0]:
        preference = sum(row["human"]["overall"]) / 8  # -0.5 to 0.5
        for side, human in (("a", 0.5 - preference), ("b", 0.5 + preference)):
            sample = Sample(f"{row['id']}/{side}", row["question"], (row["reference"],), row[f"answer_{side}"])
            yield JudgedAnswer(sample, row["id"], row["id"], human)


def _read_squality(files: Sequence[Records]) -> Iterator[JudgedAnswer]:
    """Three answers per question. Three people rate each from 0 to 100."""
    for row in files[0]:
        for number, answer in enumerate(row["candidates"]):
            sample = Sample(f"{row['id']}/{number}", row["question"], tuple(row["references"]), answer["answer"])
            yield JudgedAnswer(sample, row["id"], row["cluster"], fmean(answer["overall"]) / 100)


def _read_liveqa(files: Sequence[Records]) -> Iterator[JudgedAnswer]:
    """Answers of one question, judged from 1 (incorrect) to 4 (excellent)."""
    references = {row["cluster"]: tuple(row["references"]) for row in files[1]}
    for row in files[0]:
        if row["cluster"] in references:
            sample = Sample(row["id"], row["question"], references[row["cluster"]], row["answer"])
            yield JudgedAnswer(sample, row["cluster"], row["cluster"], (row["judgement"] - 1) / 3)


_CLAIM_LABELS = {"Entailment": 1.0, "Neutral": 0.0, "Contradiction": -1.0}


def _read_claims(files: Sequence[Records]) -> Iterator[JudgedAnswer]:
    """Claims as questions. 1 marks a claim that the answer makes, and -1 a claim that it contradicts."""
    for row in files[0]:
        for claim in row["claims"]:
            sample = Sample(row["id"], claim["claim"], (row["reference"],), row["answer"])
            yield JudgedAnswer(sample, row["id"], row["id"], _CLAIM_LABELS[claim["label"]])


def _read_decisions(files: Sequence[Records]) -> Iterator[JudgedAnswer]:
    """The old and the new answer of rewrites. A reviewer of the review says which one is better."""
    sides = {"new": 1.0, "same": 0.5, "old": 0.0, None: None}
    for row in files[0]:
        human, comparison = sides[row["prefers"]], sides[row["verdict"]]
        if human is None:
            raise ValueError(f"{row['id']}: no preference")
        for side, is_new in (("old", False), ("new", True)):
            sample = Sample(f"{row['id']}/{side}", row["question"], tuple(row["references"]), row[side])
            judged = None if comparison is None else _of_side(comparison, is_new=is_new)
            yield JudgedAnswer(sample, row["id"], row["url"], _of_side(human, is_new=is_new), judged)


def _of_side(preference: float, *, is_new: bool) -> float:
    """Return the judgement of one of two answers, from the preference for the new one."""
    return preference if is_new else 1 - preference


SOURCES = (
    AnswerSource("RAGChecker", ("meta_ragchecker_pairs",), _read_ragchecker),
    AnswerSource("SQuALITY", ("meta_squality_ratings",), _read_squality),
    AnswerSource("LiveQA", ("meta_liveqa_medquad", "meta_liveqa_references"), _read_liveqa),
    AnswerSource(DECISIONS, ("meta_decisions",), _read_decisions),
)
_CLAIMS = AnswerSource("K-QA claims", ("meta_kqa_claims",), _read_claims)


def read_sources(folder: Path, profile: Profile) -> dict[str, list[JudgedAnswer]]:
    """Return the judged answers of every data set whose files are in a folder, as `NAME.jsonl` or `NAME.*.jsonl`.

    An output folder has the decisions of its reviewers. Raises UsageError if there is no data set with an answer, or if
    a file does not have the expected form, and OutputError if the decisions cannot be read.

    Args:
        folder: The folder.
        profile: The page layout of the site that the decisions are about.
    """
    sources = {source.name: answers for source in SOURCES if (answers := _read(source, folder)) is not None}
    own = [*_read_decisions([[*decided_pairs(OutputFolder(folder), profile)]])]
    if own:
        sources[DECISIONS] = [*sources.get(DECISIONS, ()), *own]
    if not sources:
        expected = ", ".join(f"{name}*.jsonl" for source in SOURCES for name in source.files)
        message = f"no judged answers in this folder; expected {expected}, or decisions about rewrites of answers"
        raise UsageError(message, path=folder)
    return sources


def _read(source: AnswerSource, folder: Path) -> list[JudgedAnswer] | None:
    """Return the answers of a data set, or None if one of its files is missing."""
    paths = [next(iter(sorted(folder.glob(f"{name}*.jsonl"))), None) for name in source.files]
    path, files = None, []
    try:
        for path in paths:
            if path is None:
                return None
            lines = path.read_text(encoding="utf-8").splitlines()
            files.append([json.loads(line) for line in lines if line.strip()])
        return list(source.read(files))
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise UsageError(f"not in the form of {source.name}: {error!r}", path=path) from None


class AnswerPair(NamedTuple):
    """Two answers of a group that people did not tie: their indices, and by how much people prefer the second."""

    first: int
    second: int
    human: float
    cluster: str


def answer_pairs(answers: Sequence[JudgedAnswer]) -> list[AnswerPair]:
    """Return all pairs within the groups that people did not tie."""
    groups: dict[str, list[int]] = defaultdict(list)
    for index, answer in enumerate(answers):
        groups[answer.group].append(index)
    pairs = (pair for indices in groups.values() for pair in combinations(indices, 2))
    return [
        AnswerPair(first, second, preference, answers[first].cluster)
        for first, second in pairs
        if (preference := answers[second].human - answers[first].human)
    ]


class Agreement(NamedTuple):
    """Agreement of one metric with people on one data set.

    `measure` is `pairs`, the share of pairs that both order the same way, or `auc`, an area under the ROC curve. `low`
    and `high` are the 95% interval by clusters.
    """

    source: str
    metric: str
    measure: str
    value: float
    low: float
    high: float
    items: int
    clusters: int


def agreement(
    source: str,
    answers: Sequence[JudgedAnswer],
    results: Sequence[SampleResult],
    metrics: Sequence[str] | None = None,
) -> list[Agreement]:
    """Return one row per metric.

    `metrics` may hold `score`, `length` and names of metrics; by default it is all of them. An answer without a value
    ties with every other answer.
    """
    pairs = answer_pairs(answers)
    rows = []
    for name, values in _columns(answers, results).items():
        if metrics is None or name in (*metrics, COMPARISON):
            differences = [_difference(values[pair.first], values[pair.second]) for pair in pairs]
            interval = accuracy_interval(differences, [pair.human for pair in pairs], [pair.cluster for pair in pairs])
            rows.append(_row(source, name, "pairs", interval, interval.items))
    return rows


def _columns(answers: Sequence[JudgedAnswer], results: Sequence[SampleResult]) -> dict[str, list[float | None]]:
    """Return the values of every metric that has any, with the sign changed if lower is better."""
    columns: dict[str, list[float | None]] = {"score": [result.score for result in results]}
    columns[COMPARISON] = [answer.comparison for answer in answers]
    columns["length"] = [float(len(answer.sample.candidate.split())) for answer in answers]
    for name in dict.fromkeys(name for result in results for name in result.metrics):
        sign = -1 if METRICS[name].direction is Direction.LOWER else 1
        values = (result.metrics.get(name) for result in results)
        columns[name] = [None if value is None else sign * value for value in values]
    return {name: values for name, values in columns.items() if any(value is not None for value in values)}


def _difference(first: float | None, second: float | None) -> float:
    return 0.0 if first is None or second is None else second - first


def _row(source: str, metric: str, measure: str, interval: Interval, items: int) -> Agreement:
    mean = interval.mean or 0.0
    low, high = (mean if bound is None else bound for bound in (interval.low, interval.high))
    return Agreement(source, metric, measure, mean, low, high, items, interval.clusters)


def claim_agreement(folder: Path) -> list[Agreement]:
    """Return how well nuggets are assigned, measured on K-QA's claims; empty if the claims are not in the folder.

    The value is the area under the ROC curve. For `nuggets`, it is the probability that a claim that the answer makes
    ranks above one that it does not make, as judged by physicians. For `contradiction`, it is the probability that a
    contradicted claim ranks above one that is not contradicted.
    """
    answers = _read(_CLAIMS, folder)
    if answers is None:
        return []
    texts = [(AnalyzedText(answer.sample.candidate), AnalyzedText(answer.sample.question)) for answer in answers]
    labels = [answer.human for answer in answers]
    rows = []
    for name, values, is_found in (
        ("nuggets", [claim_support(*text) for text in texts], [label > 0 for label in labels]),
        ("contradiction", [claim_dispute(*text) for text in texts], [label < 0 for label in labels]),
    ):
        if any(is_found) and not all(is_found):
            interval = _roc_area(values, is_found, [answer.cluster for answer in answers])
            rows.append(_row(_CLAIMS.name, name, "auc", interval, len(answers)))
    return rows


def _roc_area(values: Sequence[float], is_found: Sequence[bool], clusters: Sequence[str]) -> Interval:
    """Return the probability that a value that is found is above one that is not, with its interval."""
    found = [index for index, one in enumerate(is_found) if one]
    others = [index for index, one in enumerate(is_found) if not one]
    pairs = [(index, other) for index in found for other in others]
    differences = [values[index] - values[other] for index, other in pairs]
    return accuracy_interval(differences, [1.0] * len(pairs), [clusters[index] for index, _ in pairs])


def pairwise_accuracy(metric_differences: Values, human_differences: Values) -> float:
    """Return the share of pairs, without those that people tied, that a metric orders as people do.

    A tie or a NaN of the metric counts as 1/2 (Kocmi et al. 2021). Raises ValueError if people tied every pair, and
    for a NaN of theirs.
    """
    agreements, is_decided = _pair_agreements(metric_differences, human_differences)
    if not is_decided.any():
        raise ValueError("people tied every pair")
    return float(agreements[is_decided].mean())


def accuracy_interval(
    metric_differences: Values, human_differences: Values, clusters: Clusters, *, level: float = 0.95, seed: int = 0
) -> Interval:
    """Return `pairwise_accuracy` with the interval of `mean_interval`; its items are the pairs that are not tied."""
    agreements, is_decided = _pair_agreements(metric_differences, human_differences)
    kept = [cluster for cluster, decided in zip(clusters, is_decided, strict=True) if decided]
    return mean_interval(agreements[is_decided], kept, level=level, seed=seed)


def _pair_agreements(metric_differences: Values, human_differences: Values) -> tuple[Floats, NDArray[np.bool_]]:
    """Return 1, 1/2 or 0 per pair, and whether people preferred one of its answers."""
    humans = finite_array(human_differences, metric_differences)
    metric = np.nan_to_num(np.asarray(metric_differences, np.float64))
    return (1 + np.sign(metric) * np.sign(humans)) / 2, humans != 0
