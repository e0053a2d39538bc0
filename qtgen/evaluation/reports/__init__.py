"""Formats of the evaluation report: one module each, from a report to the text of a document.

A format of your own is a function with `@eval_format("NAME")` in a plugin.
"""

from collections.abc import Callable

from qtgen.errors import PluginError
from qtgen.evaluation.report import EvalReport
from qtgen.evaluation.reports import github, json, junit, text
from qtgen.evaluation.reports.sources import ReportSources

FormatFunction = Callable[[EvalReport], str]


def _render_html(report: EvalReport, sources: ReportSources | None = None) -> str:
    from qtgen.evaluation.reports import html  # loads the template engine

    return html.render(report, sources)


FORMATS: dict[str, FormatFunction] = {
    "text": text.render,
    "json": json.render,
    "junit": junit.render,
    "github": github.render,
    "html": _render_html,
}
"""Every registered format by name. A document that is not empty ends with a newline."""


def render_report(name: str, report: EvalReport, sources: ReportSources) -> str:
    """Return a report in a format. Only the HTML report shows more than the report holds."""
    return _render_html(report, sources) if name == "html" else FORMATS[name](report)


def eval_format(name: str) -> Callable[[FormatFunction], FormatFunction]:
    """Register a function that renders a report as text. Raises PluginError if the name is already used."""

    def register(function: FormatFunction) -> FormatFunction:
        taken = FORMATS.get(name)
        if taken and taken.__module__ != function.__module__:
            raise PluginError(f"a report format named `{name}` already exists", remedy="choose another name")
        FORMATS[name] = function
        return function

    return register
