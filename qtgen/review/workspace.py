"""All that the screens and the actions work on: the output folder, the index of the pages, and what readers decided."""

from dataclasses import dataclass
from typing import Protocol

from qtgen.generation.decisions import Decision, DecisionLog
from qtgen.generation.output import OutputFolder
from qtgen.review.reservations import Reservations
from qtgen.review.types import IndexedPage


class PageIndex(Protocol):
    """What the app needs of the index of the pages."""

    def page(self, url: str) -> IndexedPage | None:
        """Return what is known about the page with a URL."""

    def record(self, decision: Decision) -> None:
        """Take a decision into account."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Workspace:
    """The parts of one review.

    Args:
        store: The output folder, which holds the decisions.
        index: What the lists know about the pages.
        log: All decisions.
        reservations: Who has which page open.
    """

    store: OutputFolder
    index: PageIndex
    log: DecisionLog
    reservations: Reservations
