"""The graph of links as one HTML file that needs no network and no script: figures, a histogram, a matrix, subjects.

All text of the site is escaped by the template engine; a policy in the file lets only its own style in.
"""

from base64 import b64encode
from collections.abc import Mapping
from functools import cache
from hashlib import sha256
from math import ceil, log
from pathlib import Path
from typing import Any

from jinja2 import Template

from qtgen._util.templates import html_environment
from qtgen._util.text import replace_surrogates
from qtgen.linking.reports import text

_FOLDER = Path(__file__).parent
_PLOT = 160  # pixels down that the histogram has for its bars
_SHADES = 8


def document(graph: Mapping[str, Any]) -> str:
    """graph: `link_graph.Graph.as_dict`."""
    style = (_FOLDER / "report.css").read_text(encoding="utf-8")
    bins = list(text.bins(graph["linked_to"]))
    top = max((pages for _, pages in bins), default=0) or 1
    page = _template().render(
        graph=graph,
        figures=[(name, said) for name, said in text.figures(graph) if name],
        bars=[(name, pages, round(_PLOT * pages / top, 1)) for name, pages in bins],
        plot=_PLOT,
        rows=list(zip(graph["subjects"], _shaded(graph["matrix"]), strict=True)),
        style=style,
        digest=b64encode(sha256(style.encode()).digest()).decode(),
    )
    return replace_surrogates(page)


def _shaded(matrix: list[list[int]]) -> list[list[tuple[int, int]]]:
    """Count and shade (0 for none, to `_SHADES`) of each cell; shades are even steps of the count's logarithm."""
    top = log(1 + max((count for row in matrix for count in row), default=0)) or 1.0
    return [[(count, min(_SHADES, ceil(_SHADES * log(1 + count) / top))) for count in row] for row in matrix]


@cache
def _template() -> Template:
    return html_environment(_FOLDER).get_template("report.html.j2")
