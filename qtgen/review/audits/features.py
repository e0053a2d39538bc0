"""What predictions are based on, besides the score of a page: its findings, and the comparison of its rewrite.

| feature | what it is |
|---|---|
| `score` | the page's score, from 0 to 1 |
| `errors`, `warnings` | the number of findings of that severity |
| `measure:NAME` | a measure of the comparison of the page's last rewrite |
| `spread` | the difference between the largest and the smallest of these measures |

A feature that a page lacks counts as average. The plan names the features that its predictions use.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from math import isfinite
from pathlib import Path

from qtgen.review.audits.frames import Frame, path_in_plan
from qtgen.review.audits.prediction import Features
from qtgen.review.types import Rewrite
from qtgen.validation.diagnostics import Severity
from qtgen.validation.run import CheckedFile

_NAMES = {Severity.ERROR: "errors", Severity.WARNING: "warnings"}


def finding_features(frame: Frame, checked: Iterable[CheckedFile], folder: Path) -> dict[str, Features]:
    """Return the numbers of findings of all pages, by URL. A page without findings has none of each.

    Args:
        frame: The pages, all of which were checked.
        checked: The files with findings.
        folder: The output folder, which the paths of the frame are relative to.
    """
    by_path = {path_in_plan(file.path, folder): Counter(one.severity for one in file.diagnostics) for file in checked}
    return {
        page.url: {name: float(by_path.get(page.path, Counter())[severity]) for severity, name in _NAMES.items()}
        for page in frame.pages
    }


def rewrite_features(rewrites: Mapping[str, Rewrite]) -> dict[str, Features]:
    """Return the measures of the comparisons, and how far they are apart, by URL."""
    return {url: features for url, rewrite in rewrites.items() if (features := _measures(rewrite))}


def _measures(rewrite: Rewrite) -> Features:
    measures = rewrite.compared.get("measures")
    if not isinstance(measures, Mapping):
        return {}
    values = {
        f"measure:{name}": float(value)
        for name, value in measures.items()
        if isinstance(value, int | float) and isfinite(value)
    }
    return {**values, "spread": max(values.values()) - min(values.values())} if values else {}
