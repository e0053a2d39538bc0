"""`qtgen eval compare`: the verdict on two reports, and what judges prefer."""

import json
import shutil
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from qtgen.evaluation.report import EvalReport, load_report
from qtgen.llm.brake import Brake
from support import Scripted
from support.eval_outcomes import github_fails, html_fails, junit_fails
from support.eval_reports import scored_report, with_metric

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
    assert out.startswith("Failed: score was lost on 1 of 20 items: r3, it has no value; ")
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
        (
            ["good.json", "good.json", "--max-fall", "inf"],
            "invalid value for '--max-fall': inf is not in the range 0<x<=1; see ",
        ),
        (["good.json", "good.json", "--json", "-", "--github"], "--json: stdout is used by --github already"),
    ],
)
def test_a_wrong_call_is_one_line(run_eval: RunEval, arguments: list[str], message: str) -> None:
    code, out, err = run_eval("compare", *arguments)
    assert (code, out) == (2, "")
    assert err.startswith(f"qtgen: {message}")
    assert len(err.splitlines()) == 1


# --- references and scorers -------------------------------------------------------------------------------------------


def write(name: str, report: EvalReport) -> None:
    Path(name).write_text(report.to_json())


def test_references_that_differ_are_listed(run_eval: RunEval) -> None:
    before = scored_report({**SCORES, "old": 0.5})
    after = scored_report({**SCORES, "new": 0.5}, suite_digest="other")
    items = tuple(replace(item, digest="1") for item in after.items)
    edited = replace(after, items=(replace(items[0], reference="Another answer."), *items[1:]))
    write("before.json", before)
    write("after.json", edited)
    code, out, _ = run_eval("compare", "before.json", "after.json", "--metrics", "score")
    text = " ".join(out.split())
    assert code == 0
    assert "19 references compared; since the baseline, 1 changed (r0), 1 added (new), 1 removed (old)" in text
    assert "1 reference changed since the baseline r0" in text


def test_reports_that_cannot_be_compared_are_an_error_in_every_output(run_eval: RunEval) -> None:
    write("other.json", scored_report(SCORES, suite="other"))
    code, out, err = run_eval("compare", "good.json", "other.json", "--github", "--junit", "x.xml", "--html", "x.html")
    assert code == 2
    assert "good.json: its suite is core, this run's is other" in err
    assert github_fails(out)
    assert junit_fails(Path("x.xml").read_text())
    assert html_fails(Path("x.html").read_text())
    code, out, _ = run_eval("compare", "good.json", "none.json", "--json")
    assert code == 2
    assert json.loads(out) == {
        "suite": "none",
        "error": {"kind": "usage", "message": "none.json: No such file or directory"},
    }


def test_the_answers_of_an_older_scorer_are_scored_again(smoke: Path, run_eval: RunEval) -> None:
    run_eval("run", "smoke", "--json", "after.json")
    after = load_report(Path("after.json"))
    items = tuple(replace(item, score=0.01) for item in after.items)
    write("before.json", replace(after, scorer="1", items=items))
    code, out, err = run_eval("compare", "before.json", "after.json", "--json")
    gate = json.loads(out)["gate"]
    assert code == 0, err
    assert (gate["rescored_from"], gate["comparisons"][0]["difference"]) == ("1", pytest.approx(0))
    shutil.rmtree(smoke)
    code, _, err = run_eval("compare", "before.json", "after.json")
    assert code == 2
    assert "before.json: its scorer version is 1, this run's is" in err


def test_a_judge_that_lost_its_opinion_is_a_failure(run_eval: RunEval) -> None:
    good = scored_report(SCORES, judges=("j",), gate_metrics=("score", "judge"))
    before = with_metric(good, "judge", [0.5] * 20)
    silent = tuple(replace(item, notes={"judge": "j: not JSON"}) for item in good.items)
    write("before.json", before)
    write("after.json", replace(good, items=silent))
    for arguments in ([], ["--metrics", "score,judge"]):
        code, out, _ = run_eval("compare", "before.json", "after.json", *arguments)
        assert code == 1
        assert " ".join(out.split()).startswith("Failed: judge had no opinion on 20 of 20 items: r0, j: not JSON; ")


# --- judges -----------------------------------------------------------------------------------------------------------

FIRST, SECOND = (json.dumps({"reasons": "r", "better": better}) for better in ("first", "second"))


@pytest.fixture
def judge(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Let a judge answer these texts, in turn: two for each pair of pages, in both orders."""

    def script(*answers: str) -> None:
        model = Scripted(*answers)
        monkeypatch.setattr(model, "brake", Brake(), raising=False)

        @asynccontextmanager
        async def open_clients(*_: Any) -> AsyncIterator[Sequence[Scripted]]:
            yield [model]

        monkeypatch.setattr("qtgen.commands.eval._pairs.open_clients", open_clients)

    return script


def test_judges_are_asked_about_every_pair_of_pages(run_eval: RunEval, judge: Callable[..., None]) -> None:
    write("two.json", scored_report({"a": 0.5, "b": 0.5}))
    judge(SECOND, FIRST, SECOND, SECOND)
    code, out, _ = run_eval("compare", "two.json", "two.json", "--judge", "m")
    text = " ".join(out.split())
    assert code == 0
    assert "judges preferred the new page 1 time, the old one 0 times and neither 1 time" in text
    assert "flip rate 50%" in text
    assert "preference: 100% of the references with a preference prefer the new page" in text


@pytest.mark.parametrize(
    ("answers", "code", "verdict"),
    [
        ((FIRST, SECOND), 1, "worse"),
        ((SECOND, FIRST), 0, "better"),
        ((FIRST, FIRST), 0, "no change shown"),
    ],
)
def test_judges_decide(
    run_eval: RunEval, judge: Callable[..., None], answers: tuple[str, str], code: int, verdict: str
) -> None:
    judge(*answers * 20)
    arguments = ("compare", "good.json", "good.json", "--metrics", "score", "--judge", "m", "--json")
    found, out, _ = run_eval(*arguments)
    report = json.loads(out)
    preference = report["gate"]["comparisons"][-1]
    assert (found, report["gate"]["verdict"]) == (code, verdict)
    assert (preference["metric"], preference["clusters"], preference["verdict"]) == ("preference", 20, verdict)
    assert [failure["metric"] for failure in report["failures"]] == ["preference"] * code


def test_judges_without_any_opinion_are_a_failure(run_eval: RunEval, judge: Callable[..., None]) -> None:
    judge(*["I like both."] * 80)
    code, out, _ = run_eval("compare", "good.json", "good.json", "--judge", "m", "--json")
    report = json.loads(out)
    assert (code, report["gate"]["verdict"]) == (1, "too few items to tell")
    assert report["failures"][0]["kind"] == "no-preference"
    assert report["failures"][0]["message"].startswith("no judge had a preference in 20 comparisons: ")
    assert report["gate"]["preferences"]["failed"] == 20


def test_comparisons_that_failed_are_named(run_eval: RunEval, judge: Callable[..., None]) -> None:
    judge(*["I like both."] * 2, FIRST, *(FIRST, SECOND) * 19)
    code, out, _ = run_eval("compare", "good.json", "good.json", "--metrics", "score", "--judge", "m")
    assert code == 1
    assert "; 1 comparison failed: " in " ".join(out.split())
