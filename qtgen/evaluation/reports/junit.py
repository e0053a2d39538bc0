"""The evaluation report as JUnit XML: one test suite with a test case per item, and one for the gate.

An item that fell by more than the limit is a failure, and so is an empty answer; an item that could not be scored is an
error. The gate's case fails if the run does. It is an error if the suite or its baseline cannot be used.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from qtgen.evaluation.gate.words import format_share
from qtgen.evaluation.report import EvalItem, EvalReport, ItemFall
from qtgen.evaluation.reports.common import (
    format_number,
    item_label,
)
from qtgen.evaluation.reports.headline import (
    explanations,
    reference_lists,
    summarize_verdict,
    uncertain_reason,
    uncertain_title,
)
from qtgen.validation.reports.junit import suite_attributes

_NOT_XML = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def render(report: EvalReport) -> str:
    """Return the report as an XML document."""
    return render_all([report])


def render_all(entries: Sequence[EvalReport | Mapping[str, Any]]) -> str:
    """Return the reports of several suites as one XML document; entries that are no reports are left out."""
    root = Element("testsuites", name="qtgen eval")
    for entry in entries:
        if isinstance(entry, EvalReport):
            _add_suite(root, entry)
    indent(root)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{tostring(root, encoding="unicode")}\n'


def _add_suite(root: Element, report: EvalReport) -> None:
    suite = SubElement(root, "testsuite", name="")
    properties = SubElement(suite, "properties")
    for name, summary in report.metrics.items():
        SubElement(properties, "property", name=_xml_text(name), value=format_number(summary.mean))
    falls = _falls_by_item(report)
    for item in report.items:
        _add_item(suite, report, item, falls.get((item.id, item.repeat)))
    _add_gate(suite, report)
    failures, errors, skipped = (len(suite.findall(f"testcase/{word}")) for word in ("failure", "error", "skipped"))
    counts = suite_attributes(_xml_text(report.suite), len(report.items) + 1, failures)
    suite.attrib = counts | {"errors": str(errors), "skipped": str(skipped)}


def _falls_by_item(report: EvalReport) -> dict[tuple[str, int], ItemFall]:
    """Return the falls by id and repeat. The mean of all repeats falls, so only the first repeat's case fails."""
    first_repeat: dict[str, int] = {}
    for item in report.items:
        first_repeat[item.id] = min(item.repeat, first_repeat.get(item.id, item.repeat))
    falls = report.gate.falls if report.gate else ()
    return {(fall.id, first_repeat[fall.id]): fall for fall in falls if fall.id in first_repeat}


def _add_item(suite: Element, report: EvalReport, item: EvalItem, fall: ItemFall | None) -> None:
    class_name = _xml_text(f"{report.suite}.{item.subject}")
    case = SubElement(suite, "testcase", name=_xml_text(item_label(report, item)), classname=class_name)
    if report.failures:
        _add_item_failure(case, report, item, fall)
    SubElement(case, "system-out").text = _xml_text("\n".join(_describe_item(item)))


def _add_item_failure(case: Element, report: EvalReport, item: EvalItem, fall: ItemFall | None) -> None:
    if item.error is not None:
        kind, message = _xml_text(item.error.kind), _xml_text(item.error.message)
        outcome = "error" if item.score is None else "failure"
        SubElement(case, outcome, type=kind, message=message).text = f"{kind}: {message}"
    elif fall is not None:
        message = _describe_fall(report, fall)
        SubElement(case, "failure", type="fall", message=message).text = _xml_text(f"{item.question}\n{message}")


def _describe_item(item: EvalItem) -> list[str]:
    error = [] if item.error is None else [f"{item.error.kind}: {item.error.message}"]
    metrics = []
    for name, value in item.metrics.items():
        note = item.notes.get(name)
        metrics.append(f"{name} {format_number(value)}" + (f": {note}" if note else ""))
    return [item.question, f"score {format_number(item.score)}", *error, *metrics]


def _describe_fall(report: EvalReport, fall: ItemFall) -> str:
    limit = format_share(report.gate.tail_limit if report.gate else None)
    before, after = format_number(fall.before), format_number(fall.after)
    return f"score fell by {format_number(fall.fall)}, {before} -> {after}; limit {limit} of the score"


def _add_gate(suite: Element, report: EvalReport) -> None:
    """Add the case that fails if the run fails."""
    sentence = _xml_text(summarize_verdict(report).sentence)
    case = SubElement(suite, "testcase", name="gate", classname=_xml_text(report.suite))
    falls = [f"{fall.id}: {_describe_fall(report, fall)}" for fall in (report.gate.falls if report.gate else ())]
    uncertain = [f"{item_label(report, item)}: {uncertain_reason(item)}" for item in report.uncertain]
    lists = [f"{title}: {', '.join(ids)}" for title, ids in reference_lists(report)]
    title = [uncertain_title(report)] if uncertain else []
    details = _xml_text("\n".join([sentence, *explanations(report), *falls, *lists, *title, *uncertain]))
    if report.failures:
        outcome = "error" if report.refusal else "failure"
        SubElement(case, outcome, type=report.failures[0].kind, message=sentence).text = details
        return
    if report.gate is None and not report.accepted:
        reason = report.refusal.message if report.refusal else "no baseline"
        SubElement(case, "skipped", message=_xml_text(reason))
    SubElement(case, "system-out").text = details


def _xml_text(text: str) -> str:
    """Replace characters that XML 1.0 does not allow, not even escaped."""
    return _NOT_XML.sub("\N{REPLACEMENT CHARACTER}", text)
