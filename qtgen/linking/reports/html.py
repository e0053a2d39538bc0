"""The HTML report of a link graph: one file that needs no network and no script.

The template engine escapes all text of the site, and a content security policy allows only the file's own style.
"""

from base64 import b64encode
from collections.abc import Sequence
from functools import cache
from hashlib import sha256
from math import ceil, log
from pathlib import Path
from typing import TYPE_CHECKING

from qtgen._util.text import replace_surrogates
from qtgen.linking.graph import Graph
from qtgen.linking.reports.figures import figures, histogram

if TYPE_CHECKING:
    from jinja2 import Template

_FOLDER = Path(__file__).parent
_BAR_WIDTH = 320  # units of the longest bar of the histogram, which scales with the window
_SHADES = 8


def render_report(graph: Graph) -> str:
    """Return the report as an HTML document."""
    style = (_FOLDER / "report.css").read_text(encoding="utf-8")
    bins = histogram(graph)
    longest = max((pages for _, pages in bins), default=0) or 1
    document = _template().render(
        graph=graph,
        figures=list(figures(graph)),
        bars=[(label, pages, round(_BAR_WIDTH * pages / longest, 1)) for label, pages in bins],
        bar_width=_BAR_WIDTH,
        rows=list(zip(graph.subjects, _shade(graph.matrix), strict=True)),
        style=style,
        style_hash=b64encode(sha256(style.encode()).digest()).decode(),
    )
    return replace_surrogates(document)


def _shade(matrix: Sequence[Sequence[int]]) -> list[list[tuple[int, int]]]:
    """Return count and shade of each cell: 0 for no links, then even steps of the count's logarithm to `_SHADES`."""
    highest = log(1 + max((count for row in matrix for count in row), default=0)) or 1.0
    return [[(count, min(_SHADES, ceil(_SHADES * log(1 + count) / highest))) for count in row] for row in matrix]


@cache
def _template() -> "Template":
    from qtgen._util.templates import html_environment

    return html_environment(_FOLDER).get_template("report.html.j2")
