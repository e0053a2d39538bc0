"""Changing numbered maps as one block gives the text of separate edits."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from qtgen.errors import UnwritableText
from qtgen.page import Page, Value, apply_edits, layouts_of, read_as, splice, splice_edits
from qtgen.page.layout import Layout
from qtgen.page.numbered_maps import splice_maps
from qtgen.page.profile import parse_profile

MAPS = ("see1", "see2", "see3")
KEYS = ("weight", "title", "key", "shown")
SITE = b"""
format = 1
name = "Site"
slug = {keep="a-z0-9 ", space="-"}

[[layout]]
files = "**/*.md"
path = "{title|slug}.md"
body = ""
text_indent = 4
roles = {key="name", question="title"}
fields = [
  {key="title", style="folded"},
  {key="note", required=false},
  {key="see", type="map", indent=2, text_indent=6, repeat=3, required=false, fields=[
    {key="weight", type="float"},
    {key="title", style="folded", copy="title"},
    {key="key", ref="name"},
    {key="shown", type="bool"},
  ]},
  {key="name"},
]

[links]
field = "see"
max = 3
"""


@cache
def layout() -> Layout:
    return layouts_of(parse_profile(SITE, Path("/site/site.toml")))[0]


TEXTS = st.sampled_from(["What is it?", "Yes", "no", "a: b", "# x", "é", "", " x", "x\n", "1.5", "/path", "'"])
VALUES: dict[str, st.SearchStrategy[Value]] = {
    "weight": st.sampled_from([0.5, 0.25, 1.0, 12345678901234567890.0]),
    "title": TEXTS,
    "key": TEXTS,
    "shown": st.booleans(),
}


@st.composite
def texts(draw: st.DrawFn) -> str:
    """Draw the text of a canonical page with some maps, in any style."""
    lines = ["---\n", f"title: {draw(st.sampled_from(['Plain', '>-' + chr(10) + '    Folded']))}\n"]
    lines += draw(st.sampled_from([[], ["note: text\n"]]))
    for name in MAPS[: draw(st.integers(0, 3))]:
        weight, shown = draw(st.sampled_from(["0.50", "0.5"])), draw(st.sampled_from(["true", "True", "false"]))
        title, key = (draw(st.sampled_from([" Plain", " >-\n      Folded: it"])) for _ in "tk")
        lines.append(f"{name}:\n  weight: {weight}\n  title:{title}\n  key:{key}\n  shown: {shown}\n")
    lines += ["name: page\n", draw(st.sampled_from(["", "\n"])), "---\n"]
    return "".join(lines)


@st.composite
def changes(draw: st.DrawFn) -> dict[str, Value]:
    """Draw changes of whole maps, mostly."""
    found: dict[str, Value] = {}
    for name in draw(st.lists(st.sampled_from(MAPS), unique=True)):
        keys = KEYS if draw(st.integers(0, 3)) else draw(st.lists(st.sampled_from(KEYS), unique=True))
        is_removed = draw(st.booleans())
        for key in keys:
            found[f"{name}.{key}"] = None if is_removed else draw(VALUES[key])
    return found


def page_of(text: str) -> Page:
    page = read_as(text.encode(), layout())
    assert page.canonical
    return page


def as_block(page: Page, fields: Mapping[str, Value]) -> str | None:
    return splice_maps(page, {path: value for path, value in fields.items() if value != page.values.get(path)})


def with_edits(page: Page, fields: Mapping[str, Value]) -> str | None:
    try:
        return apply_edits(page.text, splice_edits(page, fields))
    except UnwritableText:
        return None


@given(texts(), changes())
def test_a_block_is_the_text_of_separate_edits(before: str, fields: dict[str, Value]) -> None:
    page = page_of(before)
    text = as_block(page, fields)
    assume(text is not None)
    assert text == with_edits(page, fields)


@given(texts(), st.integers(0, 2), st.sampled_from(["Title", "a: b"]))
def test_whole_maps_are_changed_as_a_block(before: str, number: int, title: str) -> None:
    page = page_of(before)
    values: dict[str, Value] = {"weight": 2.5, "title": title, "key": "k", "shown": True}
    fields = {f"{MAPS[number]}.{key}": value for key, value in values.items()}
    assert as_block(page, fields) == with_edits(page, fields)
    assert (splice_maps(page, {"note": "other"}), splice_maps(page, fields | {"note": "other"})) == (None, None)


def test_a_page_that_is_not_canonical_and_a_part_of_a_map_need_separate_edits() -> None:
    page = read_as(b"---\ntitle: T # comment\nname: page\n---\n", layout())
    whole: dict[str, Value] = {"see1.weight": 1.0, "see1.title": "T", "see1.key": "k", "see1.shown": True}
    assert splice_maps(page, whole) is None
    page = read_as(b"---\ntitle: T\nname: page\n---\n", layout())
    assert splice_maps(page, {"see1.key": "k"}) is None
    assert splice_maps(page, whole | {"see1.title": "a\nb"}) is None
    with pytest.raises(UnwritableText):
        splice(page, whole | {"see1.title": "a\nb"})
    assert "see1:\n  weight: 1.0\n  title: >-\n      T\n  key: k\n  shown: true\nname" in splice(page, whole)
