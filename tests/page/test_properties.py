"""Hostile values: whatever a page is asked to hold, it reads back as that, for us and for PyYAML, or is refused."""

import datetime as dt
import string

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from qtgen.errors import SpliceError, UnwritableText
from qtgen.page import Style, decode_answer, emit, encode_answer, read, read_text, splice
from qtgen.page.document import Value
from qtgen.page.fields import FIELDS, Kind, iter_fields
from qtgen.page.reader import read_exactly
from qtgen.page.text import has_only_page_bytes, to_single_line
from qtgen.validation.rules.example import EXAMPLE_PAGE

NASTY = st.sampled_from(
    ["#", "a: b", " #x", "---", "...", "- ", "'", '"', "&a", "*a", "!!int 1", "|", ">", ">-", "%", "@", "`", "{", "[", "}",
     "]", ",", "?", "? ", ":", ": ", "\\n", "\\", "null", "yes", "No", "on", "~", "1", "1.5", "0x1F", "1_000", "12:30",
     "2024-11-22", "2024-13-45", "<<", "=", "𝔘", "é", "日本", "\u00a0", "\u200b", "\U0001f600", " ", "  ", "e\u0301"]
)  # fmt: skip
PIECES = st.lists(NASTY | st.text(min_size=1, max_size=8), min_size=1, max_size=6).map("".join)
PLAINISH = st.text(alphabet=string.ascii_letters + " :#-_/'\"?!.,&*", min_size=1, max_size=30)


def written(values: dict[str, Value], style: Style) -> str | None:
    try:
        return emit(values, style)
    except UnwritableText:
        return None


@st.composite
def pages(draw: st.DrawFn) -> tuple[dict[str, Value], Style]:
    """Values of the example page, some replaced by hostile ones, in any style."""
    values = dict(read_text(EXAMPLE_PAGE).values)
    texts = [field.path for field in iter_fields() if field.kind is Kind.TEXT and field.path in values]
    for path in draw(st.lists(st.sampled_from(texts), max_size=4, unique=True)):
        values[path] = draw(PIECES | PLAINISH)
    values["id"] = draw(st.integers(-(10**17), 10**17))
    values["date"] = draw(st.dates(dt.date(1, 1, 1)))
    values["score"] = draw(st.floats(0, 1).map(lambda x: round(x, 4)) | st.just(-1.0))
    if draw(st.booleans()):
        values["no_index"] = draw(st.booleans())
    plain = frozenset(draw(st.lists(st.sampled_from([p for p in texts if FIELDS[p].folded]), max_size=4)))
    folded = frozenset(draw(st.lists(st.sampled_from([p for p in texts if not FIELDS[p].folded]), max_size=4)))
    return values, Style(plain, folded, {}, draw(st.booleans()))


@given(pages())
def test_what_is_emitted_reads_back_for_us_and_for_pyyaml(made: tuple[dict[str, Value], Style]) -> None:
    values, style = made
    text = written(values, style)
    if text is None:
        return
    page = read_text(text)
    assert page.problems == ()
    assert page.values == values
    assert yaml.load(text[4 : text.index("\n---\n", 3)], yaml.CSafeLoader) == page.data()
    assert emit(page.values, page.style) == text
    assert has_only_page_bytes(text.encode())


@given(pages())
def test_fast_and_slow_reading_agree(made: tuple[dict[str, Value], Style]) -> None:
    text = written(*made)
    if text is None:
        return
    fast, slow = read_text(text), read_exactly(text)
    assert (fast.values, dict(fast.spans), fast.style) == (slow.values, dict(slow.spans), slow.style)
    assert [fast.key_span(path) for path in fast.values] == [slow.key_span(path) for path in slow.values]


@given(
    pages(), st.dictionaries(st.sampled_from(list(FIELDS)), PIECES | st.none() | st.integers() | PLAINISH, max_size=4)
)
def test_a_splice_changes_what_was_asked_or_refuses(
    made: tuple[dict[str, Value], Style], wish: dict[str, Value]
) -> None:
    text = written(*made)
    if text is None:
        return
    page = read_text(text)
    try:
        after = read_text(splice(page, wish))
    except (SpliceError, UnwritableText):
        return
    wanted = {path: value for path, value in {**page.values, **wish}.items() if value is not None}
    assert after.values == wanted
    assert after.problems == ()


@given(st.binary(max_size=400) | st.text(max_size=400).map(lambda t: t.encode("utf-8", "surrogatepass")))
def test_reading_never_raises(raw: bytes) -> None:
    for body in (raw, b"---\n" + raw + b"\n---\n", EXAMPLE_PAGE.encode()[:200] + raw + EXAMPLE_PAGE.encode()[200:]):
        page = read(body)
        for path in ("id", "seo", "seo.title", "related_article2", "nothing"):
            page.position(page.span(path).start)
            page.position(page.key_span(path).end)


@given(PIECES)
def test_one_line_is_writable_or_refused(text: str) -> None:
    line = to_single_line(text)
    assert "\n" not in line
    assert line == line.strip()
    text_of_page = written({**read_text(EXAMPLE_PAGE).values, "title": line}, Style())
    assert text_of_page is None or read_text(text_of_page).values["title"] == line


@given(st.lists(PIECES | st.sampled_from(["\n", "\n\n", "`", "```\n", "\r\n", "\t"]), max_size=8).map("".join))
def test_an_encoded_answer_is_one_line_that_decodes_to_the_markdown(markdown: str) -> None:
    try:
        answer = encode_answer(markdown)
    except UnwritableText:
        return
    assert "\n" not in answer
    assert "\r" not in answer
    assert encode_answer(decode_answer(answer)) == answer, "encoding what was decoded changes nothing more"


@pytest.mark.parametrize(
    "value", ["a\nb", "a\rb", "a\tb", "\x00", "\x7f", "\x85", "\u2028", "\ufeffa", "\ufffe", "\ud800", " a", ""]
)
def test_what_no_page_can_hold_is_refused_with_the_field_named(value: str) -> None:
    with pytest.raises(UnwritableText, match=r"^`seo\.title`: "):
        emit({"seo.title": value})


def test_a_very_long_line_is_one_line() -> None:
    answer = "word: # " * 25_000 + "end"
    page = read_text(emit({**read_text(EXAMPLE_PAGE).values, "answer": answer}))
    assert page.values["answer"] == answer
