"""Properties of reading, emitting and splicing, with hostile values.

Whatever a page is given to hold, it either reads back as that, for qtgen and for PyYAML, or is rejected.
"""

import datetime as dt
import re
import string

import pytest
import yaml
from hypothesis import assume, example, given
from hypothesis import strategies as st

from qtgen.errors import SpliceError, UnwritableText
from qtgen.page import (
    Span,
    Style,
    TextEdit,
    Value,
    answer_text,
    apply_edits,
    decode_answer,
    emit,
    encode_answer,
    splice,
    splice_edits,
)
from qtgen.page.compile import default_layout
from qtgen.page.profile import Kind
from qtgen.page.reader import read_exactly
from qtgen.page.spelling import is_plain_safe
from qtgen.page.text import FORBIDDEN, has_only_page_bytes, storable_text, to_single_line
from qtgen.validation.rules.example import EXAMPLE_PAGE
from support.default_tables import FIELDS, read, read_text

NASTY = st.sampled_from(
    ["#", "a: b", " #x", "---", "...", "- ", "'", '"', "&a", "*a", "!!int 1", "|", ">", ">-", "%", "@", "`", "{", "[", "}",
     "]", ",", "?", "? ", ":", ": ", "\\n", "\\", "null", "yes", "No", "on", "~", "1", "1.5", "0x1F", "1_000", "12:30",
     "2024-11-22", "2024-13-45", "<<", "=", "𝔘", "é", "日本", "\u00a0", "\u200b", "\U0001f600", " ", "  ", "e\u0301"]
)  # fmt: skip
HOSTILE = st.lists(NASTY | st.text(min_size=1, max_size=8), min_size=1, max_size=6).map("".join)
PLAINISH = st.text(alphabet=string.ascii_letters + " :#-_/'\"?!.,&*", min_size=1, max_size=30)
CHANGES = st.dictionaries(st.sampled_from(list(FIELDS)), HOSTILE | st.none() | st.integers() | PLAINISH, max_size=4)


def emit_or_none(values: dict[str, Value], style: Style) -> str | None:
    try:
        return emit(values, default_layout(), style)
    except UnwritableText:
        return None


@st.composite
def written_pages(draw: st.DrawFn) -> tuple[str, dict[str, Value]]:
    """Draw the text and the values of a page: the example with some hostile values, in any style."""
    values = dict(read_text(EXAMPLE_PAGE).values)
    texts = [field.path for field in FIELDS.values() if field.kind is Kind.TEXT and field.path in values]
    for path in draw(st.lists(st.sampled_from(texts), max_size=4, unique=True)):
        values[path] = draw(HOSTILE | PLAINISH)
    values["id"] = draw(st.integers(-(10**17), 10**17))
    values["date"] = draw(st.dates(dt.date(1, 1, 1)))
    values["score"] = draw(st.floats(0, 1).map(lambda score: round(score, 4)) | st.just(-1.0))
    if draw(st.booleans()):
        values["no_index"] = draw(st.booleans())
    plain = frozenset(draw(st.lists(st.sampled_from([p for p in texts if FIELDS[p].folded]), max_size=4)))
    folded = frozenset(draw(st.lists(st.sampled_from([p for p in texts if not FIELDS[p].folded]), max_size=4)))
    text = emit_or_none(values, Style(plain, folded, {}, draw(st.booleans())))
    assume(text is not None)
    return str(text), values


PAGES = written_pages()


# --- emitting and reading ---------------------------------------------------------------------------------------------


@given(PAGES)
def test_an_emitted_page_reads_back_for_qtgen_and_for_pyyaml(page_and_values: tuple[str, dict[str, Value]]) -> None:
    text, values = page_and_values
    page = read_text(text)
    assert page.problems == ()
    assert page.values == values
    assert yaml.load(text[4 : text.index("\n---\n", 3)], yaml.CSafeLoader) == page.data()
    assert has_only_page_bytes(text.encode())


