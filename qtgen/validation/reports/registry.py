"""The table of report formats, and the decorator that adds to it."""

import importlib
import inspect
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from qtgen.errors import UsageError
from qtgen.validation.diagnostics import Diagnostic, Severity
from qtgen.validation.rules.types import Rule

BUILT_IN = ("text", "json", "github", "gitlab", "sarif", "junit")
"""The built-in formats. Each is a module of this package, and is imported when somebody uses it."""

Paint = Callable[[str, Severity], str]
"""Colours a text by severity."""


def _ignore(_warning: str) -> None:
    """Do nothing with a warning."""


def plain(text: str, _severity: Severity) -> str:
    """Return the text without colour."""
    return text


@dataclass(frozen=True, slots=True)
class ReportContext:
    """What a report format can use besides the diagnostics.

    Args:
        pages: The number of pages that were checked.
        version: The version of qtgen.
        rules: Every registered rule, sorted by code.
        source: Returns the lines of the page at a path, or no lines if it cannot be shown.
        paint: Colors a text by severity, if the output is a terminal.
        warn: Tells the user that the report is incomplete, because its readers limit it.
    """

    pages: int
    version: str
    rules: Sequence[Rule]
    source: Callable[[str], Sequence[str]]
    paint: Paint = plain
    warn: Callable[[str], None] = _ignore


Renderer = Callable[[Iterable[Diagnostic], ReportContext], Iterator[str]]
"""Turns diagnostics, sorted by path and position, into the lines of a report."""


@dataclass(frozen=True, slots=True)
class ReportFormat:
    """A way to write diagnostics. `needs_fixes` and `counts_info` are those of `report_format`."""

    name: str
    render: Renderer
    needs_fixes: bool = False
    counts_info: bool = False

    @property
    def doc(self) -> str:
        """The docstring of the renderer."""
        return inspect.getdoc(self.render) or ""


FORMATS: dict[str, ReportFormat] = {}
"""The report formats that are imported, by name."""


def report_format(name: str, *, needs_fixes: bool = False, counts_info: bool = False) -> Callable[[Renderer], Renderer]:
    """Register the decorated function as a report format.

    Args:
        name: The name that selects the format.
        needs_fixes: Whether the diagnostics must contain their fixes. If so, pages with findings are read again.
        counts_info: Whether informational diagnostics are left out, unless their rule is selected. They are counted in
            the summary.

    Raises ValueError if the name is invalid or already used.
    """

    def register(render: Renderer) -> Renderer:
        if not re.fullmatch(r"[a-z][a-z0-9-]*", name):
            raise ValueError(f"report format `{name}` must be lower-case letters, digits and hyphens")
        is_builtin = render.__module__ == f"{__package__}.{name}"
        if name in FORMATS or (name in BUILT_IN and not is_builtin):
            raise ValueError(f"report format `{name}` already exists")
        FORMATS[name] = ReportFormat(name, render, needs_fixes, counts_info)
        return render

    return register


def format_names() -> tuple[str, ...]:
    """Return the names of the built-in formats, then those of plugins."""
    return (*BUILT_IN, *sorted(FORMATS.keys() - set(BUILT_IN)))


def get_format(name: str) -> ReportFormat:
    """Return the format with this name. Raises UsageError if there is none."""
    if name in BUILT_IN and name not in FORMATS:
        importlib.import_module(f"{__package__}.{name}")
    if name not in FORMATS:
        names = ", ".join(format_names())
        raise UsageError(f"there is no report format `{name}`", setting="format", remedy=f"use one of {names}")
    return FORMATS[name]
