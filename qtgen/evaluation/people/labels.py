"""Labels that people gave to items of a report: JSON lines with `id`, and `pass` or `mark`."""

import json
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, model_validator

from qtgen.errors import UsageError
from qtgen.evaluation.people.calibration import JudgedItem
from qtgen.evaluation.report import EvalItem, EvalReport, first_error


class _Line(BaseModel):
    model_config = ConfigDict(strict=True, frozen=True, extra="forbid", allow_inf_nan=False)
    id: str
    repeat: Annotated[int, Field(ge=1)] | None = None
    passes: bool | None = Field(default=None, alias="pass")
    mark: Annotated[float, Field(ge=0, le=1)] | None = None

    @model_validator(mode="after")
    def _one_verdict(self) -> "_Line":
        if (self.passes is None) == (self.mark is None):
            raise ValueError("give either `pass` (true or false) or `mark` (0 to 1)")
        return self


class Label(NamedTuple):
    """The label of an item from 0 to 1. `place` is its file and line. `repeat` is None if the line names none."""

    place: str
    id: str
    repeat: int | None
    value: float


def read_labels(path: Path) -> list[Label]:
    """Return the labels of a file. Raises UsageError, naming the line, if one cannot be used, and if there is none."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(str(getattr(error, "strerror", None) or error), path=path) from None
    labels = [_parse(f"{path}:{number}", line) for number, line in enumerate(lines, 1) if line.strip()]
    if not labels:
        raise UsageError("contains no label", path=path)
    return labels


def _parse(place: str, text: str) -> Label:
    try:
        line = _Line.model_validate(json.loads(text))
    except (ValueError, RecursionError) as error:
        raise UsageError(first_error(error), path=place) from None
    value = line.mark if line.mark is not None else float(bool(line.passes))
    return Label(place, line.id, line.repeat, value)


def label_items(report: EvalReport, metric: str, labels: list[Label]) -> list[JudgedItem]:
    """Return the items of a report that have a metric, with the labels that people gave them.

    Raises UsageError for a label that belongs to no item or to several, for an item with two labels, and if the report
    lacks the metric or no item with it has a label.
    """
    if not report.values(metric):
        remedy = "evaluate the suite with a judge" if metric.startswith("judge") else None
        raise UsageError(f"the report has no values of `{metric}`", setting="metric", remedy=remedy)
    by_item = _by_item(report, labels)
    items = [
        JudgedItem(item.cluster, value, by_item.get((item.id, item.repeat)))
        for item in report.items
        if (value := item.value(metric)) is not None
    ]
    if all(item.label is None for item in items):
        raise UsageError(f"no labelled item has a value of `{metric}`", setting="metric")
    return items


def _by_item(report: EvalReport, labels: list[Label]) -> Mapping[tuple[str, int], float]:
    items: dict[str, list[EvalItem]] = defaultdict(list)
    for item in report.items:
        items[item.id].append(item)
    found: dict[tuple[str, int], Label] = {}
    for label in labels:
        key = _key(label, items.get(label.id, []))
        if key in found:
            raise UsageError(f"{label.id} has a label in {found[key].place} already", path=label.place)
        found[key] = label
    return {key: label.value for key, label in found.items()}


def _key(label: Label, items: list[EvalItem]) -> tuple[str, int]:
    matching = [item for item in items if label.repeat in (None, item.repeat)]
    if not matching:
        which = f"repeat {label.repeat} of {label.id}" if items else f"an item {label.id}"
        raise UsageError(f"the report does not have {which}", path=label.place)
    if len(matching) > 1:
        remedy = f"add `repeat`, from 1 to {len(matching)}"
        raise UsageError(f"the report has {len(matching)} answers to {label.id}", path=label.place, remedy=remedy)
    return matching[0].id, matching[0].repeat
