"""Verification: prove each part of a report with evidence that was derived again from its suite."""

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from qtgen.errors import UsageError
from qtgen.evaluation.gate.comparison import summarize
from qtgen.evaluation.metrics import metric_directions
from qtgen.evaluation.plugins import library_versions
from qtgen.evaluation.report import EvalReport, GateResult
from qtgen.evaluation.suites.suite import GateSettings
from qtgen.evaluation.verification.differences import Difference, Json, compared, show_value, versus
from qtgen.evaluation.verification.evidence import Evidence, Gap

FREE_FIELDS = ("created", "qtgen", "libraries", "requires_power", "accepted", "judging")
"""Fields of a report that nothing can prove: when, with which versions and with which options it was made, and what its
judges cost. Other parts of `judging` follow from the recordings."""

_APART = ("items", "metrics", "usage", "gate")  # fields that are not compared as they are
_OUTCOME = ("failures", "uncertain", "refusal", "gate_metrics")  # fields that follow from the others and from the gate
_JUDGED = ("items", "agreement", "silent")  # fields of the judging that follow from the judgements
_REFERENCE = ("cluster", "question", "subject", "reference")  # of an item
_SCORES = ("score", "metrics", "notes", "error")  # of an item
_MADE = ("provider", "model", "prompts", "recordings")  # fields of a report that belong to its candidates
_PLACES = {"candidates": "items[].candidate", "scores": "items[].score", "judges": "judges"}  # of parts

Comparison = Callable[[EvalReport], GateResult]
"""Compares a report with its baseline. Raises UsageError if they cannot be compared."""


@dataclass(frozen=True, slots=True)
class Verification:
    """The outcome for one report. `notes` do not affect the outcome."""

    differences: tuple[Difference, ...]
    notes: tuple[str, ...] = ()

    @property
    def contradicted(self) -> tuple[Difference, ...]:
        """The places that the evidence contradicts."""
        return tuple(difference for difference in self.differences if difference.is_proved)

    @property
    def unproven(self) -> tuple[Difference, ...]:
        """The parts without evidence."""
        return tuple(difference for difference in self.differences if not difference.is_proved)


def verify(
    report: EvalReport,
    evidence: Evidence,
    gate: GateSettings | None = None,
    compare: Comparison | None = None,
    document: Json = None,
) -> Verification:
    """Return every place in which a report differs from its evidence.

    Args:
        report: The report to verify.
        evidence: The report that was derived again.
        gate: The gate of the suite. Without it, the metrics of the gate are not checked.
        compare: Compares a report with the baseline. If `report` was compared, and this is None, its gate is unproven.
        document: The JSON that the report was read from. It may say more than the report, which is derived from it.
    """
    differences = [
        *_derived(document, report),
        *_header(report, evidence, gate),
        *_judging(report, evidence),
        *_items(report, evidence),
        *_means(report, evidence),
        *_gate(report, compare),
        *map(_unproven, evidence.gaps),
    ]
    return Verification(tuple(differences), tuple(_library_notes(report)))


def _derived(document: Json, report: EvalReport) -> Iterator[Difference]:
    """Compare the JSON with how the report is written: some fields are not read, because others imply them."""
    text = json.dumps(document or {}, ensure_ascii=False).encode("utf-8", "replace")  # as it is read
    written = _document(report)
    for name, value in json.loads(text).items():
        if name not in ("items", "gate"):  # their fields are all read
            yield from compared(value, written.get(name), name, None, "its other fields give")


def _header(report: EvalReport, evidence: Evidence, gate: GateSettings | None) -> Iterator[Difference]:
    left_out = {*FREE_FIELDS, *_APART, *_OUTCOME}
    if evidence.lacks("candidates"):
        left_out |= {*_MADE}
    if evidence.lacks("scores"):
        left_out.add("scorer")
    stored, expected = _document(report), _document(evidence.report)
    for name in {**expected, **stored}:
        if name not in left_out:
            yield from compared(stored.get(name), expected.get(name), name, None, "the suite gives")
    if gate and stored.get("gate_metrics"):  # a report that was never compared has none
        yield from compared(stored["gate_metrics"], [*gate.metrics], "gate_metrics", None, "the suite gives")
    if stored.get("refusal"):
        yield Difference("refusal", None, "not proved: it says why a baseline could not be used", is_proved=False)


def _judging(report: EvalReport, evidence: Evidence) -> Iterator[Difference]:
    """Compare what follows from the judgements. Nothing proves what they cost."""
    if report.judging is None or evidence.report.judging is None or evidence.lacks("judges"):
        return
    stored, expected = _document(report)["judging"], _document(evidence.report)["judging"]
    for name in _JUDGED:
        yield from compared(stored[name], expected[name], f"judging.{name}", None, "the recordings give")


def _items(report: EvalReport, evidence: Evidence) -> Iterator[Difference]:
    stored, expected = _by_key(report), _by_key(evidence.report)
    counts = Counter((item.id, item.repeat) for item in report.items)
    known = {item.id for item in evidence.report.items}
    for (item_id, repeat), (place, item) in stored.items():
        if counts[item_id, repeat] > 1:
            yield Difference(place, item_id, f"the report has this item {counts[item_id, repeat]} times")
        if item_id not in known:
            yield Difference(place, item_id, "added: the suite has no such reference")
        elif (item_id, repeat) not in expected:
            yield Difference(f"{place}.repeat", item_id, f"added: there is no repeat {repeat}")
        else:
            yield from _item(item, expected[item_id, repeat][1], place, evidence)
    for item_id, repeat in expected:
        if (item_id, repeat) not in stored:
            what = f"repeat {repeat} of the reference" if evidence.report.repeats > 1 else "the reference"
            yield Difference("items", item_id, f"removed: the report has no item for {what}")


