"""Agreement with people: the data sets are read, pairs are formed, and agreement is what the documentation says."""

import json
from math import nan
from pathlib import Path
from typing import Any

import pytest

from qtgen.errors import UsageError
from qtgen.evaluation.people.agreement import (
    JudgedAnswer,
    accuracy_interval,
    agreement,
    answer_pairs,
    claim_agreement,
    pairwise_accuracy,
    read_sources,
)
from qtgen.evaluation.people.decided_pairs import decided_pairs
from qtgen.evaluation.scoring import Sample, SampleResult, score_samples
from qtgen.evaluation.statistics.paired import Interval
from qtgen.generation.decisions import Action, Decision
from qtgen.generation.output import OutputFolder
from qtgen.generation.provenance import group_digests
from qtgen.page import decode_answer
from qtgen.page.profile import default_profile
from support import ROOT, SHARED
from support.default_tables import read
from support.pages import write_site


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
    sources = read_sources(tmp_path, default_profile())
    assert {name: [answer.human for answer in source] for name, source in sources.items()} == {
        "RAGChecker": [1.0, 0.0],
        "SQuALITY": [0.5, 0.0],
        "LiveQA": [1.0],
    }


def test_a_data_set_with_a_missing_file_is_left_out(tmp_path: Path) -> None:
    write_lines(tmp_path / "meta_liveqa_medquad.jsonl", {})
    with pytest.raises(UsageError, match=r"no judged answers in this folder; expected meta_ragchecker_pairs\*"):
        read_sources(tmp_path, default_profile())


@pytest.mark.parametrize("text", ["{}", "not json", '{"id": 1, "human": {"overall": null}}'])
def test_a_file_of_another_form_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "meta_ragchecker_pairs.jsonl").write_text(text)
    with pytest.raises(UsageError, match=r"meta_ragchecker_pairs\.jsonl: not in the form of RAGChecker"):
        read_sources(tmp_path, default_profile())


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
    """Return the rows of the table under a heading of docs/explanation/scoring.md, by their first cell."""
    section = (
        (ROOT / "docs" / "explanation" / "scoring.md").read_text().partition(f"## {heading}\n")[2].partition("\n## ")[0]
    )
    cells = ([cell.strip() for cell in line.strip("|").split("|")] for line in section.splitlines() if line[:1] == "|")
    return {first: rest for first, *rest in cells}


@pytest.mark.skipif(not (SHARED / "data").is_dir(), reason="the judged answers of ../shared/data are not here")
def test_agreement_is_what_the_documentation_says() -> None:
    documented = documented_rows("Agreement with people")
    for place, (name, judged) in enumerate(read_sources(SHARED / "data", default_profile()).items()):
        results = list(score_samples((answer.sample for answer in judged), ["rouge_l"]))
        for row in agreement(name, judged, results, ["score", "rouge_l"]):
            assert row.value >= float(documented[row.metric][place].split()[0]) - 0.0006, (row.source, row.metric)


# --- the team's own decisions ------------------------------------------------------------------------------------------

OLD, NEW = "Osmosis moves water.", "Osmosis moves water through a membrane.\\n\\nIt holds the solute back."
OWN = Path("site/biology/what-is-osmosis.md")


def decide(store: OutputFolder, prefers: str | None, answer: str = OLD, **values: Any) -> Decision:
    """Write a page with an answer, and append a decision about it."""
    write_site(osmosis={"answer": answer})
    texts = group_digests(read(OWN.read_bytes()), ["answer", "seo"])
    number = len(store.decision_log())
    defaults = {"id": f"d{number}", "at": f"2026-11-27T09:30:{number:02}.000Z", "who": "ada", "url": "/u"}
    decision = Decision(**{**defaults, "action": Action.KEEP, "texts": texts, "prefers": prefers, **values})
    store.append_decision(decision)
    return decision


def keep_record(store: OutputFolder, verdict: str | None = "old", **values: Any) -> None:
    both = {"answer": {"old": OLD, "new": NEW}}
    record = {"path": str(OWN), "url": "/u", "fields": both, "compared": {"verdict": verdict}, **values}
    store.keep_rejected(str(OWN), json.dumps(record))


@pytest.mark.parametrize(("prefers", "humans"), [("new", [0.0, 1.0]), ("old", [1.0, 0.0]), ("same", [0.5, 0.5])])
def test_the_teams_own_decisions_are_a_data_set(prefers: str, humans: list[float]) -> None:
    store = OutputFolder(Path("out"))
    keep_record(store)
    decide(store, prefers)
    (judged,) = read_sources(Path("out"), default_profile()).values()
    assert [answer.human for answer in judged] == humans
    assert [answer.comparison for answer in judged] == [1.0, 0.0]
    assert [answer.sample.candidate for answer in judged] == [OLD, decode_answer(NEW)]
    assert {answer.sample.question for answer in judged} == {"What is osmosis?"}
    assert {(answer.group, answer.cluster) for answer in judged} == {("d0", "/u")}
    assert {answer.sample.references for answer in judged} == {()}


def test_decisions_agree_with_the_comparison_or_not() -> None:
    store = OutputFolder(Path("out"))
    keep_record(store)
    for prefers in ("old", "old", "new", "old"):
        decide(store, prefers)
    (judged,) = read_sources(Path("out"), default_profile()).values()
    rows = agreement("Decisions", judged, [*score_samples(answer.sample for answer in judged)], ["length"])
    assert {row.metric: row.value for row in rows} == {"comparison": 0.75, "length": 0.25}


@pytest.mark.parametrize(
    "values", [{"compared": {"verdict": "maybe"}}, {"compared": {"verdict": []}}, {"path": "site"}]
)
def test_damaged_values_of_a_record_are_left_out(values: dict[str, Any]) -> None:
    store = OutputFolder(Path("out"))
    keep_record(store, None, **values)
    decide(store, "new")
    (judged,) = read_sources(Path("out"), default_profile()).values()
    assert [answer.comparison for answer in judged] == [None, None]


def test_what_a_reader_approved_in_the_end_is_the_reference() -> None:
    store = OutputFolder(Path("out"))
    keep_record(store, None)
    decide(store, "new")
    final = "Osmosis moves water through a membrane."
    decide(store, None, final, action=Action.EDIT, acceptable=True)
    (judged,) = read_sources(Path("out"), default_profile()).values()
    assert {(answer.sample.references, answer.comparison) for answer in judged} == {((final,), None)}


def test_decisions_without_a_preference_or_their_texts_do_not_count() -> None:
    store = OutputFolder(Path("out"))
    keep_record(store)
    decide(store, None)
    decide(store, "new", "An answer that nobody has any more.")
    undone = decide(store, "new")
    decide(store, None, action=Action.UNDO, undoes=undone.id)
    store.keep_taken(str(OWN), "{")
    with pytest.raises(UsageError, match=r"no judged answers in this folder; .*or decisions about rewrites of answers"):
        read_sources(Path("out"), default_profile())


def test_decisions_can_be_read_from_a_file(tmp_path: Path) -> None:
    store = OutputFolder(Path("out"))
    keep_record(store, question="Why?")
    decide(store, "new")
    OWN.unlink()
    rows = [*decided_pairs(store, default_profile())]
    write_lines(tmp_path / "meta_decisions.jsonl", *rows)
    assert read_sources(tmp_path, default_profile()) == read_sources(Path("out"), default_profile())
    write_lines(tmp_path / "meta_decisions.jsonl", {**rows[0], "prefers": "both"})
    with pytest.raises(UsageError, match=r"meta_decisions\.jsonl: not in the form of Decisions"):
        read_sources(tmp_path, default_profile())
