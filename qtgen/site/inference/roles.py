"""Infer the roles of fields, and where new pages get their values."""

import re
from collections.abc import Callable, Iterator

from qtgen.errors import UsageError
from qtgen.page.profile import BODY_FIELD, Kind
from qtgen.page.template import parse_template
from qtgen.site.inference.drafts import Candidate, Draft, LayoutDraft, frequencies, length_of

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
    topics = (draft for draft in texts if not _is_person(draft) and not _STATUS.fullmatch(draft.key))
    few = (draft for draft in topics if draft.is_usual and _mean_length(draft) and _variety(draft) <= _FEW)
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
_FEW = 30  # different values of a subject
_NO_VALUE = "new pages have no source for this value"
_REQUIRED = "; add `source` or `default`, or make the field optional"
_OPTIONAL = "; `qtgen generate` leaves it out"
_LEAVES_OUT = "`qtgen generate` leaves out an optional field that it cannot fill"
_CANDIDATE_VALUE = "new pages need a value: use the candidate below, or add `source` or `default`"
_DEFAULT = 0.9  # the share of pages with a value that makes it a default
_LEAST_VALUES = 3  # that a default is based on
_CHOICES = 12  # different values of a field that has a text as its default, or whose values a note lists
_LONGEST_DEFAULT = 24  # characters
_REPEATED = 0.9  # the share of different values below which short texts are names, which no model invents
_SHORT = 40  # the mean length of such texts
_PERSON = re.compile(
    r"(author|owner|writer|editor|maintainer|reviewer|contact|assignee|person|people)s?|(.*_)?by", re.IGNORECASE
)
_STATUS = re.compile(r"(.*[_-])?(status|state|stage|phase)|.*(Status|State)")


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
        elif any(candidate.settings.keys() & {"value", "const"} for candidate in draft.candidates):
            draft.notes.append(_CANDIDATE_VALUE)
        else:
            _decide_source(draft, is_key=draft.path == layout.roles.get("key"))


def _decide_source(draft: Draft, *, is_key: bool) -> None:
    """Set whether a model writes a field, or its default. Otherwise, note that new pages have no value."""
    is_own = is_key or _is_person(draft)  # its value belongs to one page, or to a person
    if not is_own and _is_written(draft):
        outer = draft.path.rpartition(".")[0].rpartition(".")[2]
        draft.settings.update(source="model", group=outer or "summary")
    elif not is_own and (default := _usual_value(draft)) is not None:
        draft.settings["default"] = default
    else:
        _note_no_value(draft)


def _note_no_value(draft: Draft) -> None:
    draft.notes.append(f"{_NO_VALUE}{_REQUIRED if draft.is_required else _OPTIONAL}")
    if choices := _choices(draft):
        draft.notes.append(f"the pages have {', '.join(choices)}")
    if draft.is_required:
        draft.candidates.append(Candidate({"required": False}, comment=_LEAVES_OUT))


def _choices(draft: Draft) -> list[str]:
    """Return the values of a field with few short ones, the most frequent first."""
    counts = frequencies(draft.values)
    texts = [(value, count) for (_, value), count in counts.most_common() if isinstance(value, str)]
    are_choices = 0 < len(texts) <= _CHOICES and 2 * len(texts) < counts.total()
    if not are_choices or max(len(value) for value, _ in texts) > _LONGEST_DEFAULT:
        return []
    return [f'"{value}" ({count:,})' for value, count in texts]


def _open_fields(drafts: list[Draft]) -> Iterator[Draft]:
    """Yield the required fields without a source of their value."""
    for draft in drafts:
        if not draft.is_usual or draft.in_list or "repeat" in draft.settings:
            continue
        if draft.fields and draft.settings.get("type") == "map":
            yield from _open_fields(draft.fields)
        elif not draft.settings.keys() & {"const", "value", "source"}:
            yield draft


def _is_person(draft: Draft) -> bool:
    return _PERSON.fullmatch(draft.key) is not None


def _is_written(draft: Draft) -> bool:
    """Return whether a model writes a field: a list, or texts that differ and are neither addresses nor names."""
    if draft.fields:
        return False
    if draft.kinds == (Kind.LIST,):
        return True
    length, distinct = _mean_length(draft), _distinct_share(draft)
    least = _REPEATED if length < _SHORT else 0.5
    is_address = _share(draft, lambda text: text.startswith(("/", "http"))) > 0.5
    return draft.is_text and length >= _PROSE and distinct > least and not is_address


def _usual_value(draft: Draft) -> object:
    """Return the value that nearly all pages have; None if there is none, or if a person chooses it for each page."""
    counts = frequencies(draft.values)
    if draft.fields or _STATUS.fullmatch(draft.key) or counts.total() < _LEAST_VALUES:
        return None
    (kind, value), count = counts.most_common(1)[0]
    if count < _DEFAULT * len(draft.values) or kind != draft.kinds[0] or value != value:
        return None
    if kind == Kind.TEXT:
        is_choice = isinstance(value, str) and 0 < len(value) <= _LONGEST_DEFAULT and len(counts) <= _CHOICES
        return value if is_choice else None
    return value if kind in (Kind.BOOL, Kind.INT, Kind.FLOAT) else None
