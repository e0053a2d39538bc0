"""Reading many pages by column gives what the scanner gives, or leaves a page out."""

import random
import re
from collections.abc import Mapping, Sequence
from itertools import accumulate, pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qtgen.page import Page
from qtgen.page.columns import PageColumns, columns_of, has_columns
from qtgen.page.compile import layouts_of
from qtgen.page.layout import Layout
from qtgen.page.profile import Kind, Profile, parse_profile
from qtgen.page.reader import read_as
from qtgen.site.column_facts import column_facts, has_column_facts
from qtgen.site.index import page_facts
from qtgen.validation.rules.example import EXAMPLE_PAGE
from support.default_tables import LAYOUT
from support.lookalikes import LOOKALIKES
from support.renamed_site import rename_page, rename_site_toml

DEFAULT_SITE = (Path(__file__).parents[2] / "qtgen" / "page" / "default_site.toml").read_text(encoding="utf-8")
BATCH = 500


def profile_of(text: str) -> Profile:
    return parse_profile(text.encode(), Path("/site/site.toml"))


def layout_of(text: str) -> Layout:
    return layouts_of(profile_of(text))[0]


RENAMED = layout_of(rename_site_toml(DEFAULT_SITE))
OTHER_SITE = """\
format = 1
name = "Harbour"
slug = {keep="a-z0-9 ", space="-"}
[[layout]]
files = "**/*.md"
path = "{subject|slug}/{title|slug}.md"
body = ""
booleans = "true"
roles = {key="link", question="title", answer="answer", subject="subject"}
fields = [
  {key="title", source="question"},
  {key="draft", type="bool", const=false},
  {key="rank", type="int", required=false, const=-7},
  {key="size", type="float", required=false},
  {key="days", type="map", indent=3, required=false, fields=[
    {key="first", type="date"},
    {key="last", type="date", required=true},
    {key="note", style="folded", const="so: what"},
  ]},
  {key="more", type="map", indent=2, fields=[
    {key="naïve", required=false},
    {key="ok", type="bool", required=false},
  ]},
  {key="subject", source="subject"},
  {key="answer", source="model"},
  {key="link", value="/{title|slug}"},
]
"""
OTHER_PAGE = """\
---
title: A title
draft: false
rank: -7
size: 0.5
days:
   first: 2024-02-29
   last: 2024-03-01
   note: >-
     so: what
more:
  naïve: an émigré – or two
  ok: true
subject: Art
answer: One line, and no:more of it
link: /a-title
---
"""
OTHER = layout_of(OTHER_SITE)
SEEDS = {
    "default": (LAYOUT, EXAMPLE_PAGE.encode()),
    "renamed": (RENAMED, rename_page(EXAMPLE_PAGE.encode())),
    "other": (OTHER, OTHER_PAGE.encode()),
}
INSERTED = [
    b" ", b"  ", b":", b": ", b" #", b"#", b"\n", b"\n\n", b"-", b"0", b"9", b".", b"\\n", b"'", b'"', b"\t", b"\r\n", b"\x00",
    b"\x7f", b">-", b"|", b"true", b"True", b"no", b"---\n", b"\xc3\xa9", b"\xc3", b"\xa9", b"\xe2\x80\x99", b"\xe2\x80\xa8",
    b"\xc2\x85", b"\xc2\xa0", b"\xef\xbb\xbf", b"\xef\xbf\xbf", b"\xed\xa0\x80", b"\xf0\x9f\x98\x80", b"\xf5", b"~", b"_", b"/",
]  # fmt: skip


def mutated(rng: random.Random, raw: bytes) -> bytes:
    """Return a page with a change or two of bytes or lines."""
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        lines = raw.split(b"\n")
        place, other = rng.randrange(len(lines)), rng.randrange(len(lines))
        offset = rng.randrange(len(raw) + 1)
        match rng.randrange(9):
            case 0:
                del lines[place]
            case 1:
                lines.insert(other, lines[place])
            case 2:
                lines[place], lines[other] = lines[other], lines[place]
            case 3:
                key, colon, _ = lines[place].partition(b":")
                lines[place] = key + colon + rng.choice(INSERTED)
            case 4:
                lines[place] = re.sub(rb"(?<=:) ", b" >-\n" + rng.choice((b"    ", b"        ")), lines[place], count=1)
            case 5:
                lines[place : place + 2] = [lines[place].replace(b">-", lines[other].lstrip())]
            case 6:
                lines = (raw[:offset] + raw[offset + rng.randrange(1, 4) :]).split(b"\n")
            case _:
                lines = (raw[:offset] + rng.choice(INSERTED) + raw[offset:]).split(b"\n")
        raw = b"\n".join(lines) or b"-"
    return raw


