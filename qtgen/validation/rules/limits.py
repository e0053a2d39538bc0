"""The limits of the texts and lists that a model writes, as the profile defines them."""

from collections.abc import Iterator
from functools import cache
from math import inf
from typing import NamedTuple

from qtgen.page.compile import layouts_of
from qtgen.page.layout import Layout
from qtgen.page.profile import BodySpec, FieldSpec, Kind, Profile


class Limit(NamedTuple):
    """The fewest and the most characters of a text, or items of a list.

    Args:
        least: 0 if there is no such limit.
        most: Infinite if there is no such limit.
    """

    path: str
    least: float
    most: float

    @property
    def remedy(self) -> str:
        """What to write: `5 to 20`, `at least 5` or `at most 20`."""
        if self.most == inf:
            return f"at least {self.least:,}"
        return f"{self.least:,} to {self.most:,}" if self.least else f"at most {self.most:,}"


class ListLimit(NamedTuple):
    """A list that a model writes.

    Args:
        separator: What separates the items of one text, or None if the value is a list.
        mark: The separator without spaces, unless it consists of them.
        noun: What an item is called.
    """

    limit: Limit
    separator: str | None
    mark: str
    noun: str


class Limits(NamedTuple):
    """The limits of the fields that a model writes on the pages of a layout.

    Args:
        texts: The texts besides the answer that have a limit.
        lists: The lists, with and without a limit.
        answer: The limit of the answer; both numbers are open if it has none.
    """

    texts: tuple[Limit, ...]
    lists: tuple[ListLimit, ...]
    answer: Limit


@cache
def limits_of(layout: Layout) -> Limits:
    """Return the limits of the fields that a model writes on the pages of a layout."""
    answer = layout.roles.answer
    texts: list[Limit] = []
    lists: list[ListLimit] = []
    for path in layout.model_fields:
        spec = layout.fields[path].spec if path in layout.fields else None
        if spec is None or path == answer:
            continue
        limit = _limit(path, spec)
        if spec.separator is not None or spec.kinds[0] is Kind.LIST:
            noun = "keyword" if path == layout.keywords else "item"
            mark = (spec.separator or "").strip() or spec.separator or ""
            lists.append(ListLimit(limit, spec.separator, mark, noun))
        elif spec.kinds[0] is Kind.TEXT and (limit.least or limit.most < inf):
            texts.append(limit)
    own = layout.fields[answer].spec if answer and answer in layout.fields else layout.body_spec
    return Limits(tuple(texts), tuple(lists), _limit(answer or "", own))


def _limit(path: str, spec: FieldSpec | BodySpec) -> Limit:
    return Limit(path, _whole(spec.min or 0), inf if spec.max is None else _whole(spec.max))


def _whole(number: float) -> float:
    return int(number) if number == int(number) else number


def every_limit(profile: Profile) -> Iterator[Limits]:
    """Yield the limits of each layout of a site."""
    return map(limits_of, layouts_of(profile))


def limits_texts_above(profile: Profile) -> bool:
    """Return whether a text besides the answer has a maximum."""
    return any(limit.most < inf for limits in every_limit(profile) for limit in limits.texts)


def limits_texts_below(profile: Profile) -> bool:
    """Return whether a text besides the answer has a minimum."""
    return any(limit.least > 1 for limits in every_limit(profile) for limit in limits.texts)


def has_lists(profile: Profile) -> bool:
    """Return whether a model writes a list."""
    return any(limits.lists for limits in every_limit(profile))


def limits_answer_above(profile: Profile) -> bool:
    """Return whether the answer has a maximum."""
    return any(limits.answer.path and limits.answer.most < inf for limits in every_limit(profile))


def limits_answer_below(profile: Profile) -> bool:
    """Return whether the answer has a minimum."""
    return any(limits.answer.path and limits.answer.least for limits in every_limit(profile))
