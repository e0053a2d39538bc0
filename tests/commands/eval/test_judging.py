"""Judges of `qtgen eval run` and `compare` against an endpoint: readings, retries, cost, budgets, reuse and early ends."""

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from support.endpoint import FakeEndpoint
from support.eval_reports import scored_report
from support.judge_endpoint import COST, PRICES, Judges, judge_endpoint

pytestmark = pytest.mark.block_network(allowed_hosts=["127.0.0.1"])
RunEval = Callable[..., tuple[int, str, str]]
PAGES = ("run", "smoke", "--pages", "evals/smoke/references", "--judge", "j")
COSTLY = PRICES.replace('[prices."j"]\ninput = 1000.0\noutput = 1000.0', '[prices."j"]\ninput = 1e4\noutput = 1e4')
"""A judgement costs $1.50, and could cost almost $40."""
JUDGEMENTS = 24  # of 8 items: the rubric, and two lists of claims


@pytest.fixture
def served(smoke: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[FakeEndpoint, Judges]]:
    monkeypatch.setenv("QTGEN_IGNORE", "QT609")
    with judge_endpoint(smoke, tmp_path) as served:
        yield served


@pytest.fixture
def endpoint(served: tuple[FakeEndpoint, Judges]) -> FakeEndpoint:
    return served[0]


@pytest.fixture
def judges(served: tuple[FakeEndpoint, Judges]) -> Judges:
    return served[1]


def judged(run_eval: RunEval, *arguments: object) -> tuple[int, dict[str, Any], str]:
    code, out, err = run_eval(*arguments, "--json")
    return code, json.loads(out), err


def use(report: dict[str, Any]) -> dict[str, Any]:
    used: dict[str, Any] = report["judging"]["judges"]["j"]
    return used


@pytest.mark.parametrize("mode", ["prose", "fence", "extra", "once"])
def test_a_response_that_can_be_read_is_an_opinion(judges: Judges, run_eval: RunEval, mode: str) -> None:
    judges.mode = mode
    code, report, err = judged(run_eval, *PAGES)
    assert code == 0, err
    assert (report["metrics"]["judge"]["mean"], report["metrics"]["judge"]["missing"]) == (1.0, 0)
    retried = JUDGEMENTS if mode == "once" else 0
    requests = JUDGEMENTS + retried
    assert use(report) == {
        "asked": JUDGEMENTS, "reused": 0, "retried": retried, "failed": 0, "prompt_tokens": 100 * requests,
        "completion_tokens": 50 * requests, "cost_usd": pytest.approx(COST * requests),
    }  # fmt: skip
    assert report["usage"]["cost_usd"] == 0, "the pages' usage does not include the judges'"


@pytest.mark.parametrize(
    ("mode", "reason"),
    [
        ("ten", "`correctness` must be a whole or half mark from 1 to 5"),
        ("garbage", "the answer is prose; write one JSON object"),
        ("400", "no"),
    ],
)
def test_a_judge_without_an_opinion_is_noted_and_asked_again_by_the_next_run(
    judges: Judges, run_eval: RunEval, mode: str, reason: str
) -> None:
    judges.mode, judges.after = mode, 1  # an endpoint that never answers ends the run
    report = judged(run_eval, *PAGES, "--concurrency", 1)[1]
    notes = [item["notes"]["judge"] for item in report["items"]]
    assert sum(note.startswith("j: no opinion: ") for note in notes) >= 7
    assert reason in notes[-1]
    assert use(report)["failed"] >= 7
    judges.mode = "ok"
    report = judged(run_eval, *PAGES)[1]
    assert report["metrics"]["judge"]["missing"] == 0
    assert use(report)["failed"] == 0


def test_the_ledger_answers_a_second_time_and_fresh_asks_again(judges: Judges, run_eval: RunEval) -> None:
    first = judged(run_eval, *PAGES)[1]
    sent = len(judges.bodies)
    assert sent == JUDGEMENTS
    again = judged(run_eval, *PAGES)[1]
    assert (len(judges.bodies), use(again)) == (
        sent,
        {**use(first), "reused": JUDGEMENTS, "prompt_tokens": 0, "completion_tokens": 0, "cost_usd": 0.0},
    )
    assert all(item["notes"]["judge"].startswith("j (reused): 5/5/5") for item in again["items"])
    assert f"judge j: {JUDGEMENTS} judgements ({JUDGEMENTS} reused); 0 prompt" in run_eval(*PAGES)[1]
    fresh = judged(run_eval, *PAGES, "--fresh")[1]
    assert (len(judges.bodies), use(fresh)) == (2 * sent, use(first))


