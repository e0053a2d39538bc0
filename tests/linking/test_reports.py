"""Reports of link graphs as text and HTML."""

import re
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from qtgen.linking.graph import Graph, SubjectReach
from qtgen.linking.links import FAULTS
from qtgen.linking.listing import BrokenLink, GraphLists, LinkList, ListedPage, PageList
from qtgen.linking.reports.figures import figures, histogram
from qtgen.linking.reports.html import ReportPlace, render_report
from qtgen.linking.reports.text import report_lines

if TYPE_CHECKING:
    from playwright.sync_api import Page

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
OSMOSIS = ListedPage("site/bio/osmosis.md", "/learn/osmosis", "What is osmosis?", "Biology", 0, 3)
MASS = ListedPage("site/physics/mass 1.md", "/learn/mass", "What is mass?", "Physics", 7, 0)
LISTS = GraphLists(
    orphans=PageList(1, [OSMOSIS]),
    without_links=PageList(7, [MASS]),
    most_linked=PageList(900, [MASS]),
    inbound=[PageList(pages, [MASS] if pages else []) for _, pages in histogram(GRAPH)],
    broken={fault.code: LinkList() for fault in FAULTS}
    | {"dangling": LinkList(9, [BrokenLink(OSMOSIS, 2, "What is gone?", "/learn/gone", None)])}
    | {"repeated": LinkList(3, [BrokenLink(MASS, 5, "What is it?", "/learn/it", OSMOSIS)])},
    starts={GRAPH.subjects[0].start: OSMOSIS},
    slots=5,
)
PLACE = ReportPlace(Path("reports"), ["my site"], "content")
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
    document = render_report(EMPTY)
    assert '<h2 id="matrix">' not in document
    assert "There are no pages with a url and a title." in document


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

    VOID = frozenset({"meta", "br", "rect", "input"})

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
        if self.open and self.open[-1] not in ("style", "script") and data.strip():
            self.texts.append(data.strip())


def test_the_html_report_is_well_formed_and_shows_the_figures() -> None:
    outline = Outline(render_report(GRAPH))
    assert outline.open == []
    for text in ("12: 9 dangling, 3 repeated", "101+ inbound", "900 (90%)", "2,000"):
        assert text in outline.texts
    assert "12 links are broken and no page links to 1 page." in outline.texts


def test_a_graph_without_faults_is_good() -> None:
    graph = replace(GRAPH, faults=EMPTY.faults, orphans=0)
    assert "No link is broken, and every page can be reached from another one." in Outline(render_report(graph)).texts


def test_the_pages_behind_each_count_are_listed_with_links_to_their_files() -> None:
    outline = Outline(render_report(GRAPH, LISTS, PLACE))
    assert outline.open == []
    targets = [attributes["href"] for tag, attributes in outline.tags if tag == "a"]
    assert {"../site/bio/osmosis.md", "../site/physics/mass%201.md"} <= set(targets)
    for text in ("What is gone?", "/learn/gone", "site/physics/mass 1.md", "Show 1 of 9 links", "Show 1 page"):
        assert text in outline.texts
    anchors = {attributes["id"] for _, attributes in outline.tags if attributes.get("id")}
    assert {target[1:] for target in targets if target and target.startswith("#")} <= anchors


def test_a_cut_list_names_the_command_that_lists_all() -> None:
    outline = Outline(render_report(GRAPH, LISTS, PLACE))
    assert "… and 8 links more." in outline.texts
    assert "qtgen validate 'my site' --corpus content --select QT403" in outline.texts
    assert "qtgen link 'my site' --corpus content --dry-run" in outline.texts
    assert "qtgen link 'my site' --corpus content --diff" in outline.texts


def test_every_fault_has_a_heading_and_a_rule() -> None:
    link = LinkList(2, [BrokenLink(OSMOSIS, 1, "t", "/u", MASS)])
    texts = Outline(render_report(GRAPH, replace(LISTS, broken={fault.code: link for fault in FAULTS}), PLACE)).texts
    assert sum("--select QT40" in text for text in texts) == len(FAULTS)


def test_a_page_of_a_pack_has_no_link() -> None:
    packed = OSMOSIS._replace(is_file=False)
    lists = replace(
        LISTS, orphans=PageList(1, [packed]), starts={}, broken={fault.code: LinkList() for fault in FAULTS}
    )
    assert "osmosis.md" not in str([tag for tag in Outline(render_report(GRAPH, lists)).tags if tag[0] == "a"])


