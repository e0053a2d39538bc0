"""`qtgen prompts` and `qtgen init`."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

Run = Callable[..., tuple[int, str, str]]


def test_list_prints_each_prompt_with_its_version_shape_and_style(qtgen: Run) -> None:
    out = qtgen("prompts", "list")[1]
    assert "explain  version 1, shape points, style standard" in out
    assert "explain-short  version 1, shape points, style short" in out
    rows = json.loads(qtgen("prompts", "list", "--json")[1])
    styles = {row["name"]: row["style"] for row in rows}
    short = {"explain-short", "seo-short"}
    assert styles == {
        **dict.fromkeys(["explain", "compare", "derive", "code", "seo"], "standard"), **dict.fromkeys(short, "short")
    }  # fmt: skip
    assert all(Path(row["path"]).is_file() for row in rows)


SHOW = ("prompts", "show", "explain", "--question", "Why?", "--subject", "Physics")


@pytest.fixture
def remote(monkeypatch: pytest.MonkeyPatch) -> None:
    """Settings of an endpoint that is no local model. Nothing is sent to it."""
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/v1")


@pytest.mark.usefixtures("remote")
def test_show_prints_the_messages_and_the_schema(qtgen: Run) -> None:
    code, out, _ = qtgen(*SHOW)
    assert code == 0
    assert "<question>\nWhy?\n</question>" in out
    assert "format json_schema\n" in out
    assert "=== schema of the answer ===" in out
    assert "grammar" not in out


@pytest.mark.usefixtures("remote")
def test_show_prints_the_request_as_json(qtgen: Run) -> None:
    body = json.loads(qtgen(*SHOW, "--json")[1])
    assert body["model"] == "gpt-4o-mini"
    assert body["response_format"]["json_schema"]["strict"] is True


@pytest.mark.usefixtures("remote")
def test_show_prints_the_prompt_of_each_format(qtgen: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QTGEN_ANSWER_FORMAT", "json_object")
    out = qtgen(*SHOW)[1]
    assert "format json_object\n" in out
    assert "Its JSON Schema:\n{" in out
    assert "=== schema of the answer ===" not in out
    monkeypatch.setenv("QTGEN_ANSWER_FORMAT", "markdown")
    out = qtgen(*SHOW)[1]
    assert "format markdown\n" in out
    assert "In summary, <summary>" in out
    assert "=== grammar of the answer ===" not in out
    monkeypatch.setenv("QTGEN_GRAMMAR", "true")
    assert "=== grammar of the answer ===\nroot ::= introduction" in qtgen(*SHOW)[1]


def test_show_prints_the_worked_example_and_the_grammar_of_a_short_prompt(qtgen: Run) -> None:
    code, out, _ = qtgen("prompts", "show", "explain-short", "--question", "Why is the sky blue?")
    assert code == 0
    roles = ["=== system ===", "=== user ===\nWhat is photosynthesis?", "=== assistant ===", "=== user ===\nWhy is the"]
    places = [out.index(role) for role in [*roles, "=== grammar of the answer ==="]]
    assert places == sorted(places)
    body = json.loads(qtgen("prompts", "show", "explain-short", "--question", "Why?", "--json")[1])
    assert (body["model"], len(body["messages"])) == ("smollm2-135m-instruct", 4)
    assert body["grammar"].startswith("root ::= introduction")


def test_short_prompts_with_a_json_format_are_a_wrong_call(qtgen: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QTGEN_ANSWER_FORMAT", "json_object")
    monkeypatch.setenv("QTGEN_SHORT_PROMPTS", "true")
    code, out, err = qtgen(*SHOW)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert err.startswith("qtgen: the setting `short_prompts`: short prompts ask for Markdown; set `answer_format")


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
    assert err == "qtgen: no prompt `nosuch`; the prompts are code, compare, derive, explain-short, explain\n"


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