@pytest.mark.parametrize(
    ("mode", "reason"),
    [("garbage", "the answer is prose"), ("ten", "`correctness` must be a whole or half mark from 1 to 5")],
)
def test_a_judge_without_any_opinion_is_a_failure(judges: Judges, run_eval: RunEval, mode: str, reason: str) -> None:
    judges.mode = mode
    code, out, _ = run_eval(*PAGES, "--judge", "k")
    assert code == 1
    text = " ".join(out.split())
    for name in ("j", "k"):
        assert f"no opinion on any item: {name} (judge): {reason}" in text
    assert re.search(r"judge j: 24 judgements \([^)]*(8|24) without an opinion\)", text)


def test_costs_lists_the_judges(judges: Judges, run_eval: RunEval, capsys: pytest.CaptureFixture[str]) -> None:
    from qtgen.cli import run

    run_eval(*PAGES)
    assert run(["costs", "--json"]) == 0
    (row,) = json.loads(capsys.readouterr().out)
    assert (row["model"], row["answered"]) == ("j", JUDGEMENTS)
    assert row["cost_usd"] == pytest.approx(COST * JUDGEMENTS)


def test_the_cost_of_a_judge_without_a_price_is_unknown(judges: Judges, run_eval: RunEval, tmp_path: Path) -> None:
    (tmp_path / "qtgen.toml").write_text("")
    assert use(judged(run_eval, *PAGES)[1])["cost_usd"] is None
    assert "completion tokens; cost unknown" in run_eval(*PAGES, "--fresh")[1]


@pytest.mark.parametrize("place", ["option", "qtgen.toml"])
def test_a_budget_that_ends_judging_is_a_failure(judges: Judges, run_eval: RunEval, tmp_path: Path, place: str) -> None:
    if place == "qtgen.toml":
        (tmp_path / "qtgen.toml").write_text(f"budget = 0.0001\n{PRICES}")
    code, out, err = run_eval(*PAGES, *(["--budget", 0.0001] if place == "option" else []))
    assert code == 1
    assert judges.bodies == []
    ended = f"the budget of $0.0001 is used up with {JUDGEMENTS} of {JUDGEMENTS} judgements left"
    assert f"qtgen: judging ended: {ended}; raise --budget and run the same command to continue\n" in err
    assert " ".join(out.split()).count(f"judging ended early: {ended}") == 1
    code, report, _ = judged(run_eval, *PAGES, "--budget", 0.0001)
    assert code == 1
    assert report["judging"]["ended"] == {"kind": "budget", "message": ended}
    assert {item["metrics"]["judge"] for item in report["items"]} == {None}
    assert report["items"][0]["notes"]["judge"].startswith("j: no opinion: the budget of $0.0001 is used up")


def test_a_budget_holds_for_pages_and_judges_together(judges: Judges, run_eval: RunEval, tmp_path: Path) -> None:
    (tmp_path / "qtgen.toml").write_text(COSTLY)
    command = "run", "smoke", "--live", "--judge", "j", "--concurrency", 1
    code, report, err = judged(run_eval, *command, "--budget", 60)
    assert code == 1, err
    assert report["usage"]["cost_usd"] == pytest.approx(8 * COST)
    assert 0 < len(judges.bodies) < JUDGEMENTS
    assert report["usage"]["cost_usd"] + use(report)["cost_usd"] <= 60
    assert report["judging"]["ended"]["kind"] == "budget"
    sent = len(judges.bodies)
    code, report, err = judged(run_eval, *command, "--resume")
    assert code == 0, err
    assert len(judges.bodies) == JUDGEMENTS, "what was judged is not asked again"
    assert use(report)["reused"] == sent


def test_every_repeat_keeps_to_the_same_budget(
    judges: Judges, endpoint: FakeEndpoint, run_eval: RunEval, tmp_path: Path
) -> None:
    (tmp_path / "qtgen.toml").write_text(COSTLY)
    options = "--judge", "j", "--fresh", "--budget", 60, "--repeats", 2, "--concurrency", 1
    code, report, err = judged(run_eval, "run", "smoke", "--live", *options)
    assert code == 1, err
    pages = len(endpoint.requests) - len(judges.bodies)
    assert pages == 16
    assert COST * pages + 10 * COST * len(judges.bodies) <= 60
    assert 0 < use(report)["failed"] < 2 * JUDGEMENTS


