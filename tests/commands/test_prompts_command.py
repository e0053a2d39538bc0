"""`qtgen prompts` and `qtgen init`."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

Run = Callable[..., tuple[int, str, str]]


def test_list_prints_each_prompt_with_its_version_and_shape(qtgen: Run) -> None:
    assert "explain  version 1, shape points" in qtgen("prompts", "list")[1]
    rows = json.loads(qtgen("prompts", "list", "--json")[1])
    assert {row["name"] for row in rows} == {"explain", "compare", "derive", "code", "seo"}
    assert all(Path(row["path"]).is_file() for row in rows)


def test_show_prints_the_messages_and_the_schema(qtgen: Run) -> None:
    code, out, _ = qtgen("prompts", "show", "explain", "--question", "Why?", "--subject", "Physics")
    assert code == 0
    assert "<question>\nWhy?\n</question>" in out
    assert "=== schema of the answer ===" in out


def test_show_prints_the_request_as_json(qtgen: Run) -> None:
    body = json.loads(qtgen("prompts", "show", "explain", "--question", "Why?", "--json")[1])
    assert body["model"] == "smollm2-135m-instruct"
    assert body["response_format"]["json_schema"]["strict"] is True


@pytest.mark.parametrize(
    ("options", "answer"), [(("--answer", "Because of it."), "Because of it."), ((), "(the page's answer)")]
)
def test_show_renders_a_prompt_for_search_fields_with_an_answer(
    qtgen: Run, options: tuple[str, ...], answer: str
) -> None:
    out = qtgen("prompts", "show", "seo", "--question", "Why?", *options)[1]
    assert f"<answer>\n{answer}\n</answer>" in out


def test_an_unknown_prompt_lists_the_known_ones(qtgen: Run) -> None:
    code, out, err = qtgen("prompts", "show", "nosuch", "--question", "Why?")
    assert (code, out) == (2, "")
    assert err == "qtgen: no prompt `nosuch`; the prompts are code, compare, derive, explain\n"


def test_a_broken_prompt_of_the_project_names_file_and_field(qtgen: Run) -> None:
    Path("prompts").mkdir()
    Path("prompts/explain.md.j2").write_text("---\nname: explain\n---\n")
    code, _, err = qtgen("prompts", "list")
    assert (code, err) == (2, "qtgen: prompts/explain.md.j2: `version`: field required\n")


def test_init_creates_a_project_and_overwrites_nothing(qtgen: Run) -> None:
    code, _, err = qtgen("init", "site")
    assert code == 0
    created = {str(path.relative_to("site")) for path in Path("site").rglob("*") if path.is_file()}
    assert {"qtgen.toml", "questions.csv", ".gitignore", "prompts/explain.md.j2", "outputs/.gitkeep"} <= created
    assert err.endswith("next: cd site && qtgen generate\n")
    Path("site/qtgen.toml").write_text("# mine")
    assert "exists   site/qtgen.toml" in qtgen("init", "site")[2]
    assert Path("site/qtgen.toml").read_text() == "# mine"


def test_the_project_that_init_creates_is_valid(qtgen: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    qtgen("init", "site")
    monkeypatch.chdir("site")
    code, out, err = qtgen("generate", "--dry-run", "--json")
    assert (code, json.loads(out)["requests"]["expected"] > 0) == (0, True), err


def test_init_in_a_file_is_a_wrong_call(qtgen: Run) -> None:
    Path("site").write_text("a file")
    code, _, err = qtgen("init", "site/inner")
    assert (code, err) == (2, "qtgen: FOLDER site/inner: cannot be written (Not a directory)\n")
