"""Reports of link graphs as text and HTML."""

import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from qtgen.linking.graph import Graph, SubjectReach
from qtgen.linking.links import FAULTS
from qtgen.linking.reports.figures import figures, histogram
from qtgen.linking.reports.html import render_report
from qtgen.linking.reports.text import report_lines

GRAPH = Graph(
    pages=1_200,
    links=3_000,
    faults={"dangling": 9, "to_self": 0, "repeated": 3, "to_no_index": 0, "mismatched": 0},
    orphans=1,
    without_links=7,
    linked_to={0: 1, 1: 599, 4: 400, 7: 199, 150: 1},
    components=[1_100, 100],
    subjects=[
        SubjectReach("Biology", 1_000, "/learn/biology/questions/what-is-osmosis", 900, 1_100),
        SubjectReach("Physics", 200, "/learn/physics/questions/what-is-mass", 50, 60),
    ],
    matrix=[[2_000, 400], [600, 0]],
)
EMPTY = Graph(0, 0, {fault.code: 0 for fault in FAULTS}, 0, 0, {}, [], [], [])


def test_the_text_report_has_a_line_for_each_figure_and_subject() -> None:
    assert list(report_lines(GRAPH)) == [
        "pages            1,200, 7 of them without links",
        "links            3,000",
        "broken links     12: 9 dangling, 3 repeated",
        "orphans          1 page without an inbound link (no-index pages do not count)",
        "inbound links    median 1, 90% of pages have at most 7, 99% at most 7, maximum 150",
        "                 0: 1  1: 599  2: 0  3-5: 400  6-10: 199  11-20: 0  21-50: 0  51-100: 0  101+: 1",
        "components       2, the largest with 1,100 pages",
        "across subjects  33.3% of links",
        "",
        "subject    pages  reachable from its first page (lowest id): in the subject, in all",
        "Biology    1,000      900  (90%)    1,100",
        "Physics      200       50  (25%)       60",
    ]


def test_an_empty_graph_has_a_report() -> None:
    lines = list(report_lines(EMPTY))
    assert lines[2] == "broken links     none"
    assert not any("subject  " in line for line in lines)
    assert '<h2 id="matrix">' not in render_report(EMPTY)


@pytest.mark.parametrize("fault", [fault.code for fault in FAULTS])
def test_every_fault_is_described(fault: str) -> None:
    graph = replace(EMPTY, faults=EMPTY.faults | {fault: 2})
    (value,) = [value for name, value in figures(graph) if name == "broken links"]
    assert value.startswith("2: 2 ")


def test_the_histogram_counts_every_page_once() -> None:
    assert sum(pages for _, pages in histogram(GRAPH)) == 1_200
    assert histogram(replace(GRAPH, linked_to={0: 2, 2: 1})) == [("0", 2), ("1", 0), ("2", 1)]


# --- HTML --------------------------------------------------------------------------------------------------------------


class Outline(HTMLParser):
    """Collects tags and texts of a document, and the tags that are never closed."""

    VOID = frozenset({"meta", "br", "rect"})

    def __init__(self, document: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.feed(document)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in self.VOID:
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] != "style" and data.strip():
            self.texts.append(data.strip())


def test_the_html_report_is_well_formed_and_shows_the_figures() -> None:
    outline = Outline(render_report(GRAPH))
    assert outline.open == []
    for text in ("Link graph", "12: 9 dangling, 3 repeated", "101+", "Reachable", "900 (90%)", "2,000"):
        assert text in outline.texts


def test_tables_of_the_html_report_have_names_and_headers() -> None:
    outline = Outline(render_report(GRAPH))
    headings = {attributes["id"] for tag, attributes in outline.tags if tag == "h2"}
    labels = [attributes["aria-labelledby"] for tag, attributes in outline.tags if attributes.get("aria-labelledby")]
    assert set(labels) == headings == {"inbound", "subjects", "matrix"}
    assert all(
        "aria-label" in attributes or "aria-labelledby" in attributes
        for tag, attributes in outline.tags
        if tag == "table"
    )
    assert all(attributes.get("scope") in ("row", "col") for tag, attributes in outline.tags if tag == "th")
    scrolling = [attributes for _, attributes in outline.tags if attributes.get("class") == "scroll"]
    assert scrolling == [{"class": "scroll", "role": "region", "aria-labelledby": "matrix", "tabindex": "0"}]


def test_texts_of_the_site_cannot_inject_markup() -> None:
    evil = SubjectReach('<b>&"', 1, "/<script>alert(1)</script>", 1, 1)
    document = render_report(replace(GRAPH, subjects=[evil], matrix=[[1]]))
    assert "<b>" not in document
    assert "<script" not in document
    assert "&lt;b&gt;" in document


def test_the_policy_of_the_html_report_allows_only_its_own_style() -> None:
    document = render_report(GRAPH)
    assert re.search(r"default-src 'none'; style-src 'sha256-[A-Za-z0-9+/=]{44}'", document)
    tags = Outline(document).tags
    assert not [tag for tag, attributes in tags if tag in ("script", "link", "img", "iframe") or "style" in attributes]


def test_text_that_utf_8_cannot_encode_is_replaced() -> None:
    subject = SubjectReach("bad \ud800", 1, "/a", 1, 1)
    assert render_report(replace(GRAPH, subjects=[subject], matrix=[[0]])).encode()


def test_shades_follow_the_logarithm_of_the_count() -> None:
    document = render_report(GRAPH)
    assert [match[1] for match in re.finditer(r'<td class="(s\d)"', document)] == ["s8", "s7", "s7", "s0"]
