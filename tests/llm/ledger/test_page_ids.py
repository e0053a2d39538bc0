"""Page ids and prompts, which the ledger keeps from run to run."""

import threading
from concurrent.futures import ThreadPoolExecutor

from qtgen.llm.ledger import Ledger


def test_ids_that_two_runs_assign_at_once_are_all_different(ledgers: list[Ledger]) -> None:
    ready = threading.Barrier(2)

    def assign(ledger: Ledger, name: str) -> dict[str, int]:
        ready.wait()
        return {
            url: number
            for n in range(40)
            for url, number in ledger.assign_ids({f"/{name}/{n}": None, f"/both/{n}": None}, 7).items()
        }

    with ThreadPoolExecutor() as pool:
        first, second = pool.map(assign, ledgers, "ab")
    together = first | second
    assert sorted(together.values()) == list(range(7, 7 + 120))
    assert all(first[url] == second[url] for url in first.keys() & second.keys())


def test_an_id_that_a_question_brings_along_goes_to_no_other_page(ledgers: list[Ledger]) -> None:
    mine, other = ledgers
    assert mine.assign_ids({"/a": 9, "/b": None}, 5) == {"/a": 9, "/b": 5}
    assert other.assign_ids({"/c": None, "/a": None}, 9) == {"/c": 10, "/a": 9}
    assert other.assign_ids({"/a": 12}, 5) == {"/a": 12}, "the question's own id wins"
    assert other.urls_by_id([5, 9, 12]) == {5: "/b", 12: "/a"}
    assert other.assign_ids({"/d": None, "/e": None}, 5, reserved={13, 15}) == {"/d": 14, "/e": 16}


def test_changed_prompts_are_found(ledgers: list[Ledger]) -> None:
    mine, other = ledgers
    assert mine.changed_prompts({"explain": "1", "list": "1"}) == set()
    mine.record_prompts({"explain": "1", "list": "1"})
    assert other.changed_prompts({"explain": "2", "list": "1"}) == {"explain"}
    other.record_prompts({"explain": "2"})
    assert mine.changed_prompts({"explain": "2", "list": "1"}) == set()