def test_a_key_that_is_wrong_ends_judging_but_loses_no_page(
    judges: Judges, endpoint: FakeEndpoint, run_eval: RunEval, smoke: Path
) -> None:
    judges.mode = "401"
    code, report, err = judged(run_eval, "run", "smoke", "--record", "--judge", "j")
    assert code == 1
    assert report["metrics"]["score"]["items"] == 8
    assert report["judging"]["ended"]["kind"] == "unusable"
    assert [line for line in err.splitlines() if "judging ended" in line] == [
        f"qtgen: judging ended: {report['judging']['ended']['message']}; run the same command to continue"
    ]
    assert {item["notes"]["judge"].partition(": ")[2].partition(":")[0] for item in report["items"]} == {"no opinion"}
    assert not (smoke / "cassettes" / "judges.yaml").exists(), "an incomplete recording replaces none"
    judges.mode = "ok"
    pages = len(endpoint.requests) - len(judges.bodies)
    code, report, err = judged(run_eval, "run", "smoke", "--record", "--judge", "j")
    assert code == 0, err
    assert report["judging"]["ended"] is None
    assert len(endpoint.requests) - len(judges.bodies) == pages == 8, "the pages were not asked for again"


def test_an_early_end_is_no_baseline(judges: Judges, run_eval: RunEval, smoke: Path) -> None:
    judges.mode = "401"
    code, _, err = run_eval(*PAGES, "--save-baseline")
    assert code == 1
    assert "--save-baseline: a judge ended early or had no opinion, so" in err
    assert not (smoke / "baseline.json").exists()


def test_recorded_judgements_that_are_used_again_cost_nothing(judges: Judges, run_eval: RunEval) -> None:
    arguments = "run", "smoke", "--record-missing", "--judge", "j"
    code, first, err = judged(run_eval, *arguments)
    assert code == 0, err
    assert use(first)["cost_usd"] > 0
    sent = len(judges.bodies)
    code, again, err = judged(run_eval, *arguments)
    assert code == 0, err
    assert len(judges.bodies) == sent
    assert use(again) == {**use(first), "cost_usd": 0.0}


def test_retries_and_several_judgements_are_replayed(judges: Judges, run_eval: RunEval) -> None:
    judges.mode, judges.vary = "once", True
    arguments = "run", "smoke", "--judge", "j", "--judgements", 3
    code, recorded, err = judged(run_eval, *arguments, "--record")
    assert code == 0, err
    sent = len(judges.bodies)
    assert sent == 2 * 3 * JUDGEMENTS
    code, replayed, err = judged(run_eval, *arguments)
    assert code == 0, err
    assert (len(judges.bodies), replayed["recordings"]) == (sent, {"unused": [], "missed": []})
    for name in ("judge", "judge_must_recall"):
        assert replayed["metrics"][name] == recorded["metrics"][name]
    assert replayed["judging"]["agreement"] == recorded["judging"]["agreement"]
    assert replayed["judging"] == {
        **recorded["judging"], "source": "recordings", "judges": {"j": {**use(recorded), "cost_usd": 0.0}},
    }  # fmt: skip
    assert "replayed at no cost" in " ".join(run_eval(*arguments)[1].split())


def test_agreement_between_judgements_and_judges_is_reported(judges: Judges, run_eval: RunEval) -> None:
    judges.vary = True
    code, report, err = judged(run_eval, *PAGES, "--judge", "k", "--judgements", 3)
    assert code == 0, err
    assert report["metrics"]["judge"]["mean"] == pytest.approx((11 / 12 + 1 + 10 / 12) / 3)
    agreement = {(one["metric"], one["between"]): one for one in report["judging"]["agreement"]}
    marks = agreement["judge", "j"]
    assert (marks["judgements"], marks["units"], marks["items"], marks["equal"]) == (3, 8, 8, 0.0)
    assert marks["alpha"] < 0, "the judgements differ more than the items"
    assert (agreement["judge", "judges"]["alpha"], agreement["judge", "judges"]["equal"]) == (None, 1.0)
    claims = agreement["judge_must_recall", "k"]
    assert (claims["items"], claims["equal"]) == (8, 1.0)
    assert claims["units"] > 8
    out = run_eval(*PAGES, "--judgements", 3, "--html", "r.html")[1]
    text = " ".join(out.split())
    assert "agreement on judge, 3 judgements of j: alpha -0.438 (-0.438 to -0.438); all equal on 0% of 8 items" in text
    assert "judge j: 72 judgements (72 reused)" in text
    html = Path("r.html").read_text()
    assert "Agreement on judge, 3 judgements of j" in html


