"""Related articles: choose which pages link to which, and look at the graph of links.

    from qtgen.linking import graph_of, link

    report = link("site")                  # plan only; link("site", write=True) writes the pages
    for result in report.results:
        print(result.path, result.added, result.replaced)
    print(graph_of("site").orphans)

The steps behind `link`: `read_catalog` reads the pages, `existing_links` looks at the links that they have, `LinkPlan`
chooses, `preview_edits` and `write_edits` apply. Log messages go to loggers below `qtgen.linking`.
"""

from qtgen.linking.apply import EditedPage, edit_page, preview_edits, write_edits
from qtgen.linking.catalog import Catalog, EmbedPages, SkippedPage
from qtgen.linking.edits import LinkEdit, LinkResult
from qtgen.linking.existing import ExistingLinks, existing_links
from qtgen.linking.graph import Graph, PageNode, SubjectReach, build_graph
from qtgen.linking.links import LinkFault, Links, links_of
from qtgen.linking.plan import LinkOptions, LinkPlan, plan_links
from qtgen.linking.reading import read_catalog
from qtgen.linking.run import LinkReport, graph_of, link, report_of

__all__ = [
    "Catalog",
    "EditedPage",
    "EmbedPages",
    "ExistingLinks",
    "Graph",
    "LinkEdit",
    "LinkFault",
    "LinkOptions",
    "LinkPlan",
    "LinkReport",
    "LinkResult",
    "Links",
    "PageNode",
    "SkippedPage",
    "SubjectReach",
    "build_graph",
    "edit_page",
    "existing_links",
    "graph_of",
    "link",
    "links_of",
    "plan_links",
    "preview_edits",
    "read_catalog",
    "report_of",
    "write_edits",
]
