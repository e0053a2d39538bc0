"""The evaluation report as JSON."""

from collections.abc import Mapping, Sequence
from typing import Any

from qtgen.evaluation.report import EvalReport


def render(report: EvalReport) -> str:
    """Return the report as `EvalReport.to_json` does. Raises ValueError for NaN and infinity."""
    return report.to_json()


def render_all(entries: Sequence[EvalReport | Mapping[str, Any]]) -> str:
    """Return the reports of several suites as one JSON array; a mapping is an object as it is. Raises as `render`."""
    return EvalReport.join_json(entries)
