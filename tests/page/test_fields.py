"""Tests of the table of fields and of what is derived from it."""

from qtgen.page import Value, emit
from qtgen.page.compile import default_layout
from qtgen.page.fields import Section
from qtgen.page.lines import is_folded, value_column, value_lines
from qtgen.validation.rules.example import EXAMPLE_PAGE
from support.default_tables import (
    CONSTANTS,
    FIELD_GROUPS,
    FIELDS,
    LAYOUT,
    ORDER,
    RELATED_MAX,
    SECTIONS,
    SUBJECTS,
    read_text,
)


def test_every_row_is_described() -> None:
    for row in (*LAYOUT.rows, *FIELDS.values()):
        assert row.doc.endswith("."), row.path
        assert not row.doc[0].islower(), row.path


def test_the_order_is_that_of_a_page() -> None:
    assert list(ORDER.values()) == list(range(len(ORDER)))
    keys = [line.partition(":")[0] for line in EXAMPLE_PAGE.splitlines() if line[:1].isalpha() or line[:1] == "_"]
    assert keys == sorted(keys, key=ORDER.__getitem__)


def test_a_page_must_have_the_required_fields_of_its_sections() -> None:
    bare = LAYOUT.required_paths(frozenset())
    assert "seo" in bare
    assert "seo.title" in bare
    assert not [path for path in bare if path.startswith("related_") or path in ("score", "no_index")]
    more = set(LAYOUT.required_paths(frozenset({"related_article2"}))) - set(bare)
    assert more == {"related_article2", *(field.path for field in SECTIONS["related_article2"].fields)}


def test_sections_fields_and_constants_are_derived() -> None:
    assert [name for name in SECTIONS if name.startswith("related_")] == [
        f"related_article{number}" for number in range(1, RELATED_MAX + 1)
    ]
    assert FIELDS["seo.title"].section == "seo"
    assert FIELDS["seo.title"].key == "title"
    assert FIELDS["id"].section == ""
    assert CONSTANTS["author"] == "QuickTakes"
    assert all(path in FIELDS for paths in FIELD_GROUPS.values() for path in paths)
    assert len(set(SUBJECTS)) == len(SUBJECTS)
    assert all(row.fields for row in LAYOUT.rows if isinstance(row, Section))


def test_lines_and_columns_follow_from_the_layout() -> None:
    page = read_text(EXAMPLE_PAGE)
    lines = value_lines(default_layout(), page.values, page.style.plain, page.style.folded)
    for path in page.values:
        position = page.position(page.span(path).start)
        folded = is_folded(FIELDS[path], page.style.plain, page.style.folded)
        assert (lines[path], value_column(default_layout(), FIELDS[path], folded)) == position


def test_fields_that_are_absent_are_left_out() -> None:
    values: dict[str, Value] = {"score": 0.5, "id": 1, "seo.title": "S"}
    assert emit(values, default_layout()) == "---\nid: 1\nseo:\n  title: S\nscore: 0.5\n---\n\n&nbsp;"
