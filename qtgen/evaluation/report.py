"""The evaluation report: one typed value that the gate, every format and every command share, and its JSON form.

`EvalReport.to_json` and `EvalReport.from_json` are the only places where a report is JSON. Its keys are described in
docs/how-to/evaluate-changes.md. A key that is added later is optional, so old reports and baselines still load.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from dataclasses import field as dataclass_field
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import ConfigDict, TypeAdapter, ValidationError

from qtgen._util.pydantic_errors import dotted_path, expectation
from qtgen.errors import Failure, UsageError
from qtgen.evaluation.judging import Judging
from qtgen.evaluation.metrics.base import Direction
from qtgen.llm.types import Usage

REPORT_VERSION = 1


class Verdict(StrEnum):
    """What a comparison with a baseline shows."""

    WORSE = "worse"
    NO_CHANGE = "no change shown"
    TOO_FEW = "too few items to tell"
    BETTER = "better"


@dataclass(frozen=True, slots=True)
class EvalItem:
    """One candidate answer with its score.

    Args:
        id: The reference's id; repeats share it.
        cluster: Items of one cluster are one observation in the statistics.
        score: The overall score from 0 to 1, or None if the item could not be scored.
        metrics: Values by metric name; None if a metric does not apply.
        notes: How each value came about, by metric name.
        error: Why there is no score. An empty answer has both: it scores 0 and the error says why.
    """

    id: str
    cluster: str
    question: str
    subject: str
    repeat: int
    score: float | None
    metrics: dict[str, float | None]
    notes: dict[str, str]
    error: Failure | None
    candidate: str
    reference: str
    usage: Usage

    @property
    def has_failed(self) -> bool:
        """Whether an error prevented scoring. An error beside a score explains the score."""
        return self.error is not None and self.score is None

    def value(self, metric: str) -> float | None:
        """Return the value of a metric, or the overall score for `score`."""
        return self.score if metric == "score" else self.metrics.get(metric)


@dataclass(frozen=True, slots=True)
class MetricSummary:
    """The mean of one metric over all items that have a value, with its 95% interval by clusters.

    `low` and `high` are None with fewer than two clusters. `missing` counts the items without a value.
    """

    mean: float | None
    low: float | None
    high: float | None
    items: int
    missing: int
    direction: Direction


@dataclass(frozen=True, slots=True)
class MetricComparison:
    """One metric before and after, as `stats.PairedComparison` explains the numbers."""

    metric: str
    before: float
    after: float
    difference: float
    low: float | None
    high: float | None
    p: float
    p_corrected: float
    smallest_visible: float | None
    items: int
    clusters: int
    verdict: Verdict
    direction: Direction


@dataclass(frozen=True, slots=True)
class ItemFall:
    """A reference whose score fell by more than the limit."""

    id: str
    before: float
    after: float
    fall: float
    question: str


@dataclass(frozen=True, slots=True)
class GateResult:
    """The comparison of a report with a baseline.

    Args:
        baseline: The baseline's path.
        tail_limit: The largest fall that a single reference may have, or None for no limit.
        reasons: Sentences that explain the verdict, for people.
    """

    verdict: Verdict
    baseline: str
    comparisons: tuple[MetricComparison, ...]
    falls: tuple[ItemFall, ...]
    tail_limit: float | None
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RecordingUse:
    """Recorded responses that no request matched (`unused`), and requests without a recording (`missed`)."""

    unused: tuple[str, ...] = ()
    missed: tuple[str, ...] = ()

    def __add__(self, other: "RecordingUse") -> "RecordingUse":
        return RecordingUse(self.unused + other.unused, self.missed + other.missed)


@dataclass(frozen=True, slots=True, kw_only=True)
class EvalReport:
    """The result of one evaluation of one suite.

    Two reports can be compared if `suite`, `suite_digest` and `scorer` are equal. `scorer` is the scorer's version,
    with the embeddings model and the plugin metrics if there are any. `libraries` holds the versions of the packages
    that compute the metrics. `created` is an ISO 8601 time. `usage` is that of the pages; `judging` has the judges'.
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

    @property
    def unscored(self) -> tuple[EvalItem, ...]:
        """The items without a score."""
        return tuple(item for item in self.items if item.score is None)

    def values(self, metric: str) -> list[float]:
        """Return the values of one metric in the order of the items, without items that have none."""
        return [value for item in self.items if (value := item.value(metric)) is not None]

    def to_json(self) -> str:
        """Return the report as indented JSON with a newline at its end.

        Lone surrogates, which UTF-8 cannot encode, are escaped. Raises ValueError for NaN and infinity.
        """
        text = json.dumps(_document(self), ensure_ascii=False, indent=2, allow_nan=False)
        return text.encode("utf-8", "backslashreplace").decode("utf-8") + "\n"

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


def _document(report: EvalReport) -> Mapping[str, Any]:
    document = asdict(report)
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
