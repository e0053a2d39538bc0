"""`qtgen eval power`: references that are needed, from a deviation or from reports."""

from collections.abc import Callable
from pathlib import Path

import pytest

from support.eval_reports import scored_report

RunEval = Callable[..., tuple[int, str, str]]


def test_larger_differences_need_fewer_references(run_eval: RunEval) -> None:
    code, out, _ = run_eval("power", "--deviation", "0.1")
    needed = [int(line.split("|")[2].replace(",", "")) for line in out.splitlines()[2:]]
    assert code == 0
    assert needed == sorted(needed, reverse=True)
    assert needed[3] == 34  # d = 0.5, two-sided 5 %, power 80 %: as in Cohen's tables


def test_the_deviation_comes_from_one_report_or_two(run_eval: RunEval, tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(scored_report({"a": 0.1, "b": 0.3, "c": 0.8}).to_json())
    (tmp_path / "b.json").write_text(scored_report({"a": 0.2, "b": 0.5, "c": 0.7}).to_json())
    _, out, _ = run_eval("power", "a.json", "b.json", "--difference", "0.05")
    assert out.startswith("score: the differences of 3 references have a standard deviation of 0.153\n")
    assert out.count("\n") == 4
    assert "of at most 0.510" in run_eval("power", "a.json")[1]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "REPORTS: give one or two reports of a suite, or --deviation"),
        (["a.json", "--deviation", "0.1"], "REPORTS: give one or two reports"),
        (["--deviation", "0.1", "--metric", "nothing"], "--metric: unknown metric `nothing`; choose from score, "),
    ],
)
def test_a_wrong_call_is_one_line(run_eval: RunEval, arguments: list[str], message: str) -> None:
    code, out, err = run_eval("power", *arguments)
    assert (code, out) == (2, "")
    assert err.startswith(f"qtgen: {message}")


def test_a_metric_that_too_few_references_have_is_named(run_eval: RunEval, tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(scored_report({"a": 0.1}).to_json())
    assert "--metric: fewer than two references have `bleu`" in run_eval("power", "a.json", "--metric", "bleu")[2]
