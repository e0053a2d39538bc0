"""The record of decisions: order, undo, torn and foreign lines, and what was not carried out."""

import datetime as dt
import json
import subprocess
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qtgen.generation.decisions import (
    Action,
    Decision,
    DecisionLog,
    State,
    moment_after,
    read_decisions,
    timestamp,
)
from qtgen.generation.output import OutputFolder

URL = "/learn/biology/questions/what-is-osmosis"
TEXTS = {"answer": "a0", "seo": "s0"}


def decision(number: int, action: str = "approve", **values: Any) -> Decision:
    """Return a decision whose id and time follow from its number."""
    defaults = {"id": id_of(number), "at": f"2026-11-27T09:30:{number:02}.000Z", "who": "ada", "url": URL}
    return Decision(**{**defaults, "texts": TEXTS, "action": Action(action), **values})


def id_of(number: int) -> str:
    return f"00000000-0000-4000-8000-{number:012}"


def edit(number: int, old: str, new: str, **values: Any) -> Decision:
    """Return an edit of an answer."""
    texts, after = {**TEXTS, "answer": old}, {"answer": new}
    return decision(number, **{"action": "edit", "texts": texts, "after": after, **values})


def undo(number: int, undone: int, **values: Any) -> Decision:
    return decision(number, "undo", undoes=id_of(undone), **values)


def lines(*decisions: Decision) -> list[bytes]:
    return [one.line().encode() for one in decisions]


# --- the state of a page -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("action", "acceptable", "state"),
    [
        ("approve", True, State.APPROVED),
        ("take", None, State.APPROVED),
        ("keep", None, State.APPROVED),
        ("keep", False, State.REJECTED),
        ("edit", False, State.APPROVED),
        ("reject", False, State.REJECTED),
        ("send-back", False, State.SENT_BACK),
        ("skip", None, State.OPEN),
        ("adjudicate", True, State.APPROVED),
        ("adjudicate", False, State.REJECTED),
    ],
)
def test_each_action_puts_the_page_in_a_state(action: str, acceptable: bool | None, state: State) -> None:
    log = DecisionLog([decision(1, action, acceptable=acceptable)])
    assert log.state(URL, TEXTS) is state


def test_a_decision_holds_for_the_texts_that_it_left_behind() -> None:
    log = DecisionLog([edit(1, "a0", "a1")])
    assert log.state(URL, {"answer": "a1", "seo": "s0"}) is State.APPROVED
    assert log.state(URL, {"answer": "a0", "seo": "s0"}) is State.RETURNED
    assert log.state(URL, {"answer": "a1", "seo": "other", "related": "r"}) is State.RETURNED
    assert log.state("/learn/biology/questions/other", TEXTS) is State.OPEN


def test_the_last_decision_decides_except_a_blind_approval_of_a_rejected_text() -> None:
    log = DecisionLog([decision(1), decision(2, "reject", blind=True), decision(3, "skip")])
    assert log.state(URL, TEXTS) is State.REJECTED
    log.add(decision(4, blind=True))
    assert log.state(URL, TEXTS) is State.REJECTED
    log.add(decision(5, "adjudicate", acceptable=True))
    assert log.state(URL, TEXTS) is State.APPROVED


def test_a_blind_approval_of_a_new_text_replaces_the_decision_about_the_old_one() -> None:
    changed = {**TEXTS, "answer": "a9"}
    log = DecisionLog([decision(1, "reject"), decision(2, blind=True, texts=changed)])
    assert log.state(URL, changed) is State.APPROVED


# --- undo --------------------------------------------------------------------------------------------------------------


def test_an_undo_can_be_undone() -> None:
    log = DecisionLog([decision(1), decision(2, "reject")])
    assert log.add(undo(3, 2))
    assert log.state(URL, TEXTS) is State.APPROVED
    assert log.is_undone(decision(2))
    assert log.add(undo(4, 3))
    assert log.state(URL, TEXTS) is State.REJECTED
    assert [one.id for one in log.effective(URL)] == [id_of(1), id_of(2)]


def test_a_decision_stays_undone_if_one_of_two_undos_stands() -> None:
    log = DecisionLog([decision(1), undo(2, 1), undo(3, 1), undo(4, 3)])
    assert log.effective(URL) == []


def test_undos_that_name_themselves_each_other_or_nothing_do_no_harm() -> None:
    chain = [undo(number, number + 1) for number in range(2, 40)]
    log = DecisionLog([decision(1), *chain, undo(40, 40), undo(41, 99)])
    assert log.state(URL, TEXTS) is State.APPROVED


def test_a_long_chain_of_undos_has_an_end() -> None:
    moments = [timestamp(dt.datetime(2026, 11, 27, tzinfo=dt.UTC) + dt.timedelta(seconds=n)) for n in range(3_001)]
    chain = [undo(number, number - 1, at=moments[number]) for number in range(2, 3_001)]
    log = DecisionLog([decision(1, at=moments[1]), *chain])
    assert not log.is_undone(chain[-1])
    assert [one.id for one in log.effective(URL)] == []


