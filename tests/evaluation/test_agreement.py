"""Agreement with people: the data sets are read, pairs are formed, and agreement is what the documentation says."""

import json
from math import nan
from pathlib import Path
from typing import Any

import pytest

from qtgen.errors import UsageError
from qtgen.evaluation.agreement import (
    JudgedAnswer,
    accuracy_interval,
    agreement,
    answer_pairs,
    claim_agreement,
    pairwise_accuracy,
    read_sources,
)
from qtgen.evaluation.scoring import Sample, SampleResult, score_samples
from qtgen.evaluation.stats import Interval
from support import ROOT, SHARED


def write_lines(path: Path, *rows: Any) -> None:
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows))


def test_every_data_set_is_read(tmp_path: Path) -> None:
    pair = {"id": "1", "question": "Why?", "reference": "Yes.", "answer_a": "Yes.", "answer_b": "No."}
    write_lines(tmp_path / "meta_ragchecker_pairs.jsonl", {**pair, "human": {"overall": [-2, -2]}})
    answers = [{"answer": "Yes.", "overall": [100, 50, 0]}, {"answer": "No.", "overall": [0, 0, 0]}]
    rated = {"id": "2", "cluster": "c", "question": "Why?", "references": ["Yes."], "candidates": answers}
    write_lines(tmp_path / "meta_squality_ratings.part.jsonl", rated)
    judged = {"id": "3", "cluster": "d", "question": "Why?", "answer": "Yes.", "judgement": 4}
    write_lines(tmp_path / "meta_liveqa_medquad.jsonl", judged, {**judged, "cluster": "without a reference"})
    write_lines(tmp_path / "meta_liveqa_references.jsonl", {"cluster": "d", "references": ["Yes."]})
    sources = read_sources(tmp_path)
    assert {name: [answer.human for answer in source] for name, source in sources.items()} == {
        "RAGChecker": [1.0, 0.0],
        "SQuALITY": [0.5, 0.0],
        "LiveQA": [1.0],
    }


def test_a_data_set_with_a_missing_file_is_left_out(tmp_path: Path) -> None:
    write_lines(tmp_path / "meta_liveqa_medquad.jsonl", {})
    with pytest.raises(UsageError, match=r"no judged answers in this folder; expected meta_ragchecker_pairs\*"):
        read_sources(tmp_path)


@pytest.mark.parametrize("text", ["{}", "not json", '{"id": 1, "human": {"overall": null}}'])
def test_a_file_of_another_form_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "meta_ragchecker_pairs.jsonl").write_text(text)
    with pytest.raises(UsageError, match=r"meta_ragchecker_pairs\.jsonl: not in the form of RAGChecker"):
        read_sources(tmp_path)


def answers(*humans: float) -> list[JudgedAnswer]:
    return [JudgedAnswer(Sample(n, "Why?", ("Yes.",), "Yes. " * n), "g", f"c{n}", h) for n, h in enumerate(humans)]


def test_pairs_are_formed_within_a_group_and_leave_out_ties() -> None:
    judged = [*answers(0.5, 0.5, 1.0), JudgedAnswer(Sample(9, "", (), ""), "other", "c9", 0.0)]
    assert [(pair.first, pair.second, pair.human) for pair in answer_pairs(judged)] == [(0, 2, 0.5), (1, 2, 0.5)]


def test_a_metric_of_which_lower_is_better_agrees_if_it_falls() -> None:
    values = [(0.1, 0.9), (0.5, 0.5), (None, 0.1)]
    results = [SampleResult(n, score, {"contradiction": low, "bleu": None}) for n, (score, low) in enumerate(values)]
    rows = {row.metric: row for row in agreement("s", answers(0.0, 0.5, 1.0), results)}
    assert list(rows) == ["score", "length", "contradiction"]
    assert rows["contradiction"].value == rows["length"].value == 1.0
    assert rows["score"].value == pytest.approx((1 + 0.5 + 0.5) / 3)  # an answer without a score ties
    assert [row.metric for row in agreement("s", answers(0.0, 0.5, 1.0), results, ["score"])] == ["score"]


def test_claims_are_ranked_by_their_support(tmp_path: Path) -> None:
    assert claim_agreement(tmp_path) == []
    claims = [
        {"claim": "Water boils at 100 degrees.", "label": "Entailment"},
        {"claim": "The Treaty of Westphalia ended a war.", "label": "Neutral"},
    ]
    row = {"id": "1", "reference": "Yes.", "answer": "Water boils at 100 degrees.", "claims": claims}
    write_lines(tmp_path / "meta_kqa_claims.jsonl", row)
    (result,) = claim_agreement(tmp_path)
    assert (result.metric, result.measure, result.value, result.items) == ("nuggets", "auc", 1.0, 2)


def test_pairwise_accuracy_counts_ties_of_the_metric_as_one_half() -> None:
    humans = [1, -1, 2, -1, 0]
    assert pairwise_accuracy([0.3, -0.1, 0.0, nan, 0.9], humans) == (1 + 1 + 0.5 + 0.5) / 4
    assert pairwise_accuracy([-1, 1, -1, 1, 1], humans) == 0


def test_pairwise_accuracy_needs_a_pair_that_people_did_not_tie() -> None:
    with pytest.raises(ValueError, match="tied every pair"):
        pairwise_accuracy([0.1], [0])
    with pytest.raises(ValueError, match="finite number"):
        pairwise_accuracy([0.1], [nan])


def test_the_interval_of_an_accuracy_is_over_clusters() -> None:
    metric, humans, clusters = [1, 1, -1, 1, 0, 1, 1], [1, 1, 1, 1, 1, 0, 1], list("aabbcdd")
    interval = accuracy_interval(metric, humans, clusters)
    assert (interval.mean, interval.items, interval.clusters) == (pairwise_accuracy(metric, humans), 6, 4)
    assert interval.low is not None
    assert interval.mean is not None
    assert interval.high is not None
    assert interval.low < interval.mean < interval.high
    assert accuracy_interval([1], [0], ["a"]) == Interval(None, None, None, 0, 0)


def documented_rows(heading: str) -> dict[str, list[str]]:
    """Return the rows of the table under a heading of docs/metrics.md, by their first cell."""
    section = (ROOT / "docs" / "metrics.md").read_text().partition(f"## {heading}\n")[2].partition("\n## ")[0]
    cells = ([cell.strip() for cell in line.strip("|").split("|")] for line in section.splitlines() if line[:1] == "|")
    return {first: rest for first, *rest in cells}


@pytest.mark.skipif(not (SHARED / "data").is_dir(), reason="the judged answers of ../shared/data are not here")
def test_agreement_is_what_the_documentation_says() -> None:
    documented = documented_rows("Agreement with people")
    for place, (name, judged) in enumerate(read_sources(SHARED / "data").items()):
        results = list(score_samples((answer.sample for answer in judged), ["rouge_l"]))
        for row in agreement(name, judged, results, ["score", "rouge_l"]):
            assert row.value >= float(documented[row.metric][place].split()[0]) - 0.0006, (row.source, row.metric)
