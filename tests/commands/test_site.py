"""Which `site.toml` applies to a command, and what is said about a file that cannot be used."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from qtgen.commands._site import load_site, profile_of, site_arguments
from qtgen.errors import SettingsError
from qtgen.page.profile import default_profile
from qtgen.settings import Settings, load_settings
from support import ROOT
from support.lookalikes import LOOKALIKES

Run = Callable[..., tuple[int, str, str]]
SITES = ROOT / "tests" / "fixtures" / "sites"
WORKSHOP = (SITES / "workshop" / "site.toml").read_text(encoding="utf-8")
HOSTILE = sorted((SITES / "hostile").glob("*.toml"))


def put(path: str, text: str) -> Path:
    """Write a file and its folders, and return its path."""
    file = Path(path)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")
    return file


def test_without_a_file_the_default_applies() -> None:
    assert profile_of(Settings()) is default_profile()


def test_the_nearest_file_applies(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    put("site.toml", WORKSHOP)
    Path("articles/engines").mkdir(parents=True)
    monkeypatch.chdir("articles/engines")
    profile = profile_of(Settings())
    assert (profile.file.name, profile.path) == ("Harbour Workshop", tmp_path / "site.toml")


def test_the_selected_file_takes_precedence_over_the_nearest_one() -> None:
    put("site.toml", "format = 2")
    named = put("other/workshop.toml", WORKSHOP)
    assert load_site(named).file.name == "Harbour Workshop"


def test_each_layer_of_the_settings_can_name_the_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = put("project/layouts/workshop.toml", WORKSHOP)
    put("project/qtgen.toml", 'site = "layouts/workshop.toml"')
    Path("project/articles").mkdir()
    monkeypatch.chdir("project/articles")
    loaded = load_settings(Path.cwd(), {}, {})
    assert loaded.settings.site == tmp_path / file  # relative to the file that names it
    assert loaded.origins["site"] == str(tmp_path / "project" / "qtgen.toml")
    loaded = load_settings(Path.cwd(), {"QTGEN_SITE": "a.toml"}, {})
    assert (loaded.settings.site, loaded.origins["site"]) == (Path("a.toml"), "environment QTGEN_SITE")
    loaded = load_settings(Path.cwd(), {"QTGEN_SITE": "a.toml"}, {"site": Path("b.toml")})
    assert (loaded.settings.site, loaded.origins["site"]) == (Path("b.toml"), "command line")


def test_show_settings_shows_the_file_in_force(qtgen: Run, tmp_path: Path) -> None:
    def line() -> str:
        return next(line for line in qtgen("--show-settings")[1].splitlines() if line.startswith("site "))

    assert line().split() == ["site", "=", "(not", "set)", "#", "default"]
    put("site.toml", WORKSHOP)
    assert line().split("= ")[1].split() == [str(tmp_path / "site.toml"), "#", "nearest", "site.toml"]
    put("qtgen.toml", 'site = "site.toml"')
    assert line().split("= ")[1].split() == ["site.toml", "#", str(tmp_path / "qtgen.toml")]


@pytest.mark.parametrize("file", HOSTILE, ids=lambda file: file.stem)
def test_an_invalid_file_ends_a_command_with_one_line(qtgen: Run, file: Path, tmp_path: Path) -> None:
    text, _, expected = file.read_text(encoding="utf-8").rpartition("\n# expected: ")
    put("site.toml", text)
    put("articles/engines/a.md", "---\ntitle: A\n---\n")
    code, out, err = qtgen("validate", "articles")
    assert (code, out) == (2, "")
    assert err == f"qtgen: {tmp_path}/{expected}"
    assert re.match(r"qtgen: \S+/site\.toml:\d+: ", err)


NO_FILE = "no such file; name a site.toml, or remove the setting to use the nearest one\n"


def test_the_error_about_a_missing_file_contains_the_option(qtgen: Run) -> None:
    assert qtgen("validate", ".", "--site", "nope.toml") == (2, "", f"qtgen: --site: nope.toml: {NO_FILE}")


def test_the_error_about_a_missing_file_contains_the_variable(qtgen: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QTGEN_SITE", "nope.toml")
    assert qtgen("explain", "QT201") == (2, "", f"qtgen: QTGEN_SITE: nope.toml: {NO_FILE}")


def test_the_error_about_a_missing_file_contains_the_settings_file(qtgen: Run, tmp_path: Path) -> None:
    put("qtgen.toml", 'site = "nope.toml"')
    assert qtgen("prompts", "list") == (2, "", f"qtgen: {tmp_path}/qtgen.toml: `site`: nope.toml: {NO_FILE}")


def test_a_folder_is_refused(qtgen: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("layouts").mkdir()
    code, out, err = qtgen("validate", ".", "--site", "layouts")
    assert (code, out) == (2, "")
    assert err == "qtgen: invalid value for '--site': File 'layouts' is a directory; see `qtgen validate --help`\n"
    with pytest.raises(SettingsError, match=r"layouts: is a folder; name a site\.toml"):
        load_site(Path("layouts"))


@pytest.mark.parametrize(
    ("raw", "line"),
    [
        (
            b"format = 1 1",
            "site.toml:1: is not valid TOML: expected newline or end of document after a statement; correct the line\n",
        ),
        (b"name = '\xff'", "site.toml:1: is not UTF-8: byte 8; save the file as UTF-8\n"),
        (b"", "site.toml:1: `format`: is missing; add it to this table\n"),
    ],
)
def test_the_error_contains_a_file_with_invalid_toml(qtgen: Run, raw: bytes, line: str) -> None:
    file = Path("site.toml").absolute()
    file.write_bytes(raw)
    assert qtgen("validate", ".") == (2, "", f"qtgen: {file.parent}/{line}")


def test_printed_commands_contain_the_option_site_if_necessary() -> None:
    put("site.toml", WORKSHOP)
    other = put("other/site.toml", WORKSHOP)
    assert site_arguments(load_site(None)) == []
    assert site_arguments(load_site(other)) == ["--site", str(other.absolute())]
    put("site.toml", "format = 2")
    assert site_arguments(load_site(other)) == ["--site", str(other.absolute())]
    put("qtgen.toml", 'site = "other/site.toml"')
    assert site_arguments(load_site(other)) == []


# --- commands on a site of its own ------------------------------------------------------------------------------------


def write_workshop(count: int = 3) -> list[str]:
    """Write the article site to the current folder, and return the paths of its pages."""
    put("site.toml", WORKSHOP)
    Path("prompts/workshop").mkdir(parents=True)
    pages = LOOKALIKES["workshop"].generate(1, count)
    for page in pages:
        put(page.path, page.text)
    return [page.path for page in pages]


PLUGIN = '''
from qtgen.validation.diagnostics import Severity
from qtgen.validation.rules import Example, rule


@rule("SITE001", "only-default", Severity.ERROR, bad=Example("a", "b"), good=Example("a", "c"),
      applies=lambda profile: profile.is_default)
def only_default(file):
    """A rule of one site."""
    return ()
'''


def test_explain_lists_only_the_rules_of_the_site(qtgen: Run) -> None:
    put("rules.py", PLUGIN)
    put("qtgen.toml", 'plugins = ["rules.py"]')
    default = [line.split()[0] for line in qtgen("explain")[1].splitlines()]
    assert {"QT409", "SITE001"} <= {*default}
    put("site.toml", WORKSHOP)
    own = [line.split()[0] for line in qtgen("explain")[1].splitlines()]
    assert {*default} - {*own} >= {"QT409", "SITE001"}
    assert "QT201" in own


@pytest.mark.parametrize("name", ["SITE001", "only-default"])
def test_explain_reports_that_a_rule_does_not_apply(qtgen: Run, name: str) -> None:
    put("rules.py", PLUGIN)
    put("qtgen.toml", 'plugins = ["rules.py"]')
    file = put("layouts/site.toml", WORKSHOP)
    code, out, err = qtgen("explain", name, "--site", file)
    assert (code, out) == (2, "")
    assert err == (
        "qtgen: the rule SITE001 only-default does not apply to the site Harbour Workshop; "
        "`qtgen explain` lists the rules that do\n"
    )


def test_explain_reports_that_a_rule_is_turned_off(qtgen: Run, tmp_path: Path) -> None:
    put("site.toml", WORKSHOP)
    assert qtgen("explain", "orphan-page") == (
        2,
        "",
        "qtgen: the rule QT409 orphan-page is turned off for the site Harbour Workshop; "
        f"remove it from [rules] in {tmp_path}/site.toml\n",
    )


def test_groups_of_fields_are_those_of_the_site(qtgen: Run) -> None:
    write_workshop()
    code, out, err = qtgen("regenerate", "articles", "--only", "seo", "--check")
    assert (code, out) == (2, "")
    assert err == "qtgen: --only seo: unknown group; the groups are answer, summary, related\n"
    assert "stale" in qtgen("regenerate", "articles", "--only", "answer,summary", "--check")[1]


def test_a_subject_that_is_unusual_on_the_site_is_reported(qtgen: Run) -> None:
    write_workshop(0)
    put("site.toml", WORKSHOP.replace('enum=["Engines"', 'known=["Engines"'))
    put("questions.csv", "question,subject\nHow do you splice a rope?,Riging\n")
    err = qtgen("generate", "questions.csv", "--dry-run")[2]
    assert "questions.csv:2: unknown subject `Riging`; did you mean `Rigging`?" in err


def test_a_subject_that_the_site_does_not_allow_is_a_failure(qtgen: Run) -> None:
    write_workshop(0)
    put("questions.csv", "question,subject\nHow do you splice a rope?,Riging\n")
    code, _, err = qtgen("generate", "questions.csv", "--dry-run")
    assert code == 1
    assert "questions.csv:2: subject: `Riging` is not allowed as `topic`; did you mean `Rigging`?" in err


def test_a_site_that_lists_no_subjects_has_no_unknown_ones(qtgen: Run) -> None:
    write_workshop(0)
    put("site.toml", WORKSHOP.replace('enum=["Engines", "Rigging"]', "max=40"))
    put("questions.csv", "question,subject\nHow do you splice a rope?,Riging\n")
    assert "unknown subject" not in qtgen("generate", "questions.csv", "--dry-run")[2]


def test_clean_pages_of_the_site_have_no_findings(qtgen: Run) -> None:
    write_workshop(40)
    code, out, err = qtgen("validate", "articles", "--ignore", "QT6")  # their text is random
    assert (code, out) == (0, "")
    assert err.startswith("40 pages checked: no problems found")


@pytest.mark.parametrize(
    ("old", "new", "finding"),
    [
        ("topic: Engines", "topic: Sails", "QT205"),
        ("published: ", "publish: ", "QT202"),
        ("status: ", "stat: ", "QT201"),
    ],
)
def test_findings_contain_the_fields_of_the_site(qtgen: Run, old: str, new: str, finding: str) -> None:
    path = next(path for path in write_workshop(40) if "/engines/" in path)
    text = Path(path).read_text(encoding="utf-8")
    assert old in text
    put(path, text.replace(old, new))
    code, out, _ = qtgen("validate", path, "--select", finding)
    assert code == 1
    assert out.splitlines()[0].startswith(f"{path}:")
    assert f" {finding} " in out.splitlines()[0]
    assert f"`{(new if finding == 'QT202' else old).split(':')[0]}`" in out.splitlines()[0]


def test_prompts_use_a_subject_of_the_site(qtgen: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    write_workshop(0)
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/v1")
    shown = qtgen("prompts", "list")[1]
    assert "explain  version" in shown
    code, out, err = qtgen("prompts", "show", "explain", "--question", "How do you splice a rope?")
    assert (code, err) == (0, "")
    assert "Engines" in out, "the first subject of the site is the example"