@pytest.mark.parametrize("fresh", [False, True])
def test_pairs_are_read_counted_and_reused(
    judges: Judges, endpoint: FakeEndpoint, run_eval: RunEval, tmp_path: Path, fresh: bool
) -> None:
    judges.mode = "once"
    pair = write_pair(tmp_path, endpoint)
    code, report, err = judged(run_eval, "compare", *pair, "--judge", "j")
    assert code == 0, err
    assert use(report)["asked"] == use(report)["retried"] == 4
    assert len(judges.bodies) == 8
    options = ["--fresh"] if fresh else []
    report = judged(run_eval, "compare", *pair, "--judge", "j", *options)[1]
    assert (len(judges.bodies), use(report)["reused"]) == ((16, 0) if fresh else (8, 4))


@pytest.mark.parametrize("mode", ["budget", "401"])
def test_pairs_that_judges_could_not_compare_are_a_failure(
    judges: Judges, endpoint: FakeEndpoint, run_eval: RunEval, tmp_path: Path, mode: str
) -> None:
    options = ["--budget", 0.0001] if mode == "budget" else []
    judges.mode = "401" if mode == "401" else "ok"
    code, out, err = run_eval("compare", *write_pair(tmp_path, endpoint), "--judge", "j", *options)
    assert code == 1
    assert "qtgen: judging ended: " in err
    assert "judging ended: 2 of 2 comparisons left: " in err
    assert "2 comparisons failed" in " ".join(out.split())
    if mode == "budget":
        assert judges.bodies == []


def write_pair(folder: Path, endpoint: FakeEndpoint) -> tuple[str, str]:
    """Write two equal reports, whose judges are at the endpoint."""
    settings = f'provider = "openai"\nbase_url = "{endpoint.address}"\n{PRICES}'
    (folder / "qtgen.toml").write_text(settings)
    for name in ("before", "after"):
        report = scored_report({"a": 0.5, "b": 0.5})
        items = [replace(item, candidate=f"{item.candidate} This was {name}.") for item in report.items]
        (folder / f"{name}.json").write_text(replace(report, items=tuple(items)).to_json())
    return "before.json", "after.json"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--pages", ".", "--judge-uncertain"], "--judge-uncertain: needs --judge"),
        (["--judgements", "3"], "--judgements: needs --judge"),
        (["--fresh"], "--fresh: needs --live, --record, or --pages with --judge, because only they send requests"),
        (["--fresh", "--judge", "j"], "--fresh: needs --live, --record, or --pages with --judge"),
        (["--fresh", "--pages", "."], "--fresh: needs --live, --record, or --pages with --judge"),
        (["--fresh", "--live", "--resume"], "--fresh: cannot be combined with --resume"),
        (["--judge", "j", "--judgements", "10"], "10 is not in the range 1<=x<=9"),
    ],
)
def test_a_wrong_call_is_one_line(run_eval: RunEval, smoke: Path, arguments: list[str], message: str) -> None:
    code, _, err = run_eval("run", smoke, *arguments)
    assert code == 2
    assert message in err


def test_comparing_without_judges_asks_nothing(run_eval: RunEval, tmp_path: Path) -> None:
    (tmp_path / "r.json").write_text(scored_report({"a": 0.5}).to_json())
    code, _, err = run_eval("compare", "r.json", "r.json", "--fresh")
    assert (code, "--fresh: needs --judge" in err) == (2, True)


def test_only_uncertain_items_are_judged(judges: Judges, run_eval: RunEval, monkeypatch: pytest.MonkeyPatch) -> None:
    from qtgen.evaluation import scoring

    scored = scoring.score_sample

    def with_confidence(*arguments: Any, **options: Any) -> scoring.SampleResult:
        result = scored(*arguments, **options)
        result.metrics["confidence"] = 0.2 if "leaves" in result.id else 0.9  # type: ignore[index]
        return result

    monkeypatch.setattr("qtgen.evaluation.scoring.score_sample", with_confidence)
    code, report, err = judged(run_eval, *PAGES, "--judge-uncertain")
    assert code == 0, err
    uncertain = [item["id"] for item in report["items"] if "judge" in item["metrics"]]
    assert uncertain == [item["id"] for item in report["items"] if "leaves" in item["id"]]
    assert len(uncertain) == 1
    assert (report["judging"]["scope"], report["judging"]["items"], len(judges.bodies)) == ("uncertain", 1, 3)
