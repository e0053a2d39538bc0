"""The candidates of known quality that `benchmarks/orderings.py` scores."""

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from qtgen.evaluation.scoring import Sample, score_samples
from support.orderings import CORRECT, KINDS, UNRANKED, WRITTEN, WRONG, Row, first_half, read_rows, rows, sentences
from support.ranking import OTHER_WORDS_ABOVE, Pair, pairs, share_right

SUPPORT = Path(__file__).resolve().parents[1]
ROWS = list(rows())
BY_ID = {row.id: row for row in ROWS}
TOPICS = list(dict.fromkeys(row.topic for row in ROWS))

LIST = """Two things matter. The first is heat:

- Warm air rises. It cools.
- Cold air sinks.

```python
rise(air)
sink(air)
```

So air circulates."""


def row(kind: str, topic: str = "air", split: str = "fit") -> Row:
    return Row(f"{topic}/{kind}", "Why does air move?", "Warm air rises.", "It rises.", split)


def test_every_question_has_every_kind_once() -> None:
    assert len(TOPICS) == 16
    assert [row.kind for row in ROWS] == [*KINDS] * 16
    assert len(KINDS) == 29


def test_half_of_the_questions_are_held_out() -> None:
    assert Counter(row.split for row in ROWS if row.kind == "exact") == {"fit": 8, "held-out": 8}


def test_kinds_are_correct_wrong_or_unranked() -> None:
    assert sorted((*CORRECT, *UNRANKED, *WRONG)) == sorted(KINDS)
    assert set(WRITTEN) < set(KINDS)


def test_another_process_computes_the_same_rows() -> None:
    code = "import json; from support.orderings import rows; print(json.dumps([row.as_dict() for row in rows()]))"
    result = subprocess.run(
        [sys.executable, "-c", code],
        env={"PYTHONPATH": str(SUPPORT), "PYTHONHASHSEED": "7"},
        capture_output=True,
        check=True,
        text=True,
        timeout=60,
    )
    assert json.loads(result.stdout) == [row.as_dict() for row in ROWS]


def test_candidates_differ_from_each_other() -> None:
    for topic in TOPICS:
        candidates = [row.candidate for row in ROWS if row.topic == topic]
        assert all(candidates)
        assert len(set(candidates)) == len(candidates)


@pytest.mark.parametrize("topic", TOPICS)
def test_negated_denies_each_sentence_of_the_reference(topic: str) -> None:
    reference, negated = (sentences(BY_ID[f"{topic}/{kind}"].candidate) for kind in ("exact", "negated"))
    assert len(reference) == len(negated)
    fences = [sentence for sentence in reference if sentence.startswith("```")]
    same = {*reference} & {*negated}
    assert len(same) <= len(fences)


@pytest.mark.parametrize("topic", TOPICS)
def test_computed_candidates_contain_the_reference_as_their_names_say(topic: str) -> None:
    candidate = {kind: BY_ID[f"{topic}/{kind}"].candidate for kind in KINDS}
    exact = candidate["exact"]
    for kind in ("padded", "bothsides", "copy_plus_offtopic"):
        assert candidate[kind].startswith(exact)
    for kind in ("half", "onesent", "truncated"):
        assert exact.startswith(candidate[kind])
        assert len(candidate[kind]) < len(exact)
    assert candidate["half_then_wrong"].startswith(candidate["half"])
    assert candidate["half_then_wrong"].endswith(sentences(candidate["negated"])[-1])
    assert sorted(sentences(candidate["shuffled_sents"])) == sorted(sentences(exact))
    assert Counter(candidate["soup"].split()) < Counter(candidate["wordshuffle"].split())
    assert candidate["glued_chunks"].replace(" ", "") == candidate["glued"]


def test_a_list_item_and_a_block_of_code_are_one_sentence_each() -> None:
    assert sentences(LIST) == [
        "Two things matter.",
        "The first is heat:",
        "- Warm air rises. It cools.",
        "- Cold air sinks.",
        "```python\nrise(air)\nsink(air)\n```",
        "So air circulates.",
    ]


def test_the_first_half_keeps_line_breaks() -> None:
    assert first_half(LIST) == "Two things matter. The first is heat:\n\n- Warm air rises. It cools."


def test_reads_rows_with_and_without_a_split(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    record = {"id": "air/exact", "question": "q", "reference": "r", "candidate": "c"}
    path.write_text(f"{json.dumps(record)}\n\n{json.dumps({**record, 'split': 'fit'})}\n", encoding="utf-8")
    assert [row.split for row in read_rows(path, split="shared")] == ["shared", "fit"]


def test_pairs_join_correct_and_wrong_candidates_of_one_question() -> None:
    exact, soup, onesent, other = row("exact"), row("soup"), row("onesent"), row("negated", topic="sea")
    scores = {exact: 0.9, soup: 0.4, onesent: 0.95, other: 0.2}
    assert pairs(scores) == [Pair(exact, soup, (0.9, 0.4))]
    assert pairs(scores, ["exact"], ["onesent"])[0].margin == pytest.approx(-0.05)


def test_a_tie_is_in_the_wrong_order() -> None:
    scores = {row("exact"): 0.9, row("half"): 0.4, row("soup"): 0.4}
    assert share_right(pairs(scores)) == 0.5


@pytest.fixture(scope="module")
def scores() -> dict[Row, float]:
    """The overall score of every candidate."""
    samples = (Sample(row.id, row.question, (row.reference,), row.candidate) for row in ROWS)
    return {row: result.score or 0.0 for row, result in zip(ROWS, score_samples(samples, []), strict=True)}


@pytest.mark.parametrize("split", ["fit", "held-out"])
def test_the_score_ranks_correct_answers_above_wrong_ones(scores: dict[Row, float], split: str) -> None:
    of_split = {row: score for row, score in scores.items() if row.split == split}
    assert share_right(pairs(of_split)) >= 0.98
    assert share_right(pairs(of_split, worse=[*WRONG, "onesent", "shuffled_sents", "truncated"])) >= 0.95


def test_a_right_answer_in_other_words_is_above_what_is_no_answer(scores: dict[Row, float]) -> None:
    worse = [kind for kind in OTHER_WORDS_ABOVE if not kind.startswith("inject")]
    assert share_right(pairs(scores, ["otherwords"], worse)) == 1.0
