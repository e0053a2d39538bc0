"""The report of an evaluation for programs: as it is, two spaces a level, in the order of its keys."""

import json

from qtgen.evaluation.reports.common import Report


def document(report: Report) -> str:
    """Raises ValueError for NaN and infinity, which JSON has no word for. Lone surrogates are escaped, so that the text
    can always be written as UTF-8."""
    text = json.dumps(report, ensure_ascii=False, indent=2, allow_nan=False)
    return text.encode("utf-8", "backslashreplace").decode("utf-8") + "\n"
