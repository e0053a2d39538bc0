"""Where reports go: one file, a folder with a file per suite, or stdout."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from qtgen.commands.eval._outputs import OutputOptions, ReportTarget
from qtgen.errors import UsageError

RunEval = Callable[..., tuple[int, str, str]]


@pytest.fixture
def two_suites(smoke: Path) -> None:
    """A second suite with two references only, so that it is fast."""
    second = Path(shutil.copytree(smoke, smoke.with_name("second")))
    for page in sorted(second.glob("references/*.md"))[2:]:
        page.unlink()
        page.with_suffix(".nuggets.toml").unlink()
    (second / "baseline.json").unlink()


@pytest.mark.usefixtures("two_suites")
def test_several_suites_write_one_file_each_into_a_folder(run_eval: RunEval) -> None:
    Path("existing").mkdir()
    run_eval("run", "smoke", "second", "--html", "existing", "--json", "out/", "--junit", "out/")
    names = sorted(path.name for folder in ("existing", "out") for path in Path(folder).iterdir())
    assert names == ["second.html", "second.json", "second.xml", "smoke.html", "smoke.json", "smoke.xml"]
    assert json.loads(Path("out/second.json").read_text())["suite"] == "second"


@pytest.mark.parametrize(
    ("option", "value", "folder"),
    [("--html", "out.html", "out/"), ("--report text", "a/b.txt", "a/b/")],
)
def test_several_suites_do_not_share_a_file(
    smoke: Path, run_eval: RunEval, option: str, value: str, folder: str
) -> None:
    code, out, err = run_eval("run", "smoke", "core", *option.split(), value)
    assert (code, out) == (2, "")
    form = option.removeprefix("--").removeprefix("report ")
    remedy = f"name a folder to get one file per suite: --{form} {folder}"
    assert err == f"qtgen: --{form}: several suites need more than one {form} file; {remedy}\n"


def test_two_suites_of_one_name_do_not_share_a_file() -> None:
    outputs = OutputOptions({"html": ReportTarget(Path("out"), is_folder=True)})
    with pytest.raises(UsageError, match="two suites have the same name; evaluate them one by one"):
        outputs.check(["core", "core"])
    OutputOptions({}).check(["core", "core"])


def test_a_suite_is_not_taken_for_the_file_of_json(smoke: Path, run_eval: RunEval) -> None:
    code, _, err = run_eval("run", "--json", "smoke", "core")
    assert code == 2
    assert "`smoke` must end in .json or /, or be -" in err


def test_a_file_that_cannot_be_written_is_named(smoke: Path, run_eval: RunEval) -> None:
    Path("file").write_text("")
    code, _, err = run_eval("run", "smoke", "--html", "file/report.html")
    assert code == 2
    assert err.startswith("qtgen: --html: file/report.html: ")


def test_github_gets_annotations_and_a_step_summary(
    smoke: Path, run_eval: RunEval, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", "summary.md")
    Path("summary.md").write_text("before\n")
    code, out, _ = run_eval("run", "smoke", "--github")
    assert code == 0
    assert out.startswith("::notice title=Evaluation of smoke::")
    assert Path("summary.md").read_text().startswith("before\n### ")


def test_a_format_without_a_known_suffix_is_its_own_suffix() -> None:
    folder = ReportTarget(Path("out"), is_folder=True)
    assert folder.file_for("core", "junit") == Path("out/core.xml")
    assert folder.file_for("core", "csv") == Path("out/core.csv")
    assert ReportTarget(Path("r.html")).file_for("core", "html") == Path("r.html")
    assert ReportTarget(None).file_for("core", "json") is None
