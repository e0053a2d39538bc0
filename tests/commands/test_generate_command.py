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
    put("q.csv", "question,subject\nWhy?,Physics\n")
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
