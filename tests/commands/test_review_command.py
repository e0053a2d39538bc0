"""The output folder of a review, and the command that other commands print to open it."""

from pathlib import Path

import pytest

from qtgen.commands._review_command import review_command, settings_for_pages


def output_folder(name: str, record: str = "provenance.jsonl") -> Path:
    file = Path(name, ".qtgen", record)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("")
    return Path(name)


@pytest.mark.parametrize("record", ["provenance.jsonl", "decisions.jsonl", "audits/spring.json"])
def test_the_path_with_records_is_the_output_folder(record: str) -> None:
    pages, other = output_folder("pages", record), Path("other")
    assert settings_for_pages({"out": None}, [other, pages, pages]).out == pages
    assert settings_for_pages({"out": other}, [pages]).out == other


def test_two_output_folders_or_none_leave_the_default() -> None:
    paths = [output_folder("pages"), output_folder("more")]
    assert settings_for_pages({"out": None}, paths).out == Path("outputs")
    assert settings_for_pages({"out": None}, [Path("missing")]).out == Path("outputs")


def test_two_output_folders_are_named(capsys: pytest.CaptureFixture[str]) -> None:
    settings_for_pages({"out": None}, [output_folder("pages"), output_folder("more")])
    line = "more and pages hold provenance, decisions or audits; using outputs; choose one with --out\n"
    assert capsys.readouterr().err == line


def test_the_folder_of_a_project_with_a_cache_is_no_output_folder() -> None:
    Path(".qtgen/cache").mkdir(parents=True)
    assert settings_for_pages({"out": None}, [Path()]).out == Path("outputs")


def test_the_settings_file_and_the_environment_come_first(monkeypatch: pytest.MonkeyPatch) -> None:
    pages = output_folder("pages")
    monkeypatch.setenv("QTGEN_OUT", "elsewhere")
    assert settings_for_pages({"out": None}, [pages]).out == Path("elsewhere")
    monkeypatch.delenv("QTGEN_OUT")
    Path("qtgen.toml").write_text('out = "outputs"\n')
    assert settings_for_pages({"out": None}, [pages]).out == Path("outputs")


@pytest.mark.parametrize(
    ("out", "paths", "command"),
    [
        ("outputs", ["outputs"], "qtgen review outputs"),
        ("new pages", ["new pages"], "qtgen review 'new pages'"),
        ("stats", ["stats"], "qtgen review ./stats"),
        ("-x", ["-x"], "qtgen review ./-x"),
        ("outputs", ["site", "more.md"], "qtgen review site more.md"),
        ("pages", ["site"], "qtgen review site --out pages"),
        ("pages", ["a/1.md", "a/2.md", "a/3.md", "a/b/4.md"], "qtgen review a --out pages"),
        ("outputs", ["a/1.md", "b/2.md", "c/3.md", "d/4.md"], "qtgen review ."),
    ],
)
def test_the_printed_command_finds_the_output_folder(out: str, paths: list[str], command: str) -> None:
    output_folder(out)
    Path("a").mkdir()
    assert review_command(Path(out), [Path(path) for path in paths]) == command


def test_the_printed_command_names_a_folder_that_the_settings_do_not() -> None:
    Path("qtgen.toml").write_text('out = "elsewhere"\n')
    pages = output_folder("pages")
    assert review_command(pages, [pages], "--queue", "rewrites") == "qtgen review pages --out pages --queue rewrites"
