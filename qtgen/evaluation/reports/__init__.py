"""The report of one evaluation, one file a format: the report's values in, text out."""

from collections.abc import Callable, Mapping
from typing import Any

from qtgen.evaluation.reports import github, html, json, junit, text

FORMATS: dict[str, Callable[[Mapping[str, Any]], str]] = {
    "text": text.document,
    "json": json.document,
    "junit": junit.document,
    "github": github.document,
    "html": html.document,
}
"""Name -> report (JSON, version 1, as a dict) to a whole document. What is not empty ends with a newline."""
