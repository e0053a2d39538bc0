"""The types of values: of pages, and of `site.toml`."""

import datetime as dt

import pytest

from qtgen.page.profile import Kind, Scalar
from qtgen.page.types import has_type, typed

DAY, NOON = dt.date(2026, 1, 31), dt.datetime(2026, 1, 31, 12, tzinfo=dt.UTC)


@pytest.mark.parametrize(
    ("value", "kinds"),
    [
        ("a", {Kind.TEXT}),
        ("", {Kind.TEXT}),
        (1, {Kind.INT, Kind.FLOAT}),
        (1.5, {Kind.FLOAT}),
        (True, {Kind.BOOL}),
        (DAY, {Kind.DATE}),
        (NOON, {Kind.DATETIME}),
        ([], {Kind.LIST}),
        ({}, {Kind.MAP}),
        (None, set()),
    ],
)
def test_a_value_of_a_page_has_these_types(value: object, kinds: set[Kind]) -> None:
    assert {kind for kind in Kind if has_type(value, [kind])} == kinds
    assert has_type(value, [*Kind]) == bool(kinds)


@pytest.mark.parametrize(
    ("value", "kinds", "expected"),
    [
        ("2026-01-31", [Kind.DATE], DAY),
        ("2026-01-31", [Kind.TEXT, Kind.DATE], "2026-01-31"),
        ("soon", [Kind.DATE, Kind.TEXT], "soon"),
        ("2026-01-31T12:00:00Z", [Kind.DATE, Kind.DATETIME], NOON),
        (1, [Kind.FLOAT], 1.0),
        (1, [Kind.BOOL, Kind.INT], 1),
        (True, [Kind.INT, Kind.BOOL], True),
        ("a", [Kind.LIST], "a"),
        ("2026-01-31", [Kind.LIST, Kind.DATE], DAY),
    ],
)
def test_a_value_of_the_file_gets_the_first_type_that_it_has(
    value: Scalar, kinds: list[Kind], expected: object
) -> None:
    result = typed(value, kinds)
    assert (type(result), result) == (type(expected), expected)


@pytest.mark.parametrize(("value", "kind"), [("soon", Kind.DATE), (True, Kind.INT), (1.5, Kind.INT), (1, Kind.TEXT)])
def test_a_value_of_no_such_type_is_an_error(value: Scalar, kind: Kind) -> None:
    with pytest.raises(ValueError, match=f"has none of the types {kind}"):
        typed(value, [kind])
