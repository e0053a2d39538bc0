"""Diagnostics as JUnit XML: a suite a page, a case a finding. Errors fail; warnings and infos are told beside."""

from collections.abc import Iterable, Iterator
from itertools import groupby
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from qtgen.validation.diagnostics import Diagnostic, Severity


def document(diagnostics: Iterable[Diagnostic], pages: int = 0) -> Iterator[str]:
    """One document; a check that found nothing is one passed case."""
    root = Element("testsuites", name="qtgen validate")
    for path, of_page in groupby(diagnostics, key=lambda diagnostic: diagnostic.path):
        cases = list(of_page)
        errors = sum(diagnostic.severity is Severity.ERROR for diagnostic in cases)
        suite = SubElement(root, "testsuite", attributes(path, len(cases), errors))
        for d in cases:
            case = SubElement(suite, "testcase", name=f"{d.code} {d.name}", classname=path)
            if d.severity is Severity.ERROR:
                told = SubElement(case, "failure", type=d.severity.value, message=d.message)
            else:
                told = SubElement(case, "system-out")
            told.text = f"{d.path}:{d.line}:{d.column}: {d.code} {d.severity.value}: {d.message}"
    if not len(root):
        suite = SubElement(root, "testsuite", attributes("qtgen validate", 1, 0))
        SubElement(suite, "testcase", name=f"{pages} pages checked", classname="qtgen")
    indent(root)
    yield '<?xml version="1.0" encoding="UTF-8"?>'
    yield tostring(root, encoding="unicode")


def attributes(name: str, tests: int, failures: int) -> dict[str, str]:
    return {"name": name, "tests": str(tests), "failures": str(failures), "errors": "0"}
