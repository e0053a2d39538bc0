"""The byte-exact promises, on the seed and on every real page."""

from collections.abc import Callable, Mapping

import yaml

from qtgen.page import Page, emit, read, read_text, splice
from qtgen.page.reader import read_exactly
from qtgen.site.index import SiteIndex, page_facts
from qtgen.validation.rules import PageFile

CHANGES = {
    "score": 0.5,
    "date": None,
    "seo.page_description": "A new description: with a colon, a # and 'quotes', and some more words.",
    "answer": "A new answer.\\n\\n1. **One**: and only.",
    "related_article1": None,
}


def oracle(raw: bytes) -> dict[str, object]:
    front = raw.decode().split("\n---\n", 1)[0].removeprefix("---\n")
    loaded: dict[str, object] = yaml.load(front, yaml.CSafeLoader)
    return loaded


def untouched_lines_stand(before: str, after: str, page: Page, changed: Mapping[str, object]) -> None:
    """Every line of `before` outside the changed fields is a line of `after`, in order."""
    gone = {page.position(page.key_span(section).start).line for section in page.sections() & changed.keys()}
    for path in page.values:
        if path in changed or path.partition(".")[0] in changed:
            first = page.position(page.key_span(path).start).line
            gone.update(range(first, page.position(page.span(path).end).line + 1))
    kept = [line for number, line in enumerate(before.split("\n"), 1) if number not in gone]
    rest = iter(after.split("\n"))
    assert all(any(line == other for other in rest) for line in kept)
    written = sum(2 if isinstance(value, str) else 1 for value in changed.values() if value is not None)
    assert len(after.split("\n")) == len(kept) + written, "and no line came in beside the changed fields'"


def test_the_seed_is_read_emitted_and_spliced_exactly(seed: bytes) -> None:
    page = read(seed)
    assert page.canonical
    assert page.data() == oracle(seed)
    assert emit(page.values, page.style).encode() == seed
    assert emit(page.values).encode() == seed, "the seed is the house style"


def test_every_real_page_is_read_equal_to_pyyaml(real_pages: Mapping[str, bytes]) -> None:
    wrong = [path for path, raw in real_pages.items() if read(raw).data() != oracle(raw)]
    assert wrong == []


def test_every_real_page_is_emitted_byte_for_byte(real_pages: Mapping[str, bytes]) -> None:
    pages = {path: read(raw) for path, raw in real_pages.items()}
    wrong = [path for path, page in pages.items() if emit(page.values, page.style).encode() != real_pages[path]]
    assert wrong == []


def test_fast_and_slow_reading_agree_on_every_real_page(real_pages: Mapping[str, bytes]) -> None:
    wrong = []
    for path, raw in real_pages.items():
        fast, slow = read(raw), read_exactly(raw.decode())
        same = (fast.values, dict(fast.spans), fast.style) == (slow.values, slow.spans, slow.style)
        if not same or any(fast.key_span(p) != slow.key_span(p) for p in (*fast.values, "seo", "no_index", "nothing")):
            wrong.append(path)
    assert wrong == []


def test_every_real_page_is_spliced_with_only_the_edited_lines_changed(real_pages: Mapping[str, bytes]) -> None:
    for path, raw in real_pages.items():
        page = read(raw)
        changes = {key: value for key, value in CHANGES.items() if value is not None or key in page.values}
        changes |= {key: None for key in ("related_article1",) if key in page.sections()}
        after = splice(page, changes)
        untouched_lines_stand(page.text, after, page, changes)
        again = read_text(after)
        assert again.values["score"] == 0.5, path
        assert "related_article1" not in again.sections(), path
        assert again.style.body == page.style.body, path


def test_a_splice_that_changes_nothing_changes_no_byte(seed: bytes) -> None:
    page = read(seed)
    assert splice(page, dict(page.values)).encode() == seed


def test_the_checker_passes_over_nothing_on_a_real_page(
    real_pages: Mapping[str, bytes], passed_over: Callable[[PageFile], set[tuple[str, int, int]]]
) -> None:
    """Quick tests and signs only save time: asking every rule finds no more."""
    wrong = {path: missed for path, raw in real_pages.items() if (missed := passed_over(PageFile(path, read(raw))))}
    assert wrong == {}


def test_facts_tell_where_a_value_stands(real_pages: Mapping[str, bytes]) -> None:
    for path, raw in real_pages.items():
        page, site = read(raw), SiteIndex()
        site.add([page_facts(page)])
        for row in range(len(site.urls)):
            section = f"related_article{site.link_number(row)}." if site.link_number(row) else ""
            for key in ("url", "id", "title"):
                span = page.span(section + key)
                expected = (*page.position(span.start), *page.position(span.end))
                assert site.location_of(row, key) in (expected, None if (key, row) == ("title", 0) else expected), path