def test_tables_of_the_html_report_have_names_and_headers() -> None:
    outline = Outline(render_report(GRAPH, LISTS, PLACE))
    headings = {attributes["id"] for tag, attributes in outline.tags if tag in ("h2", "h3")}
    labels = [attributes["aria-labelledby"] for tag, attributes in outline.tags if attributes.get("aria-labelledby")]
    assert set(labels) == headings
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
    page = ListedPage("javascript:alert(1)", "<i>", "<script>alert(1)</script>", '"><b>', 1, 1)
    link = BrokenLink(page, 1, "<b>", "javascript:alert(1)", page)
    pages = PageList(30, [page] * 30)
    lists = GraphLists(
        pages,
        pages,
        pages,
        [pages] * 9,
        {fault.code: LinkList(30, [link] * 30) for fault in FAULTS},
        {evil.start: page},
        5,
    )
    document = render_report(replace(GRAPH, subjects=[evil], matrix=[[1]]), lists, PLACE)
    assert not re.search("<b>|<i>", document.replace("<b>What to do next</b>", ""))
    assert document.count("<script") == 1
    assert "&lt;b&gt;" in document
    assert all(
        (attributes["href"] or "").startswith(("#", "./", "../"))
        for tag, attributes in Outline(document).tags
        if tag == "a"
    )


def test_the_policy_of_the_html_report_allows_only_its_own_style_and_script() -> None:
    document = render_report(GRAPH, LISTS, PLACE)
    hashes = r"sha256-[A-Za-z0-9+/=]{44}&#39;"
    assert re.search(rf"default-src &#39;none&#39;; script-src &#39;{hashes}; style-src &#39;{hashes};", document)
    tags = Outline(document).tags
    assert [tag for tag, _ in tags].count("script") == 1
    assert not [tag for tag, attributes in tags if tag in ("link", "img", "iframe") or "style" in attributes]


def test_text_that_utf_8_cannot_encode_is_replaced() -> None:
    subject = SubjectReach("bad \ud800", 1, "/a", 1, 1)
    assert render_report(replace(GRAPH, subjects=[subject], matrix=[[0]])).encode()


def test_shades_follow_the_logarithm_of_the_count() -> None:
    document = render_report(GRAPH)
    assert [match[1] for match in re.finditer(r'<td class="(s\d)"', document)] == ["s8", "s7", "s7", "s0"]


def test_lists_are_sorted_and_filtered_in_a_browser(tmp_path: Path, browser_page: "Page") -> None:
    pages = [
        OSMOSIS._replace(title=f"Page {number:02}", subject=("Biology", "Physics")[number % 2], inbound=number * 7 % 13)
        for number in range(13)
    ]
    file = tmp_path / "links.html"
    lists = replace(LISTS, without_links=PageList(13, pages))
    file.write_text(render_report(GRAPH, lists, PLACE), encoding="utf-8")
    browser_page.goto(file.as_uri())
    browser_page.get_by_text("Show 13 pages").click()
    table, form = browser_page.locator("#without-table"), browser_page.locator("form[data-filters=without-table]")

    def inbound() -> list[int]:
        return [int(cell) for cell in table.locator("tbody tr:not([hidden]) td.n").all_inner_texts()]

    table.get_by_role("button", name="Inbound links").press("Enter")
    assert inbound() == sorted(range(13), reverse=True)
    assert table.locator("th[aria-sort=descending]").inner_text().startswith("Inbound links")
    table.get_by_role("button", name="Inbound links").click()
    assert inbound() == list(range(13))
    form.locator("select").select_option("Physics")
    assert len(inbound()) == 6
    form.locator("input").fill("page 03")
    assert inbound() == [8]
    assert form.locator("output").inner_text() == "1 of 13 shown"


def test_the_report_fits_a_phone_and_can_be_read_without_a_script(
    tmp_path: Path, open_page: Callable[..., "Page"]
) -> None:
    long = OSMOSIS._replace(path="site/" + "a" * 200 + ".md", title="b" * 200)
    lists = replace(LISTS, without_links=PageList(7, [long]), most_linked=PageList(7, [long]))
    file = tmp_path / "links.html"
    file.write_text(render_report(GRAPH, lists, PLACE), encoding="utf-8")
    page = open_page(viewport={"width": 400, "height": 800}, java_script_enabled=False)
    page.goto(file.as_uri())
    for summary in page.locator("summary").all():
        summary.click()
    body = page.locator("body").bounding_box()
    assert body
    assert body["width"] <= 400
    assert max(box["x"] + box["width"] for cell in page.locator(".listed th, .listed td").all() if (box := cell.bounding_box())) <= 400  # fmt: skip
    assert not page.locator("form").first.is_visible()


@pytest.mark.parametrize(("slots", "words"), [(1, "one reference."), (5, "five references."), (7, "seven")])
def test_the_report_says_how_many_links_a_page_has(slots: int, words: str) -> None:
    place = replace(PLACE, link="reference")
    document = render_report(GRAPH, replace(LISTS, slots=slots), place)
    assert f"Each page has up to {words}" in document
    assert "References of 1,200 pages" in document
    assert "These pages have no reference" in document
