"""`qtgen eval meta`: agreement with people, as a table or as JSON."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

RunEval = Callable[..., tuple[int, str, str]]


@pytest.fixture(autouse=True)
def _data(tmp_path: Path) -> None:
    texts = {"question": "Why?", "reference": "Water boils.", "answer_a": "Water boils.", "answer_b": "No."}
    row = {"id": "1", **texts, "human": {"overall": [-2, -2]}}
    (tmp_path / "meta_ragchecker_pairs.jsonl").write_text(json.dumps(row))


def test_names_of_metrics_may_have_blanks(run_eval: RunEval) -> None:
    code, out, err = run_eval("meta", "--data", ".", "--metrics", "score, rouge_l", "--json")
    assert code == 0, err
    assert [row["metric"] for row in json.loads(out)] == ["score", "rouge_l"]
    assert err == "RAGChecker: 2 answers\n"


def test_the_table_has_a_row_per_metric_and_the_claims_below(run_eval: RunEval, tmp_path: Path) -> None:
    claims = [{"claim": "Water boils.", "label": "Entailment"}, {"claim": "Ice is cold.", "label": "Neutral"}]
    row = {"id": "1", "reference": "Yes.", "answer": "Water boils.", "claims": claims}
    (tmp_path / "meta_kqa_claims.jsonl").write_text(json.dumps(row))
    code, out, _ = run_eval("meta", "--data", ".")
    assert code == 0
    lines = out.splitlines()
    assert lines[:2] == ["| metric | RAGChecker | mean |", "|---|---|---|"]
    assert [line.split("|")[1].strip() for line in lines[2:6]] == ["score", "length", "similarity", "rouge_l"]
    assert "| score | 1.000 (1.00–1.00) | 1.000 |" in lines
    assert lines[-1] == "K-QA claims, nuggets: area under the ROC curve 1.000 (1.00–1.00)"


def test_all_metrics_can_be_shown(run_eval: RunEval) -> None:
    rows = json.loads(run_eval("meta", "--data", ".", "--metrics", "all", "--json")[1])
    assert {"score", "length", "contradiction", "bleu"} <= {row["metric"] for row in rows}


def test_an_unknown_metric_is_one_line(run_eval: RunEval) -> None:
    code, _, err = run_eval("meta", "--data", ".", "--metrics", "score,zzz")
    assert code == 2
    assert err.startswith("qtgen: --metrics: unknown metric `zzz`; choose from all, score, length, ")
