"""`qtgen eval calibrate`: tables for people, JSON for scripts, and one line for each mistake."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from support.eval_reports import make_item, make_report

RunEval = Callable[..., tuple[int, str, str]]


@pytest.fixture(autouse=True)
def _files(tmp_path: Path) -> None:
    values = [1.0, 0.75, 0.75, 0.25, 0.0, 0.75, 1.0, 0.5, None]
    items = [make_item(number, 5, metrics={"judge": value}) for number, value in enumerate(values)]
    (tmp_path / "run.json").write_text(make_report(items, None, judges=("gpt-9",)).to_json())
    labels = [(0, True), (1, True), (2, False), (3, False), (4, False), (8, True)]
    lines = [json.dumps({"id": f"question-{number}", "pass": label}) for number, label in labels]
    (tmp_path / "labels.jsonl").write_text("\n".join(lines))


def test_the_judge_is_compared_with_people(run_eval: RunEval) -> None:
    code, out, err = run_eval("calibrate", "run.json", "--labels", "labels.jsonl")
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert lines[:3] == [
        "judge by gpt-9, with a pass mark of 0.75.",
        "5 of 8 items are labelled, of 5 references.",
        "1 item without a value is left out.",
    ]
    assert {"| judge: pass | 2 | 1 |", "| judge: fail | 0 | 2 |"} <= set(lines)
    assert any(line.startswith("| specificity | 0.667 | ") for line in lines)
    assert any(line.startswith("| uncorrected | 0.625 | ") for line in lines)
    assert any(line.startswith("| corrected for errors | 0.437 | ") for line in lines)
    assert any(line.startswith("| prediction-powered | ") for line in lines)


def test_json_is_one_object(run_eval: RunEval) -> None:
    code, out, _ = run_eval("calibrate", "run.json", "--labels", "labels.jsonl", "--json", "--pass-mark", "0.8")
    document = json.loads(out)
    assert (code, document["metric"], document["judges"], document["pass_mark"]) == (0, "judge", ["gpt-9"], 0.8)
    assert document["confusion"] == {"pass_pass": 1, "pass_fail": 0, "fail_pass": 1, "fail_fail": 3}
    names = [row["name"] for row in document["pass_rates"]]
    assert names == ["uncorrected", "labels alone", "corrected for errors", "prediction-powered"]


def test_what_cannot_be_estimated_has_a_reason(run_eval: RunEval) -> None:
    Path("labels.jsonl").write_text('{"id": "question-0", "pass": true}\n')
    out = run_eval("calibrate", "run.json", "--labels", "labels.jsonl")[1]
    assert "| corrected for errors | none | the labels need items that pass and items that fail |" in out
    assert "| specificity | none | no labelled item fails |" in out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["run.json"], "missing option '--labels'"),
        (["run.json", "--labels", "missing"], "qtgen: missing: No such file or directory"),
        (["labels.jsonl", "--labels", "labels.jsonl"], "qtgen: labels.jsonl: not JSON"),
        (["run.json", "--labels", "labels.jsonl", "--metric", "zzz"], "--metric: unknown metric `zzz`"),
        (["run.json", "--labels", "labels.jsonl", "--metric", "bleu"], "--metric: the report has no values of `bleu`"),
        (["run.json", "--labels", "labels.jsonl", "--pass-mark", "nan"], "nan is not a finite number"),
    ],
)
def test_a_wrong_call_is_one_line(run_eval: RunEval, arguments: list[str], message: str) -> None:
    code, out, err = run_eval("calibrate", *arguments)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert message in err
