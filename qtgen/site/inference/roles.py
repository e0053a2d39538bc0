"""Infer the roles of fields, and where new pages get their values."""

import re
from collections.abc import Callable, Iterator

from qtgen.errors import UsageError
from qtgen.page.profile import BODY_FIELD, Kind
from qtgen.page.template import parse_template
from qtgen.site.inference.drafts import Draft, LayoutDraft, frequencies, length_of

_QUESTION = ("title", "question", "name", "headline", "heading")
_KEY = ("url", "permalink", "slug", "path", "link", "address")
_SUBJECT = ("subject", "category", "topic", "section", "module", "part", "theme", "type", "kind", "language")
_ID = ("id", "number", "no", "num")
_DATE = ("date", "published", "created", "added", "updated", "modified", "checked", "reviewed")
_HIDDEN = re.compile(r"no_?index|hidden|draft|unlisted|private|exclude", re.IGNORECASE)
_SCORE = re.compile(r"score|rating|quality", re.IGNORECASE)
_LONG_ANSWER = 300  # the mean length of an answer in the front matter
_COMMON = 0.9


def decide_question(layout: LayoutDraft, *, has_body: bool) -> None:
    """Set the role of the question, or the title. Raises UsageError if no field can have it."""
    texts = [draft for draft in layout.fields if draft.is_text and draft.values and not draft.fields]
    texts = [draft for draft in texts if "const" not in draft.settings]
    common = [draft for draft in texts if len(draft.values) >= _COMMON * draft.of] or texts
    named = _named(common, _QUESTION)
    short = (draft for draft in common if _mean_length(draft) < _LONG_ANSWER)
    chosen = named or max(short, key=_distinct_share, default=None)
    if chosen is not None:
        layout.roles["question"] = chosen.path
    elif has_body and layout.fields:
        layout.roles["question"] = BODY_FIELD
    else:
        remedy = "qtgen needs pages with a title or a question in the front matter"
        raise UsageError("no key of these pages can be their title", remedy=remedy)


def decide_roles(layout: LayoutDraft, body_length: float) -> None:
    """Set the other roles.

    Args:
        layout: The layout.
        body_length: The mean length of the text after the front matter; 0 if it is the same on every page.
    """
    top = [draft for draft in layout.fields if not draft.fields and draft.path != layout.roles["question"]]
    roles = {
        "key": _key(top),
        "answer": _answer(layout, body_length),
        "subject": _subject(layout, top),
        "id": _named([draft for draft in top if draft.kinds == (Kind.INT,) and _distinct_share(draft) > 0.5], _ID),
        "date": _date(top),
        "hidden": _matching(top, (Kind.BOOL,), _HIDDEN),
        "score": _matching(top, (Kind.FLOAT,), _SCORE),
    }
    question = layout.roles["question"]
    found = {role: path if isinstance(path, str) else path.path for role, path in roles.items() if path is not None}
    key = found.pop("key", None)
    layout.roles = {**({"key": key} if key else {}), "question": question, **found}


def _named(drafts: list[Draft], names: tuple[str, ...]) -> Draft | None:
    by_name = {draft.key.lower(): draft for draft in reversed(drafts)}
    return next((by_name[name] for name in names if name in by_name), None)


def _matching(drafts: list[Draft], kinds: tuple[Kind, ...], pattern: re.Pattern[str]) -> Draft | None:
    return next((draft for draft in drafts if draft.kinds == kinds and pattern.search(draft.key)), None)


def _key(top: list[Draft]) -> Draft | None:
    texts = [draft for draft in top if draft.is_text and _distinct_share(draft) > _COMMON]
    texts = [draft for draft in texts if 2 * len(draft.values) > draft.of and not draft.settings.get("const")]
    addresses = [draft for draft in texts if _share(draft, lambda text: text.startswith(("/", "http"))) > _COMMON]
    return _named(addresses, _KEY) or _named(texts, _KEY) or next(iter(addresses), None)


def _answer(layout: LayoutDraft, body_length: float) -> Draft | str | None:
    texts = [draft for draft in layout.fields if draft.is_text and not draft.fields and draft.values]
    texts = [draft for draft in texts if 2 * len(draft.values) > draft.of and draft.path != layout.roles["question"]]
    longest = max(texts, key=_mean_length, default=None)
    if longest is not None and _mean_length(longest) >= max(_LONG_ANSWER, body_length):
        return longest
    return BODY_FIELD if body_length and layout.roles["question"] != BODY_FIELD else None


