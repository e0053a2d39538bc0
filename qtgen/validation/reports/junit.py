"""Diagnostics as JUnit XML: one suite per page, one test case per diagnostic."""

from collections.abc import Iterable, Iterator
from itertools import groupby
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from qtgen._util.text import escape_controls
from qtgen.validation.diagnostics import Diagnostic, Severity
from qtgen.validation.reports.registry import ReportContext, report_format


@report_format("junit")
def junit(diagnostics: Iterable[Diagnostic], context: ReportContext) -> Iterator[str]:
    """JUnit XML. Errors are failures, other findings are output. Without findings there is one passed test case."""
    root = Element("testsuites", name="qtgen validate")
    for path, group in groupby(diagnostics, key=lambda diagnostic: diagnostic.path):
        page_diagnostics = list(group)
        errors = sum(diagnostic.severity is Severity.ERROR for diagnostic in page_diagnostics)
        suite = SubElement(root, "testsuite", suite_attributes(escape_controls(path), len(page_diagnostics), errors))
        for diagnostic in page_diagnostics:
            _add_case(suite, diagnostic)
    if not len(root):
        suite = SubElement(root, "testsuite", suite_attributes("qtgen validate", 1, 0))
        SubElement(suite, "testcase", name=f"{context.pages} pages checked", classname="qtgen")
    indent(root)
    yield '<?xml version="1.0" encoding="UTF-8"?>'
    yield tostring(root, encoding="unicode")


def suite_attributes(name: str, tests: int, failures: int) -> dict[str, str]:
    """Return the attributes of a `testsuite` element."""
    return {"name": name, "tests": str(tests), "failures": str(failures), "errors": "0"}


def _add_case(suite: Element, diagnostic: Diagnostic) -> None:
    name, severity = f"{diagnostic.code} {diagnostic.name}", diagnostic.severity
    case = SubElement(suite, "testcase", name=name, classname=escape_controls(diagnostic.path))
    if severity is Severity.ERROR:
        outcome = SubElement(case, "failure", type=severity.value, message=diagnostic.message)
    else:
        outcome = SubElement(case, "system-out")
    place = f"{escape_controls(diagnostic.path)}:{diagnostic.line}:{diagnostic.column}"
    outcome.text = f"{place}: {diagnostic.code} {severity.value}: {diagnostic.message}"