@given(PAGES)
def test_emitting_what_was_read_gives_the_same_text(page_and_values: tuple[str, dict[str, Value]]) -> None:
    text, _ = page_and_values
    for page in (read_text(text), read_exactly(text, default_layout())):
        assert emit(page.values, default_layout(), page.style) == text


@given(PAGES)
def test_the_scanner_and_the_exact_reader_agree(page_and_values: tuple[str, dict[str, Value]]) -> None:
    text, _ = page_and_values
    fast, exact = read_text(text), read_exactly(text, default_layout())
    assert (fast.values, dict(fast.spans), fast.style) == (exact.values, dict(exact.spans), exact.style)
    assert [fast.key_span(path) for path in fast.values] == [exact.key_span(path) for path in exact.values]


@given(PAGES)
def test_the_span_of_a_text_is_the_text(page_and_values: tuple[str, dict[str, Value]]) -> None:
    page = read_text(page_and_values[0])
    for path, value in page.values.items():
        span, key = page.span(path), page.key_span(path)
        if isinstance(value, str):
            assert page.text[span.start : span.end].strip("'\"") == value.strip("'\"")
        assert page.text[key.start : key.end] == FIELDS[path].key


@given(HOSTILE | PLAINISH)
def test_what_is_safe_to_write_plain_is_that_string_for_pyyaml(value: str) -> None:
    if not FORBIDDEN.search(value) and is_plain_safe(value):
        assert yaml.load(f"key: {value}\n", yaml.CSafeLoader) == {"key": value}


@given(st.binary(max_size=400) | st.text(max_size=400).map(lambda text: text.encode("utf-8", "surrogatepass")))
def test_reading_never_raises(raw: bytes) -> None:
    example = EXAMPLE_PAGE.encode()
    for contents in (raw, b"---\n" + raw + b"\n---\n", example[:200] + raw + example[200:]):
        page = read(contents)
        for path in ("id", "seo", "seo.title", "related_article2", "nothing"):
            page.position(page.span(path).start)
            page.position(page.key_span(path).end)


# --- splicing ---------------------------------------------------------------------------------------------------------


@given(PAGES, CHANGES)
def test_a_splice_makes_the_changes_and_no_others_or_is_rejected(
    page_and_values: tuple[str, dict[str, Value]], changes: dict[str, Value]
) -> None:
    page = read_text(page_and_values[0])
    try:
        result = read_text(splice(page, changes))
    except (SpliceError, UnwritableText):
        return
    expected = {path: value for path, value in {**page.values, **changes}.items() if value is not None}
    assert result.values == expected
    assert result.problems == ()
    assert result.style.body == page.style.body


@given(PAGES, CHANGES)
def test_a_splice_leaves_every_other_byte_alone(
    page_and_values: tuple[str, dict[str, Value]], changes: dict[str, Value]
) -> None:
    page = read_text(page_and_values[0])
    try:
        text, edits = splice(page, changes), splice_edits(page, changes)
    except (SpliceError, UnwritableText):
        return
    rest = text
    for edit in reversed(edits):  # take the edits back, from the last one on
        shift = sum(len(other.text) - (other.span.end - other.span.start) for other in edits if other < edit)
        start = edit.span.start + shift
        assert rest[start : start + len(edit.text)] == edit.text
        rest = rest[:start] + page.text[edit.span.start : edit.span.end] + rest[start + len(edit.text) :]
    assert rest == page.text
    changed = {path.partition(".")[0] for path in changes}
    for edit in edits:
        removed = page.text[edit.span.start : edit.span.end]
        keys = {line.partition(":")[0] for line in removed.splitlines() if line[:1] not in (" ", "")}
        assert keys <= changed, "whole lines of changed fields only"


@given(PAGES)
def test_a_splice_that_changes_nothing_changes_no_byte(page_and_values: tuple[str, dict[str, Value]]) -> None:
    page = read_text(page_and_values[0])
    assert splice_edits(page, dict(page.values)) == []
    assert splice(page, dict(page.values)) == page.text


