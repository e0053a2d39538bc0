"""Actions of reviewers: what is decided, what changes on the page, and what is refused."""

import datetime as dt
import json
import os
import stat
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from qtgen.errors import PageConflict, QtgenError, UnwritableText, UsageError
from qtgen.generation.config import GenerationConfig
from qtgen.generation.decisions import Action, Decision, State
from qtgen.generation.output import OutputFolder
from qtgen.review.decisions.actions import Actions
from qtgen.review.decisions.edits import AddsErrors
from qtgen.review.files import PageChanged
from support.default_tables import read
from support.pages import LONG_DESCRIPTION, SHORT_DESCRIPTION, changed_lines, page_path, write_site
from support.reviews import DESCRIPTION, NOW, make_actions, request_for, save_rewrite, url_of

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
    assert (record["key"], record["why"]) == ("key-1", "a reviewer kept the old text")
    assert not store.taken_records.has(page_path())
    assert not store.provenance_file.exists()


def test_what_the_page_has_already_is_only_recorded(actions: Actions, store: OutputFolder) -> None:
    save_rewrite(store, is_taken=True)
    before = PATH.read_bytes()
    decision = perform(actions, "take")
    assert (decision.after, PATH.read_bytes()) == ({}, before)
    assert state(actions) is State.APPROVED


def test_a_reverted_rewrite_gets_its_score_and_date_back(actions: Actions, store: OutputFolder) -> None:
    record = save_rewrite(store, {"answer": NEW_ANSWER}, is_taken=True)
    also = {"score": {"old": 0.4, "new": -1.0}, "date": {"old": "2020-01-02", "new": "2026-11-27"}}
    store.keep_taken(page_path(), json.dumps({**record, "also": also}))
    perform(actions, "keep")
    values = read(PATH.read_bytes()).values
    assert (values["score"], str(values["date"])) == (0.4, "2020-01-02")
    assert values["answer"] == record["fields"]["answer"]["old"]


def test_a_damaged_date_in_a_record_leaves_the_date_of_the_page(actions: Actions, store: OutputFolder) -> None:
    record = save_rewrite(store, {"answer": NEW_ANSWER}, is_taken=True)
    date = read(PATH.read_bytes()).values["date"]
    store.keep_taken(page_path(), json.dumps({**record, "also": {"date": {"old": "soon", "new": "2026-11-27"}}}))
    perform(actions, "keep")
    assert read(PATH.read_bytes()).values["date"] == date


# --- edits -------------------------------------------------------------------------------------------------------------


def test_an_edit_changes_only_the_fields_that_differ(actions: Actions) -> None:
    before = PATH.read_bytes()
    fields = {**actions.show(PATH).fields, DESCRIPTION: SHORT_DESCRIPTION}
    decision = perform(actions, "edit", fields=fields, acceptable=True)
    assert changed_lines(before, PATH.read_bytes()) == [SHORT_DESCRIPTION]
    assert (list(decision.after), decision.acceptable) == (["seo"], True)
    assert state(actions) is State.APPROVED
    assert not Path("out/.qtgen/provenance.jsonl").exists()


def test_an_answer_is_edited_with_real_line_breaks(actions: Actions) -> None:
    answer = actions.show(PATH).fields["answer"]
    perform(actions, "edit", fields={"answer": f"{answer}\r\n\r\nOne more sentence."})
    assert actions.show(PATH).fields["answer"] == f"{answer}\n\nOne more sentence."
    assert (read(PATH.read_bytes()).text_of("answer") or "").endswith("\\n\\nOne more sentence.")


def test_errors_that_the_page_did_not_have_block_an_edit(actions: Actions) -> None:
    answer = actions.show(PATH).fields["answer"]
    fields = {"answer": f"{answer} [here](javascript:alert(1))"}
    check = actions.check_edit(PATH, fields)
    assert [diagnostic.code for diagnostic in check.new_errors] == ["QT507"]
    before = PATH.read_bytes()
    with pytest.raises(AddsErrors, match=r"the edit adds an error: QT507 .*javascript") as caught:
        perform(actions, "edit", fields=fields)
    assert caught.value.diagnostics == check.new_errors
    assert PATH.read_bytes() == before
    assert not actions.log.history(url_of())


