"""`qtgen validate` as a user meets it: what it prints, and its exit code."""

import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from qtgen.validation.rules.example import EXAMPLE_PAGE, EXAMPLE_PATH, NEIGHBOUR_PAGE, NEIGHBOUR_PATH
from support.default_tables import read
from support.validation import Run, write_example_site, write_page

BROKEN = (
    EXAMPLE_PAGE.replace("Osmosis moves", r"Where \( a \neq b \), osmosis moves")
    .replace("osmosis, membrane", "osmosis,membrane")
    .replace("author: QuickTakes\n", "")
)
_README = "# A project\n\nNo page.\n"


def codes(out: str) -> list[str]:
    return [line.split()[1] for line in out.splitlines() if line.startswith(("outputs/", "new/"))]


# --- the text report --------------------------------------------------------------------------------------------------


def test_a_valid_page(qtgen: Run) -> None:
    write_page(EXAMPLE_PATH)
    assert qtgen("validate", "outputs") == (0, "", "1 page checked: no problems found\n")


def test_positions_messages_and_summary(qtgen: Run) -> None:
    write_page(EXAMPLE_PATH, EXAMPLE_PAGE.replace("score: -1.0", "score: 7").replace("&nbsp;", ""))
    code, out, err = qtgen("validate", EXAMPLE_PATH)
    assert code == 1
    assert out.splitlines()[0] == f"{EXAMPLE_PATH}:25:8: QT205 `score` must be -1.0 or from 0 to 1, not 7"
    assert err == "1 page checked: 1 error and 1 warning in 1 page\n1 finding can be fixed with `--fix`\n"


def test_warnings_do_not_set_the_exit_code(qtgen: Run) -> None:
    write_page(EXAMPLE_PATH, EXAMPLE_PAGE.replace("&nbsp;", ""))
    code, out, _ = qtgen("validate", "outputs")
    assert (code, codes(out)) == (0, ["QT106"])


def test_informational_findings_are_counted_and_listed_only_if_selected(qtgen: Run) -> None:
    write_page(EXAMPLE_PATH)
    write_page(NEIGHBOUR_PATH, NEIGHBOUR_PAGE[: NEIGHBOUR_PAGE.index("related_article1")] + "---\n\n&nbsp;")
    code, out, err = qtgen("validate", "outputs")
    assert (code, out) == (0, "")
    assert err == (
        "2 pages checked: no problems found\nnot listed: 1 informational finding; list them with -v or `--select QT409`\n"
    )
    code, out, err = qtgen("validate", "outputs", "--select", "orphan-page")
    assert (code, codes(out)) == (0, ["QT409"])
    assert err == "2 pages checked: 1 informational finding in 1 page\n"
    assert [found["code"] for found in json.loads(qtgen("validate", "outputs", "--json")[1])] == ["QT409"]
    assert "QT409" in qtgen("validate", "outputs", "--statistics")[1]


def test_severities_are_coloured_only_on_a_terminal(qtgen: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    write_page(EXAMPLE_PATH, EXAMPLE_PAGE.replace("score: -1.0", "score: 7"))
    assert "\x1b" not in "".join(map(str, qtgen("validate", "outputs")))
    assert "\x1b[31m" in on_terminal()
    assert "\x1b[31m" not in on_terminal(NO_COLOR="1")
    assert "\x1b[31m" not in on_terminal(TERM="dumb")


def on_terminal(**environment: str) -> str:
    """Return what the command writes to a terminal."""
    controller, terminal = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-m", "qtgen", "validate", "outputs"],
        stdout=terminal, stderr=terminal, env={**os.environ, "TERM": "xterm", **environment},
    ) as process:  # fmt: skip
        os.close(terminal)
        written = b""
        try:
            while chunk := os.read(controller, 4096):
                written += chunk
        except OSError:  # the terminal is closed
            pass
        process.wait()
    os.close(controller)
    return written.decode()


# --- progress ---------------------------------------------------------------------------------------------------------


