"""The report as one HTML file: it is complete, it loads nothing, and no text of it is executed."""

import itertools
import re
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markupsafe import Markup

from qtgen._util.html import FOLDER, asset
from qtgen._util.preview import preview_css
from qtgen._util.text import replace_surrogates
from qtgen.evaluation.report import EvalReport
from qtgen.evaluation.reports import charts
from qtgen.evaluation.reports.html import render
from qtgen.evaluation.reports.items import item_entries
from qtgen.evaluation.reports.sources import ReportSources
from support.eval_outcomes import OUTCOMES
from support.eval_reports import HOSTILE, SIXTY, VARIANTS, make_item, make_report, passing_report, poisoned_report

if TYPE_CHECKING:
    from playwright.sync_api import Page

REPORTS = Path(charts.__file__).parent
OWN_STYLE, OWN_SCRIPT = asset(REPORTS, "report.css"), asset(REPORTS, "report.js")
STYLE = "\n".join([asset(FOLDER, "document.css"), preview_css(), OWN_STYLE])
SCRIPT = "\n".join([asset(FOLDER, "document.js"), OWN_SCRIPT])
TEXTS = st.text(st.characters(codec=None), max_size=60) | st.just(HOSTILE)
ATTACK = (
    "<script>document.title='broken'</script>\n\n[click](javascript:document.title='broken')"
    "\n\n<a href=\"javascript:document.title='broken'\">x</a> <img src=x onerror=\"document.title='broken'\">"
    "\n\n![i](https://attacker.example/i.png) $\\href{javascript:document.title='broken'}{x}$ "
    "$$\\includegraphics{https://attacker.example/x}$$ <https://attacker.example/auto> \u202egnp.exe"
)
OpenReport = Callable[..., "Page"]


