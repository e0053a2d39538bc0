"""Tests of the byte-exact promises on the seed page and on every real page."""

from collections.abc import Callable, Mapping

import yaml

from qtgen.page import Page, default_profile, emit, splice
from qtgen.page.compile import default_layout
from qtgen.page.reader import read_exactly
from qtgen.site.index import SiteIndex, page_facts
from qtgen.validation.rules import PageFile
from support.default_tables import read, read_text
from support.locations import location_of

CHANGES = {
    "score": 0.5,
    "date": None,
    "seo.page_description": "A new description: with a colon, a # and 'quotes', and some more words.",
    "answer": "A new answer.\\n\\n1. **One**: and only.",
    "related_article1": None,
}


def pyyaml_data(raw: bytes) -> dict[str, object]:
    front = raw.decode().split("\n---\n", 1)[0].removeprefix("---\n")
    loaded: dict[str, object] = yaml.load(front, yaml.CSafeLoader)
    return loaded


def check_untouched_lines(before: str, after: str, page: Page, changed: Mapping[str, object]) -> None:
    """Check that every line of `before` outside the changed fields is a line of `after`, in the same order."""
    gone = {page.position(page.key_span(section).start).line for section in page.sections() & changed.keys()}
    for path in page.values:
        if path in changed or path.partition(".")[0] in changed:
            first = page.position(page.key_span(path).start).line
            gone.update(range(first, page.position(page.span(path).end).line + 1))
    kept = [line for number, line in enumerate(before.split("\n"), 1) if number not in gone]
    rest = iter(after.split("\n"))
    assert all(any(line == other for other in rest) for line in kept)
    written = sum(2 if isinstance(value, str) else 1 for value in changed.values() if value is not None)
    assert len(after.split("\n")) == len(kept) + written, "no other line was added"


def test_the_seed_is_read_emitted_and_spliced_exactly(seed: bytes) -> None:
    page = read(seed)
    assert page.canonical
    assert page.data() == pyyaml_data(seed)
    assert emit(page.values, default_layout(), page.style).encode() == seed
    assert emit(page.values, default_layout()).encode() == seed, "the seed is the house style"


def test_every_real_page_is_read_equal_to_pyyaml(real_pages: Mapping[str, bytes]) -> None:
    wrong = [path for path, raw in real_pages.items() if read(raw).data() != pyyaml_data(raw)]
    assert wrong == []


def test_every_real_page_is_emitted_byte_for_byte(real_pages: Mapping[str, bytes]) -> None:
    pages = {path: read(raw) for path, raw in real_pages.items()}
    wrong = [
        path
        for path, page in pages.items()
        if emit(page.values, default_layout(), page.style).encode() != real_pages[path]
    ]
    assert wrong == []


def test_the_scanner_and_the_exact_reader_agree_on_every_real_page(real_pages: Mapping[str, bytes]) -> None:
    wrong = []
    for path, raw in real_pages.items():
        fast, exact = read(raw), read_exactly(raw.decode(), default_layout())
        same = (fast.values, dict(fast.spans), fast.style) == (exact.values, exact.spans, exact.style)
        if not same or any(fast.key_span(p) != exact.key_span(p) for p in (*fast.values, "seo", "no_index", "nothing")):
            wrong.append(path)
    assert wrong == []


def test_every_real_page_is_spliced_with_only_the_edited_lines_changed(real_pages: Mapping[str, bytes]) -> None:
    for path, raw in real_pages.items():
        page = read(raw)
        changes = {key: value for key, value in CHANGES.items() if value is not None or key in page.values}
        changes |= {key: None for key in ("related_article1",) if key in page.sections()}
        after = splice(page, changes)
        check_untouched_lines(page.text, after, page, changes)
        again = read_text(after)
        assert again.values["score"] == 0.5, path
        assert "related_article1" not in again.sections(), path
        assert again.style.body == page.style.body, path


def test_a_splice_that_changes_nothing_changes_no_byte(seed: bytes) -> None:
    page = read(seed)
    assert splice(page, dict(page.values)).encode() == seed


def test_the_checkers_quick_tests_miss_nothing_on_a_real_page(
    real_pages: Mapping[str, bytes], passed_over: Callable[[PageFile], set[tuple[str, int, int]]]
) -> None:
    """Quick tests only save time: running every rule finds no more."""
    wrong = {path: missed for path, raw in real_pages.items() if (missed := passed_over(PageFile(path, read(raw))))}
    assert wrong == {}


def test_facts_locate_the_values_of_real_pages(real_pages: Mapping[str, bytes]) -> None:
    for path, raw in real_pages.items():
        page, site = read(raw), SiteIndex()
        site.add([page_facts(page)])
        for row in range(len(site.urls)):
            section = f"related_article{site.link_number(row)}." if site.link_number(row) else ""
            for key in ("url", "id", "title"):
                span = page.span(section + key)
                expected = (*page.position(span.start), *page.position(span.end))
                assert location_of(site, row, key, default_profile()) in (
                    expected,
                    None if (key, row) == ("title", 0) else expected,
                ), path
