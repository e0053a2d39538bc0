"""`qtgen eval power`: references that are needed, from a deviation or from reports."""

from collections.abc import Callable
from pathlib import Path

import pytest

from qtgen.evaluation.report import Verdict
from support.eval_reports import make_gate, scored_report

RunEval = Callable[..., tuple[int, str, str]]


def cells(out: str) -> list[str]:
    """Return the second column of the table."""
    return [line.split("|")[2].strip() for line in out.splitlines() if line.startswith("| 0")]


def test_larger_differences_need_fewer_references(run_eval: RunEval) -> None:
    code, out, _ = run_eval("power", "--deviation", "0.1")
    needed = [int(cell.replace(",", "")) for cell in cells(out)]
    assert code == 0
    assert needed == sorted(needed, reverse=True)
    assert needed[0] == 34  # d = 0.5, two-sided 5 %, power 80 %: as in Cohen's tables
    assert needed[-1] == 6  # no fewer can be significant


def test_differences_that_do_not_matter_have_no_number(run_eval: RunEval) -> None:
    _, out, _ = run_eval("power", "--deviation", "0.1", "--difference", "0.04", "--difference", "0.05")
    assert cells(out) == ["none: smaller than 0.05", "34"]


def test_the_deviation_comes_from_one_report_or_two(run_eval: RunEval, tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(scored_report({"a": 0.1, "b": 0.3, "c": 0.8}).to_json())
    (tmp_path / "b.json").write_text(scored_report({"a": 0.2, "b": 0.5, "c": 0.7}).to_json())
    _, out, _ = run_eval("power", "a.json", "b.json", "--difference", "0.05")
    assert out.startswith("score: the differences of 3 references have a standard deviation of 0.153.\n")
    assert len(cells(out)) == 1
    assert "of at most 0.51." in run_eval("power", "a.json")[1]


def test_two_equal_reports_give_the_fewest_possible(run_eval: RunEval, tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(scored_report({"a": 0.1, "b": 0.3}).to_json())
    code, out, _ = run_eval("power", "a.json", "a.json", "--metrics-tested", "1")
    assert code == 0
    assert "All differences are equal" in out
    assert cells(out) == ["6"] * 5


def test_the_gate_is_that_of_the_suite(run_eval: RunEval, smoke: Path, tmp_path: Path) -> None:
    settings = (smoke / "suite.toml").read_text(encoding="utf-8").split("[gate]")[0]
    (smoke / "suite.toml").write_text(settings + '\n[gate]\nmetrics = ["score"]\nmatters = 0.2\nalpha = 0.2\n')
    out = run_eval("power", smoke / "baseline.json")[1]
    assert "The gate tests 1 metric with alpha = 0.2. The smallest difference that matters is 0.2.\n" in out
    assert "\nThe gate needs at least 4 references.\n" in out
    out = run_eval("power", smoke / "baseline.json", "--alpha", "0.05", "--matters", "0.1", "--metrics-tested", "5")[1]
    assert "The gate tests 5 metrics with alpha = 0.05. The smallest difference that matters is 0.1.\n" in out
    assert "\nThe gate needs at least 8 references.\n" in out


def test_the_metrics_are_those_that_the_report_compares(run_eval: RunEval, tmp_path: Path) -> None:
    report = scored_report({"a": 0.1, "b": 0.3})
    (tmp_path / "a.json").write_text(report.to_json())
    assert "The gate tests 2 metrics" in run_eval("power", "a.json")[1]  # `score` and `must_recall` have values
    gate = make_gate({"score": report.metrics["score"]}, report.items, Verdict.WORSE)
    (tmp_path / "b.json").write_text(scored_report({"a": 0.1, "b": 0.3}, gate=gate).to_json())
    assert "The gate tests 1 metric " in run_eval("power", "a.json", "b.json")[1]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "REPORTS: give one or two reports of a suite, or --deviation"),
        (["a.json", "--deviation", "0.1"], "REPORTS: give one or two reports"),
        (["--deviation", "0.1", "--metric", "nothing"], "--metric: unknown metric `nothing`; choose from score, "),
        (["--deviation", "nan"], "'--deviation': nan is not a finite number"),
        (["--deviation", "0.1", "--difference", "nan"], "'--difference': nan is not a finite number"),
        (
            ["--deviation", "0.1", "--alpha", "0.0001", "--metrics-tested", "2"],
            "--alpha: no number of references is significant at 0.0001 for 2 metrics; test fewer metrics",
        ),
    ],
)
def test_a_wrong_call_is_one_line(run_eval: RunEval, arguments: list[str], message: str) -> None:
    code, out, err = run_eval("power", *arguments)
    assert (code, out) == (2, "")
    assert message in err.splitlines()[-1]


def test_a_metric_that_too_few_references_have_is_named(run_eval: RunEval, tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(scored_report({"a": 0.1}).to_json())
    assert "--metric: fewer than two references have `bleu`" in run_eval("power", "a.json", "--metric", "bleu")[2]