def check(layout: Layout, contents: Sequence[bytes]) -> int:
    """Check that the columns agree with the reader of single pages. Return how many pages they hold."""
    columns = columns_of(contents, layout)
    assert sorted({*columns.numbers.tolist()}) == columns.numbers.tolist()
    values = {path: columns.scalars(path) for path, field in layout.fields.items() if field.kind is not Kind.TEXT}
    lengths = {path: columns.lengths(path) for path in layout.fields}
    facts = facts_of(columns) if has_column_facts(layout) else []
    for row, number in enumerate(columns.numbers.tolist()):
        page = read_as(contents[number], layout)
        assert page.canonical, contents[number]
        assert page == columns.page(row)
        assert columns.text_lengths[row] == len(page.text)
        present = [path for path in layout.fields if columns.present(path)[row]]
        assert present == list(page.values)
        for path in present:
            check_value(columns, row, page, path)
            assert lengths[path][row] == page.spans[path][1] - page.spans[path][0]
            if path in values:
                value = values[path][row]
                assert (value, type(value)) == (page.values[path], type(page.values[path]))
        if facts:
            assert facts[row] == page_facts(page)
        for path in layout.fields.keys() - page.values.keys():
            assert lengths[path][row] == columns.lines(path)[row] == 0
            assert columns.value(row, path) == b""
    return len(columns)


def facts_of(columns: PageColumns) -> list[bytes]:
    numbers, counts = column_facts(columns)
    ends = [0, *accumulate(counts.tolist())]
    return [numbers[start:end].tobytes() for start, end in pairwise(ends)]


def check_value(columns: PageColumns, row: int, page: Page, path: str) -> None:
    start, end = page.spans[path]
    before = page.text[:start].encode()
    assert columns.value(row, path).decode() == page.text[start:end]
    assert columns.starts(path)[row] == columns.first[row] + len(before)
    assert columns.lines(path)[row] == before.count(b"\n") + 1
    assert columns.folded(path)[row] == page.text[:start].rstrip(" ").endswith("\n")


@pytest.mark.parametrize("name", SEEDS)
def test_mutated_pages_are_read_as_the_scanner_reads_them_or_left_out(name: str) -> None:
    layout, seed = SEEDS[name]
    rng = random.Random(22)
    assert check(layout, [seed]) == 1
    contents = [mutated(rng, seed) for _ in range(2 * BATCH)]
    held = sum(check(layout, contents[start : start + BATCH]) for start in range(0, len(contents), BATCH))
    canonical = sum(read_as(raw, layout).canonical for raw in contents)
    assert held > canonical / 2, "columns hold most of the canonical pages"


@given(st.lists(st.integers(0, 10_000), min_size=1, max_size=8), st.sampled_from(sorted(SEEDS)))
def test_pages_beside_each_other_do_not_matter(seeds: list[int], name: str) -> None:
    layout, page = SEEDS[name]
    contents = [mutated(random.Random(seed), page) for seed in seeds]
    alone = [len(columns_of([raw], layout)) == 1 for raw in contents]
    assert columns_of(contents, layout).numbers.tolist() == [number for number, held in enumerate(alone) if held]


@pytest.mark.parametrize(
    "value", ["/a-title: b", "/a-title #b", "/a-title:", "/a: b", "/" + "a" * 700 + ": b", "/a: b" + "c" * 700]
)
def test_plain_values_of_the_last_page_are_checked_whatever_the_lengths_of_others(value: str) -> None:
    long = OTHER_PAGE.replace("/a-title", "/a-" + "long-" * 80 + "title")
    faulty = OTHER_PAGE.replace("/a-title", value)
    for others in ([], [long], [long, long.replace("long-", "long: ", 1)], [OTHER_PAGE]):
        contents = [text.encode() for text in (*others, faulty)]
        assert len(contents) - 1 not in columns_of(contents, OTHER).numbers
        check(OTHER, contents)
        check(OTHER, [text.encode() for text in (*others, OTHER_PAGE)])


@given(st.lists(st.binary(max_size=80) | st.text(max_size=80).map(str.encode), max_size=5))
def test_whatever_is_no_page_is_left_out(contents: list[bytes]) -> None:
    assert len(columns_of(contents, LAYOUT)) == 0


def test_columns_hold_every_real_page(real_pages: Mapping[str, bytes]) -> None:
    contents = list(real_pages.values())
    for start in range(0, len(contents), BATCH):
        some = contents[start : start + BATCH]
        assert check(LAYOUT, some) == sum(read_as(raw, LAYOUT).canonical for raw in some)


def test_which_layouts_have_columns() -> None:
    assert has_columns(LAYOUT)
    layouts = [layout for site in LOOKALIKES.values() for layout in layouts_of(profile_of(site.site_toml))]
    assert not any(map(has_columns, layouts)), "pages of these sites differ in their bodies"
