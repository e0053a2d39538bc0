"""Diagnostics as JUnit XML: a suite a page, a failed case a finding."""

from collections.abc import Iterable, Iterator
from itertools import groupby
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from qtgen.records import Diagnostic


def document(diagnostics: Iterable[Diagnostic], pages: int = 0) -> Iterator[str]:
    """One document; a check that found nothing is one passed case."""
    root = Element("testsuites", name="qtgen validate")
    for path, of_page in groupby(diagnostics, key=lambda diagnostic: diagnostic.path):
        cases = list(of_page)
        suite = SubElement(root, "testsuite", _attributes(path, len(cases), len(cases)))
        for d in cases:
            case = SubElement(suite, "testcase", name=f"{d.code} {d.name}", classname=path)
            failure = SubElement(case, "failure", type=d.severity.value, message=d.message)
            failure.text = f"{d.path}:{d.line}:{d.column}: {d.code} {d.message}"
    if not len(root):
        suite = SubElement(root, "testsuite", _attributes("qtgen validate", 1, 0))
        SubElement(suite, "testcase", name=f"{pages} pages checked", classname="qtgen")
    indent(root)
    yield '<?xml version="1.0" encoding="UTF-8"?>'
    yield tostring(root, encoding="unicode")


def _attributes(name: str, tests: int, failures: int) -> dict[str, str]:
    return {"name": name, "tests": str(tests), "failures": str(failures), "errors": "0"}