def test_errors_that_the_page_had_do_not_block_an_edit(actions: Actions) -> None:
    link = "[here](javascript:alert(1))"
    write_site(osmosis={"answer": f"Osmosis moves water. {link}"})
    check = actions.check_edit(PATH, {"answer": f"Osmosis moves the water. {link}"})
    assert [one.code for one in check.diagnostics if one.code == "QT507"] == ["QT507"]
    assert check.new_errors == ()
    twice = actions.check_edit(PATH, {"answer": f"Osmosis moves the water. {link} and {link}"})
    assert [one.code for one in twice.new_errors] == ["QT507"]


def test_an_edit_without_a_change_is_checked_but_not_saved(actions: Actions) -> None:
    fields = actions.show(PATH).fields
    assert actions.check_edit(PATH, fields).text.encode() == PATH.read_bytes()
    with pytest.raises(UsageError, match="the edit changes nothing; approve the page instead"):
        perform(actions, "edit", fields=fields)


# --- undo --------------------------------------------------------------------------------------------------------------


def undo_each(actions: Actions, store: OutputFolder, action: str, **values: Any) -> None:
    """Perform an action, undo it, and undo the undo. The page must be as before, byte for byte."""
    records = store.rejected_records, store.taken_records
    before, before_records = PATH.read_bytes(), [one.text(page_path()) for one in records]
    decision = perform(actions, action, **values)
    after, after_records, after_state = PATH.read_bytes(), [one.text(page_path()) for one in records], state(actions)
    undo = perform(actions, "undo")
    assert (undo.undoes, undo.who) == (decision.id, "ada")
    assert (PATH.read_bytes(), state(actions)) == (before, State.OPEN)
    assert [one.text(page_path()) for one in records] == before_records
    perform(actions, "undo", undoes=undo.id)
    assert (PATH.read_bytes(), state(actions)) == (after, after_state)
    assert [one.text(page_path()) for one in records] == after_records


@pytest.mark.parametrize("action", ["approve", "reject", "send-back", "edit", "take", "keep"])
@pytest.mark.parametrize("is_taken", [False, True])
def test_every_action_can_be_undone_and_done_again(
    actions: Actions, store: OutputFolder, action: str, is_taken: bool
) -> None:
    save_rewrite(store, {"answer": NEW_ANSWER}, is_taken=is_taken)
    values: dict[str, Any] = {"edit": {"fields": {DESCRIPTION: SHORT_DESCRIPTION}}, "reject": {"reasons": ("fact",)}}
    undo_each(actions, store, action, **values.get(action, {"note": "Say why."}))


def test_an_undo_works_after_a_restart(actions: Actions, config: GenerationConfig) -> None:
    before = PATH.read_bytes()
    perform(actions, "edit", fields={DESCRIPTION: SHORT_DESCRIPTION})
    perform(make_actions(config), "undo")
    assert PATH.read_bytes() == before
    assert make_actions(config).log.state(url_of(), actions.show(PATH).digests) is State.OPEN


def test_an_undo_leaves_later_links_alone(actions: Actions) -> None:
    perform(actions, "edit", fields={DESCRIPTION: SHORT_DESCRIPTION})
    relinked = PATH.read_text().replace("author: QuickTakes", "author: Somebody")
    PATH.write_text(relinked)
    perform(actions, "undo")
    assert changed_lines(relinked.encode(), PATH.read_bytes()) == [LONG_DESCRIPTION]