class Reader(HTMLParser):
    """The elements of a document with their attributes, and the scripts and styles."""

    def __init__(self, document: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.code: dict[str, str] = {}
        self._inside = ""
        self.feed(document)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag in ("script", "style"):
            self._inside = tag

    def handle_endtag(self, tag: str) -> None:
        if tag == self._inside:
            self._inside = ""

    def handle_data(self, data: str) -> None:
        if self._inside:
            self.code[self._inside] = self.code.get(self._inside, "") + data

    def having(self, attribute: str) -> list[dict[str, str | None]]:
        """Return the attributes of the elements that have an attribute."""
        return [attributes for _, attributes in self.elements if attribute in attributes]


def is_harmless(document: str) -> bool:
    """Return whether only the file's own script runs, and nothing is loaded."""
    reader = Reader(document)
    names = [name for _, attributes in reader.elements for name in attributes]
    targets = [target for _, attributes in reader.elements for name in ("href", "src", "xlink:href", "action", "data", "srcset", "poster") if (target := attributes.get(name))]  # fmt: skip
    tags = [tag for tag, _ in reader.elements]
    return (
        reader.code == {"script": SCRIPT, "style": STYLE}
        and (tags.count("script"), tags.count("style")) == (1, 1)
        and not {"img", "link", "iframe", "object", "embed", "base", "audio", "video", "use", "image"} & set(tags)
        and not any(name.startswith("on") or name == "style" for name in names)
        and all(target.startswith(("#", "./", "../")) for target in targets)
    )


def poisoned_sources(report: EvalReport, text: str) -> ReportSources:
    """Return a report before, and files, that contain a text."""
    old = replace(report, items=tuple(replace(item, candidate=f"{text} before") for item in report.items))
    name = Path(replace_surrogates(text).replace("\0", "").replace("/", "") or "x")
    keys = {(item.id, item.repeat): name for item in report.items}
    return ReportSources(Path("out"), old, keys, keys, {item.id: name for item in report.items})


@pytest.mark.parametrize("report", [*VARIANTS.values(), poisoned_report(HOSTILE)], ids=[*VARIANTS, "hostile"])
def test_it_loads_nothing_and_runs_only_its_own_script(report: EvalReport) -> None:
    assert is_harmless(render(report))
    assert is_harmless(render(report, poisoned_sources(report, HOSTILE)))
    assert not re.search(r"https?://|url\(|@import|innerHTML|eval\(", OWN_SCRIPT + OWN_STYLE)


@settings(max_examples=30)
@given(TEXTS)
def test_no_text_becomes_markup(text: str) -> None:
    report = poisoned_report(text)
    document = render(report, poisoned_sources(report, text)).encode("utf-8").decode("utf-8")
    assert is_harmless(document)


def test_it_is_complete() -> None:
    document = render(SIXTY)
    assert document.index("Worse than the baseline") < document.index("<main")
    for text in (
        "evals/core/baseline.json",
        "2026-11-25 03:00 UTC",
        "ρ = ",
        "marker3",
        "no price for this model",
        "old.json",
    ):
        assert text in document
    reader = Reader(document)
    ids = [attributes["id"] for attributes in reader.having("id")]
    assert len(ids) == len(set(ids))
    linked = {attributes["href"] for tag, attributes in reader.elements if tag == "a" and "href" in attributes}
    assert {target[1:] for target in linked if target and "=" not in target} <= set(ids)
    scores = [float(attributes["data-score"] or 0) for attributes in reader.having("data-score")]
    assert len(scores) == 57
    assert scores == sorted(scores)
    assert [attributes["data-state"] for attributes in reader.having("data-state")][-3:] == ["failed"] * 3


def test_every_metric_is_explained_with_its_range_and_direction() -> None:
    document = render(SIXTY)
    for text in (
        "The longest common subsequence of words: ROUGE-L, F-measure (Lin 2004).",
        "The overall score, on the scale on which people judge answers",
        "0 to 1, higher is better",
    ):
        assert text in document


def test_the_next_steps_lead_to_what_they_name() -> None:
    steps = render(SIXTY).partition("What to do next</b>")[2].partition("</div>")[0]
    assert re.findall('href="([^"]+)"', steps) == ["#failures", "#falls", "#i1", "#items"]
    unsure = render(VARIANTS["one"])
    assert "<code>qtgen eval power</code>" in unsure
    pages = render(passing_report(None, provider="pages", model="outputs"))
    assert "<code>qtgen review outputs</code>" in pages
    assert "<code>--save-baseline</code>" in pages


def test_tables_fields_and_charts_have_names() -> None:
    reader = Reader(render(SIXTY, ReportSources(before=SIXTY)))
    assert all("aria-label" in attributes for tag, attributes in reader.elements if tag == "table")
    assert all(attributes.get("scope") in ("row", "col") for tag, attributes in reader.elements if tag == "th")
    charts_shown = [attributes for tag, attributes in reader.elements if tag == "svg" and "role" in attributes]
    assert all(attributes["role"] == "img" and attributes.get("aria-label") for attributes in charts_shown)
    assert len(charts_shown) == 2
    headings = [int(tag[1]) for tag, _ in reader.elements if re.fullmatch(r"h\d", tag)]
    assert headings[0] == 1
    assert all(level <= before + 1 for before, level in itertools.pairwise(headings))


# --- answers ----------------------------------------------------------------------------------------------------------


def two_reports(before: str = "Water **moves** through a wall by $E=mc^2$ then.") -> tuple[EvalReport, ReportSources]:
    """Return a report of one item, and the report before, whose item has another answer."""
    item = make_item(1, candidate="Water **moves** through a membrane by $E=mc^2$ now.", reference="Water moves.")
    old = replace(item, score=0.05, candidate=before)
    return make_report([item]), ReportSources(before=make_report([old], None))


def test_answers_are_rendered_with_formulas() -> None:
    document = render(two_reports()[0])
    assert "<strong>" in document
    assert "<math" in document
    assert "**" not in document


def test_both_answers_are_side_by_side_with_their_differences_marked() -> None:
    document = render(*two_reports())
    before, now = document.index("<h3>Before"), document.index("<h3>Now")
    assert before < document.index("<del>wall", before) < now < document.index("<ins>membrane", now)
    assert "answer changed" in document
    assert "Reference <span" in document
    reader = Reader(document)
    (item,) = reader.having("data-state")
    assert item["data-state"] == "fell changed higher"


def test_an_unchanged_answer_is_compared_with_its_reference() -> None:
    report, sources = two_reports("Water **moves** through a membrane by $E=mc^2$ now.")
    document = render(report, sources)
    assert "The answer is the same as before." in document
    assert "<h3>Answer" in document
    assert "<h3>Before" not in document


def test_a_report_before_without_the_answer_is_said_to_have_none() -> None:
    report, sources = two_reports("")
    document = render(report, sources)
    assert "1 item has no answer in evals/core/baseline.json, so there is nothing to compare it with." in document
    assert "The report before has no answer to this question." in document


def test_differences_of_texts_with_little_in_common_are_not_marked() -> None:
    document = render(*two_reports("Something else: " + "no word of it is in the other answer. " * 3))
    assert "The two texts have only 0% of their words in common, so differences are not marked." in document
    before = document.index("<h3>Before")
    assert not re.search("<ins>|<del>", document[before:])


def test_answers_beyond_the_limit_are_shown_as_source() -> None:
    report, sources = two_reports()
    (entry,) = item_entries(report, sources, rendered=60)
    old, new = entry.pair
    assert (old.is_rendered, new.is_rendered) == (True, False)
    assert "**moves** through a <ins>membrane" in new.html
    assert new.html.startswith('<pre class="source">')
    assert Markup(new.html).striptags() == report.items[0].candidate


def test_each_answer_links_to_its_file() -> None:
    report, sources = two_reports()
    key = (report.items[0].id, 1)
    sources = replace(
        sources,
        folder=Path("out"),
        pages={key: Path("pages/new 1.md")},
        pages_before={key: Path("pages/old.md")},
        references={key[0]: Path("evals/core/references/r.md")},
    )
    document = render(report, sources)
    for link, name in (("../pages/new%201.md", "pages/new 1.md"), ("../pages/old.md", "pages/old.md")):
        assert f'<a href="{link}">{name}</a>' in document
    assert 'href="../evals/core/references/r.md"' in document


def test_every_answer_is_in_the_file_once() -> None:
    sizes = {}
    for count in (60, 400):
        report = make_report([make_item(n, 600) for n in range(count)])
        document = render(report)
        sizes[count] = len(document.encode("utf-8")) / len(report.to_json().encode("utf-8"))
        assert document.count("marker17.") == 1
        assert count == 400 or len(document.encode("utf-8")) < 2_000_000
    assert sizes[400] < sizes[60] < 1.6


# --- in a browser -----------------------------------------------------------------------------------------------------


@pytest.fixture
def open_report(tmp_path: Path, open_page: Callable[..., "Page"]) -> OpenReport:
    """Open a report in a browser, at a fragment, with the options of the context. Requests fail the test."""

    def open_one(
        report: EvalReport, fragment: str = "", sources: ReportSources | None = None, **options: object
    ) -> "Page":
        file = tmp_path / "report.html"
        file.write_text(render(report, sources), encoding="utf-8")
        page = open_page(**options)
        page.on("request", lambda request: requests.append(request.url))
        page.goto(f"{file.as_uri()}{fragment}")
        assert {url.partition("#")[0] for url in requests} == {file.as_uri()}
        return page

    requests: list[str] = []
    return open_one


def shown_questions(page: "Page") -> list[str]:
    return page.locator("details.item:not([hidden]) .question").all_inner_texts()


@pytest.mark.parametrize(
    ("fragment", "shown"),
    [
        ("#q=marker17.+OSMOSIS", 1),
        ("#q=truncated&show=failed", 1),
        ("#subject=Fr%C3%BCh%20%26%20Sp%C3%A4t&below=0.2", 2),
        ("#i60", 60),
    ],
)
def test_a_browser_runs_it_without_a_server(open_report: OpenReport, fragment: str, shown: int) -> None:
    hostile = replace(SIXTY.items[0], question=HOSTILE, candidate=HOSTILE, subject=HOSTILE)
    page = open_report(replace(SIXTY, items=(hostile, *SIXTY.items[1:])), fragment)
    assert page.title() == "Worse than the baseline · evaluation of core"
    assert page.inner_text("#filters output") == f"{shown} of 60 items"
    assert page.locator("details.item:not([hidden])").count() == shown
    opened = page.locator("details.item[open]").all()
    assert [item.get_attribute("id") for item in opened] == (["i60"] if fragment == "#i60" else [])


def test_items_are_sorted_and_filtered_by_a_metric(open_report: OpenReport) -> None:
    values: list[float | None] = [0.5, 0.1, None, 0.9]
    items = [make_item(n, metrics={"strays": value}, question=f"Q{n}") for n, value in enumerate(values)]
    page = open_report(make_report(items, None))
    page.select_option("select[name=by]", "strays")
    assert shown_questions(page) == ["Q3", "Q0", "Q1", "Q2"]  # lower is better, and no value comes last
    page.select_option("select[name=order]", "best")
    assert shown_questions(page) == ["Q1", "Q0", "Q3", "Q2"]
    page.fill("input[name=from]", "0.2")
    assert shown_questions(page) == ["Q0", "Q3"]
    assert page.url.endswith("#by=strays&order=best&from=0.2")
    page.reload()
    assert shown_questions(page) == ["Q0", "Q3"]
    page.select_option("select[name=order]", "title")
    page.fill("input[name=from]", "")
    assert shown_questions(page) == ["Q0", "Q1", "Q2", "Q3"]


def test_items_are_filtered_and_sorted_by_their_change(open_report: OpenReport) -> None:
    items = [make_item(n, question=f"Q{n}", score=0.5) for n in range(4)]
    scores = [0.6, 0.4, 0.9, 0.5]
    old = [replace(item, score=score) for item, score in zip(items, scores, strict=True)]
    page = open_report(make_report(items), "#show=lower&by=change", ReportSources(before=make_report(old, None)))
    assert shown_questions(page) == ["Q2", "Q0"]
    page.select_option("select[name=show]", "higher")
    assert shown_questions(page) == ["Q1"]


def test_a_point_of_the_chart_opens_its_item(open_report: OpenReport) -> None:
    page = open_report(SIXTY)
    point = page.locator(".scatter circle").first
    anchor = point.get_attribute("data-item")
    point.dispatch_event("click")
    page.locator(f"details#{anchor}[open]").wait_for()


def test_hostile_answers_neither_run_nor_send_anything(open_report: OpenReport) -> None:
    item = make_item(1, candidate=ATTACK, reference=ATTACK + " more", question=ATTACK)
    old = replace(item, candidate=f"older {ATTACK}")
    page = open_report(make_report([item]), "#i1", ReportSources(before=make_report([old], None)))
    for link in page.locator("details.item .text a").all():
        if link.is_visible():
            link.click(force=True)
    assert page.title() == "Worse than the baseline · evaluation of core"
    assert page.url.endswith("report.html#i1")
    assert page.locator("details.item .text :is(script, img, iframe)").count() == 0
    assert page.locator("details.item .text .unseen").count()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_is_wider_than_a_phone(open_report: OpenReport, scheme: str) -> None:
    wide = make_item(61, candidate=f"| a | b |\n|---|---|\n| {'wide ' * 40} | {'x' * 300} |\n\n$${'x + ' * 90}y$$")
    report = replace(SIXTY, items=(*SIXTY.items, wide))
    page = open_report(report, sources=ReportSources(before=SIXTY), viewport={"width": 400, "height": 800}, color_scheme=scheme)  # fmt: skip
    page.locator("#open").click()
    page.evaluate("for (const fold of document.querySelectorAll('.fold')) fold.open = true")
    assert page.evaluate("document.documentElement.scrollWidth") <= 400


def test_it_can_be_read_without_a_script(open_report: OpenReport) -> None:
    page = open_report(SIXTY, java_script_enabled=False)
    assert not page.locator("#filters").is_visible()
    first = page.locator("details.item").first
    first.locator(":scope > summary").click()
    assert "osmosis" in first.locator(".text").first.inner_text()


@pytest.mark.parametrize("outcome", ["a lost judge", "judges who could not compare", "judging that ended early"])
def test_the_steps_after_a_fault_of_judges_do_not_ask_for_references(outcome: str) -> None:
    report = OUTCOMES[outcome][0]
    if report.gate:
        report = replace(report, gate=replace(report.gate, comparisons=()))
    steps = render(report).partition("What to do next</b>")[2].partition("</div>")[0]
    assert "Make sure that the judges are asked and answer" in steps
    assert "Add references" not in steps
    assert "Add references" in render(OUTCOMES["too few"][0])
