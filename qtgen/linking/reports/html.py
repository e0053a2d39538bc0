"""The HTML report of a link graph: one file that needs no network, with the pages behind each figure.

The template engine escapes all text of the site, and a content security policy allows only the file's own style and
script.
"""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from math import ceil, log
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from qtgen._util.html import asset, document_environment, render_document
from qtgen._util.html.links import file_link
from qtgen._util.text import pluralize
from qtgen.linking.graph import Graph, SubjectReach
from qtgen.linking.listing import GraphLists, LinkList, ListedPage, PageList
from qtgen.linking.reports.figures import FAULT_WORDS, figures, histogram

if TYPE_CHECKING:
    from jinja2 import Template

_FOLDER = Path(__file__).parent
_BAR_WIDTH = 320  # units of the longest bar of the histogram, which scales with the window
_SHADES = 8
_NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven")
_FAULT_RULES = {  # the rule that lists all links with a fault
    "dangling": "QT403",
    "to_self": "QT407",
    "repeated": "QT408",
    "to_no_index": "QT406",
    "mismatched": "QT404,QT405",
}
_FAULT_HEADINGS = {
    "dangling": ("Links to pages that do not exist", "A reader who follows such a link finds nothing."),
    "to_self": ("Links of a page to itself", "They lead nowhere."),
    "repeated": ("Links that repeat another link of the page", "One of the two can lead to another page."),
    "to_no_index": ("Links to no-index pages", "Search engines are told to ignore these pages."),
    "mismatched": (
        "Links whose text differs from the page they lead to",
        "The link works, but shows an outdated title or subject, or has another id.",
    ),
}


@dataclass(frozen=True, slots=True)
class ReportPlace:
    """Where a report is written, and of what.

    Attributes:
        folder: The folder of the report. Links to pages start there.
        pages: Files and folders that were checked, for commands that the report shows.
        corpus: The whole site, if it was given.
        link: What people call a link of the site.
    """

    folder: Path = Path()
    pages: Sequence[str] = ()
    corpus: str = ""
    link: str = "related page"

    def command(self, words: str, *options: str) -> str:
        """Return a command on the same pages: the words, the pages and the corpus, and options."""
        corpus = ["--corpus", self.corpus] if self.corpus else []
        return shlex.join([*words.split(), *(self.pages or ["PATHS"]), *corpus, *options])


class FaultSection(NamedTuple):
    """The links with one fault."""

    code: str
    heading: str
    meaning: str
    list: LinkList
    command: str


class Bar(NamedTuple):
    """A bar of the histogram, with the pages it counts."""

    label: str
    number: int
    width: float
    list: PageList


def render_report(graph: Graph, lists: GraphLists | None = None, place: ReportPlace | None = None) -> str:
    """Return the report as an HTML document. Without `lists`, it names no page."""
    place = place or ReportPlace()
    return render_document(
        _template(),
        [asset(_FOLDER, "report.css")],
        [],
        graph=graph,
        figures=list(figures(graph)),
        verdict=_verdict(graph),
        place=place,
        lists=lists,
        slots=_slots(lists.slots, place.link) if lists else "",
        bars=_bars(graph, lists),
        bar_width=_BAR_WIDTH,
        faults=_faults(lists, place) if lists else [],
        rows=_subject_rows(graph, lists),
        address=lambda page: file_link(page.path, place.folder) if page.is_file else "",
    )


def _verdict(graph: Graph) -> tuple[str, str]:
    """Return the tone and one sentence without a full stop."""
    if not graph.pages:
        return "none", "There are no pages with a url and a title"
    if graph.is_sound:
        return "good", "No link is broken, and every page can be reached from another one"
    parts = []
    if graph.broken:
        parts.append(f"{pluralize(graph.broken, 'link')} {'is' if graph.broken == 1 else 'are'} broken")
    if graph.orphans:
        parts.append(f"no page links to {pluralize(graph.orphans, 'page')}")
    return "bad", " and ".join(parts)


def _slots(count: int, noun: str) -> str:
    """Return how many links a page may have, in words."""
    return f"{_NUMBERS[count]} {noun}{'s' * (count != 1)}"


def _bars(graph: Graph, lists: GraphLists | None) -> list[Bar]:
    bins = histogram(graph)
    longest = max((pages for _, pages in bins), default=0) or 1
    pages = lists.inbound if lists else [PageList()] * len(bins)
    return [
        Bar(label, count, round(_BAR_WIDTH * count / longest, 1), behind)
        for (label, count), behind in zip(bins, pages, strict=True)
    ]


def _faults(lists: GraphLists, place: ReportPlace) -> list[FaultSection]:
    return [
        FaultSection(
            code, *_FAULT_HEADINGS[code], links, place.command("qtgen validate", "--select", _FAULT_RULES[code])
        )
        for code in FAULT_WORDS
        if (links := lists.broken[code]).total
    ]


def _subject_rows(
    graph: Graph, lists: GraphLists | None
) -> list[tuple[SubjectReach, list[tuple[int, int]], ListedPage | None]]:
    """Return each subject with its row of the matrix and its first page."""
    starts = lists.starts if lists else {}
    return [
        (subject, cells, starts.get(subject.start))
        for subject, cells in zip(graph.subjects, _shade(graph.matrix), strict=True)
    ]


def _shade(matrix: Sequence[Sequence[int]]) -> list[list[tuple[int, int]]]:
    """Return count and shade of each cell: 0 for no links, then even steps of the count's logarithm to `_SHADES`."""
    highest = log(1 + max((count for row in matrix for count in row), default=0)) or 1.0
    return [[(count, min(_SHADES, ceil(_SHADES * log(1 + count) / highest))) for count in row] for row in matrix]


@cache
def _template() -> "Template":
    environment = document_environment(_FOLDER)
    environment.filters["pluralize"] = pluralize
    return environment.get_template("report.html.j2")