def test_an_undo_after_a_later_change_is_refused(actions: Actions) -> None:
    first = perform(actions, "edit", fields={DESCRIPTION: SHORT_DESCRIPTION})
    perform(actions, "edit", fields={DESCRIPTION: f"{SHORT_DESCRIPTION[:-1]} of it."})
    with pytest.raises(UsageError, match="the text changed after that decision; undo the later change first"):
        perform(actions, "undo", undoes=first.id)
    perform(actions, "undo")
    perform(actions, "undo")
    assert state(actions) is State.OPEN
    with pytest.raises(UsageError, match="nothing to undo: you have decided nothing about this page"):
        perform(actions, "undo")


def test_a_text_that_git_has_put_back_can_be_undone_but_not_done_again(actions: Actions) -> None:
    before = PATH.read_bytes()
    perform(actions, "edit", fields={DESCRIPTION: SHORT_DESCRIPTION})
    PATH.write_bytes(before)
    undo = perform(actions, "undo")
    assert (undo.after, PATH.read_bytes()) == ({}, before)
    with pytest.raises(UsageError, match="no longer has the text of that decision"):
        perform(actions, "undo", undoes=undo.id)


def test_an_undo_without_its_texts_names_the_remedy(actions: Actions) -> None:
    decision = perform(actions, "edit", fields={DESCRIPTION: SHORT_DESCRIPTION})
    Path(f"out/.qtgen/review/undo/{decision.id}.json").unlink()
    with pytest.raises(UsageError, match=r"the earlier text is not on this machine.*restore the page with git"):
        perform(actions, "undo")


def test_texts_are_kept_for_ninety_days(actions: Actions) -> None:
    decisions = [perform(actions, "edit", fields={DESCRIPTION: f"{SHORT_DESCRIPTION[:-1]} {n}."}) for n in range(2)]
    files = [Path(f"out/.qtgen/review/undo/{one.id}.json") for one in decisions]
    for file, days in zip(files, (91, 89), strict=True):
        moment = (NOW - dt.timedelta(days=days)).timestamp()
        os.utime(file, (moment, moment))
    actions.settle(lambda _: read(PATH.read_bytes()))
    assert [file.exists() for file in files] == [False, True]


@pytest.mark.parametrize("undoes", ["00000000-0000-4000-8000-000000000000", "other page", "undone"])
def test_what_cannot_be_undone_is_an_error(actions: Actions, undoes: str) -> None:
    if undoes == "other page":
        write_site(turgor={})
        undoes = actions.perform(request_for("approve", "turgor"), Path(page_path("turgor"))).decision.id
    if undoes == "undone":
        undoes = perform(actions, "approve").id
        perform(actions, "undo", undoes=undoes)
    with pytest.raises(UsageError, match="there is nothing to undo"):
        perform(actions, "undo", undoes=undoes)


def test_others_can_undo_a_decision_but_only_by_naming_it(actions: Actions) -> None:
    decision = perform(actions, "approve")
    with pytest.raises(UsageError, match="you have decided nothing"):
        perform(actions, "undo", who="bob")
    assert perform(actions, "undo", who="bob", undoes=decision.id).undoes == decision.id


# --- conflicts and refusals --------------------------------------------------------------------------------------------


def test_a_page_that_changed_since_it_was_shown_is_a_conflict(actions: Actions) -> None:
    shown = actions.show(PATH)
    request = request_for("edit", fields={DESCRIPTION: SHORT_DESCRIPTION})
    theirs = f"{LONG_DESCRIPTION[:-1]} of it."
    write_site(osmosis={DESCRIPTION: theirs})
    with pytest.raises(PageChanged, match="changed since it was shown; nothing was recorded") as caught:
        actions.perform(request, PATH)
    assert caught.value.seen == shown.fields
    assert caught.value.now[DESCRIPTION] == theirs
    assert caught.value.yours == {DESCRIPTION: SHORT_DESCRIPTION}
    assert len(actions.log) == 0
    assert actions.perform(replace(request, file_digest=caught.value.digest), PATH).decision.after


def test_a_conflict_shows_the_rewrite_that_was_to_be_taken(actions: Actions, store: OutputFolder) -> None:
    save_rewrite(store)
    with pytest.raises(PageChanged) as caught:
        perform(actions, "take", file_digest="0" * 16)
    assert (caught.value.yours, caught.value.seen) == ({DESCRIPTION: SHORT_DESCRIPTION}, {})


