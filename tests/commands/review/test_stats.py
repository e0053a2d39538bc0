"""`qtgen review stats`, on plans and decisions that are in files."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from qtgen.generation.decisions import Action, Decision
from qtgen.generation.output import OutputFolder
from qtgen.review.audits.audits import Plan, read_plan, read_plans
from support.pages import page_text, write_site

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture(autouse=True)
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> OutputFolder:
    monkeypatch.chdir(tmp_path)
    write_site(**{f"page-{number}": {"id": number, "score": number / 100} for number in range(1, 61)})
    return OutputFolder(Path("outputs"))


@pytest.fixture
def plan(qtgen: Run, store: OutputFolder) -> Plan:
    assert qtgen("review", "plan", "spring", "site", "--tolerance", "0.1", "--seed", "7")[0] == 0
    return read_plan(store, "spring")


def decide(store: OutputFolder, plan: Plan, first: int, last: int, who: str = "ann", **fields: Any) -> None:
    """Approve the pages at several places of the order, or decide otherwise."""
    for place in range(first, last + 1):
        page = plan.pages[plan.order[place - 1]]
        known: dict[str, Any] = {
            "action": Action.APPROVE, "texts": plan.digests_of(page), "draw": plan.draw(page.url), "blind": True,
        }  # fmt: skip
        identity = f"{who}-{place}-{len(store.decision_log())}"
        moment = f"2026-11-27T09:30:00.{len(store.decision_log()):03}Z"
        store.append_decision(Decision(id=identity, at=moment, who=who, url=page.url, **{**known, **fields}))


def test_without_anything_it_names_the_next_steps(qtgen: Run) -> None:
    code, out, err = qtgen("review", "stats")
    assert (code, out) == (0, "")
    assert "`qtgen review plan NAME PATHS… --tolerance SHARE`" in err
    assert "`qtgen review PATHS…`" in err
    code, _, err = qtgen("review", "stats", "--require-accepted")
    assert code == 1
    assert "there is no audit that accepts a batch in outputs; use --out to choose another folder\n" in err


def test_an_audit_through_files_is_accepted_when_its_sample_was_read(
    qtgen: Run, store: OutputFolder, plan: Plan
) -> None:
    sample = plan.sample or 0
    decide(store, plan, 1, sample - 1)
    code, out, err = qtgen("review", "stats", "spring", "--require-accepted")
    assert code == 1
    assert "Read 1 more page; if it is not bad, the batch is accepted." in out
    assert "the batch is not accepted" in err
    decide(store, plan, sample, sample)
    code, out, err = qtgen("review", "stats", "spring", "--require-accepted")
    assert (code, err) == (0, "read outputs/.qtgen/decisions.jsonl\n")
    assert out.splitlines()[0] == f"spring  The batch is accepted: {sample} pages were read, and none was bad."
    assert qtgen("review", "stats", "--require-accepted")[0] == 0


def test_a_page_that_changed_before_it_was_read_is_bad(qtgen: Run, store: OutputFolder, plan: Plan) -> None:
    decide(store, plan, 1, 2)
    third = plan.pages[plan.order[2]]
    name = third.url.rpartition("what-is-")[2]
    Path("site/biology", f"what-is-{name}.md").write_text(page_text(name, answer="Another answer."))
    code, out, _ = qtgen("review", "stats", "spring", "--require-accepted")
    assert code == 1
    assert "2 of 60 pages read, 0 bad" in out
    assert "1 changed or gone since the plan" in out


def test_pages_that_changed_unread_are_named_beside_an_accepted_batch(
    qtgen: Run, store: OutputFolder, plan: Plan
) -> None:
    sample = plan.sample or 0
    decide(store, plan, 1, sample)
    for place in (1, sample + 1, sample + 2):  # the first one was read
        name = plan.pages[plan.order[place - 1]].url.rpartition("what-is-")[2]
        Path("site/biology", f"what-is-{name}.md").write_text(page_text(name, answer="Another answer."))
    code, _, err = qtgen("review", "stats", "spring", "--require-accepted")
    assert code == 0
    assert "spring: the verdict does not cover the present texts of 2 pages, which nobody read" in err


def test_a_changed_page_that_was_read_before_stays_good(qtgen: Run, store: OutputFolder, plan: Plan) -> None:
    decide(store, plan, 1, plan.sample or 0)
    for path in Path("site/biology").iterdir():
        path.unlink()
    assert qtgen("review", "stats", "spring", "--require-accepted")[0] == 0


def test_an_edited_plan_is_refused_in_one_line(qtgen: Run, store: OutputFolder, plan: Plan) -> None:
    path = store.folder / ".qtgen" / "audits" / "spring.json"
    path.write_text(path.read_text().replace('"tolerance": 0.1', '"tolerance": 0.5'))
    words = "this plan was changed after it was made, so its result means nothing; restore it from git"
    for arguments in (["spring"], ["--require-accepted"]):
        code, out, err = qtgen("review", "stats", *arguments)
        assert (code, out) == (2, "")
        assert err.startswith(f"qtgen: outputs/.qtgen/audits/spring.json: {words}")
        assert err.count("\n") == 1
    code, _, err = qtgen("review", "stats")
    assert code == 0
    assert words in err


def test_an_unknown_plan_is_refused(qtgen: Run, plan: Plan) -> None:
    code, _, err = qtgen("review", "stats", "autumn")
    line = "qtgen: no audit has the name 'autumn' in outputs; there is spring; use --out to choose another folder\n"
    assert (code, err) == (2, line)
    assert "in site; there are no audits yet; use --out" in qtgen("review", "stats", "spring", "--out", "site")[2]


def test_torn_lines_get_a_warning_and_the_others_count(qtgen: Run, store: OutputFolder, plan: Plan) -> None:
    decide(store, plan, 1, 3)
    with store.decisions_file.open("ab") as file:
        file.write(b'{"v": 1, "id"\n')
    code, out, err = qtgen("review", "stats")
    assert code == 0
    assert "3 of 60 pages read" in out
    assert err.startswith("warning: outputs/.qtgen/decisions.jsonl:4: not a decision: ")
    (problem,) = json.loads(qtgen("review", "stats", "--json")[1])["problems"]
    assert problem.startswith("outputs/.qtgen/decisions.jsonl:4: ")


def test_the_json_document(qtgen: Run, store: OutputFolder, plan: Plan) -> None:
    decide(store, plan, 1, 20)
    for place in range(1, 21):
        action = Action.REJECT if place == 20 else Action.APPROVE
        decide(store, plan, place, place, "bob", action=action)
    code, out, _ = qtgen("review", "stats", "--json")
    assert code == 0
    document = json.loads(out)
    assert list(document) == ["version", "audits", "next", "decisions", "agreement", "score_from", "problems"]
    (audit,) = document["audits"]
    assert list(audit) == [
        "name", "kind", "made", "pages", "excluded", "tolerance", "confidence", "allowed", "sample", "verdict",
        "next_step", "read", "bad", "changed", "skipped", "ahead", "remaining", "publishable", "disputed",
        "needs_second",
    ]  # fmt: skip
    disputed = plan.pages[plan.order[19]].url
    assert (audit["verdict"], audit["read"], audit["bad"], audit["disputed"]) == ("continue", 20, 1, [disputed])
    assert list(audit["publishable"]) == ["value", "low", "high", "method", "slope"]
    assert document["next"] is None
    assert document["decisions"]["in_force"] == 40
    assert document["decisions"]["by_reader"] == {"ann": {"approve": 20}, "bob": {"approve": 19, "reject": 1}}
    assert document["decisions"]["by_action"]["reject"] == 1
    assert list(document["agreement"]) == ["readers", "score", "comparison"]
    readers = document["agreement"]["readers"]
    assert list(readers) == ["pairs", "is_enough", "table", "raw", "publishable", "bad", "kappa", "alpha"]
    assert (readers["pairs"], readers["is_enough"], readers["raw"]["value"]) == (20, False, 0.95)
    assert document["agreement"]["score"]["pairs"] == 20
    only = json.loads(qtgen("review", "stats", "spring", "--json")[1])
    assert only["audits"] == document["audits"]


def test_tables_for_people(qtgen: Run, store: OutputFolder, plan: Plan) -> None:
    decide(store, plan, 1, 12)
    decide(store, plan, 1, 12, "bob")
    code, out, _ = qtgen("review", "stats")
    assert code == 0
    lines = [line.split() for line in out.splitlines()]
    assert ["reviewer", "approve", "all"] in lines
    assert ["ann", "12", "12"] in lines
    assert ["two", "reviewers", "(too", "few", "pairs)", "12", "100%", "100%", "–", "–", "–"] in lines


def test_what_is_missing_is_said_in_words(qtgen: Run, store: OutputFolder) -> None:
    assert qtgen("review", "plan", "next", "site", "--seed", "3")[0] == 0
    plan = read_plans(store).next
    assert plan is not None
    decide(store, plan, 1, 15, action=Action.APPROVE)
    decide(store, plan, 17, 18)
    decide(store, plan, 2, 2, "bob", action=Action.REJECT)
    out = qtgen("review", "stats")[1]
    for words in (
        "next  Read the next page; 43 pages are left.",
        "15 of 60 pages read, 1 bad",
        "an estimate needs ten publishable and ten bad pages",
        "2 pages were read, but do not count yet, because an earlier page is unread",
        "reviewers disagree about 1 page",
    ):
        assert words in out
    decide(store, plan, 16, 16)
    decide(store, plan, 19, 40, action=Action.REJECT)
    assert "of all 60 pages, between " in qtgen("review", "stats", "next")[1]


def test_decisions_without_pairs_need_second_readers(qtgen: Run, store: OutputFolder, plan: Plan) -> None:
    decide(store, plan, 1, 1, draw=None)
    assert "agreement needs pages that two reviewers judged" in qtgen("review", "stats")[2]


def test_figures_have_intervals_once_readers_differ(qtgen: Run, store: OutputFolder) -> None:
    assert qtgen("review", "plan", "many", "site", "--tolerance", "0.5", "--allow-bad", "20", "--seed", "7")[0] == 0
    many = read_plan(store, "many")
    for place in range(1, 33):
        bad = Action.REJECT if place <= 8 else Action.APPROVE
        decide(store, many, place, place, action=bad)
        decide(store, many, place, place, "bob", action=Action.APPROVE if place == 8 else bad)
    line = next(line for line in qtgen("review", "stats")[1].splitlines() if line.startswith("two reviewers"))
    assert re.search(r"32 +97% +98% +93% +0\.91 \(0\.\d\d to 1\.00\)", line)


def test_decisions_outside_a_plan_do_not_enter_its_figures(qtgen: Run, store: OutputFolder, plan: Plan) -> None:
    decide(store, plan, 1, 5, draw=None)
    document = json.loads(qtgen("review", "stats", "spring", "--json")[1])
    assert document["audits"][0]["read"] == 0
    assert document["decisions"]["in_force"] == 0
    assert json.loads(qtgen("review", "stats", "--json")[1])["decisions"]["in_force"] == 5