def test_an_undo_follows_what_it_undoes_even_if_its_clock_was_late() -> None:
    late = undo(2, 1, at="2026-11-27T08:00:00.000Z")
    assert DecisionLog([late, decision(1)]).effective(URL) == []
    log = DecisionLog([decision(1)])
    log.add(late)
    assert log.effective(URL) == []


# --- lines -------------------------------------------------------------------------------------------------------------


def test_a_line_is_read_as_it_was_written() -> None:
    written = [edit(1, "a0", "a1", note='say "why"\n😀', reasons=("fact",), seconds=3.5), undo(2, 1)]
    log = read_decisions(lines(*written))
    assert (list(log), log.problems) == (written, ())


@pytest.mark.parametrize(
    "line",
    [
        decision(2).line()[:40],
        "not JSON",
        "[]",
        "\ufeff",
        json.dumps({"url": URL, "text_digests": {}}),
        decision(2).line().replace('"approve"', '"applaud"'),
        decision(2).line().replace('"v":1', '"v":2'),
        decision(2).line().replace("2026-11-27T09:30:02.000Z", "yesterday"),
        decision(2).line().replace("2026-11-27T09:30:02.000Z", "2026-11-27T09:30:02.000Z\\n"),
        decision(2, texts={}).line(),
        decision(2).line().replace('"blind":false', '"blind":"no"'),
    ],
)
def test_a_line_that_is_no_decision_is_reported_and_left_out(line: str) -> None:
    log = read_decisions([*lines(decision(1)), line.encode(), b"\n", *lines(decision(3))])
    assert [one.id for one in log] == [id_of(1), id_of(3)]
    (problem,) = log.problems
    assert problem.number == 2
    assert problem.message


def test_bytes_that_are_no_text_are_reported() -> None:
    log = read_decisions([b"\xff\xfe", decision(1).line().encode().replace(b"ada", b"\xff")])
    assert (len(log), [problem.number for problem in log.problems]) == (0, [1, 2])


def test_unknown_fields_are_ignored() -> None:
    line = json.dumps({**json.loads(decision(1).line()), "mood": "good"})
    assert len(read_decisions([line.encode()])) == 1


@given(st.permutations(range(1, 8)), st.integers(0, 6))
def test_the_order_of_lines_does_not_matter(order: list[int], twice: int) -> None:
    made = {
        1: decision(1),
        2: edit(2, "a0", "a1"),
        3: undo(3, 2),
        4: decision(4, "reject"),
        5: undo(5, 4),
        6: undo(6, 5),
        7: decision(7, "skip", url=f"{URL}-2"),
    }
    shuffled = [made[number] for number in order]
    log = read_decisions(lines(*shuffled, shuffled[twice]))
    assert list(log) == list(made.values())
    added = DecisionLog()
    assert [added.add(one) for one in shuffled] == [True] * 7
    assert not added.add(shuffled[twice])
    assert list(added) == list(made.values())
    assert added.history(URL) == log.history(URL)
    assert added.effective(URL) == log.effective(URL) == [made[1], made[4]]


def test_the_first_of_two_lines_with_an_id_counts() -> None:
    assert [one.action for one in read_decisions(lines(decision(1), decision(1, "reject")))] == [Action.APPROVE]


def git(*arguments: str) -> None:
    identity = ("-c", "user.name=Ada", "-c", "user.email=ada@example.org")
    subprocess.run(["git", *identity, *arguments], check=True, capture_output=True, cwd="out")


def test_git_merges_the_decisions_of_two_branches() -> None:
    store = OutputFolder(Path("out"))
    store.append_decision(decision(1))
    git("init", "-q", "-b", "main")
    git("add", ".qtgen")
    git("commit", "-qm", "one")
    git("checkout", "-qb", "other")
    store.append_decision(decision(3, "reject"))
    git("commit", "-qam", "three")
    git("checkout", "-q", "main")
    store.append_decision(decision(2, "skip"))
    git("commit", "-qam", "two")
    git("merge", "-q", "other", "-m", "both")
    log = store.decision_log()
    assert ([one.id for one in log], log.problems) == ([id_of(1), id_of(2), id_of(3)], ())


def test_a_line_after_a_torn_one_is_whole() -> None:
    store = OutputFolder(Path("out"))
    store.append_decision(decision(1))
    with store.decisions_file.open("a") as file:
        file.write(decision(2).line()[:50])
    store.append_decision(decision(3))
    log = store.decision_log()
    assert [one.id for one in log] == [id_of(1), id_of(3)]
    assert [problem.number for problem in log.problems] == [2]


# --- decisions that were not carried out -------------------------------------------------------------------------------