@given(PAGES, CHANGES)
def test_a_splice_can_be_taken_back(page_and_values: tuple[str, dict[str, Value]], changes: dict[str, Value]) -> None:
    page = read_text(page_and_values[0])
    try:
        changed = read_text(splice(page, changes))
        restored = read_text(splice(changed, {path: page.values.get(path) for path in changes}))
    except (SpliceError, UnwritableText):
        return
    assert restored.values == page.values


@given(
    st.text(max_size=60), st.lists(st.tuples(st.integers(0, 60), st.integers(0, 9), st.text(max_size=4)), max_size=4)
)
def test_edits_are_applied_at_their_offsets(text: str, drawn: list[tuple[int, int, str]]) -> None:
    edits, end = [], -1
    for start, length, replacement in sorted(drawn):
        if end < start <= len(text):
            end = min(start + length, len(text))
            edits.append(TextEdit(Span(start, end), replacement))
    expected = text
    for edit in reversed(edits):
        expected = expected[: edit.span.start] + edit.text + expected[edit.span.end :]
    assert apply_edits(text, reversed(edits)) == expected


# --- texts ------------------------------------------------------------------------------------------------------------


@given(HOSTILE)
def test_a_single_line_is_written_as_it_is_or_rejected(text: str) -> None:
    line = to_single_line(text)
    assert "\n" not in line
    assert line == line.strip()
    page = emit_or_none({**read_text(EXAMPLE_PAGE).values, "title": line}, Style())
    assert page is None or read_text(page).values["title"] == line


@example("\t`\n`")
@given(st.lists(HOSTILE | st.sampled_from(["\n", "\n\n", "`", "```\n", "\r\n", "\t"]), max_size=8).map("".join))
def test_an_encoded_answer_is_one_line_and_encoding_it_again_changes_nothing(markdown: str) -> None:
    try:
        answer = encode_answer(markdown)
    except UnwritableText:
        return
    assert "\n" not in answer
    assert "\r" not in answer
    assert encode_answer(decode_answer(answer)) == answer


LINES = st.sampled_from(
    ["\n", "\n\n", " \n", "\n ", "    ", "`", "``", "```", "~~~", "$", "$$", "\r", "\r\n", "\t", "\x0b", "\u2028", "\\n",
     "\\\\n", "\\nu", "\\not=", "a", "A", "eq", "nu", "ot=", "C:", "C:\\", "1. ", "é"]
)  # fmt: skip


@given(st.lists(LINES, max_size=12).map("".join))
@example("`A\nA`")
@example("A\n \n \nA")
def test_an_answer_is_encoded_without_its_shortcuts_as_it_is_with_them(markdown: str) -> None:
    def encoded() -> str:
        try:
            return encode_answer(markdown)
        except UnwritableText as error:
            return str(error)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(answer_text, "_CHANGED_LINE", re.compile(""))
        in_full = encoded()
    assert encoded() == in_full


@pytest.mark.parametrize("mark", ["\r", "\r\n", "\x0b", "\x0c", "\x85", "\u2028", "\u2029"])
def test_every_mark_that_breaks_a_line_is_encoded_as_a_newline(mark: str) -> None:
    assert encode_answer(f"A{mark}B") == r"A\nB"


@given(st.text())
def test_a_storable_text_can_be_encoded_and_holds_no_nul(text: str) -> None:
    stored = storable_text(text)
    assert "\0" not in stored
    stored.encode()
    assert storable_text(stored) == stored


@pytest.mark.parametrize(
    "value", ["a\nb", "a\rb", "a\tb", "\x00", "\x7f", "\x85", "\u2028", "\ufeffa", "\ufffe", "\ud800", " a", ""]
)
def test_a_value_that_no_page_can_hold_is_rejected_with_its_field(value: str) -> None:
    with pytest.raises(UnwritableText) as caught:
        emit({"seo.title": value}, default_layout())
    assert caught.value.field == "seo.title"


def test_a_very_long_text_is_one_line() -> None:
    answer = "word: # " * 25_000 + "end"
    page = read_text(emit({**read_text(EXAMPLE_PAGE).values, "answer": answer}, default_layout()))
    assert page.values["answer"] == answer
