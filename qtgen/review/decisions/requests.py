"""Check a request for an action, before its page is read."""

import math
import uuid

from qtgen.errors import UsageError
from qtgen.generation.decisions import REASONS, Action
from qtgen.review.types import ActionRequest

NOTE_MAX = 2_000  # characters


def check_request(request: ActionRequest) -> None:
    """Raise UsageError if a request lacks something or contains something that its action does not allow."""
    if not is_id(request.id):
        raise UsageError("the id of an action must be a UUID", field="id")
    if not request.who.strip():
        raise UsageError("the name of the reviewer is missing", field="who")
    if request.seconds is not None and not 0 <= request.seconds < math.inf:
        raise UsageError("the time that a page was open must be a number of seconds", field="seconds")
    if request.fields and request.action is not Action.EDIT:
        raise UsageError("only an edit has new values", field="fields")
    if request.undoes and request.action is not Action.UNDO:
        raise UsageError("only an undo names another decision", field="undoes")
    _check_note(request.note)
    _check_judgement(request)


def _check_judgement(request: ActionRequest) -> None:
    for reason in request.reasons:
        if reason not in REASONS:
            raise UsageError(f"{reason!r} is not a reason", field="reasons", remedy=f"use {', '.join(REASONS)}")
    if request.action is Action.REJECT and not request.reasons:
        raise UsageError("a rejection needs a reason", field="reasons", remedy="choose one with the keys 1 to 7")
    if request.action is Action.SEND_BACK and not request.note.strip():
        raise UsageError("sending a page back needs a note", field="note", remedy="write what should be different")
    if request.action is Action.ADJUDICATE and request.acceptable is None:
        raise UsageError(
            "a decision that settles a dispute must contain whether the text can be published", field="acceptable"
        )


def _check_note(note: str) -> None:
    if len(note) > NOTE_MAX:
        raise UsageError(f"the note has {len(note):,} characters; the maximum is {NOTE_MAX:,}", field="note")
    try:
        note.encode()
    except UnicodeEncodeError:
        raise UsageError("the note contains half a character", field="note", remedy="type it again") from None


def is_id(text: str) -> bool:
    """Return whether a text is a UUID in its usual form, so that it is also a safe name of a file."""
    try:
        return str(uuid.UUID(text)) == text
    except ValueError:
        return False


def acceptable_of(request: ActionRequest) -> bool | None:
    """Return whether the text as shown could be published; None if neither the action nor the reviewer tells."""
    if request.action is Action.APPROVE:
        return True
    if request.action in (Action.REJECT, Action.SEND_BACK):
        return False
    return request.acceptable
