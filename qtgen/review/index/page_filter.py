"""Which pages a list shows, and in which order. A filter comes from the query of a URL, and goes back into one."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from difflib import get_close_matches
from typing import Any
from urllib.parse import urlencode

from qtgen.errors import UsageError
from qtgen.generation.decisions import State

PROBLEM = "problem"
"""The state, in a filter, of pages that cannot be reviewed."""

STATES = (*(state.value for state in State), PROBLEM)
SORTS = ("title", "subject", "state", "score", "findings", "decided", "queue")
"""Columns to sort by; a minus sign before the name reverses the order."""

_TEXT_MAX = 200  # characters to search for
_CODE = re.compile(r"[A-Z]{2,5}[0-9]{3}")


@dataclass(frozen=True, slots=True, kw_only=True)
class PageFilter:
    """Which pages a list shows. An empty value filters nothing.

    Args:
        state: A state, or `problem` for pages that cannot be reviewed.
        rule: The code of a rule with findings.
        score_from: The lowest score.
        score_below: The first score that is too high.
        reviewer: Who made the last decision.
        batch: The day and the model of the last request that wrote the answer.
        q: Words that the title or the URL contains.
        sort: A name of `SORTS`, perhaps with a minus sign. By default the title, or the order of the queue.
        queue: The name of a queue.
    """

    state: str = ""
    subject: str = ""
    rule: str = ""
    score_from: float | None = None
    score_below: float | None = None
    reviewer: str = ""
    batch: str = ""
    q: str = ""
    sort: str = ""
    queue: str = ""

    @classmethod
    def from_query(cls, query: Mapping[str, str]) -> "PageFilter":
        """Return the filter of a query. Raises UsageError for a value that cannot be used."""
        values: dict[str, Any] = {one.name: query.get(one.name, "").strip() for one in fields(cls)}
        for name in ("score_from", "score_below"):
            values[name] = _score(values[name])
        if len(values["q"]) > _TEXT_MAX:
            raise UsageError("the text to search for is too long", remedy=f"give at most {_TEXT_MAX} characters")
        page_filter = cls(**values)
        _check_name("state", page_filter.state, STATES)
        _check_name("sort", page_filter.sort.removeprefix("-"), SORTS)
        if page_filter.rule and not _CODE.fullmatch(page_filter.rule):
            remedy = "rules have codes such as QT201"
            raise UsageError(f"no rule has the code `{page_filter.rule}`", remedy=remedy)
        return page_filter

    @property
    def conditions(self) -> dict[str, str]:
        """The values that filter, by name, without the order and the queue."""
        values = {name: self._text_of(name) for name in _CONDITIONS}
        return {name: value for name, value in values.items() if value}

    def query(self, **changes: object) -> str:
        """Return the query of a URL, with some values changed. Empty values are left out."""
        changed = replace(self, **changes) if changes else self  # type: ignore[arg-type]  # names of fields
        values = ((one.name, changed._text_of(one.name)) for one in fields(self))
        return urlencode([(name, value) for name, value in values if value])

    def without(self, name: str) -> str:
        """Return the query without one of the conditions."""
        return self.query(**{name: None if name.startswith("score_") else ""})

    def _text_of(self, name: str) -> str:
        value = getattr(self, name)
        return f"{value:g}" if isinstance(value, float) else value or ""


_CONDITIONS = tuple(one.name for one in fields(PageFilter) if one.name not in ("sort", "queue"))


def _score(text: str) -> float | None:
    if not text:
        return None
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1:
        raise UsageError(f"`{text}` is no score", remedy="give a number from 0 to 1")
    return value


def _check_name(kind: str, name: str, names: tuple[str, ...]) -> None:
    if name and name not in names:
        near = get_close_matches(name, names, n=1)
        remedy = f"did you mean `{near[0]}`?" if near else f"choose one of: {', '.join(names)}"
        raise UsageError(f"unknown {kind} `{name}`", remedy=remedy)