# --- start-up ---------------------------------------------------------------------------------------------------------


def test_checking_one_page_imports_nothing_slow() -> None:
    write_page(EXAMPLE_PATH)
    code = (
        "import sys; from qtgen import cli; cli.run(['validate', 'outputs/biology/what-is-osmosis.md']);"
        "slow = {'pydantic', 'rich', 'jinja2', 'openai', 'sqlalchemy', 'multiprocessing', 'watchfiles', 'difflib'};"
        "print(sorted(slow & set(sys.modules)))"
    )
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith("COV")
    }  # it imports modules
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    assert (done.stdout, done.stderr) == ("[]\n", "1 page checked: no problems found\n")


def test_the_environment_sets_options(qtgen: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    write_page(EXAMPLE_PATH, EXAMPLE_PAGE.replace("score: -1.0", "score: 7"))
    monkeypatch.setenv("QTGEN_IGNORE", "QT205,QT4")
    assert qtgen("validate", "outputs")[:2] == (0, "")


# --- options ----------------------------------------------------------------------------------------------------------


def test_json_has_the_keys_of_the_contract(qtgen: Run) -> None:
    write_page(EXAMPLE_PATH, EXAMPLE_PAGE.replace("author", "auther"))
    code, out, _ = qtgen("validate", "--format", "json", "outputs")
    found = json.loads(out)
    assert code == 1
    assert [diagnostic["code"] for diagnostic in found] == ["QT202", "QT201"]
    assert list(found[0]) == [
        "path", "line", "column", "end_line", "end_column", "code", "name", "severity", "message", "field", "fix",
    ]  # fmt: skip
    assert [found[0][key] for key in ("line", "column", "end_line", "end_column")] == [17, 1, 17, 7]
    assert qtgen("validate", "--json", "outputs")[1] == out


def test_select_and_ignore(qtgen: Run) -> None:
    write_page(EXAMPLE_PATH, EXAMPLE_PAGE.replace("auth", "awth").replace("score: -1.0", "score: 7"))
    assert "QT205" not in codes(qtgen("validate", "--select", "QT201,QT202", "outputs")[1])
    assert codes(qtgen("validate", "--ignore", "QT20", "outputs")[1]) == []
    code, _, err = qtgen("validate", "--select", "QT999", "outputs")
    assert (code, err) == (2, "qtgen: no rule has the code or name `QT999`; codes begin with QT\n")


def test_a_page_without_its_folder(qtgen: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    write_page(EXAMPLE_PATH)
    monkeypatch.chdir(Path(EXAMPLE_PATH).parent)
    assert qtgen("validate", Path(EXAMPLE_PATH).name)[0] == 0


def test_a_path_that_does_not_exist_and_a_folder_without_pages(qtgen: Run) -> None:
    code, out, err = qtgen("validate", "nowhere")
    assert (code, out, "nowhere" in err) == (2, "", True)
    Path("empty").mkdir()
    code, out, err = qtgen("validate", "empty")
    assert (code, out, "empty" in err) == (2, "", True)


def test_the_corpus(qtgen: Run) -> None:
    write_example_site()
    write_page(EXAMPLE_PATH, EXAMPLE_PAGE.replace("questions/what-is-diffusion", "questions/what-is-confusion"))
    code, out, err = qtgen("validate", EXAMPLE_PATH, "--corpus", "outputs")
    assert (code, codes(out), err.startswith("1 page checked")) == (1, ["QT403"], True)
    code, _, err = qtgen("validate", EXAMPLE_PATH, "--corpus", "nowhere")
    assert (code, err) == (2, "qtgen: --corpus: no such folder; correct the path nowhere\n")


def test_rules_by_path(qtgen: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_example_site()
    write_page("outputs/old/what-is-osmosis.md", EXAMPLE_PAGE.replace("score: -1.0", "score: 7"))
    assert "QT205" in qtgen("validate", "outputs")[1]
    write_page("qtgen.toml", '[per_path."outputs/old/*"]\nignore = ["QT2", "QT3", "QT4"]\n')
    assert "outputs/old" not in qtgen("validate", "outputs")[1]
    assert "outputs/old" not in qtgen("validate", str(tmp_path / "outputs"))[1]
    monkeypatch.chdir("outputs")
    assert "old/what" not in qtgen("validate", ".")[1], "patterns are relative to the folder of qtgen.toml"
    monkeypatch.chdir(tmp_path)
    write_page("qtgen.toml", '[per_path."x"]\nskip = []\n')
    code, _, err = qtgen("validate", "outputs")
    assert (code, "skip" in err) == (2, True)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--unsafe"], "--unsafe needs --fix or --diff"),
        (["--statistics", "--format", "json"], "--statistics needs --format text"),
        (["--statistics", "--json"], "--statistics needs --format text"),
        (["--json", "--format", "sarif"], "--json is --format json, and excludes --format sarif"),
        (["--format", "xml"], "--format: there is no report format `xml`; use one of text, json"),
        (["--watch", "--fix"], "--watch needs files or folders, and excludes --fix and --diff"),
        (["-"], "`-` reads one page from standard input and excludes other paths"),
        (["--stdin-filename", "y.md"], "--stdin-filename needs `-`"),
    ],
)
def test_arguments_that_exclude_each_other(qtgen: Run, arguments: list[str], message: str) -> None:
    write_example_site()
    code, out, err = qtgen("validate", "outputs", *arguments)
    assert (code, out) == (2, "")
    assert message in err


def test_the_help_lists_the_formats(qtgen: Run) -> None:
    assert "--format [text|json|github|gitlab|sarif|junit]" in qtgen("validate", "--help")[1]


# --- hooks ------------------------------------------------------------------------------------------------------------


def test_a_hook_checks_pages_and_skips_other_markdown_files(qtgen: Run) -> None:
    write_page("README.md", _README)
    write_page("docs/x.md", "---\ntitle: X\n---\n\nText.\n")
    write_page(EXAMPLE_PATH, EXAMPLE_PAGE.replace("score: -1.0", "score: 7"))
    code, out, err = qtgen("validate", "--skip-non-pages", "README.md", "docs/x.md", EXAMPLE_PATH)
    assert (code, codes(out)) == (1, ["QT205"])
    assert err == "1 page checked: 1 error in 1 page (2 other files skipped)\n"


def test_a_hook_without_pages_passes(qtgen: Run) -> None:
    write_page("README.md", _README)
    code, out, err = qtgen("validate", "--skip-non-pages", "README.md")
    assert (code, out, err) == (0, "", "0 pages checked: no problems found (1 other file skipped)\n")
    assert qtgen("validate", "README.md")[0] == 1, "without the option, a file that you name is a page"


def test_a_hook_reports_a_page_whose_front_matter_is_broken(qtgen: Run) -> None:
    write_page(EXAMPLE_PATH, EXAMPLE_PAGE.removeprefix("---\n"))
    assert codes(qtgen("validate", "--skip-non-pages", EXAMPLE_PATH)[1]) == ["QT102"]


# --- fixes ------------------------------------------------------------------------------------------------------------


def test_fix_writes_the_pages_and_checks_them_again(qtgen: Run) -> None:
    write_example_site()
    write_page(EXAMPLE_PATH, BROKEN)
    assert qtgen("validate", "outputs", "--fix") == (
        0, "", "fixed 4 findings in 1 page\n2 pages checked: no problems found\n",
    )  # fmt: skip
    assert r"Where $a ≠ b$, osmosis moves" in Path(EXAMPLE_PATH).read_text()
    assert qtgen("validate", "outputs", "--fix")[2].startswith("nothing to fix\n")


def test_diff_prints_the_changes_and_writes_nothing(qtgen: Run) -> None:
    write_example_site()
    write_page(EXAMPLE_PATH, BROKEN)
    code, out, err = qtgen("validate", "outputs", "--diff")
    assert (code, err) == (1, "would fix 4 findings in 1 page\n")
    assert "+author: QuickTakes\n" in out
    assert Path(EXAMPLE_PATH).read_text() == BROKEN


def test_a_diff_of_the_last_line_can_be_applied(qtgen: Run) -> None:
    write_page(EXAMPLE_PATH, EXAMPLE_PAGE + "\n")
    out = qtgen("validate", EXAMPLE_PATH, "--diff")[1]
    assert out.endswith("-&nbsp;\n+&nbsp;\n\\ No newline at end of file\n")


def test_unsafe_fixes_are_announced_and_applied_on_request(qtgen: Run) -> None:
    write_example_site()
    write_page(EXAMPLE_PATH, EXAMPLE_PAGE.replace("questions/what-is-diffusion", "questions/what-is-confusion"))
    assert "1 finding can be fixed with `--fix --unsafe`\n" in qtgen("validate", "outputs")[2]
    assert "QT403" in codes(qtgen("validate", "outputs", "--fix")[1])
    assert qtgen("validate", "outputs", "--fix", "--unsafe")[0] == 0
    assert "related_article1" not in Path(EXAMPLE_PATH).read_text()


def test_a_page_that_cannot_be_written_is_reported_and_the_others_are_fixed(
    qtgen: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_example_site()
    for path, text in ((EXAMPLE_PATH, EXAMPLE_PAGE), (NEIGHBOUR_PATH, NEIGHBOUR_PAGE)):
        write_page(path, text + "\n")
    original = Path(EXAMPLE_PATH).read_bytes()
    Path(EXAMPLE_PATH).chmod(0o444)
    err = qtgen("validate", "outputs", "--fix")[2]
    if Path(EXAMPLE_PATH).read_bytes() == original:  # root may write it all the same
        assert "not fixed: " in err
    assert Path(NEIGHBOUR_PATH).read_text() == NEIGHBOUR_PAGE


def test_standard_input() -> None:
    command = [sys.executable, "-m", "qtgen", "validate", "-", "--stdin-filename", EXAMPLE_PATH]
    done = subprocess.run([*command, "--fix"], input=BROKEN.encode(), capture_output=True, check=False)
    assert done.returncode == 0
    assert read(done.stdout).text_of("author") == "QuickTakes"
    done = subprocess.run(command, input=BROKEN.encode(), capture_output=True, check=False)
    assert done.returncode == 1
    assert done.stdout.decode().startswith(f"{EXAMPLE_PATH}:16:5: QT603")


def test_a_page_on_standard_input_without_a_name_is_not_checked_for_it() -> None:
    page = EXAMPLE_PAGE.replace("_schema", "\n_schema").encode()
    done = subprocess.run(
        [sys.executable, "-m", "qtgen", "validate", "-", "--json"], input=page, capture_output=True, check=False
    )
    assert (done.returncode, json.loads(done.stdout)) == (0, [])


# --- watching ---------------------------------------------------------------------------------------------------------


def test_watch_checks_again_after_a_change(qtgen: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    write_example_site()

    def changes(*_: object, **__: object) -> object:
        write_page(EXAMPLE_PATH, EXAMPLE_PAGE.replace("score: -1.0", "score: 7"))
        yield {("modified", EXAMPLE_PATH)}

    monkeypatch.setattr("watchfiles.watch", changes)
    code, out, err = qtgen("validate", "outputs", "--watch", "--no-cache")
    assert (code, codes(out)) == (1, ["QT205"])
    assert "1 page changed: what-is-osmosis.md" in err


def test_a_watcher_that_fails_is_an_error(qtgen: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    write_example_site()

    def fail(*_: object, **__: object) -> object:
        raise RuntimeError("no watches left")

    monkeypatch.setattr("watchfiles.watch", fail)
    code, _, err = qtgen("validate", "outputs", "--watch")
    assert (code, "--watch: no watches left" in err) == (2, True)
