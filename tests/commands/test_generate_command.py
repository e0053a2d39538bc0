"""`qtgen generate`: help, wrong calls, and rows that need no request."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from qtgen.validation.rules.example import EXAMPLE_PAGE

Run = Callable[..., tuple[int, str, str]]


def put(path: str, text: str) -> None:
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_text(text)


def test_help_lists_options_by_group_with_defaults_environment_and_files(qtgen: Run) -> None:
    out = qtgen("generate", "--help")[1]
    groups = ["Questions", "Model", "Pace", "Cost", "Resume", "Quality", "Output", "Other"]
    places = [out.index(f"\n{name}:\n") for name in groups]
    assert places == sorted(places)
    flat = " ".join(out.split())
    for words in (
        "[default: 64; local: 2]", "[default: keep]", "[default: resume]", "[default: outputs]",
        "OPENAI_API_KEY", "OPENAI_BASE_URL", "QTGEN_LEDGER", "qtgen.toml", "OUT/.qtgen/failed/", "--dry-run --json",
        "A failure of one question never ends a run.", "--recreate",
    ):  # fmt: skip
        assert words in flat
    assert max(map(len, out.splitlines())) <= 80


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "no question file; name one, or set `questions` in qtgen.toml"),
        (["nowhere.csv"], "nowhere.csv: No such file or directory"),
        (["empty.csv"], "empty.csv:1: no column `question`"),
        (["head.csv"], "head.csv: no questions"),
        (["bad.csv"], "bad.csv:1: unknown column `topic`"),
        (["q.csv", "--temperature", "9"], "--temperature: must be at most 2"),
        (["q.csv", "--prompt", "nosuch", "--provider", "local"], "no prompt `nosuch`"),
        (["q.csv", "--provider", "openai"], "OPENAI_API_KEY"),
        (["q.csv", "--corpus", "nowhere"], "nowhere"),
        (["q.csv", "--columns", "Frage"], "--columns: must have the form NAME=COLUMN, separated by commas, not `Frage`"),
        (["q.csv", "--columns", "F=questoin"], "--columns: maps `F` to the unknown column `questoin`; did you mean"),
        (["q.csv", "--columns", "{F}=question,F=question"], "--columns: maps two names to `question`"),
        (["q.csv", "--columns", "Fach=subject", "--dry-run"], "no column `Fach`, which `columns` maps to `subject`"),
        (["q.csv", "--judge", "x"], "--judge has nothing to choose from; add --candidates 3"),
        (["q.csv", "--judge", "x", "--candidates", "2"], "--judge needs an endpoint; set OPENAI_API_KEY or --base-url"),
        (["q.csv", "--candidates", "0"], "--candidates"),
        (["q.csv", "--base-url", "http://localhost:9", "--model", "x", "--budget", "1"],
         '--budget: needs the price of `x`; set [prices."x"] in qtgen.toml'),
    ],
)  # fmt: skip
def test_a_wrong_call_is_one_line_and_exit_2(qtgen: Run, arguments: list[str], words: str) -> None:
    put("empty.csv", "")
    put("head.csv", "question,subject\n")
    put("bad.csv", "question,topic\n")
    put("q.csv", "question,subject\nWhy?,Physics\n" if "Fach=subject" not in arguments else "question\nWhy?\n")
    code, out, err = qtgen("generate", *arguments)
    assert (code, out) == (2, "")
    assert words in err.splitlines()[-1]
    assert "Traceback" not in err


def test_an_output_folder_that_cannot_be_written_ends_the_run_before_it_pays(qtgen: Run) -> None:
    put("q.csv", "question,subject\nWhy?,Physics\n")
    put("outputs", "a file")
    code, _, err = qtgen("generate", "q.csv", "--base-url", "http://127.0.0.1:9/v1")
    assert (code, err.splitlines()[-1]) == (2, "qtgen: --out: outputs cannot be written (Not a directory)")


def test_what_click_rejects_is_one_line(qtgen: Run) -> None:
    code, out, err = qtgen("generate", "q.csv", "--rpm", "abc")
    assert (code, out) == (2, "")
    assert err == "qtgen: invalid value for '--rpm': 'abc' is not a valid float; see `qtgen generate --help`\n"


def test_an_unknown_prompt_is_reported_even_if_all_pages_exist(qtgen: Run) -> None:
    put("q.csv", "question,subject\nWhat is osmosis?,Biology\n")
    put("outputs/biology/what-is-osmosis.md", EXAMPLE_PAGE)
    code, _, err = qtgen("generate", "q.csv", "--prompt", "nope")
    assert (code, err.count("\n")) == (2, 1)
    assert err.startswith("qtgen: no prompt `nope`; the prompts are ")


def test_rows_that_need_no_request_need_no_provider(qtgen: Run) -> None:
    put("q.csv", "question,subject\nWhat is osmosis?,Biology\n,Physics\nWhat is osmosis?,Biology\nWhy?,\n")
    put("outputs/biology/what-is-osmosis.md", EXAMPLE_PAGE)
    code, out, err = qtgen("generate", "q.csv", "--json")
    lines: list[dict[str, Any]] = [json.loads(line) for line in out.splitlines()]
    assert code == 1
    assert [line["status"] for line in lines] == ["exists", "failed", "skipped", "failed"]
    assert "failed: q.csv:3: question: is empty" in err
    assert "failed: q.csv:5: no subject" in err
    assert "not written: 2 invalid rows, 1 duplicate" in err
    assert "failed/" not in err, "nothing was requested, so no answer was saved"
    assert list(lines[0]) == ["question", "status", "path", "url", "attempts", "usage", "diagnostics", "error"]


def test_questions_that_the_limit_leaves_out_are_counted(qtgen: Run) -> None:
    put(
        "q.csv",
        "question,subject\nWhat is osmosis?,Biology\nWhy?,Physics\nWhat is osmosis?,Biology\n,Physics\nHow?,Art\n",
    )
    put("outputs/biology/what-is-osmosis.md", EXAMPLE_PAGE)
    code, _, err = qtgen("generate", "q.csv", "--limit", "1")
    assert code == 0
    assert "--limit leaves 2 questions without a page; run the command with a higher --limit\n" in err
    put("outputs/physics/why.md", EXAMPLE_PAGE)
    put("outputs/art/how.md", EXAMPLE_PAGE)
    assert "--limit leaves" not in qtgen("generate", "q.csv", "--limit", "1")[2]
    put("q.pdf", "not questions")
    assert qtgen("generate", "q.csv", "q.pdf", "--limit", "1")[0] == 0, "the run does not need this file"


def test_unknown_subjects_are_counted_after_the_first_ones(qtgen: Run) -> None:
    put("q.csv", "question,subject\n" + "".join(f"Why {n}?,Zz{n}zz\n" for n in range(8)))
    err = qtgen("generate", "q.csv", "--dry-run")[2]
    warnings = [line for line in err.splitlines() if line.startswith("warning: ")]
    assert warnings[0].startswith("warning: q.csv:2: unknown subject `Zz0zz`; ")
    assert warnings[5] == "warning: 8 unknown subjects (3 more)"
    assert len(warnings) == 6


@pytest.mark.block_network(allowed_hosts=["127.0.0.1"])
def test_an_endpoint_that_does_not_exist_ends_the_run_with_one_line(
    qtgen: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QTGEN_TRIES", "1")
    put("q.csv", "question,subject\nWhy?,Physics\nHow?,Physics\n")
    code, _, err = qtgen("generate", "q.csv", "--base-url", "http://127.0.0.1:9/v1")
    assert code == 2
    assert "http://127.0.0.1:9/v1" in err.splitlines()[-1]
    assert not list(Path("outputs").rglob("*.md"))


def test_a_model_file_that_does_not_exist(qtgen: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QTGEN_LOCAL_MODEL", "nowhere.gguf")
    put("q.csv", "question,subject\nWhy?,Physics\n")
    code, _, err = qtgen("generate", "q.csv", "--provider", "local")
    assert code == 2
    assert "nowhere.gguf" in err.splitlines()[-1]


@pytest.mark.parametrize("width", [60, 80])
def test_a_dry_run_wraps_between_words(qtgen: Run, monkeypatch: pytest.MonkeyPatch, width: int) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    put("q.csv", "question,subject\nWhy?,Physics\n")
    put("qtgen.toml", '[prices."gpt-4o-mini"]\ninput = 1.0\noutput = 2.0\n')
    options = ("--base-url", "http://127.0.0.1:9/v1", "--rpm", "30", "--tpm", "20000", "--budget", "3")
    code, out, _ = qtgen("generate", "q.csv", "--dry-run", *options)
    assert code == 0
    assert max(map(len, out.splitlines())) <= width
    flat = " ".join(out.split())
    assert "with 64 in flight, 30 requests per minute, 20,000 tokens per minute, a guess of 8 s per answer" in flat
    assert "Ranges are 90% intervals, from a guess, without earlier answers. Nothing was sent." in flat


# --- question files and duplicates ------------------------------------------------------------------------------------


def dry_run(qtgen: Run, *arguments: str) -> tuple[int, dict[str, Any], str]:
    code, out, err = qtgen("generate", *arguments, "--dry-run", "--json", "--provider", "local")
    return code, json.loads(out) if out else {}, err


def test_a_bad_row_fails_in_the_json_of_the_run(qtgen: Run) -> None:
    put("q.csv", 'question,subject\n"What is "rain"?",Physics\n#REF!,Physics\n')
    code, out, _ = qtgen("generate", "q.csv", "--json", "--provider", "local")
    lines = [json.loads(line) for line in out.splitlines()]
    assert (code, [line["status"] for line in lines]) == (1, ["failed", "failed"])
    assert [line["question"] for line in lines] == ['What is "rain"?",Physics', "#REF!"]
    assert lines[0]["error"]["message"] == 'q.csv:2: a quote inside a quoted text; double it ("")'


def test_columns_are_mapped_by_an_option_the_environment_and_the_settings(
    qtgen: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    put("q.csv", "Frage;Fach\nWhy?;Physics\n")
    assert dry_run(qtgen, "q.csv")[0] == 2
    assert dry_run(qtgen, "q.csv", "--columns", "Frage=question, Fach=subject")[:2][0] == 0
    monkeypatch.setenv("QTGEN_COLUMNS", "Frage=question,Fach=subject")
    assert dry_run(qtgen, "q.csv")[0] == 0
    monkeypatch.delenv("QTGEN_COLUMNS")
    put("qtgen.toml", 'columns = { Frage = "question", Fach = "subject" }\n')
    assert dry_run(qtgen, "q.csv")[0] == 0
    put("qtgen.toml", 'columns = { Frage = "quest" }\n')
    code, _, err = dry_run(qtgen, "q.csv")
    assert code == 2
    assert "`columns`: maps `Frage` to the unknown column `quest`" in err


@pytest.mark.parametrize(("mode", "skipped"), [("keep", 2), ("skip", 3), ("fail", None)])
def test_exact_duplicates_are_reported_first_and_never_paid_for(qtgen: Run, mode: str, skipped: int | None) -> None:
    put("content/biology/what-is-osmosis.md", EXAMPLE_PAGE)
    rows = [
        "What osmosis is?,Biology",
        "What is\u200b OSMOSIS,Biology",
        "What is osmosis?,Chemistry",
        "What is rain?,Physics",
    ]
    put("q.csv", "\n".join(["question,subject", *rows, ""]))
    code, facts, err = dry_run(qtgen, "q.csv", "--corpus", "content", "--on-duplicate", mode)
    page = "content/biology/what-is-osmosis.md"
    first = f"q.csv:3: the site already has this page: {page}"
    if skipped is None:
        assert (code, facts) == (1, {})
        assert f"2 duplicates and 1 near-duplicate; the first is {first}; nothing was sent" in err
    else:
        assert (code, facts["skipped"]) == (0, skipped)
        assert err.splitlines()[0] == f"warning: {first}"
        assert f"q.csv:4: the site already has this question, under another subject: {page}" in err
        assert err.index("2 duplicate questions; skipped") < err.index(f"q.csv:2: nearly the same question as {page}")


def test_a_page_that_an_earlier_run_wrote_is_no_duplicate_of_the_site(qtgen: Run) -> None:
    for folder in ("content", "outputs"):
        put(f"{folder}/biology/what-is-osmosis.md", EXAMPLE_PAGE)
    put("q.csv", "question,subject\nWhat is osmosis?,Biology\n")
    code, facts, _ = dry_run(qtgen, "q.csv", "--corpus", "content", "--on-duplicate", "fail")
    assert (code, facts["exists"], facts["skipped"]) == (0, 1, 0)


def test_the_same_question_in_two_unicode_forms_is_one_page(qtgen: Run) -> None:
    put("q.csv", "question,subject\nWhat is a caf\u00e9?,Sociology\nWhat is a cafe\u0301?,Sociology\n")
    code, facts, err = dry_run(qtgen, "q.csv")
    assert (code, facts["skipped"]) == (0, 1)
    assert "q.csv:3: same page as q.csv:2" in err
    code, _, err = dry_run(qtgen, "q.csv", "--on-duplicate", "fail")
    assert (code, "1 duplicate; the first is q.csv:3: same page as q.csv:2" in err) == (1, True)
