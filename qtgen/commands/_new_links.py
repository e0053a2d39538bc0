"""Links of the pages that `generate` has just made: to others of the site, and from them."""

import shlex
from collections.abc import Iterable
from pathlib import Path

from qtgen._util.text import pluralize
from qtgen.commands._linking import missing_extra, vectors
from qtgen.commands._output import note
from qtgen.errors import QtgenError
from qtgen.settings import Settings
from qtgen.site.discovery import batches_for_paths, read_page

_LISTED = 5


def link_new(pages: Iterable[str], corpus: Path, settings: Settings, *, update_neighbours: bool) -> None:
    """Give those of the pages links that have none, and say which of the corpus should name them.

    update_neighbours: change these too. Whatever goes wrong is said: the pages are there all the same.
    """
    new = sorted(path for path in pages if not read_page(path).text_of("related_article1.url"))
    if not new:
        return
    if missing := missing_extra():
        note(f"the new pages have no links: these need the `links` extra ({missing} is missing)")
        return
    try:
        _link(new, corpus, settings, update_neighbours)
    except QtgenError as error:
        note(f"the new pages have no links: {error}; `qtgen link` gives them some")


def _link(new: list[str], corpus: Path, settings: Settings, update_neighbours: bool) -> None:
    from qtgen.linking.apply import written
    from qtgen.linking.plan import LinkOptions, plan

    with vectors(settings) as embed:
        chosen = plan(batches_for_paths(new), LinkOptions(embed, corpus))
    done = list(written(chosen.rewrites()))
    neighbours = chosen.neighbours
    changed = list(written(iter(neighbours))) if update_neighbours else []
    for one in (*done, *changed):
        if one.error:
            note(f"not linked: {one.error}")
    linked = sum(not one.error for one in done)
    note(f"links given to {linked:,} of {pluralize(len(new), 'new page')}")
    if update_neighbours:
        note(f"new pages are named by {pluralize(sum(not one.error for one in changed), 'page')} of the corpus")
        return
    for neighbour in neighbours[:_LISTED]:
        note(f"{neighbour.path} should name {', '.join(neighbour.targets)}")
    if neighbours:
        more = f"{len(neighbours) - _LISTED:,} more; " if len(neighbours) > _LISTED else ""
        folders = shlex.quote(str(settings.out)), shlex.quote(str(corpus))
        note(f"{more}`qtgen link {folders[0]} --corpus {folders[1]} --update-neighbours` changes them")
