"""`qtgen eval run` offline: replayed recordings, pages of a folder, baselines, and calls that are wrong."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from qtgen.commands.eval import command as group
from qtgen.evaluation.metrics import SCORER
from support import ROOT

RunEval = Callable[..., tuple[int, str, str]]


def test_a_replay_scores_every_reference_and_uses_every_recording(smoke: Path, run_eval: RunEval) -> None:
    code, out, err = run_eval("run", "smoke", "--json", "r.json", "--html", "r.html", "--junit", "r.xml")
    assert code == 0, out + err
    report = json.loads(Path("r.json").read_text())
    assert [item["error"] for item in report["items"]] == [None] * 8
    assert report["recordings"] == {"unused": [], "missed": []}
    assert report["gate"]["verdict"] == "no change shown"
    assert report["gate"]["comparisons"][0]["difference"] == pytest.approx(0, abs=1e-5)
    assert out.startswith("No change from the baseline shown: ")
    assert Path("r.html").stat().st_size < 2_000_000
    assert 'href="./evals/smoke/references/' in Path("r.html").read_text()
    assert err == "json: r.json\nhtml: r.html\njunit: r.xml\n"


def test_a_suite_that_is_missing_does_not_stop_the_others(smoke: Path, run_eval: RunEval) -> None:
    code, out, err = run_eval("run", "nowhere", "smoke")
    assert (code, out.startswith("No change from the baseline shown: ")) == (2, True)
    assert err == "qtgen: nowhere: no such suite; choose from smoke\n"


def test_a_request_without_a_recording_is_an_error_that_shows_the_difference(smoke: Path, run_eval: RunEval) -> None:
    cassette = smoke / "cassettes" / "completions.yaml"
    cassette.write_text(cassette.read_text().replace("list comprehension", "list understanding"))
    code, out, _ = run_eval("run", "smoke", "--json")
    report = json.loads(out)
    assert code == 1
    missed = [item for item in report["items"] if item["error"]]
    assert [item["error"]["kind"] for item in missed] == ["cassette-miss"]
    assert missed[0]["score"] is None
    assert "How does a list [-understanding-] {+comprehension+} work in Python?" in missed[0]["error"]["message"]
    assert len(report["recordings"]["unused"]) >= 1


def test_a_word_that_changes_every_prompt_is_shown_once(
    smoke: Path, run_eval: RunEval, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(ROOT / "prompts", tmp_path / "prompts")
    for path in (tmp_path / "prompts").glob("*.j2"):
        path.write_text(path.read_text().replace("correct answers for students", "correct answers for pupils"))
    summary = tmp_path / "summary.md"
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
    code, out, _ = run_eval("run", "smoke", "--html", "report.html", "--github")
    assert code == 1
    difference = "correct answers for [-students.-] {+pupils.+}"
    assert out.count(difference) == 3, "an annotation of the verdict, one of the items, and one of the recordings"
    text = " ".join(run_eval("run", "smoke")[1].split())
    assert text.count("[-students.-] {+pupils.+}") == 3
    assert "8 requests differ from their recordings in the same way system message: … clear," in text
    assert summary.read_text().count("8 requests differ from their recordings in the same way") == 1
    html = (tmp_path / "report.html").read_text()
    assert html.count("8 requests differ from their recordings in the same way: system message: … clear,") == 1


def test_another_prompt_has_no_recordings(smoke: Path, run_eval: RunEval) -> None:
    code, out, _ = run_eval("run", "smoke", "--prompt", "compare", "--json", "-")
    report = json.loads(out)
    assert code == 1
    assert report["metrics"]["score"]["missing"] >= 6
    assert all(item["score"] is None for item in report["items"] if item["error"])


def test_an_unusable_cassette_is_one_line(smoke: Path, run_eval: RunEval) -> None:
    cassette = smoke / "cassettes" / "completions.yaml"
    cassette.write_text("interactions: [{")
    code, out, err = run_eval("run", "smoke")
    assert (code, out) == (2, "")
    assert "completions.yaml" in err
    assert len(err.splitlines()) == 1
    cassette.unlink()
    assert run_eval("run", "smoke")[0] == 2


def test_several_repeats_need_several_recordings(smoke: Path, run_eval: RunEval) -> None:
    code, out, _ = run_eval("run", "smoke", "--repeats", 2, "--json")
    report = json.loads(out)
    assert code == 1
    assert report["repeats"] == 2
    assert [item["repeat"] for item in report["items"]] == [1] * 8 + [2] * 8
    assert [item["error"] and item["error"]["kind"] for item in report["items"][8:]] == ["cassette-miss"] * 8


# --- baselines --------------------------------------------------------------------------------------------------------


def test_a_baseline_of_another_scorer_is_scored_again(smoke: Path, run_eval: RunEval) -> None:
    baseline = json.loads((smoke / "baseline.json").read_text())
    (smoke / "baseline.json").write_text(json.dumps({**baseline, "scorer": "0-old"}))
    code, out, err = run_eval("run", "smoke", "--json")
    gate = json.loads(out)["gate"]
    assert (code, gate["rescored_from"], gate["verdict"]) == (0, "0-old", "no change shown"), err
    assert "the baseline was scored by version 0-old; its stored answers were scored again" in gate["reasons"]


def test_a_broken_baseline_is_rejected_by_its_field_after_the_report(smoke: Path, run_eval: RunEval) -> None:
    baseline = json.loads((smoke / "baseline.json").read_text())
    del baseline["items"][0]["score"]
    (smoke / "baseline.json").write_text(json.dumps(baseline))
    code, out, err = run_eval("run", "smoke")
    assert code == 2
    assert "mean score" in out
    assert (
        err
        == f"qtgen: {smoke / 'baseline.json'}: `items.0.score` is missing; restore the file, or create a new baseline\n"
    )


def test_a_baseline_that_does_not_exist_is_rejected_after_the_report(smoke: Path, run_eval: RunEval) -> None:
    code, out, err = run_eval("run", "smoke", "--baseline", "none.json")
    assert (code, err) == (2, "qtgen: --baseline: none.json: no such file\n")
    assert out.startswith("Failed: the baseline cannot be used: none.json: no such file; mean score ")


def test_a_run_can_become_the_baseline(smoke: Path, run_eval: RunEval) -> None:
    (smoke / "baseline.json").unlink()
    code, out, _ = run_eval("run", "smoke", "--require-power")
    assert code == 1
    assert out.startswith("Failed: there is no baseline to compare with; mean score ")
    assert run_eval("run", "smoke", "--save-baseline")[0] == 0
    assert run_eval("run", "smoke", "--require-power")[0] == 0


def test_a_run_with_failures_does_not_become_the_baseline(smoke: Path, run_eval: RunEval) -> None:
    before = (smoke / "baseline.json").read_bytes()
    code, out, err = run_eval("run", "smoke", "--prompt", "compare", "--save-baseline", "--accept")
    assert code == 1
    assert "score" in out
    assert "--save-baseline: an item has no score" in err
    assert (smoke / "baseline.json").read_bytes() == before


def test_the_gate_s_metrics_are_measured_and_its_limit_can_be_off(smoke: Path, run_eval: RunEval) -> None:
    gate = '[gate]\nmetrics = ["score", "must_recall", "judge"]\nmax_fall = 0'
    (smoke / "suite.toml").write_text(f'provider = "local"\nmetrics = ["rouge_l"]\n{gate}')
    code, out, err = run_eval("run", "smoke", "--json")
    assert code == 0, err
    result = json.loads(out)["gate"]
    assert [comparison["metric"] for comparison in result["comparisons"]] == ["score", "must_recall"]
    assert result["tail_limit"] is None
    assert "judge: no reference has it in both reports" in result["reasons"]


# --- pages ------------------------------------------------------------------------------------------------------------


def test_pages_are_scored_and_their_scores_written(smoke: Path, run_eval: RunEval, tmp_path: Path) -> None:
    pages = Path(shutil.copytree(smoke / "references", tmp_path / "pages"))
    first, second, *_ = sorted(pages.glob("*.md"))
    before = second.read_text()
    first.unlink()
    code, out, err = run_eval("run", "smoke", "--pages", "pages", "--write-scores", "--json")
    report = json.loads(out)
    assert code == 1  # one page is missing
    assert "scores written into 7 pages" in err
    assert report["items"][0]["error"]["kind"] == "no-page"
    assert all(item["score"] > 0.95 for item in report["items"][1:])
    changes = [
        pair for pair in zip(before.splitlines(), second.read_text().splitlines(), strict=True) if pair[0] != pair[1]
    ]
    assert changes == [("score: -1.0", f"score: {round(report['items'][1]['score'], 3)}")]


# --- plugins ----------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("_registries")
def test_a_plugin_s_metric_and_format_are_in_the_report(smoke: Path, run_eval: RunEval, tmp_path: Path) -> None:
    (tmp_path / "qtgen.toml").write_text('plugins = ["mine.py"]')
    (tmp_path / "mine.py").write_text(
        "from qtgen.evaluation import Score, eval_format, metric\n"
        "@metric()\ndef commas(case):\n    'Share of commas.'\n    return Score(0.5)\n"
        "@eval_format('ids')\ndef ids(report):\n    return ''.join(f'{item.id}\\n' for item in report.items)\n"
    )
    (smoke / "suite.toml").write_text('provider = "local"\n[gate]\nmetrics = ["score", "commas"]')
    code, out, err = run_eval("run", "smoke", "--json", "--report", "ids", "ids.txt")
    report = json.loads(out)
    assert code == 0, err
    assert (report["scorer"].endswith("+commas:1"), report["gate"]["rescored_from"]) == (True, SCORER)
    assert report["metrics"]["commas"]["mean"] == 0.5
    assert Path("ids.txt").read_text().splitlines() == [item["id"] for item in report["items"]]
    assert "commas" in run_eval("score", "none.jsonl", "--metrics", "unknown")[2]


# --- wrong calls ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--pages", ".", "--live"], "--pages: scores existing pages; leave out --live"),
        (["--write-scores"], "--write-scores: needs --pages, because generated pages are not kept"),
        (["--dry-run"], "--dry-run: needs --live or --record"),
        (["--resume"], "--resume: needs --live or --record"),
        (["--github", "--json"], "--json: stdout is used by --github already; give a file"),
        (["--report", "pdf", "r.pdf"], "--report: unknown format `pdf`; choose from text, json, junit, github, html"),
    ],
)
def test_options_that_exclude_each_other_are_one_line(
    smoke: Path, run_eval: RunEval, arguments: list[str], message: str
) -> None:
    code, out, err = run_eval("run", "smoke", *arguments)
    assert (code, out) == (2, "")
    assert err == f"qtgen: {message}\n"


def test_a_wrong_suite_is_one_line(smoke: Path, run_eval: RunEval) -> None:
    (smoke / "suite.toml").write_text('metrics = ["must_recal"]')
    code, out, err = run_eval("run", "smoke")
    assert (code, out) == (2, "")
    assert "suite.toml: `metrics`: unknown metric `must_recal`" in err


def test_without_the_extra_it_is_one_line(run_eval: RunEval, monkeypatch: pytest.MonkeyPatch) -> None:
    def find_spec(name: str) -> Any:
        return None if name == "scipy" else object()

    monkeypatch.setattr("qtgen._util.extras.find_spec", find_spec)
    monkeypatch.setattr(group, "commands", {})  # commands that other tests have loaded
    code, _, err = run_eval("power", "--deviation", "0.1")
    assert code == 2
    assert err.startswith("qtgen: `qtgen eval power` needs the `evals` extra (scipy is not installed)")
