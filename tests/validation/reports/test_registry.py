"""The table of report formats: built-in formats and those of plugins."""

from collections.abc import Iterable, Iterator

import pytest

from qtgen.errors import UsageError
from qtgen.validation.diagnostics import Diagnostic
from qtgen.validation.reports import FORMATS, ReportContext, format_names, get_format, report_format
from qtgen.validation.reports.registry import BUILT_IN


@pytest.fixture(autouse=True)
def _restore_formats() -> Iterator[None]:
    yield
    for name in set(FORMATS) - set(BUILT_IN):
        del FORMATS[name]


def render(diagnostics: Iterable[Diagnostic], _context: ReportContext) -> Iterator[str]:
    """One code per line."""
    for diagnostic in diagnostics:
        yield diagnostic.code


@pytest.mark.parametrize("name", ["text", "json", "github", "gitlab", "sarif", "junit"])
def test_every_built_in_format_is_documented(name: str) -> None:
    assert get_format(name).name == name
    assert get_format(name).doc


def test_a_format_of_a_plugin_follows_the_built_in_ones() -> None:
    report_format("codes", needs_fixes=True)(render)
    assert format_names()[-1] == "codes"
    assert get_format("codes").needs_fixes
    assert get_format("codes").doc == "One code per line."


@pytest.mark.parametrize("name", ["json", "sarif", "Codes", ""])
def test_a_name_that_is_used_or_invalid_is_rejected(name: str) -> None:
    with pytest.raises(ValueError, match=f"report format `{name}`"):
        report_format(name)(render)


def test_an_unknown_format_is_an_error_that_lists_the_others() -> None:
    with pytest.raises(UsageError, match="there is no report format `xml`; use one of text, json"):
        get_format("xml")
