"""The evaluation report as JSON."""

from qtgen.evaluation.report import EvalReport


def render(report: EvalReport) -> str:
    """Return the report as `EvalReport.to_json` does. Raises ValueError for NaN and infinity."""
    return report.to_json()