def test_a_rewrite_that_was_replaced_since_it_was_shown_is_not_taken(actions: Actions, store: OutputFolder) -> None:
    save_rewrite(store)
    with pytest.raises(UsageError, match="the rewrite was replaced by another one since it was shown"):
        perform(actions, "take", rewrite="0" * 16)


@pytest.mark.parametrize(
    ("action", "values", "message"),
    [
        ("take", {}, r"there is no rewrite to take; approve or reject the page"),
        ("keep", {}, r"there is no rewrite to keep back"),
        ("reject", {}, r"`reasons`: a rejection needs a reason; choose one with the keys 1 to 7"),
        ("reject", {"reasons": ("ugly",)}, r"'ugly' is not a reason; use fact, incomplete"),
        ("send-back", {"note": " \n"}, r"`note`: sending a page back needs a note"),
        ("approve", {"note": "x" * 2_001}, r"the note has 2,001 characters; the maximum is 2,000"),
        ("approve", {"note": "\ud800"}, r"the note contains half a character; type it again"),
        ("approve", {"id": "../../etc/passwd"}, r"`id`: the id of an action must be a UUID"),
        ("approve", {"who": " "}, r"the name of the reviewer is missing"),
        ("approve", {"fields": {"answer": "x"}}, r"only an edit has new values"),
        ("approve", {"undoes": "x"}, r"only an undo names another decision"),
        ("approve", {"seconds": float("nan")}, r"the time that a page was open must be a number of seconds"),
        ("adjudicate", {}, r"a decision that settles a dispute must contain whether the text"),
        ("edit", {"fields": {"title": "x"}}, r"`title`: cannot be edited here; edit answer, seo\.page_description"),
        ("edit", {"fields": {}}, r"the edit changes nothing"),
    ],
)
def test_a_wrong_request_is_refused_in_one_sentence(
    actions: Actions, action: str, values: dict[str, Any], message: str
) -> None:
    before = PATH.read_bytes()
    with pytest.raises(UsageError, match=message) as caught:
        perform(actions, action, **values)
    assert "\n" not in str(caught.value)
    assert PATH.read_bytes() == before
    assert not Path("out/.qtgen/decisions.jsonl").exists()
    assert not Path("out/.qtgen/review").exists()


@pytest.mark.parametrize("value", ["", "\x07", "It says \\npq."])
def test_a_value_that_no_page_can_hold_is_refused(actions: Actions, value: str) -> None:
    with pytest.raises(UnwritableText):
        perform(actions, "edit", fields={"answer": value})


def test_a_rewrite_of_a_text_that_is_gone_does_not_apply(actions: Actions, store: OutputFolder) -> None:
    save_rewrite(store)
    write_site(osmosis={DESCRIPTION: f"{LONG_DESCRIPTION[:-1]} of it."})
    with pytest.raises(UsageError, match=r"`seo.page_description`: changed since the rewrite was made"):
        perform(actions, "take")
    assert perform(actions, "keep").after == {}


def test_a_page_that_does_not_parse_can_only_be_skipped(actions: Actions) -> None:
    PATH.write_bytes(b"\xff\xfe")
    for action, values in (("approve", {}), ("reject", {"reasons": ("other",)}), ("edit", {"fields": {}})):
        with pytest.raises(UsageError, match=r"the page does not parse: not UTF-8.*; correct it first"):
            perform(actions, action, **values)
    assert perform(actions, "skip").action is Action.SKIP


def test_a_page_without_an_answer_can_be_edited(actions: Actions) -> None:
    write_site(osmosis={"answer": None})
    assert actions.show(PATH).fields["answer"] == ""
    perform(actions, "edit", fields={"answer": "Osmosis moves water.\nAlways."})
    assert read(PATH.read_bytes()).values["answer"] == "Osmosis moves water.\\nAlways."
    perform(actions, "undo")
    assert "answer" not in read(PATH.read_bytes()).values


