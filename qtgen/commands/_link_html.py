"""The HTML report of `qtgen link --check`."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from qtgen.commands._packs import PageSources
from qtgen.site.locations import Location

if TYPE_CHECKING:
    from qtgen.linking import Catalog, Graph


def html_report(file: Path, paths: Sequence[Location], sources: PageSources, catalog: "Catalog", graph: "Graph") -> str:
    """Return the report on the pages of `paths` as it is to be written to `file`."""
    from qtgen.linking.listing import list_pages
    from qtgen.linking.reports.figures import inbound_ranges
    from qtgen.linking.reports.html import ReportPlace, render_report

    starts = [subject.start for subject in graph.subjects]
    lists = list_pages(catalog, ranges=inbound_ranges(graph), starts=starts, overlay=sources.overlay())
    corpus = sources.corpus.location if sources.corpus and not isinstance(sources.corpus, Path) else sources.corpus
    place = ReportPlace(file.parent, [str(path) for path in paths], str(corpus or ""), catalog.link_name)
    return render_report(graph, lists, place)
