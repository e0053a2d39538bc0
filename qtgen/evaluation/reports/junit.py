"""The report of an evaluation as JUnit XML: one suite, a case an item, and one for the gate.

What became worse fails; what could not be measured, because no answer came, is an error.
"""

import re
from collections.abc import Mapping
from typing import Any
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from qtgen.evaluation.reports.common import Item, Report, falls, figure, has_failed, label, verdict
from qtgen.validation.reports.junit import suite_attributes

_NOT_XML = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def document(report: Report) -> str:
    root = Element("testsuites", name="qtgen eval")
    gate, fallen = report["gate"], _fallen(report)
    suite = SubElement(root, "testsuite", name="")
    properties = SubElement(suite, "properties")
    for name, metric in report["metrics"].items():
        SubElement(properties, "property", name=_xml(name), value=figure(metric["mean"]))
    for item in report["items"]:
        _case(suite, report, item, fallen.get((item["id"], item["repeat"])))
    _gate_case(suite, report)
    failed = len(suite.findall("testcase/failure"))
    errors = len(suite.findall("testcase/error"))
    counts = suite_attributes(_xml(report["suite"]), len(report["items"]) + 1, failed)
    suite.attrib = counts | {"errors": str(errors), "skipped": str(int(gate is None))}
    indent(root)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{tostring(root, encoding="unicode")}\n'


def _fallen(report: Report) -> dict[tuple[str, int], Mapping[str, Any]]:
    """(id, repeat) -> fall. An item falls as the mean of its repeats, so only the first repeat's case fails."""
    first: dict[str, int] = {}
    for item in report["items"]:
        first[item["id"]] = min(item["repeat"], first.get(item["id"], item["repeat"]))
    return {(fall["id"], first[fall["id"]]): fall for fall in falls(report) if fall["id"] in first}


def _case(suite: Element, report: Report, item: Item, fall: Mapping[str, Any] | None) -> None:
    place = _xml(f"{report['suite']}.{item['subject']}")
    case = SubElement(suite, "testcase", name=_xml(label(report, item)), classname=place)
    if has_failed(item):
        kind, message = _xml(item["error"]["kind"]), _xml(item["error"]["message"])
        SubElement(case, "error", type=kind, message=message).text = f"{kind}: {message}"
    elif fall is not None:
        message = _fall_line(report, fall)
        SubElement(case, "failure", type="fall", message=message).text = _xml(f"{item['question']}\n{message}")
    SubElement(case, "system-out").text = _xml("\n".join(_figures(item)))


def _figures(item: Item) -> list[str]:
    noted = {name: item["notes"].get(name, "") for name in item["metrics"]}
    lines = [f"{name} {figure(item['metrics'][name])}" + (f": {note}" if note else "") for name, note in noted.items()]
    error = [] if item["error"] is None else [f"{item['error']['kind']}: {item['error']['message']}"]
    return [item["question"], f"score {figure(item['score'])}", *error, *lines]


def _fall_line(report: Report, fall: Mapping[str, Any]) -> str:
    limit = figure(report["gate"]["tail_limit"])
    return f"score fell by {figure(fall['fall'])}, {figure(fall['before'])} -> {figure(fall['after'])}; limit {limit}"


def _gate_case(suite: Element, report: Report) -> None:
    gate, said = report["gate"], verdict(report).sentence
    case = SubElement(suite, "testcase", name="gate", classname=_xml(report["suite"]))
    if gate is None:
        SubElement(case, "skipped", message="no baseline")
        return
    told = "\n".join([said, *gate["reasons"], *(f"{fall['id']}: {_fall_line(report, fall)}" for fall in falls(report))])
    if gate["verdict"] == "worse":
        SubElement(case, "failure", type="worse", message=said).text = _xml(told)
    else:
        SubElement(case, "system-out").text = _xml(told)


def _xml(text: str) -> str:
    """Characters that XML 1.0 does not have, not even escaped, are replaced."""
    return _NOT_XML.sub("\N{REPLACEMENT CHARACTER}", text)
