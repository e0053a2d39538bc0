"""`qtgen costs`."""

import json
from collections.abc import Callable

import pytest

from qtgen.commands.costs import sum_by
from qtgen.llm.factory import open_ledger
from qtgen.llm.ledger import Changes
from qtgen.llm.ledger.statistics import Spending
from qtgen.llm.sender import Attempt, RequestKey
from qtgen.llm.types import Usage
from qtgen.settings import Settings

Run = Callable[..., tuple[int, str, str]]
DAY = 86_400


def record(*attempts: tuple[str, float, str, Usage]) -> None:
    """Record attempts: model, time, kind, usage."""
    with open_ledger(Settings()) as ledger:
        ledger.commit(
            Changes(
                attempts=[
                    Attempt(RequestKey(b"%d" % number, model, "explain", "t", 10), time, 0.5, kind, usage)
                    for number, (model, time, kind, usage) in enumerate(attempts)
                ]
            )
        )


@pytest.fixture
def _spent() -> None:
    record(
        ("a", 20_000 * DAY, "ok", Usage(100, 50, 20, 0.25)),
        ("a", 20_001 * DAY, "timeout", Usage(0, 0, 0, None)),
        ("b", 20_001 * DAY, "ok", Usage(1_000, 500, 0, 1.5)),
    )


def test_without_a_ledger_nothing_was_spent_and_none_is_created(qtgen: Run) -> None:
    code, out, err = qtgen("costs")
    assert (code, out) == (0, "")
    assert err.splitlines()[0].startswith("no ledger at ")
    assert err.splitlines()[1] == "nothing was spent yet"
    assert qtgen("costs", "--json")[:2] == (0, "[]\n")
    assert "no ledger" in qtgen("costs")[2]


@pytest.mark.usefixtures("_spent")
def test_sums_by_model(qtgen: Run) -> None:
    first, second = json.loads(qtgen("costs", "--json")[1])
    assert first == {
        "model": "a",
        "attempts": 2,
        "answered": 1,
        "prompt_tokens": 100,
        "completion_tokens": 50,
        "cached_tokens": 20,
        "cost_usd": None,
        "known_cost_usd": 0.25,
        "unpriced": 1,
        "reasoning_tokens": 0,
        "reported_usd": None,
    }
    assert (second["model"], second["cost_usd"], second["unpriced"]) == ("b", 1.5, 0)


@pytest.mark.usefixtures("_spent")
def test_sums_by_day_and_by_run(qtgen: Run) -> None:
    days = json.loads(qtgen("costs", "--by", "day", "--json")[1])
    assert [(day["day"], day["attempts"]) for day in days] == [("2024-10-04", 1), ("2024-10-05", 2)]
    [run] = json.loads(qtgen("costs", "--by", "run", "--json")[1])
    assert (len(run["run"]), run["attempts"]) == (12, 3)


@pytest.mark.usefixtures("_spent")
def test_the_table_has_the_known_part_of_an_unknown_cost(qtgen: Run) -> None:
    code, out, _ = qtgen("costs")
    lines = [line for line in out.splitlines() if line.strip()]
    assert code == 0
    assert lines[0].split() == ["model", "since", "requests", "answered", "sent", "cached", "received", "cost"]
    assert lines[2].split() == ["a", "2024-10-04", "2", "1", "100", "20", "50", "$0.2500", "+", "unknown"]
    assert lines[3].split()[-4:] == ["1,000", "0", "500", "$1.50"]


def test_the_table_has_reasoning_tokens_and_the_cost_that_the_provider_reports(qtgen: Run) -> None:
    record(("a", DAY, "ok", Usage(100, 50, 20, 0.25, 30, 0.5)), ("b", DAY, "ok", Usage(1, 1, 0, 1.5)))
    lines = [line for line in qtgen("costs")[1].splitlines() if line.strip()]
    assert lines[0].split()[6:] == ["received", "reasoning", "cost", "by", "the", "provider"]
    assert lines[2].split()[6:] == ["50", "30", "$0.2500", "$0.5000"]
    assert lines[3].split()[6:] == ["1", "0", "$1.50", "—"]
    first = json.loads(qtgen("costs", "--json")[1])[0]
    assert (first["cost_usd"], first["reasoning_tokens"], first["reported_usd"]) == (0.25, 30, 0.5)


def test_groups_are_sorted_by_their_first_attempt() -> None:
    rows = [
        Spending("r", model, "ok", 1, 1, first, 0, 1, 1, 0, 0.1, 0.5)
        for model, first in (("late", 9.0), ("early", 5.0), ("late", 1.0))
    ]
    assert [(row.name, row.first, row.attempts) for row in sum_by(rows, "model")] == [
        ("late", 1.0, 2),
        ("early", 5.0, 1),
    ]


@pytest.mark.usefixtures("_spent")
@pytest.mark.parametrize("width", [40, 60, 80])
def test_the_table_breaks_no_word(qtgen: Run, monkeypatch: pytest.MonkeyPatch, width: int) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    out = qtgen("costs")[1]
    assert max(map(len, out.splitlines())) <= width
    words = out.split()
    assert {"2024-10-04", "$0.2500", "unknown", "requests", "answered", "received", "1,000"} <= {*words}
