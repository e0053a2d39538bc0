"""`qtgen plan`."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from qtgen.llm.factory import open_ledger
from qtgen.llm.ledger import Changes
from qtgen.llm.sender import Attempt, RequestKey
from qtgen.llm.types import Usage
from qtgen.settings import Settings

Run = Callable[..., tuple[int, str, str]]
GIVEN = ["--model", "gpt-4o-mini", "--latency", "2", "--tokens", "900,700", "--faulty", "0", "--seeds", "2"]


@pytest.fixture(autouse=True)
def _key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "none")


def planned(qtgen: Run, *arguments: str) -> Any:
    code, out, err = qtgen("plan", *arguments, "--json")
    assert code == 0, err
    return json.loads(out)


def test_a_forecast_for_a_number_of_pages(qtgen: Run) -> None:
    result = planned(qtgen, "--pages", "6400", *GIVEN)
    live = result["ways"]["live"]
    assert [*result["ways"]] == ["live", "batch", "mixed"]
    assert live["seconds"]["expected"] == pytest.approx(200, rel=0.25)
    assert live["cost_usd"]["expected"] == pytest.approx(6_400 * (900 * 0.15 + 700 * 0.60) / 1e6, rel=0.05)
    assert live["bottleneck"] == "concurrency"
    assert 0.3 < live["one_more_machine"]["saved"] < 0.55
    assert result["assumptions"]["latency"] == {"value": 2.0, "origin": "option"}
    assert result["assumptions"]["rejections"] == {"value": 0.0, "origin": "default"}


def test_the_json_object(qtgen: Run) -> None:
    result = planned(qtgen, "--pages", "100", *GIVEN)
    assert [*result] == [
        *("model", "pages", "machines", "concurrency", "rpm", "tpm", "endpoint_rpm", "endpoint_tpm", "budget_usd"),
        *("seeds", "assumptions", "ways"),
    ]
    assert [*result["assumptions"]] == [
        *("latency", "tokens", "faulty", "rejections", "failures", "processor", "batch_hours"),
    ]
    for way in result["ways"].values():
        assert [*way] == [
            *("pages", "seconds", "requests", "cost_usd", "bottleneck", "batch_rounds", "one_more_machine"),
        ]
        assert [*way["seconds"]] == ["low", "expected", "high"]
        assert [*way["one_more_machine"]] == ["seconds", "saved"]
    assert planned(qtgen, "--pages", "100", *GIVEN) == result, "the same seeds give the same forecast"


def test_the_table_for_people(qtgen: Run) -> None:
    code, out, err = qtgen("plan", "--pages", "1000", *GIVEN, "--rpm", "60")
    assert code == 0
    for words in ("live", "batch", "mixed", "--rpm or --tpm", "2 s per answer (as given)", "Nothing was sent"):
        assert words in out
    assert "no ledger at" in err
    assert not Path(".qtgen").exists(), "a forecast creates no ledger"


def test_question_files_give_the_number_of_pages_and_the_prompts(qtgen: Run) -> None:
    Path("q.csv").write_text("question,subject\n" + "".join(f"What is {n}?,Biology\n" for n in range(50)))
    short = planned(qtgen, "q.csv", "--model", "gpt-4o-mini", "--seeds", "1")
    assert short["pages"] == 50
    assert planned(qtgen, "q.csv", "--pages", "70", "--seeds", "1")["pages"] == 70
    Path("long.csv").write_text(f"question,subject,context\nWhat is it?,Biology,{'word ' * 2_000}\n")
    long = planned(qtgen, "long.csv", "--model", "gpt-4o-mini", "--seeds", "1")
    assert long["assumptions"]["tokens"]["value"][0] > 2 * short["assumptions"]["tokens"]["value"][0]


def test_the_ledger_knows_the_pace(qtgen: Run) -> None:
    ok = [Attempt(RequestKey(b"%d" % n, "m", "p", "t", 9), 1.0, 4.0, "ok", Usage(1, 1, 0, 0.0)) for n in range(57)]
    bad = [
        Attempt(RequestKey(kind.encode(), "m", "p", "t", 9), 1.0, 0.1, kind, Usage())
        for kind in ("rate-limited", "unavailable", "dropped")
    ]
    with open_ledger(Settings()) as ledger:
        ledger.commit(Changes(attempts=ok + bad))
    assumed = planned(qtgen, "--pages", "100", "--model", "m", "--seeds", "1")["assumptions"]
    assert assumed["latency"] == {"value": 4.0, "origin": "ledger"}
    assert assumed["rejections"] == {"value": pytest.approx(1 / 60, abs=1e-6), "origin": "ledger"}
    assert assumed["failures"]["value"] == pytest.approx(2 / 60, abs=1e-6)
    given = planned(qtgen, "--pages", "100", "--model", "m", "--seeds", "1", "--latency", "9")["assumptions"]
    assert given["latency"] == {"value": 9.0, "origin": "option"}


def test_a_model_without_a_price_has_an_unknown_cost(qtgen: Run) -> None:
    options = ("--pages", "100", "--model", "nameless", "--seeds", "1")
    assert planned(qtgen, *options)["ways"]["live"]["cost_usd"] is None
    assert "unknown: no price" in qtgen("plan", *options)[1]


def test_a_budget_ends_the_run(qtgen: Run) -> None:
    result = planned(qtgen, "--pages", "1000", *GIVEN, "--budget", "0.2")["ways"]["live"]
    assert result["bottleneck"] == "budget"
    assert 200 < result["pages"] < 500


def test_local_models_have_no_batches(qtgen: Run) -> None:
    assert [*planned(qtgen, "--provider", "local", "--pages", "10", "--seeds", "1")["ways"]] == ["live"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ("--pages 0", "'--pages': 0 is not in the range"),
        ("--pages 9 --machines 0", "'--machines': 0 is not in the range"),
        ("--pages 9 --latency -1", "'--latency': -1.0 is not in the range"),
        ("--pages 9 --latency nan", "'--latency': nan is not a finite number"),
        ("--pages 9 --faulty 1", "'--faulty': 1.0 is not in the range"),
        ("--pages 9 --tokens 900", "'--tokens': '900' is not two positive numbers, such as 900,700"),
        ("--pages 9 --tokens 900,-1", "'--tokens': '900,-1' is not two positive numbers"),
        ("--pages 9 --rpm 0", "--rpm: must be greater than 0"),
        ("--pages 9 --endpoint-rpm 0", "'--endpoint-rpm': 0.0 is not in the range"),
        ("--pages 9 --model nameless --budget 1", "--budget: needs the price of `nameless`"),
        ("", "the number of pages is unknown; name a question file, or add --pages 10000"),
        ("absent.csv", "absent.csv: No such file or directory"),
        ("empty.csv", "empty.csv: no questions"),
        ("binary.csv", "binary.csv:"),
        ("folder", "folder: Is a directory"),
    ],
)
def test_bad_input_gets_one_line(qtgen: Run, arguments: str, words: str) -> None:
    Path("empty.csv").write_text("question,subject\n")
    Path("binary.csv").write_bytes(b"\xff\xfe\x00\x01\xd8")
    Path("folder").mkdir()
    code, out, err = qtgen("plan", *arguments.split())
    lines = [line for line in err.splitlines() if not line.startswith("no ledger at")]
    assert (code, out) == (2, "")
    assert len(lines) == 1
    assert words in lines[0]


def test_a_newer_ledger_is_refused(qtgen: Run) -> None:
    import sqlite3

    with open_ledger(Settings()):
        pass
    with sqlite3.connect(".qtgen/ledger.sqlite") as connection:
        connection.execute("UPDATE schema SET version = 99")
    connection.close()
    code, _, err = qtgen("plan", "--pages", "9")
    assert code == 1
    assert "a newer qtgen has written this ledger" in err


def test_few_pages_and_very_many(qtgen: Run) -> None:
    few = planned(qtgen, "--pages", "3", "--model", "gpt-4o-mini", "--faulty", "0.3", "--seeds", "20")
    assert few["ways"]["mixed"]["bottleneck"] == "batches"
    many = planned(qtgen, "--pages", "1000000000000", "--model", "gpt-4o-mini", "--seeds", "1", "--concurrency", "4")
    assert many["ways"]["batch"]["requests"]["expected"] > 1e12
