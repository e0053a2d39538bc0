"""`qtgen eval verify`: exit codes, places and remedies."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from support.judge_endpoint import judge_endpoint
from support.suites import make_small_suite

RunEval = Callable[..., tuple[int, str, str]]


@pytest.fixture
def suite(tmp_path: Path, run_eval: RunEval) -> Path:
    """A small suite in `evals/small` whose baseline scores the pages of `pages`."""
    folder, _ = make_small_suite(tmp_path)
    code, _, err = run_eval("run", folder, "--pages", "pages", "--save-baseline")
    assert code == 0, err
    return folder


def edit(path: Path, **changes: Any) -> None:
    """Change top-level fields of a report."""
    document = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps({**document, **changes}), encoding="utf-8")


def test_a_baseline_is_proved_by_its_suite(run_eval: RunEval, suite: Path) -> None:
    for target in (suite, suite / "baseline.json"):
        code, out, err = run_eval("verify", target)
        assert (code, err) == (0, "")
        assert out.startswith("evals/small/baseline.json: proved (2 items, ")


def test_a_recorded_baseline_is_proved_by_its_cassette(run_eval: RunEval, smoke: Path) -> None:
    assert run_eval("run", smoke, "--save-baseline")[0] == 0
    metrics = len(json.loads((smoke / "baseline.json").read_text(encoding="utf-8"))["metrics"])
    assert run_eval("verify", smoke)[:2] == (0, f"evals/smoke/baseline.json: proved (8 items, {metrics} metrics)\n")
    cassette = smoke / "cassettes" / "completions.yaml"
    cassette.write_text(cassette.read_text(encoding="utf-8").replace("opportunity", "lost", 1), encoding="utf-8")
    code, out, _ = run_eval("verify", smoke)
    assert code == 1
    assert "items[" in out


@pytest.mark.block_network(allowed_hosts=["127.0.0.1"])
def test_recorded_judgements_are_proved(
    run_eval: RunEval, smoke: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QTGEN_IGNORE", "QT609")
    with judge_endpoint(smoke, tmp_path) as (_, judges):
        judges.vary = True
        options = "--record", "--judge", "j", "--judgements", 2, "--save-baseline"
        code, _, err = run_eval("run", "smoke", *options)
        assert code == 0, err
    assert run_eval("verify", smoke)[0] == 0
    path = smoke / "baseline.json"
    judging = json.loads(path.read_text(encoding="utf-8"))["judging"]
    judging["agreement"][0]["alpha"] = 0.9
    edit(path, judging={**judging, "items": 7})
    code, out, _ = run_eval("verify", smoke)
    assert code == 1
    assert "judging.items: the report has 7, the recordings give 8" in out
    assert "judging.agreement[0].alpha: the report has 0.9, the recordings give -" in out


def test_a_comparison_by_judges_is_not_proved(run_eval: RunEval, suite: Path) -> None:
    path = suite / "baseline.json"
    run_eval("run", suite, "--pages", "pages", "--json", "run.json")
    document = json.loads(Path("run.json").read_text(encoding="utf-8"))
    counts = {"new": 0, "old": 0, "neither": 2, "flips": 0, "failed": 0, "failure": ""}
    document["gate"]["preferences"] = counts
    path.with_name("run.json").write_text(json.dumps(document), encoding="utf-8")
    code, out, _ = run_eval("verify", path.with_name("run.json"))
    assert code == 1
    assert "1 part not proved" in out
    assert "gate: not proved: the preferences of judges are not recorded" in out


def test_an_edited_report_is_named_with_its_place(run_eval: RunEval, suite: Path) -> None:
    path = suite / "baseline.json"
    document = json.loads(path.read_text(encoding="utf-8"))
    document["items"][1]["metrics"]["rouge_l"] = 0.99
    path.write_text(json.dumps(document), encoding="utf-8")
    code, out, _ = run_eval("verify", suite)
    assert code == 1
    assert "items[1].metrics.rouge_l (what-makes-a-number-prime): the report has 0.99, scoring the answer gives " in out
    assert "  metrics.rouge_l: mean, low, high: the report has " in out


def test_json_is_one_document(run_eval: RunEval, suite: Path) -> None:
    edit(suite / "baseline.json", items=[])
    code, out, _ = run_eval("verify", suite, suite, "--json")
    rows = json.loads(out)
    assert (code, len(rows), rows[0]["proved"]) == (1, 2, False)
    assert rows[0]["differences"][0] == {
        "place": "items",
        "item": "how-does-classical-conditioning-work",
        "message": "removed: the report has no item for the reference",
        "is_proved": True,
    }


def test_many_differences_are_counted(run_eval: RunEval, suite: Path) -> None:
    edit(suite / "baseline.json", items=[])
    out = run_eval("verify", suite)[1]
    assert out.count("\n") == 22
    assert " more; --json lists all" in out


def test_what_cannot_be_proved_is_an_error_unless_it_is_allowed(run_eval: RunEval, suite: Path, tmp_path: Path) -> None:
    (tmp_path / "pages").rename(tmp_path / "elsewhere")
    code, out, _ = run_eval("verify", suite)
    assert code == 1
    assert "4 parts not proved" in out
    assert "items[].candidate: not proved: the folder of the pages does not exist: pages" in out
    assert run_eval("verify", suite, "--allow-unproven")[0] == 0


def test_the_gate_follows_from_the_baseline_that_the_report_names(run_eval: RunEval, suite: Path) -> None:
    assert run_eval("run", suite, "--pages", "pages", "--json", "new.json")[0] in (0, 1)
    assert run_eval("verify", "new.json")[0] == 0
    gate = json.loads(Path("new.json").read_text(encoding="utf-8"))["gate"]
    edit(Path("new.json"), gate={**gate, "verdict": "better"})
    code, out, _ = run_eval("verify", "new.json", "--suite", suite, "--baseline", suite / "baseline.json")
    assert code == 1
    assert 'gate.verdict: the report has "better", the comparison gives "' in out


def test_without_arguments_all_baselines_are_verified(run_eval: RunEval, suite: Path, smoke: Path) -> None:
    (smoke / "baseline.json").unlink()
    (suite.parents[1] / "qtgen.toml").touch()
    code, out, err = run_eval("verify")
    assert (code, err) == (0, "smoke: no baseline.json\n")
    assert out.count(": proved") == 1
    (suite / "baseline.json").unlink()
    code, _, err = run_eval("verify")
    assert code == 2
    assert "there is no suite with a baseline.json in evals/" in err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["missing"], "qtgen: missing: No such file or directory"),
        (["text.json"], "qtgen: text.json: not JSON: "),
        (["other.json"], "qtgen: other.json: it belongs to the suite 'other', which is not in evals/"),
        (["evals/small", "--baseline", "text.json"], "qtgen: text.json: not JSON: "),
    ],
)
def test_unusable_input_is_one_line(run_eval: RunEval, suite: Path, arguments: list[str], message: str) -> None:
    Path("text.json").write_text("no")
    Path("other.json").write_bytes((suite / "baseline.json").read_bytes())
    edit(Path("other.json"), suite="other")
    code, _, err = run_eval("verify", *arguments)
    assert (code, err.count("\n")) == (2, 1)
    assert err.startswith(message)


def test_an_unusable_report_does_not_stop_the_others(run_eval: RunEval, suite: Path) -> None:
    code, out, err = run_eval("verify", "missing", suite)
    assert code == 2
    assert ": proved" in out
    assert err.count("\n") == 1


def test_a_damaged_cassette_is_unusable_input(run_eval: RunEval, smoke: Path) -> None:
    (smoke / "cassettes" / "completions.yaml").write_text("no")
    code, _, err = run_eval("verify", smoke)
    assert code == 2
    assert "this is not a cassette" in err