def discarded(log: DecisionLog, digests: Mapping[str, str] | None) -> list[str]:
    return [one.id[-1] for one in log.discard_unfinished(lambda url: digests if url == URL else None)]


def page(answer: str, seo: str = "s0") -> dict[str, str]:
    return {"answer": answer, "seo": seo}


@pytest.mark.parametrize(
    ("history", "on_disk", "expected"),
    [
        ([edit(1, "a0", "a1")], page("a0"), ["1"]),
        ([edit(1, "a0", "a1")], page("a1"), []),
        ([edit(1, "a0", "a1")], page("a2"), []),
        ([edit(1, "a0", "a1")], page("a0", "s1"), ["1"]),
        ([edit(1, "a0", "a1")], None, []),
        ([decision(1)], page("a1"), []),
        # The killed edit is found although others followed on the same text.
        ([edit(1, "a0", "a1"), decision(2, "reject")], page("a0"), ["1"]),
        ([edit(1, "a0", "a1"), edit(2, "a0", "a2")], page("a2"), ["1"]),
        ([edit(1, "a0", "a1"), edit(2, "a0", "a2"), edit(3, "a2", "a3")], page("a3"), ["1"]),
        ([edit(1, "a0", "a1"), edit(2, "a0", "a2")], page("a0"), ["2", "1"]),
        # All of these were carried out.
        ([edit(1, "a0", "a1"), edit(2, "a1", "a2"), edit(3, "a2", "a0")], page("a0"), []),
        ([edit(1, "a0", "a1"), edit(2, "a1", "a0", action="undo", undoes=id_of(1))], page("a0"), []),
        # The undo was killed.
        ([edit(1, "a0", "a1"), edit(2, "a1", "a0", action="undo", undoes=id_of(1))], page("a1"), ["2"]),
        # Two branches edited the same text, and the merge kept the first edit.
        ([edit(1, "a0", "a1"), edit(2, "a0", "a2")], page("a1"), []),
    ],
)
def test_what_was_not_carried_out_is_discarded(
    history: list[Decision], on_disk: Mapping[str, str] | None, expected: list[str]
) -> None:
    log = DecisionLog(history)
    assert discarded(log, on_disk) == expected
    assert len(log) == len(history) - len(expected)
    assert discarded(log, on_disk) == []


def test_a_discarded_undo_leaves_its_decision_in_force() -> None:
    log = DecisionLog([edit(1, "a0", "a1"), edit(2, "a1", "a0", action="undo", undoes=id_of(1))])
    discarded(log, page("a1"))
    assert log.state(URL, page("a1")) is State.APPROVED
    assert log.is_discarded(id_of(2))
    assert not log.add(edit(2, "a1", "a0", action="undo", undoes=id_of(1)))


def test_only_pages_that_were_changed_are_looked_at() -> None:
    log = DecisionLog([decision(1), edit(2, "a0", "a1", url=f"{URL}-2"), decision(3, "reject", url=f"{URL}-3")])
    asked: list[str] = []

    def digests_of(url: str) -> None:
        asked.append(url)

    assert log.discard_unfinished(digests_of) == []
    assert asked == [f"{URL}-2"]


# --- time --------------------------------------------------------------------------------------------------------------


def test_a_moment_is_in_utc_with_milliseconds() -> None:
    zone = dt.timezone(dt.timedelta(hours=2))
    assert timestamp(dt.datetime(2026, 11, 27, 11, 30, tzinfo=zone)) == "2026-11-27T09:30:00.000Z"


@pytest.mark.parametrize(
    ("earlier", "moment", "expected"),
    [
        ("", "2026-11-27T09:30:00.000Z", "2026-11-27T09:30:00.000Z"),
        ("2026-11-27T09:29:59.999Z", "2026-11-27T09:30:00.000Z", "2026-11-27T09:30:00.000Z"),
        ("2026-11-27T09:30:00.000Z", "2026-11-27T09:30:00.000Z", "2026-11-27T09:30:00.001Z"),
        ("2031-01-01T00:00:00.999Z", "2026-11-27T09:30:00.000Z", "2031-01-01T00:00:01.000Z"),
        ("9999-12-31T23:59:59.999Z", "2026-11-27T09:30:00.000Z", "9999-12-31T23:59:59.999Z"),
        ("2026-02-31T00:00:00.000Z", "2026-01-01T00:00:00.000Z", "2026-02-31T00:00:00.000Z"),
    ],
)
def test_a_later_decision_has_a_later_moment(earlier: str, moment: str, expected: str) -> None:
    assert moment_after(earlier, moment) == expected


def test_threads_may_add_at_once() -> None:
    log = DecisionLog()
    made = [decision(number, at=f"2026-11-27T09:{number // 60:02}:{number % 60:02}.000Z") for number in range(400)]
    parts = [made[start::4] for start in range(4)]
    threads = [threading.Thread(target=lambda part=part: [log.add(one) for one in part]) for part in parts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert log.history(URL) == list(log) == made