def _item(stored: Json, expected: Json, place: str, evidence: Evidence) -> Iterator[Difference]:
    changed = [name for name in _REFERENCE if stored[name] != expected[name]]
    if stored.get("digest") not in (None, expected.get("digest")):  # old reports have none
        changed.append("digest")
    if changed:
        for name in changed:
            shown = versus(stored[name], expected[name], "the suite has")
            if name == "digest":
                shown = "the reference, its nuggets or its source text are not those of the suite"
            yield Difference(f"{place}.{name}", stored["id"], f"changed: {shown}")
        return
    if stored["candidate"] != expected["candidate"]:
        yield Difference(f"{place}.candidate", stored["id"], _other_candidate(stored, expected))
        return
    for name in stored.keys() - {*_REFERENCE, "candidate", "id", "repeat", "digest"}:
        if name in _SCORES and evidence.lacks("scores"):
            continue
        source = "scoring the answer gives" if name in _SCORES else "the recording gives"
        value, other = (_proved(document.get(name), evidence) for document in (stored, expected))
        exact = name not in ("score", "metrics")
        yield from compared(value, other, f"{place}.{name}", stored["id"], source, exact=exact)


def _other_candidate(stored: Json, expected: Json) -> str:
    error = expected["error"] or {}
    if error.get("kind") == "cassette-miss":
        return "it is not a recorded response: the suite's request for it is not in the cassette"
    return f"it is not the answer that was made: {versus(stored['candidate'], expected['candidate'], 'it was')}"


def _proved(value: Json, evidence: Evidence) -> Json:
    """Return the values or notes of an item without those of metrics that lack evidence."""
    if not isinstance(value, Mapping):
        return value
    return {name: part for name, part in value.items() if not evidence.lacks(name)}


def _means(report: EvalReport, evidence: Evidence) -> Iterator[Difference]:
    """Compare the means, the intervals and the usage with what the report's own items give."""
    directions = metric_directions()
    if evidence.lacks("scores"):  # another version may have other metrics
        directions = {**{name: summary.direction for name, summary in report.metrics.items()}, **directions}
    metrics = {name: asdict(summary) for name, summary in summarize(report.items, directions).items()}
    stored = _document(report)
    given = _plain(metrics)
    for name in {**given, **stored["metrics"]}:
        yield from _summary(name, stored["metrics"].get(name), given.get(name))
    usages = [item["usage"] for item in stored["items"]]
    total = {name: _sum([usage[name] for usage in usages]) for name in stored["usage"]}
    if not evidence.lacks("candidates"):  # a cost that a provider reports can differ from the sum
        total = _document(evidence.report)["usage"]
    yield from compared(stored["usage"], total, "usage", None, "the items give")


def _summary(name: str, stored: Json, expected: Json) -> Iterator[Difference]:
    """Yield one difference for a metric, because one wrong item moves the mean and both ends of the interval."""
    found = list(compared(stored, expected, f"metrics.{name}", None, "the items give"))
    if len(found) < 2:
        yield from found
        return
    fields = [difference.place.rpartition(".")[2] for difference in found]
    old, new = (", ".join(show_value(summary[field]) for field in fields) for summary in (stored, expected))
    message = f"{', '.join(fields)}: the report has {old}, the items give {new}"
    yield Difference(f"metrics.{name}", None, message)


def _sum(values: list[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) if len(known) == len(values) else None


def _gate(report: EvalReport, compare: Comparison | None) -> Iterator[Difference]:
    if report.gate is None:
        return
    if report.gate.preferences:
        message = "not proved: the preferences of judges are not recorded"
        yield Difference("gate", None, message, is_proved=False)
        return
    if compare is None:
        message = f"not proved: the baseline does not exist: {report.gate.baseline}"
        yield Difference("gate", None, message, is_proved=False)
        return
    try:
        expected = compare(report)
    except UsageError as error:
        yield Difference("gate", None, f"it cannot follow from the baseline: {error}")
        return
    stored, other = _plain(asdict(report.gate)), _plain(asdict(expected))
    yield from compared(stored, other, "gate", None, "the comparison gives")


def _unproven(gap: Gap) -> Difference:
    place = _PLACES.get(gap.part, f"items[].metrics.{gap.part}")
    return Difference(place, None, f"not proved: {gap.reason}", is_proved=False)


def _library_notes(report: EvalReport) -> Iterator[str]:
    installed = library_versions()
    changed = [
        f"{name} {version} -> {installed.get(name, 'not installed')}"
        for name, version in report.libraries.items()
        if installed.get(name) != version
    ]
    if changed:
        yield f"library versions differ from the report's, which can move scores: {', '.join(changed)}"


def _by_key(report: EvalReport) -> dict[tuple[str, int], tuple[str, Json]]:
    """Return the JSON of the items by id and repeat, each with its place."""
    items = enumerate(_document(report)["items"])
    return {(item["id"], item["repeat"]): (f"items[{index}]", item) for index, item in items}


def _document(report: EvalReport) -> Any:
    return json.loads(report.to_json())


def _plain(value: Json) -> Json:
    return json.loads(json.dumps(value))
