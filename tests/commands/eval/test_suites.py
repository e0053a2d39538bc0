"""Several suites in one call: one document, and an unusable suite that does not stop the others."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import pytest

from qtgen.commands.eval import run as command
from qtgen.errors import Interrupted
from support.eval_outcomes import github_fails, html_fails, json_fails, junit_fails, summary_fails

RunEval = Callable[..., tuple[int, str, str]]


@pytest.fixture
def suites(smoke: Path, tmp_path: Path) -> Path:
    """The suites `smoke`, `broken` with an unusable cassette, and `other` without a baseline; pages that fit all."""
    evals = smoke.parent
    for name in ("broken", "other"):
        shutil.copytree(smoke, evals / name)
        (evals / name / "baseline.json").unlink()
    (evals / "broken" / "suite.toml").write_text('metrics = ["must_recal"]')
    shutil.copytree(smoke / "references", tmp_path / "pages")
    return evals


@pytest.mark.usefixtures("suites")
def test_json_and_junit_are_one_document_in_the_order_of_the_arguments(run_eval: RunEval) -> None:
    code, out, err = run_eval("run", "other", "broken", "smoke", "nowhere", "--pages", "pages", "--json", "-")
    assert code == 2
    reports = json.loads(out)
    assert [report["suite"] for report in reports] == ["other", "broken", "smoke", "nowhere"]
    assert reports[1].keys() == reports[3].keys() == {"suite", "error"}
    assert "unknown metric `must_recal`" in reports[1]["error"]["message"]
    assert reports[3]["error"] == {
        "kind": "usage",
        "message": "nowhere: no such suite; choose from broken, other, smoke",
    }
    assert json_fails(out)
    broken, nowhere = err.splitlines()
    assert "suite.toml: `metrics`: unknown metric `must_recal`" in broken
    assert nowhere == "qtgen: nowhere: no such suite; choose from broken, other, smoke"
    code, _, _ = run_eval(
        "run", "smoke", "broken", "other", "--pages", "pages", "--json", "all.json", "--junit", "all.xml"
    )
    assert code == 2
    assert [report["suite"] for report in json.loads(Path("all.json").read_text())] == ["smoke", "broken", "other"]
    found = ElementTree.parse("all.xml").getroot().findall("testsuite")
    assert [(suite.get("name"), suite.get("errors")) for suite in found] == [
        ("smoke", "0"), ("broken", "1"), ("other", "0"),
    ]  # fmt: skip


@pytest.mark.usefixtures("suites")
def test_suites_that_pass_are_one_document_without_failures(run_eval: RunEval) -> None:
    code, out, err = run_eval("run", "smoke", "other", "--pages", "pages", "--json", "--junit", "all.xml")
    assert code == 0, err
    assert not json_fails(out)
    assert not junit_fails(Path("all.xml").read_text())
    assert err == "junit: all.xml\n"


@pytest.mark.usefixtures("suites")
def test_an_unusable_suite_fails_in_every_format(run_eval: RunEval, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", "summary.md")
    outputs = ["--json", "r.json", "--junit", "r.xml", "--html", "r.html", "--github"]
    code, out, err = run_eval("run", "broken", *outputs)
    assert code == 2
    assert "unknown metric `must_recal`" in err
    assert github_fails(out)
    assert summary_fails(Path("summary.md").read_text())
    assert json_fails(Path("r.json").read_text())
    assert junit_fails(Path("r.xml").read_text())
    assert html_fails(Path("r.html").read_text())
    code, _, err = run_eval("compare", "r.json", "r.json")
    assert (code, err) == (2, "qtgen: r.json: not an evaluation report\n")


@pytest.mark.usefixtures("suites")
def test_a_folder_gets_a_file_for_each_suite(run_eval: RunEval) -> None:
    code, _, _ = run_eval("run", "smoke", "broken", "--pages", "pages", "--json", "out/", "--html", "out/")
    assert code == 2
    assert sorted(path.name for path in Path("out").iterdir()) == [
        "broken.html", "broken.json", "smoke.html", "smoke.json",
    ]  # fmt: skip
    assert json.loads(Path("out/broken.json").read_text()).keys() == {"suite", "error"}


@pytest.mark.usefixtures("suites")
def test_after_an_interruption_the_remaining_suites_are_errors(
    run_eval: RunEval, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object) -> None:
        raise Interrupted("interrupted with 3 pages left")

    run_eval("run", "smoke", "--pages", "pages")  # loads the command
    monkeypatch.setattr(command, "score_candidates", interrupt)
    code, out, _ = run_eval("run", "smoke", "other", "--pages", "pages", "--json")
    assert code == 130
    assert [(report["suite"], report["error"]["kind"]) for report in json.loads(out)] == [
        ("smoke", "interrupted"), ("other", "interrupted"),
    ]  # fmt: skip


@pytest.mark.usefixtures("suites")
def test_estimates_of_several_suites_are_one_document(run_eval: RunEval) -> None:
    code, out, _ = run_eval("run", "smoke", "broken", "other", "--live", "--dry-run", "--json")
    documents = json.loads(out)
    assert code == 2
    assert [document["suite"] for document in documents] == ["smoke", "broken", "other"]
    assert "requests" in documents[0]
    assert "error" in documents[1]


@pytest.mark.usefixtures("suites")
def test_a_document_that_cannot_be_written_is_an_annotation(run_eval: RunEval) -> None:
    Path("file").write_text("")
    code, out, err = run_eval("run", "smoke", "other", "--pages", "pages", "--junit", "file/all.xml", "--github")
    assert code == 2
    assert "--junit: file/all.xml: " in err
    assert github_fails(out)


@pytest.mark.usefixtures("suites")
def test_a_file_that_cannot_be_written_is_an_error_in_the_other_outputs(run_eval: RunEval) -> None:
    Path("file").write_text("")
    outputs = ["--junit", "r.xml", "--html", "file/report.html", "--github"]
    code, out, err = run_eval("run", "smoke", "--pages", "pages", *outputs)
    assert code == 2
    assert "--html: file/report.html: " in err
    assert github_fails(out)
    assert junit_fails(Path("r.xml").read_text())


@pytest.mark.usefixtures("suites")
def test_a_document_that_cannot_be_written_is_an_error_in_the_other_documents(run_eval: RunEval) -> None:
    Path("file").write_text("")
    outputs = ["--json", "file/all.json", "--junit", "all.xml"]
    code, _, err = run_eval("run", "smoke", "other", "--pages", "pages", *outputs)
    assert code == 2
    assert "--json: file/all.json: " in err
    assert junit_fails(Path("all.xml").read_text())


def test_a_comparison_whose_file_cannot_be_written_is_an_error_in_the_other_outputs(
    smoke: Path, run_eval: RunEval
) -> None:
    Path("file").write_text("")
    report = smoke / "baseline.json"
    code, out, _ = run_eval("compare", report, report, "--junit", "r.xml", "--report", "text", "file/r.txt", "--github")
    assert code == 2
    assert github_fails(out)
    assert junit_fails(Path("r.xml").read_text())


@pytest.mark.parametrize("arguments", [("run", "smoke"), ("run", "smoke", "other"), ("compare", "a.json", "a.json")])
@pytest.mark.usefixtures("suites")
def test_a_step_summary_that_cannot_be_written_is_an_error(
    smoke: Path, run_eval: RunEval, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...]
) -> None:
    shutil.copy(smoke / "baseline.json", "a.json")
    Path("folder").mkdir()
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", "folder")
    code, out, err = run_eval(*arguments, "--junit", "r.xml", "--github")
    assert code == 2
    assert "qtgen: GITHUB_STEP_SUMMARY: folder: Is a directory\n" in err
    assert github_fails(out)
    assert junit_fails(Path("r.xml").read_text())


@pytest.mark.usefixtures("smoke")
def test_a_suite_that_does_not_exist_is_refused_with_the_others(run_eval: RunEval) -> None:
    code, _, err = run_eval("run", "smok")
    assert (code, err) == (2, "qtgen: smok: no such suite; choose from smoke\n")


def test_a_baseline_that_cannot_be_read_has_a_remedy(smoke: Path, run_eval: RunEval) -> None:
    (smoke / "baseline.json").write_text('{"x')
    code, _, err = run_eval("run", "smoke")
    assert code == 2
    assert err.endswith("; restore the file, or create a new baseline\n")
