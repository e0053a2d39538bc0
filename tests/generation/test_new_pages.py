"""The values of new pages: constants, defaults, templates, and fields that only some pages have."""

import datetime as dt
from pathlib import Path

import pytest

from qtgen.generation.new_pages import page_values
from qtgen.generation.types import Question
from qtgen.page import Value, layouts_of
from qtgen.page.layout import Layout
from qtgen.page.profile import parse_profile

SITE = b"""
format = 1
name = "Harbour"
slug = {keep="a-z0-9 ", space="-"}

[[layout]]
files = "**/*.md"
path = "{topic|slug}/{title|slug}.md"
roles = {key="link", question="title", answer="body", subject="topic", date="published"}
fields = [
  {key="title", source="question"},
  {key="topic", source="subject"},
  {key="published", type="date", source="today"},
  {key="number", type="int", source="sequence", required=false},
  {key="link", value="/{topic|slug}/{file.stem}"},
  {key="status", enum=["draft", "live"], default="draft"},
  {key="summary", source="model", group="summary"},
  {key="aliases", type="list", style="flow", default=["a", "b"], only_when={status="draft"}},
  {key="fixed", type="map", indent=2, fields=[
    {key="size", type="int", const=3},
    {key="anniversary", value="since {published}", only_when={published="2026-01-31"}},
  ]},
  {key="vessel", type="map", indent=2, required=false, only_when={status="live"}, fields=[
    {key="length", type="float", default=3.5},
    {key="note", source="model", group="summary"},
    {key="rig", type="map", indent=2, required=false, fields=[
      {key="kind", const="sloop"},
      {key="sail", source="model", group="summary"},
      {key="shown", value="{link}/{vessel.rig.kind}"},
    ]},
  ]},
]
"""
ALWAYS: dict[str, Value] = {
    "title": "What is a splice?",
    "topic": "Rigging",
    "published": dt.date(2026, 1, 31),
    "link": "/rigging/splice",
    "status": "draft",
    "fixed.size": 3,
    "fixed.anniversary": "since 2026-01-31",
}
RIG: dict[str, Value] = {
    "vessel.rig.kind": "sloop",
    "vessel.rig.sail": "A jib.",
    "vessel.rig.shown": "/rigging/splice/sloop",
}


@pytest.fixture(scope="module")
def layout() -> Layout:
    return layouts_of(parse_profile(SITE, Path("/site/site.toml")))[0]


def values(
    layout: Layout, written: dict[str, Value], date: dt.date = dt.date(2026, 1, 31), number: int | None = None
) -> dict[str, Value]:
    question = Question("What is a splice?", "Rigging")
    return page_values(question, written, layout, date=date, number=number, path="rigging/splice.md")


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ({}, {"aliases": ["a", "b"]}),
        ({"vessel.note": "Small."}, {"aliases": ["a", "b"]}),  # the page is a draft
        ({"status": "live"}, {}),
        ({"status": "live", "vessel.note": "Small."}, {"vessel.length": 3.5}),
        ({"status": "live", "vessel.rig.sail": "A jib."}, {"vessel.length": 3.5, **RIG}),
    ],
)
def test_a_map_that_is_optional_needs_a_text_of_the_model_and_its_condition(
    layout: Layout, written: dict[str, Value], expected: dict[str, Value]
) -> None:
    kept = {name: value for name, value in written.items() if name != "vessel.note" or "vessel.length" in expected}
    assert values(layout, written) == {**ALWAYS, **kept, **expected}


def test_a_field_is_left_out_if_its_condition_on_the_date_fails(layout: Layout) -> None:
    found = values(layout, {"summary": "Rope."}, date=dt.date(2025, 5, 6), number=7)
    expected = {**ALWAYS, "summary": "Rope.", "aliases": ["a", "b"], "published": dt.date(2025, 5, 6), "number": 7}
    del expected["fixed.anniversary"]
    assert found == expected


def test_pages_share_no_list(layout: Layout) -> None:
    first = values(layout, {})
    aliases = first["aliases"]
    assert isinstance(aliases, list)
    aliases.append("c")
    assert values(layout, {})["aliases"] == ["a", "b"]