def test_a_deleted_page_is_a_conflict(actions: Actions) -> None:
    request = request_for("approve")
    PATH.unlink()
    with pytest.raises(PageConflict, match=r"what-is-osmosis\.md: was deleted in the meantime; reload the list"):
        actions.perform(request, PATH)
    assert len(actions.log) == 0


def test_a_read_only_page_can_be_judged_but_not_changed(actions: Actions) -> None:
    PATH.chmod(0o444)
    with pytest.raises(PageConflict, match="is read-only; nothing was written to it"):
        perform(actions, "edit", fields={DESCRIPTION: SHORT_DESCRIPTION})
    assert len(actions.log) == 0
    assert not Path("out/.qtgen/decisions.jsonl").exists()
    assert not [*Path("out/.qtgen/review/undo").iterdir()]
    perform(actions, "approve")
    assert state(actions) is State.APPROVED


def test_a_page_outside_the_folders_can_be_judged_but_not_changed(actions: Actions) -> None:
    outside = Path("elsewhere/what-is-osmosis.md")
    outside.parent.mkdir()
    outside.write_bytes(PATH.read_bytes())
    link = PATH.with_name("link.md")
    link.symlink_to(outside.resolve())
    for path in (outside, link):
        with pytest.raises(PageConflict, match="is outside the folders under review"):
            actions.perform(request_for("edit", fields={DESCRIPTION: SHORT_DESCRIPTION}), path)
    assert actions.perform(request_for("approve"), outside).decision


# --- disks and clocks --------------------------------------------------------------------------------------------------


def fail_from(monkeypatch: pytest.MonkeyPatch, name: str, number: int) -> list[int]:
    """Let the function `name` of `os` fail as on a full disk from its n-th call on. Return the count of calls.

    Calls about folders do not count: they store nothing.
    """
    calls = [0]
    original = getattr(os, name)

    def full(*arguments: Any, **options: Any) -> Any:
        if isinstance(arguments[0], int) and stat.S_ISDIR(os.fstat(arguments[0]).st_mode):
            return original(*arguments, **options)
        calls[0] += 1
        if calls[0] >= number:
            raise OSError(28, "No space left on device")
        return original(*arguments, **options)

    monkeypatch.setattr(os, name, full)
    return calls