def _subject(layout: LayoutDraft, top: list[Draft]) -> Draft | None:
    """Return the field with few values that determines the folder, else one with a typical name."""
    folder = parse_template(layout.settings["path"].rpartition("/")[0])
    texts = [draft for draft in top if draft.is_text and 2 * len(draft.values) > draft.of]
    texts = [draft for draft in texts if "const" not in draft.settings and _distinct_share(draft) < 0.5]
    in_folder = [draft for draft in texts if draft.path in {reference.path for reference in folder.references}]
    few = (draft for draft in texts if draft.is_usual and _mean_length(draft) and _variety(draft) <= _FEW)
    return next(iter(in_folder), None) or _named(texts, _SUBJECT) or next(few, None)


def _date(top: list[Draft]) -> Draft | None:
    dates = [draft for draft in top if draft.kinds == (Kind.DATE,) and 2 * len(draft.values) > draft.of]
    return _named(dates, _DATE) or next(iter(dates), None)


def _mean_length(draft: Draft) -> float:
    return sum(length_of(value.value) for value in draft.values) / max(1, len(draft.values))


def _distinct_share(draft: Draft) -> float:
    return _variety(draft) / max(1, len(draft.values))


def _variety(draft: Draft) -> int:
    return len(frequencies(draft.values))


def _share(draft: Draft, accept: Callable[[str], bool]) -> float:
    accepted = sum(accept(value.value) for value in draft.values if isinstance(value.value, str))
    return accepted / max(1, len(draft.values))


# --- where new pages get their values ------------------------------------------------------------------------------

_PROSE = 15  # the mean length of a text that a model writes
_BY_ROLE = {"question": "question", "subject": "subject", "id": "sequence"}
_FEW = 30  # different values of a field that has a default
_NO_VALUE = "new pages have no value for this field: add source, default or required=false"
_CANDIDATE_VALUE = "new pages need a value: use the candidate below, or add source or default"
_USUAL = 0.2  # the share of pages with a value that makes it a default


def decide_sources(layout: LayoutDraft) -> None:
    """Set the `source` of each field that has neither a constant nor a template."""
    for role, source in _BY_ROLE.items():
        for draft in layout.walk():
            if draft.path == layout.roles.get(role) and draft.path != BODY_FIELD:
                draft.settings["source"] = source
    for draft in _open_fields(layout.fields):
        if draft.kinds == (Kind.DATE,):
            draft.settings["source"] = "today"
        elif draft.path == layout.roles.get("answer"):
            draft.settings.update(source="model", group="answer")
        elif any(setting.keys() & {"value", "const"} for setting, _, _ in draft.candidates):
            draft.notes.append(_CANDIDATE_VALUE)
        elif _is_written(draft):
            outer = draft.path.rpartition(".")[0].rpartition(".")[2]
            draft.settings.update(source="model", group=outer or "summary")
        elif (default := _usual_value(draft)) is not None:
            draft.settings["default"] = default
        else:
            draft.notes.append(_NO_VALUE)


def _open_fields(drafts: list[Draft]) -> Iterator[Draft]:
    """Yield the required fields without a source of their value."""
    for draft in drafts:
        if not draft.is_usual or draft.in_list or "repeat" in draft.settings:
            continue
        if draft.fields and draft.settings.get("type") == "map":
            yield from _open_fields(draft.fields)
        elif not draft.settings.keys() & {"const", "value", "source"}:
            yield draft


def _is_written(draft: Draft) -> bool:
    if draft.fields:
        return False
    if draft.kinds == (Kind.LIST,):
        return True
    return draft.is_text and _mean_length(draft) >= _PROSE and _distinct_share(draft) > 0.5


def _usual_value(draft: Draft) -> object:
    """Return the most frequent value of a field with few of them, if it is worth a default."""
    counts = frequencies(draft.values)
    if not counts or draft.fields or draft.kinds == (Kind.LIST,):
        return None
    (kind, value), count = counts.most_common(1)[0]
    is_short = kind in (Kind.BOOL, Kind.INT, Kind.FLOAT) or (isinstance(value, str) and len(value) < _LONG_ANSWER)
    is_usual = len(counts) <= _FEW or _USUAL * len(draft.values) < count
    return value if is_short and is_usual else None
