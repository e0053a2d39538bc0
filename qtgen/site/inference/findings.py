"""A finding: a statement about a field, the pages that agree, and the places that disagree."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from qtgen.site.inference.observe import LongText

MIN_PAGES = 20
"""The fewest pages that can prove a statement."""
MAX_EXCEPTIONS = 0.005
"""The share of pages that may disagree with an asserted statement."""
MAX_OUTLIERS = 0.02
"""The share of pages that may disagree with an asserted statement if they are outliers."""
MAX_DOUBTS = 0.05
"""The share of pages that may disagree with a candidate."""
_FEW_OUTLIERS = 3  # pages that may be outliers, whatever their share up to `MAX_DOUBTS`
_LEAST = 3  # values that a candidate is based on
_ONE_IN = 10  # a candidate may have one exception if so many pages have the field


class Standing(StrEnum):
    """How certain a statement is."""

    ASSERTED = "asserted"
    """`site.toml` contains it."""
    CANDIDATE = "candidate"
    """`site.toml` contains it as a comment. A person decides."""
    SUSPECT = "suspect"
    """It describes a probable mistake on a few pages."""


class Place(NamedTuple):
    """A place that disagrees.

    Attributes:
        page: The number of the page.
        path: The dotted path of the value, with the numbers of items: `releases.0.cycle`.
        value: The value as the report shows it. It is empty if there is none.
    """

    page: int
    path: str
    value: str = ""


@dataclass(frozen=True, slots=True)
class Finding:
    """A statement about the pages of a layout.

    Attributes:
        layout: The number of the layout, from 0.
        field: The dotted path of the field; empty for the layout itself.
        kind: The subject of the statement: `type`, `required`, `order`, `constant`, `template`, …
        standing: How certain it is.
        statement: The text of the statement.
        agree: The number of pages, or of values, that agree.
        against: The places that disagree.
    """

    layout: int
    field: str
    kind: str
    standing: Standing
    statement: str
    agree: int
    against: tuple[Place, ...]


def standing_of(agree: int, against: int, doubts: float = MAX_DOUBTS) -> Standing | None:
    """Return the standing of a statement, or None if too few pages agree to report it.

    Args:
        agree: The number of pages, or of values, that agree.
        against: The number of those that disagree.
        doubts: The share of pages that may disagree with a candidate.
    """
    total = agree + against
    if total >= MIN_PAGES and against <= MAX_EXCEPTIONS * total:
        return Standing.ASSERTED
    if total < _LEAST:
        return None
    is_doubt = against <= doubts * total or (against == 1 and total >= _ONE_IN)
    return Standing.CANDIDATE if agree and is_doubt else None


def standing_with_outliers(agree: int, against: int) -> Standing | None:
    """Return the standing of a statement that a few faulty pages must not weaken.

    It is asserted if few pages disagree. They are outliers, which `qtgen validate` reports.

    Args:
        agree: The number of pages, or of values, that agree.
        against: The number of those that disagree.
    """
    are_few = against <= max(_FEW_OUTLIERS, MAX_OUTLIERS * (agree + against))
    if agree >= MIN_PAGES and are_few and against <= MAX_DOUBTS * (agree + against):
        return Standing.ASSERTED
    return standing_of(agree, against)


def as_candidate(standing: Standing | None) -> Standing | None:
    """Return the standing of a statement that is never asserted."""
    return Standing.CANDIDATE if standing else None


def page_count(places: Iterable[Place]) -> int:
    """Return how many pages the places are on."""
    return len({place.page for place in places})


def shown(value: object) -> str:
    """Return a value for the report. Long texts are shortened."""
    if isinstance(value, LongText):
        return f"a text of {value.length:,} characters"
    text = "null" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
    return text if len(text) <= 80 else f"{text[:79]}…"