def test_a_changed_page_is_on_the_disk_under_its_name(actions: Actions, monkeypatch: pytest.MonkeyPatch) -> None:
    original, synced = os.fsync, list[tuple[bool, int]]()

    def fsync(descriptor: int) -> None:
        status = os.fstat(descriptor)
        synced.append((stat.S_ISDIR(status.st_mode), status.st_ino))
        original(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    actions.perform(request_for("edit", fields={DESCRIPTION: SHORT_DESCRIPTION}), PATH)
    assert (False, PATH.stat().st_ino) in synced
    assert synced[-1] == (True, PATH.parent.stat().st_ino)


@pytest.mark.parametrize("action", ["approve", "edit", "take"])
@pytest.mark.parametrize("number", range(1, 8))
def test_on_a_full_disk_nothing_is_decided(
    actions: Actions,
    store: OutputFolder,
    config: GenerationConfig,
    monkeypatch: pytest.MonkeyPatch,
    action: str,
    number: int,
) -> None:
    save_rewrite(store)
    before = PATH.read_bytes()
    fields = {DESCRIPTION: SHORT_DESCRIPTION} if action == "edit" else {}
    request = request_for(action, fields=fields)
    with monkeypatch.context() as patch:
        calls = fail_from(patch, "fsync", number)
        try:
            actions.perform(request, PATH)
        except QtgenError as caught:
            error = str(caught)
        else:
            has_only_a_stale_record = action == "take" and PATH.read_bytes() != before
            assert calls[0] < number or has_only_a_stale_record
            return
    assert "No space left on device" in error
    assert PATH.read_bytes() == before
    assert state(actions) is State.OPEN
    later = make_actions(config, OutputFolder(Path("out")))
    later.settle(lambda _: read(PATH.read_bytes()))
    assert later.log.state(url_of(), later.show(PATH).digests) is State.OPEN
    assert actions.perform(replace(request, id=request_for("skip").id), PATH).decision


def test_a_page_that_cannot_be_replaced_takes_its_decision_back(
    actions: Actions, config: GenerationConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = request_for("edit", fields={DESCRIPTION: SHORT_DESCRIPTION})
    original = os.replace

    def broken(source: str, target: str) -> None:
        if Path(target).name == PATH.name:
            raise OSError(5, "Input/output error")
        original(source, target)

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", broken)
        with pytest.raises(QtgenError, match="Input/output error"):
            actions.perform(request, PATH)
    with pytest.raises(UsageError, match="could not be carried out before; repeat it"):
        actions.perform(request, PATH)
    log = make_actions(config).log
    assert [one.action for one in log.history(url_of())] == [Action.EDIT, Action.UNDO]
    assert log.effective(url_of()) == []
    assert "could not be carried out: Input/output error" in log.history(url_of())[1].note


def test_decisions_keep_their_order_if_a_clock_was_wrong(actions: Actions, config: GenerationConfig) -> None:
    decision = perform(actions, "approve")
    early = Decision(
        id="b0000000-0000-4000-8000-000000000000",
        at="2031-01-01T00:00:00.000Z",
        who="bob",
        action=Action.REJECT,
        url=url_of(),
        texts=decision.texts,
    )
    actions.store.append_decision(early)
    actions.log.add(early)
    assert perform(actions, "approve").at == "2031-01-01T00:00:00.001Z"
    assert make_actions(config).log.state(url_of(), decision.texts) is State.APPROVED


# --- concurrency -------------------------------------------------------------------------------------------------------


def test_of_two_threads_that_edit_a_page_one_wins(actions: Actions) -> None:
    requests = [
        request_for("edit", fields={DESCRIPTION: f"{SHORT_DESCRIPTION[:-1]}, case {number}."}) for number in range(8)
    ]
    results: list[Any] = []
    barrier = threading.Barrier(len(requests))

    def run(request: Any) -> None:
        barrier.wait()
        try:
            results.append(actions.perform(request, PATH))
        except PageChanged as error:
            results.append(error)

    threads = [threading.Thread(target=run, args=(request,)) for request in requests]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    winners = [result for result in results if not isinstance(result, PageChanged)]
    assert len(winners) == 1
    assert len(lines()) == 1
    assert winners[0].decision.holds_for(actions.show(PATH).digests)


def test_of_two_processes_that_change_a_page_one_wins(actions: Actions, config: GenerationConfig) -> None:
    """Both have read the page before either writes it; the file's lock and its contents decide, not this process."""
    others = [actions, *(make_actions(config) for _ in range(5))]
    barrier = threading.Barrier(len(others))
    results: list[Any] = []

    def run(number: int) -> None:
        fields = {DESCRIPTION: f"{SHORT_DESCRIPTION[:-1]}, case {number}."}
        request = request_for("edit", fields=fields)
        barrier.wait()
        try:
            results.append(others[number].perform(request, PATH))
        except PageConflict as error:
            results.append(error)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(len(others))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    winners = [result for result in results if not isinstance(result, PageConflict)]
    assert len(winners) == 1
    log = make_actions(config).log
    assert [one.id for one in log] == [winners[0].decision.id], "those that lost have appended nothing"
    assert log.state(url_of(), actions.show(PATH).digests) is State.APPROVED


def test_processes_that_append_at_once_write_whole_lines(store: OutputFolder, config: GenerationConfig) -> None:
    several = [make_actions(config) for _ in range(4)]

    def run(actions: Actions) -> None:
        for _ in range(10):
            actions.perform(request_for("approve"), PATH)

    threads = [threading.Thread(target=run, args=(actions,)) for actions in several]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    log = store.decision_log()
    assert (len(log), log.problems) == (40, ())
