"""`generate --candidates`, with and without a judge, and `--show`."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from support import points_json
from support.endpoint import Reply, fake_endpoint

pytestmark = pytest.mark.block_network(allowed_hosts=["127.0.0.1"])

Run = Callable[..., tuple[int, str, str]]
ROUGH = points_json(page_keywords=["tax", "football", "opera", "violin", "court"])
GOOD = points_json()
OTHER = points_json(introduction="Osmosis is how water crosses a membrane that holds back the solute in the water.")


def generate(
    qtgen: Run, *arguments: str, answers: tuple[str, ...], better: str = "", again: tuple[str, ...] = ()
) -> tuple[str, list[Any]]:
    """Run `generate` for one question, and return what it printed and the requests.

    A judge prefers the answer with `better`. With `again`, the page is removed and generated once more.
    """
    Path("q.csv").write_text("question,subject\nWhat is osmosis?,Biology\n")
    remaining = [*answers]

    def answer(body: dict[str, Any]) -> Reply:
        if body["model"] != "judge":
            return Reply(remaining.pop(0))
        first, second = (body["messages"][-1]["content"].index(text) for text in ("\n\nfirst:", "\n\nsecond:"))
        place = body["messages"][-1]["content"].find(better)
        return Reply(json.dumps({"reasons": "So.", "better": "first" if first < place < second else "second"}))

    with fake_endpoint(answer) as endpoint:
        call = ("generate", "q.csv", "--base-url", endpoint.address, "--model", "m", *arguments)
        code, _, err = qtgen(*call)
        assert code == 0, err
        for path in Path("outputs/biology").glob("*.md") if again else ():
            path.unlink()
            code, _, err = qtgen(*call, *again)
            assert code == 0, err
    return err, endpoint.requests


def page() -> str:
    return Path("outputs/biology/what-is-osmosis.md").read_text()


def test_the_best_candidate_is_written_and_the_others_are_kept(qtgen: Run) -> None:
    _, requests = generate(qtgen, "--candidates", "3", answers=(ROUGH, GOOD, ROUGH))
    assert len(requests) == 3
    assert "osmosis, membrane" in page()
    kept = json.loads(Path("outputs/.qtgen/candidates/biology/what-is-osmosis.json").read_text())
    assert kept["answers"] == [ROUGH, ROUGH]
    assert kept["question"] == "What is osmosis?"


def test_candidates_come_from_the_ledger_the_second_time(qtgen: Run) -> None:
    _, requests = generate(qtgen, "--candidates", "2", answers=(ROUGH, GOOD), again=("--recreate",))
    assert len(requests) == 2
    assert "osmosis, membrane" in page()


def test_a_judge_chooses_between_candidates(qtgen: Run) -> None:
    arguments = ("--candidates", "2", "--judge", "judge")
    _, requests = generate(qtgen, *arguments, answers=(GOOD, OTHER), better="how water crosses a membrane")
    assert [body["model"] for body in requests] == ["m", "m", "judge", "judge"]
    assert "how water crosses a membrane" in page()


def test_a_dry_run_counts_the_candidates(qtgen: Run) -> None:
    Path("q.csv").write_text("question,subject\nWhat is osmosis?,Biology\n")
    arguments = ("q.csv", "--provider", "local", "--dry-run", "--json")
    plain, three = (json.loads(qtgen("generate", *arguments, *more)[1]) for more in ((), ("--candidates", "3")))
    assert three["requests"]["expected"] == 3 * plain["requests"]["expected"]


def test_new_pages_are_shown_at_the_end(qtgen: Run) -> None:
    err, _ = generate(qtgen, "--show", "1", answers=(GOOD,))
    shown = err[err.index("\nWhat is osmosis?\n") :].split("\n")
    assert shown[2].strip().startswith("Osmosis is the passage of water")
    assert "1. Gradient: " in err
    assert "outputs/biology/what-is-osmosis.md" in err
    again, _ = generate(qtgen, "--show", "1", answers=())
    assert "What is osmosis?" not in again, "the page is not new"
