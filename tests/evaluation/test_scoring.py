"""Scoring: samples that cannot be scored, empty answers, and worker processes."""

import json
import os
import subprocess
import sys
from typing import Any

import numpy as np
import pytest

from qtgen.errors import Unreachable, UsageError
from qtgen.evaluation.metrics import METRICS, Case, Score, metric
from qtgen.evaluation.scoring import Sample, parse_sample, score, score_sample, score_samples

REFERENCE = "Light is scattered by the molecules of the air. Short waves are scattered more strongly than long ones."
GERMAN = (
    "Das Licht der Sonne wird an den Molekülen der Luft gestreut, und kurze Wellen werden stärker gestreut als lange, "
    "deshalb erscheint uns der Himmel am Tage blau."
)


@pytest.mark.parametrize(
    ("record", "kind", "score"),
    [
        ({"id": 1, "reference": "", "candidate": "a"}, "no-reference", None),
        ({"id": 1, "candidate": "a"}, "malformed", None),
        ({"id": 1, "reference": ["a", 3], "candidate": "a"}, "malformed", None),
        ({"id": 1, "reference": "Water boils.", "candidate": None}, "malformed", None),
        ({"id": 1, "reference": "Water boils."}, "malformed", None),
        ({"id": 1, "reference": "Water boils.", "candidate": float("nan")}, "malformed", None),
        ({"id": 1, "reference": "…", "candidate": "a"}, "no-reference", None),
        ({"id": 1, "reference": "Water boils at 100 degrees.", "candidate": " "}, "empty-candidate", 0.0),
        ({"id": 1, "reference": "Water boils.", "candidate": "x" * 1_000_000}, "too-large", None),
        ({"id": 1, "reference": "x" * 1_000_000, "candidate": "a"}, "too-large", None),
        ({"id": 1, "reference": GERMAN, "candidate": "It is blue."}, "language", None),
        ({"id": 1, "reference": "水在一百度沸腾。", "candidate": "It is blue."}, "language", None),
    ],
)
def test_a_record_that_cannot_be_scored_has_an_error(record: dict[str, Any], kind: str, score: float | None) -> None:
    result = score_sample(parse_sample(record))
    assert result.error is not None
    assert (result.error.kind, result.score) == (kind, score)
    assert json.dumps(result.as_dict(), allow_nan=False)


def test_a_reference_that_is_not_english_is_left_out_beside_one_that_is() -> None:
    both = score_sample(Sample(1, "Why?", (GERMAN, REFERENCE), REFERENCE))
    assert both.as_dict() == score_sample(Sample(1, "Why?", (REFERENCE,), REFERENCE)).as_dict()


def test_an_empty_answer_is_the_worst_by_every_metric() -> None:
    result = score_sample(Sample("a", "Why?", (f"1. {REFERENCE}",), " ", ("Short waves are scattered.",)))
    assert result.score == 0.0
    assert {result.metrics[name] for name in ("must_recall", "coverage", "structure")} == {0.0}
    assert {result.metrics[name] for name in ("contradiction", "repetition", "unsupported")} == {1.0}
    assert result.metrics["nice_recall"] is None  # there is no nice-to-have nugget


def test_only_the_named_metrics_and_the_parts_of_the_score_are_measured() -> None:
    result = score_sample(Sample(1, "Why?", (REFERENCE,), REFERENCE), ["bleu"])
    assert set(result.metrics) == {
        "confidence", "similarity", "key_similarity", "coverage", "soft_precision", "excess_length", "contradiction",
        "off_topic", "disorder", "soundness", "bleu",
    }  # fmt: skip


@pytest.mark.usefixtures("_registries")
@pytest.mark.parametrize(
    ("name", "remedy"), [("simlarity", "did you mean `similarity`?"), ("x", "choose from similarity, ")]
)
def test_an_unknown_metric_is_an_error(name: str, remedy: str) -> None:
    with pytest.raises(UsageError) as caught:
        score("Why?", "Water moves.", "Water moves.", metrics=[name])
    assert f"unknown metric `{name}`; {remedy}" in str(caught.value)


def test_a_value_that_is_not_finite_is_an_error_of_its_metric() -> None:
    @metric()
    def broken(case: Case) -> Score:
        """Never a number."""
        return Score(float("nan"))

    result = score_sample(Sample(1, "Why?", (REFERENCE,), REFERENCE), ["broken"])
    assert result.error is not None
    assert result.error.message == "not a finite number: broken"
    assert result.metrics["broken"] is None
    assert result.score is not None


def test_other_embeddings_replace_the_static_ones() -> None:
    def embed(texts: Any) -> Any:
        return np.ones((len(texts), 3), np.float32)

    sample = Sample(1, "Why?", (REFERENCE,), "Bananas are yellow.")
    assert score_sample(sample, ["similarity"], embed).metrics["similarity"] == 1.0
    assert len(list(score_samples([sample] * 70, [], embed=embed))) == 70


def test_an_embedder_that_fails_leaves_no_score() -> None:
    def embed(texts: Any) -> Any:
        raise Unreachable("nothing listens")

    result = score_sample(Sample(1, "Why?", (REFERENCE,), REFERENCE), None, embed)
    assert result.score is None
    assert result.error is not None
    assert result.error.kind == "unreachable"


@pytest.mark.parametrize("threads", ["1", "2"])  # of linear algebra: without any, processes inherit the libraries
def test_several_processes_find_the_same_in_the_same_order(threads: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", threads)
    samples = [Sample(n, "Why?", (REFERENCE,), REFERENCE[: 30 + n]) for n in range(70)]
    alone = [result.as_dict() for result in score_samples(samples, [], jobs=1)]
    assert [result.as_dict() for result in score_samples(samples, [], jobs=2)] == alone
    assert [result["id"] for result in alone] == list(range(70))


def test_every_metric_has_a_worst_value_for_an_empty_answer() -> None:
    assert METRICS["readability"].worst(60.0) == 60.0
    assert METRICS["bleu"].worst(0.5) == 0.0
    assert METRICS["repetition"].worst(0.5) == 1.0


def test_half_of_a_surrogate_pair_is_an_unknown_character() -> None:
    torn, whole = (score("Why?", "Warm air rises.", f"Warm air rises.{end}") for end in (" \ud83d", ""))
    assert torn.score == pytest.approx(whole.score, abs=0.02)


_POOL = '''
from concurrent.futures import ThreadPoolExecutor
from qtgen.evaluation import Case, Score, metric
from qtgen.evaluation.scoring import Sample, score_samples

pool = ThreadPoolExecutor(1)

@metric()
def answered(case: Case) -> Score:
    """Whether there is an answer, which another thread finds out."""
    return Score(pool.submit(float, bool(case.candidate.words)).result())

samples = [Sample(1, "Why?", ("Water boils.",), "It boils.")] * 70
print({result.metrics["answered"] for result in score_samples(samples, ["answered"], jobs=2)})
'''


def test_forked_processes_do_not_wait_for_the_threads_of_a_metric() -> None:
    """If the metric is called before the fork, the processes inherit its pool without the threads."""
    assert _run(_POOL) == "{1.0}\n"


_LOAD = """
from qtgen.evaluation import scoring

scoring.score_sample(scoring._SHORT_SAMPLE)
print(scoring._count_threads())
"""


def test_what_is_loaded_before_a_fork_starts_no_threads() -> None:
    assert _run(_LOAD) == "1\n"


def _run(program: str) -> str:
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}
    command = [sys.executable, "-c", program]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=True).stdout
