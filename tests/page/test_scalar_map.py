"""Maps between values and their YAML spellings, in every style and with every way to break lines."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qtgen.page import Page, apply_edits
from qtgen.page.compile import default_layout
from qtgen.page.reader import read_exactly
from qtgen.page.scalar_map import ScalarMap, scalar_map

WORDS = "Heat flows from warm to cold, until both are even."

SPELLINGS = {
    "folded": (">-\n    Heat flows from\n    warm to cold, until\n    both are even.", WORDS),
    "folded with a blank line": (">-\n  Heat flows.\n\n  Cold stays.", "Heat flows.\nCold stays."),
    "folded with indented lines": (">\n  Heat\n    flows\n  on.\n", "Heat\n  flows\non.\n"),
    "folded with an indent in its header": (">2-\n    Heat\n  flows", "  Heat\nflows"),
    "folded with a comment in its header": ("> # saved by hand\n  Heat\n  flows\n", "Heat flows\n"),
    "literal": ("|-\n    Heat flows.\n\n    Cold stays.", "Heat flows.\n\nCold stays."),
    "literal that keeps its end": ("|+\n  Heat flows.\n", "Heat flows.\n\n"),
    "literal with carriage returns": ("|-\r\n  Heat\r\n  flows", "Heat\nflows"),
    "plain": ("Heat flows\n  from warm\n\n  to cold", "Heat flows from warm\nto cold"),
    "plain on the next line": ("\n  Heat flows\n  on", "Heat flows on"),
    "single-quoted": ("'Heat isn''t\n  cold'", "Heat isn't cold"),
    "double-quoted": (r'"Heat \"flows\"\x21 \u2192 \\neq"', 'Heat "flows"! → \\neq'),
    "double-quoted with joined lines": ('"Heat \\\n  flows \\\n  on\n  and on"', "Heat flows on and on"),
    "double-quoted with escaped breaks": ('"Heat\\n\n  flows"', "Heat\n flows"),
}


def page_with(spelling: str, key: str = "answer") -> Page:
    indented = spelling.replace("\n", "\n  ") if key == "title" else spelling
    head = f"seo:\n  title: {indented}" if key == "title" else f"answer: {spelling}"
    return read_exactly(f"---\n{head}\nsubject: Physics\n---\n\n&nbsp;", default_layout())


def map_of(page: Page, path: str = "answer") -> ScalarMap:
    found = scalar_map(page, path)
    assert found is not None
    return found


@pytest.mark.parametrize("name", SPELLINGS)
def test_each_character_of_a_value_is_found_in_its_spelling(name: str) -> None:
    spelling, value = SPELLINGS[name]
    page = page_with(spelling)
    assert page.text_of("answer") == value
    spelled = map_of(page)
    for word in re.finditer(r"[A-Za-z]+", value):
        assert page.text[slice(*spelled.span(*word.span()))] == word.group()
        assert spelled.value_range(spelled.span(*word.span())) == word.span()


def test_escapes_are_covered_as_a_whole() -> None:
    page = page_with(SPELLINGS["double-quoted"][0])
    value, spelled = page.text_of("answer") or "", map_of(page)
    for part, spelling in {"!": r"\x21", "→": r"\u2192", "\\": r"\\", '"flows"': r"\"flows\""}.items():
        start = value.index(part)
        assert page.text[slice(*spelled.span(start, start + len(part)))] == spelling


def test_the_indent_of_a_section_counts() -> None:
    page = page_with(">-\n  Heat flows\n  on", "title")
    assert page.text[slice(*map_of(page, "seo.title").span(5, 13))] == "flows\n    on"


def test_a_value_that_is_not_there_or_no_text_has_no_map() -> None:
    page = read_exactly("---\nid: 7\nanswer: [a, b]\n---\n\n&nbsp;", default_layout())
    assert [scalar_map(page, path) for path in ("id", "answer", "title")] == [None, None, None]


@pytest.mark.parametrize(
    ("name", "old", "new", "spelling"),
    [
        ("folded", "warm", "hot", "hot"),
        ("single-quoted", "cold", "it's", "it''s"),
        ("double-quoted", r"\neq", '≠ "', '≠ \\"'),
        ("double-quoted", r"\neq", "≠", "≠"),
        ("double-quoted", "flows", r"\x0a", r"\\x0a"),
        ("plain", "from", "to", "to"),
        ("plain", "from", "to: ", None),
        ("plain", "from", "#to", None),
        ("plain", "Heat", "Cold", None),
        ("folded", "from", "", None),
        ("folded", "from warm", "of", None),
        ("literal", "Cold", " Cold", None),
    ],
)
def test_a_replacement_is_spelled_in_the_style_or_not_at_all(
    name: str, old: str, new: str, spelling: str | None
) -> None:
    page = page_with(SPELLINGS[name][0])
    value, spelled = page.text_of("answer") or "", map_of(page)
    start = value.index(old)
    edit = spelled.spell(page.text, start, start + len(old), new)
    assert (edit and edit.text) == spelling
    if edit:
        changed = read_exactly(apply_edits(page.text, [edit]), default_layout())
        assert changed.text_of("answer") == value.replace(old, new)
        assert spelled.length_in_value(edit.text) == len(new)


_PIECES = st.sampled_from(
    ["word", "a", "\\n", "\\neq", "$x$", " ", "  ", "\n", "\n  ", "\n\n", "\n\n\n  ", "\n      more", "- x", "#y", ":z", "''", "'", '"', '\\"', "\\\\", "\\x41", "\\u00e9", "\\\n", "\\ ", "\t", "é", "𝔘", "\r\n", "&", "1. **A**", "\\t"]
)  # fmt: skip
_HEADERS = st.sampled_from(["", "'", '"', ">", "|", ">-", "|-", ">+", "|+", ">2", "|1-", ">-2", "> # c"])
_NEW = st.sampled_from(["≠", "$", "", r"\x0a", "it's", '"q"', " x", "x ", "a b", "a: b"])


@given(_HEADERS, st.lists(_PIECES, min_size=1, max_size=14).map("".join), st.integers(1, 4), st.data())
def test_whatever_yaml_accepts_is_mapped_exactly_or_not_at_all(
    header: str, body: str, indent: int, data: st.DataObject
) -> None:
    if header[:1] in ("|", ">"):
        spelling = f"{header}\n" + " " * indent + body.replace("\n", "\n" + " " * indent)
    else:
        spelling = header + body.replace("\n", "\n ") + header
    page = page_with(spelling)
    value = page.text_of("answer")
    spelled = None if page.problems or not value else scalar_map(page, "answer")
    if not value or not spelled:
        return
    for offset, char in enumerate(value):
        span = spelled.span(offset, offset + 1)
        assert page.text[slice(*span)] == char or char in " \n" or spelled.style in ("'", '"')
    start = data.draw(st.integers(0, len(value) - 1))
    end = data.draw(st.integers(start, min(len(value), start + 4)))
    new = data.draw(_NEW)
    if edit := spelled.spell(page.text, start, end, new):
        changed = read_exactly(apply_edits(page.text, [edit]), default_layout())
        assert (changed.problems, changed.text_of("answer")) == ((), value[:start] + new + value[end:])
        assert changed.text_of("subject") == "Physics"
