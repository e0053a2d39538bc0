"""The evaluation report: one typed value that the gate, every format and every command share, and its JSON form.

`EvalReport.to_json` and `EvalReport.from_json` are the only places where a report is JSON. Its keys are described in
docs/how-to/evaluate-changes.md. A key that is added later is optional, so old reports and baselines still load.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from dataclasses import field as dataclass_field
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import ConfigDict, TypeAdapter, ValidationError

from qtgen import __version__
from qtgen._util.pydantic_errors import dotted_path, expectation
from qtgen.errors import Deferred, Failure, UsageError
from qtgen.evaluation.gate import outcome
from qtgen.evaluation.judging.summary import Judging
from qtgen.evaluation.results import (
    EvalItem,
    GateResult,
    ItemFall,
    LostMetric,
    MetricComparison,
    MetricSummary,
    PreferenceCounts,
    RecordingUse,
    RunFailure,
    Verdict,
)
from qtgen.llm.types import Usage

__all__ = [
    "EvalItem",
    "EvalReport",
    "GateResult",
    "ItemFall",
    "LostMetric",
    "MetricComparison",
    "MetricSummary",
    "PreferenceCounts",
    "RecordingUse",
    "RunFailure",
    "Verdict",
    "first_error",
    "load_report",
    "refused_report",
]

REPORT_VERSION = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class EvalReport:
    """The result of one evaluation of one suite.

    Two reports can be compared if `suite` and `scorer` are equal. Items are compared if their digests are equal.
    `scorer` is the scorer's version, with the embeddings model and the plugin metrics if there are any. `libraries`
    has the versions of the packages that compute the metrics. `created` is an ISO 8601 time. `usage` is the usage of
    the pages, and `judging` has that of the judges.

    `gate_metrics` are the metrics that the suite's gate compares. `refusal` is the reason if the run could not be
    compared with a baseline, or if the suite could not be evaluated. With `requires_power`, too few items are a
    failure. With `accepted`, a person has accepted the failures of the run.
    """

    __pydantic_config__ = ConfigDict(strict=True, allow_inf_nan=False)

    version: int = REPORT_VERSION
    suite: str
    suite_digest: str
    qtgen: str
    created: str
    provider: str
    model: str
    prompts: dict[str, str]
    recordings: RecordingUse
    judges: tuple[str, ...] = ()
    judging: Judging | None = None
    scorer: str
    libraries: dict[str, str] = dataclass_field(default_factory=dict)
    repeats: int
    items: tuple[EvalItem, ...]
    metrics: dict[str, MetricSummary]
    usage: Usage
    gate: GateResult | None = None
    gate_metrics: tuple[str, ...] = ()
    refusal: Failure | None = None
    requires_power: bool = False
    accepted: bool = False

    @property
    def failures(self) -> tuple[RunFailure, ...]:
        """What makes the run fail, the most severe first. Every format and the exit code follow from it."""
        return outcome.failures(self)

    @property
    def exit_code(self) -> int:
        """0 if nothing failed, 1 if something did, and 2 if the suite or its baseline cannot be used."""
        return outcome.exit_code(self)

    @property
    def uncertain(self) -> tuple[EvalItem, ...]:
        """The items with an offline score that cannot be trusted and that no judge has judged."""
        return tuple(item for item in self.items if outcome.is_uncertain(item))

    @property
    def is_refused(self) -> bool:
        """Whether the suite could not be evaluated at all."""
        return self.refusal is not None and not self.items

    @property
    def is_pending(self) -> bool:
        """Whether the suite was not evaluated because it waits for a batch. That is no failure."""
        return self.is_refused and self.refusal is not None and self.refusal.kind == Deferred.kind

    @property
    def unscored(self) -> tuple[EvalItem, ...]:
        """The items without a score."""
        return tuple(item for item in self.items if item.score is None)

    def values(self, metric: str) -> list[float]:
        """Return the values of one metric in the order of the items, without items that have none."""
        return [value for item in self.items if (value := item.value(metric)) is not None]

    def to_json(self) -> str:
        """Return the report as indented JSON with a newline at its end.

        Lone surrogates, which UTF-8 cannot encode, are escaped. Raises ValueError for NaN and infinity. A suite that
        could not be evaluated is an object with `suite` and `error`, and one that waits for a batch has `pending`.
        """
        return _json_text(_document(self))

    @staticmethod
    def join_json(entries: "Sequence[EvalReport | Mapping[str, Any]]") -> str:
        """Return several reports as one JSON array, as `to_json` does for one; a mapping is an object as it is."""
        return _json_text([_document(entry) if isinstance(entry, EvalReport) else entry for entry in entries])

    @staticmethod
    def from_json(text: str) -> "EvalReport":
        """Return the report that JSON holds. Raises ValueError, naming the field, if it is not a whole report."""
        data = _parse(text)
        if not isinstance(data, dict) or "suite_digest" not in data:
            raise ValueError("not an evaluation report")
        if data.get("version") != REPORT_VERSION:
            raise ValueError(f"a report of version {data.get('version')}; this qtgen reads version {REPORT_VERSION}")
        # Validation needs real Unicode: a lone surrogate, say of a file name, becomes a question mark.
        document = json.dumps(data, ensure_ascii=False).encode("utf-8", "replace")
        try:
            return _adapter().validate_json(document)
        except ValidationError as error:
            raise ValueError(first_error(error)) from None


def load_report(path: Path) -> EvalReport:
    """Return the report at `path`. Raises UsageError if it cannot be read or is not a whole report."""
    try:
        return EvalReport.from_json(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(error.strerror or str(error), path=path) from None
    except ValueError as error:  # also for what is not UTF-8
        raise UsageError(str(error), path=path) from None


def first_error(error: Exception) -> str:
    """Return the first problem of a ValidationError as one clause that names the field; any other error as it is."""
    if not isinstance(error, ValidationError):
        return str(error)
    details = error.errors()[0]
    is_missing = details["type"].startswith("missing")  # pydantic has several types for it
    problem = "is missing" if is_missing else expectation(details, show_value=False)
    field = dotted_path(details["loc"])
    return f"`{field}` {problem}" if field else problem


def _parse(text: str) -> Any:
    try:
        return json.loads(text, parse_constant=_reject_constant)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"not JSON: {error}") from None


def _reject_constant(constant: str) -> None:
    raise ValueError(f"{constant} is not a JSON number")


@cache
def _adapter() -> TypeAdapter[EvalReport]:
    return TypeAdapter(EvalReport)


def refused_report(suite: str, refusal: Failure) -> EvalReport:
    """Return the report of a suite that could not be evaluated."""
    return EvalReport(
        suite=suite, suite_digest="", qtgen=__version__, created="", provider="", model="", prompts={},
        recordings=RecordingUse(), scorer="", repeats=1, items=(), metrics={}, usage=Usage(), refusal=refusal,
    )  # fmt: skip


def _json_text(document: Any) -> str:
    text = json.dumps(document, ensure_ascii=False, indent=2, allow_nan=False)
    return text.encode("utf-8", "backslashreplace").decode("utf-8") + "\n"


def _document(report: EvalReport) -> Mapping[str, Any]:
    if report.is_pending and report.refusal:
        return {"suite": report.suite, "pending": report.refusal.message}
    if report.is_refused and report.refusal:
        return {"suite": report.suite, "error": asdict(report.refusal)}
    document = asdict(report)
    if not report.recordings.unpublished:  # older readers know only the other two
        del document["recordings"]["unpublished"]
    document["failures"] = [asdict(failure) for failure in report.failures]
    document["uncertain"] = [{"id": item.id, "repeat": item.repeat} for item in report.uncertain]
    if report.judging is None:
        del document["judging"]
    for part, usage in (
        (document, report.usage),
        *zip(document["items"], (item.usage for item in report.items), strict=True),
    ):
        part["usage"] = {
            "prompt_tokens": usage.prompt_tokens,
            "completion_tokens": usage.completion_tokens,
            "cost_usd": usage.charged_usd,
        }
    return document
