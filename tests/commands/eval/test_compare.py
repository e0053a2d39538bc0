"""`qtgen eval compare`: the verdict on two reports, and what judges prefer."""

import json
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from qtgen.llm.brake import Brake
from support import Scripted
from support.eval_reports import scored_report

RunEval = Callable[..., tuple[int, str, str]]
SCORES: dict[str, float | None] = {f"r{n}": 0.4 + n / 50 for n in range(20)}


@pytest.fixture(autouse=True)
def _reports(tmp_path: Path) -> None:
    """Write good.json, bad.json with lower scores, and lost.json that lost one score."""
    bad = {name: (score or 0) - 0.08 for name, score in SCORES.items()}
    for name, scores in (("good", SCORES), ("bad", bad), ("lost", {**bad, "r3": None})):
        (tmp_path / f"{name}.json").write_text(scored_report(scores).to_json())


def test_the_exit_code_is_the_verdict(run_eval: RunEval) -> None:
    code, out, err = run_eval("compare", "good.json", "bad.json", "--metrics", "score")
    assert code == 1, err
    assert out.startswith("Worse than the baseline: ")
    assert run_eval("compare", "bad.json", "good.json", "--metrics", "score")[0] == 0
    assert run_eval("compare", "good.json", "good.json")[0] == 0


def test_a_lost_score_is_a_failure(run_eval: RunEval) -> None:
    code, out, _ = run_eval("compare", "bad.json", "lost.json")
    assert code == 1
    assert "1 of 20 references lost their score; the first is r3" in out
    assert run_eval("compare", "lost.json", "bad.json")[0] == 0


def test_the_report_with_its_gate_is_written(run_eval: RunEval) -> None:
    _, out, _ = run_eval("compare", "good.json", "bad.json", "--json", "--html", "r.html")
    assert json.loads(out)["gate"]["baseline"] == "good.json"
    assert "Worse than the baseline" in Path("r.html").read_text()


def test_the_html_report_shows_both_answers(run_eval: RunEval, tmp_path: Path) -> None:
    before, after = scored_report({"a": 0.5, "b": 0.4}), scored_report({"a": 0.5, "b": 0.4})
    old = replace(before.items[0], candidate="Water moves through a wall, they said before.")
    new = replace(after.items[0], candidate="Water moves through a membrane, they said now.")
    pages = tmp_path / "outputs" / "biology"
    pages.mkdir(parents=True)
    (pages / "a.md").touch()
    (tmp_path / "old.json").write_text(replace(before, items=(old, before.items[1])).to_json())
    after = replace(after, items=(new, after.items[1]), provider="pages", model="outputs")
    (tmp_path / "new.json").write_text(after.to_json())
    run_eval("compare", "old.json", "new.json", "--html", "out/r.html")
    report = Path("out/r.html").read_text()
    assert "<h3>Before" in report
    assert "<del>wall, they said before.</del>" in report
    assert '<a href="../outputs/biology/a.md">outputs/biology/a.md</a>' in report


def test_too_few_items_fail_only_if_power_is_required(run_eval: RunEval, tmp_path: Path) -> None:
    (tmp_path / "few.json").write_text(scored_report({"a": 0.5, "b": 0.4}).to_json())
    assert run_eval("compare", "few.json", "few.json")[0] == 0
    assert run_eval("compare", "few.json", "few.json", "--require-power")[0] == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["good.json", "none.json"], "none.json: No such file or directory"),
        (["good.json", "good.json", "--metrics", "score,nothing"], "--metrics: unknown metric `nothing`; choose from "),
        (["good.json", "good.json", "--max-fall", "inf"], "--max-fall: must be a finite number"),
        (["good.json", "good.json", "--json", "-", "--github"], "--json: stdout is used by --github already"),
    ],
)
def test_a_wrong_call_is_one_line(run_eval: RunEval, arguments: list[str], message: str) -> None:
    code, out, err = run_eval("compare", *arguments)
    assert (code, out) == (2, "")
    assert err.startswith(f"qtgen: {message}")
    assert len(err.splitlines()) == 1


def test_judges_are_asked_about_every_pair_of_pages(
    run_eval: RunEval, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("before", "after"):
        (tmp_path / f"{name}.json").write_text(scored_report({"a": 0.5, "b": 0.5}).to_json())
    forward, backward = (json.dumps({"reasons": "r", "better": better}) for better in ("second", "first"))
    judge = Scripted(forward, backward, forward, forward)
    monkeypatch.setattr(judge, "brake", Brake(), raising=False)

    @asynccontextmanager
    async def open_clients(*_: Any) -> AsyncIterator[Sequence[Scripted]]:
        yield [judge]

    monkeypatch.setattr("qtgen.commands.eval._pairs.open_clients", open_clients)
    _, out, _ = run_eval("compare", "before.json", "after.json", "--judge", "m")
    text = " ".join(out.split())
    assert "judges preferred the new page 1 time, the old one 0 times and neither 1 time" in text
    assert "flip rate 50%" in text
