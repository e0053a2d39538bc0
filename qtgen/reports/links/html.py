"""The graph of links as one HTML file."""

from collections.abc import Mapping
from typing import Any


def document(graph: Mapping[str, Any]) -> str:
    return ""
