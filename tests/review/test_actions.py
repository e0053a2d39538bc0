"""Actions of readers: what is decided, what changes on the page, and what is refused."""

import json
from pathlib import Path
from typing import Any

import pytest

from qtgen.generation.config import GenerationConfig
from qtgen.generation.decisions import Decision, State
from qtgen.generation.output import OutputFolder
from qtgen.page import read
from qtgen.review.actions import Actions
from support.pages import LONG_DESCRIPTION, SHORT_DESCRIPTION, changed_lines, page_path, write_site
from support.reviews import DESCRIPTION, make_actions, request_for, save_rewrite, url_of

PATH = Path(page_path())
NEW_ANSWER = "Osmosis is the movement of water through a membrane.\\n\\nIt evens out two concentrations."


@pytest.fixture
def store() -> OutputFolder:
    write_site(osmosis={DESCRIPTION: LONG_DESCRIPTION, "score": 0.7})
    return OutputFolder(Path("out"))


@pytest.fixture
def actions(store: OutputFolder, config: GenerationConfig) -> Actions:
    return make_actions(config, store)


def lines() -> list[Any]:
    return [json.loads(line) for line in Path("out/.qtgen/decisions.jsonl").read_text().splitlines()]


def state(actions: Actions) -> State:
    return actions.log.state(url_of(), actions.show(PATH).digests)


def perform(actions: Actions, action: str, **values: Any) -> Decision:
    return actions.perform(request_for(action, **values), PATH).decision


# --- decisions about the text as it is ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("action", "values", "expected"),
    [
        ("approve", {}, State.APPROVED),
        ("reject", {"reasons": ("fact", "fact")}, State.REJECTED),
        ("send-back", {"note": " Say why. "}, State.SENT_BACK),
        ("skip", {}, State.OPEN),
        ("adjudicate", {"acceptable": True}, State.APPROVED),
        ("adjudicate", {"acceptable": False}, State.REJECTED),
    ],
)
def test_a_decision_is_a_line_and_leaves_the_page_alone(
    actions: Actions, action: str, values: dict[str, Any], expected: State
) -> None:
    before = PATH.read_bytes()
    request = request_for(action, **values)
    result = actions.perform(request, PATH)
    assert (PATH.read_bytes(), result.file_digest) == (before, request.file_digest)
    assert state(actions) is expected
    (line,) = lines()
    assert (line["id"], line["action"], line["who"], line["after"]) == (request.id, action, "ada", {})
    assert line["texts"] == actions.show(PATH).digests
    assert line["note"] == request.note.strip()
    assert line["reasons"] == [*dict.fromkeys(request.reasons)]


def test_a_line_has_the_fields_of_a_decision_and_no_text(actions: Actions) -> None:
    perform(actions, "edit", fields={DESCRIPTION: SHORT_DESCRIPTION})
    (line,) = lines()
    assert set(line) == set(Decision.__struct_fields__)
    assert SHORT_DESCRIPTION not in json.dumps(line)


def test_the_same_request_twice_counts_once(actions: Actions) -> None:
    request = request_for("approve")
    first, second = actions.perform(request, PATH), actions.perform(request, PATH)
    assert (first.is_repeat, second.is_repeat) == (False, True)
    assert second.decision == first.decision
    assert len(lines()) == 1


def test_what_the_action_says_need_not_be_sent(actions: Actions, store: OutputFolder) -> None:
    save_rewrite(store)
    assert perform(actions, "approve").acceptable is True
    assert perform(actions, "reject", reasons=("fact",)).acceptable is False
    assert perform(actions, "skip").acceptable is None
    assert perform(actions, "keep").prefers == "old"
    assert perform(actions, "take").prefers == "new"


# --- rewrites ----------------------------------------------------------------------------------------------------------


def test_taking_a_rewrite_changes_only_its_fields(actions: Actions, store: OutputFolder) -> None:
    before = PATH.read_bytes()
    save_rewrite(store)
    decision = perform(actions, "take")
    assert changed_lines(before, PATH.read_bytes()) == [SHORT_DESCRIPTION]
    assert list(decision.after) == ["seo"]
    assert decision.holds_for(actions.show(PATH).digests)
    assert store.rejected(page_path()) is None
    assert store.taken_records.read(page_path())
    (made,) = [json.loads(line) for line in store.provenance_file.read_text().splitlines()]
    assert made["replaced_digests"] == {"seo": decision.texts["seo"]}
    assert made["text_digests"] == {"seo": decision.after["seo"]}
    assert made["compared"]["by"] == "metrics"


def test_taking_a_new_answer_resets_the_score(actions: Actions, store: OutputFolder) -> None:
    save_rewrite(store, {"answer": NEW_ANSWER})
    perform(actions, "take")
    values = read(PATH.read_bytes()).values
    assert (values["answer"], values["score"]) == (NEW_ANSWER, -1.0)
    perform(actions, "keep")
    assert read(PATH.read_bytes()).values["score"] == 0.7


def test_keeping_the_old_text_leaves_the_page_alone(actions: Actions, store: OutputFolder) -> None:
    before = PATH.read_bytes()
    save_rewrite(store)
    perform(actions, "keep")
    assert PATH.read_bytes() == before
    assert store.rejected(page_path()), "so that regenerate does not repeat the attempt"


def test_keeping_the_old_text_reverts_a_rewrite_that_was_taken(actions: Actions, store: OutputFolder) -> None:
    before = PATH.read_bytes()
    save_rewrite(store, is_taken=True)
    assert PATH.read_bytes() != before
    perform(actions, "keep")
    assert read(PATH.read_bytes()).text_of(DESCRIPTION) == LONG_DESCRIPTION
    record = store.rejected(page_path())
    assert record
    assert (record["key"], record["why"]) == ("key-1", "a reader kept the old text")
    assert not store.taken_records.has(page_path())
    assert not store.provenance_file.exists()
