"""The links of a site in columns of numbers, and what is wrong with each: a million links take about a second."""

from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING

from qtgen.site.index import NO_ID, NOT_COPIED, SiteIndex

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from qtgen.embeddings.index import RowNumbers

    Mask = NDArray[np.bool_]


class LinkFault(IntEnum):
    """What is wrong with a link. If several faults hold, the first one of this order is reported.

    A link with the fault MISMATCHED leads to the right page and is corrected. All others get another target.
    """

    NONE = 0
    DANGLING = 1
    TO_SELF = 2
    REPEATED = 3
    TO_NO_INDEX = 4
    MISMATCHED = 5

    @property
    def code(self) -> str:
        """The fault's name in JSON output."""
        return self.name.lower()


FAULTS = tuple(fault for fault in LinkFault if fault is not LinkFault.NONE)


@dataclass(frozen=True)
class Links:
    """Links in columns: entry N of each column belongs to link N.

    Attributes:
        sources: Number of the page that has the link.
        slots: Which of the page's links it is, from 0.
        targets: Number of the page that the link leads to, -1 if there is none.
        faults: A `LinkFault`.
    """

    sources: "RowNumbers"
    slots: "RowNumbers"
    targets: "RowNumbers"
    faults: "RowNumbers"

    def good(self) -> "Mask":
        """Return which links take a reader to another page that may be found, even if id or title are wrong."""
        import numpy as np

        return np.isin(self.faults, [LinkFault.NONE, LinkFault.MISMATCHED])


def links_of(site: SiteIndex) -> Links:
    """Return every link of the site, in the order of its pages."""
    import numpy as np

    rows = np.array(site.link_rows, np.int64)
    targets = np.array(site.link_targets, np.int64)
    columns = (site.urls, site.titles, site.ids, site.locations)
    urls, titles, ids, locations = (np.array(column, np.uint64) for column in columns)
    starts = np.array(site.starts, np.int64)
    sources = (np.searchsorted(starts, rows, "right") - 1).astype(np.int32)
    exists = targets >= 0
    mismatched = exists & (ids[targets] != NO_ID) & (ids[rows] != ids[targets]) & (ids[rows] != NOT_COPIED)
    mismatched |= exists & (titles[rows] != titles[targets]) & (titles[rows] != NOT_COPIED)
    hidden = np.isin(targets, site.hidden_rows)
    conditions = {
        LinkFault.DANGLING: ~exists,
        LinkFault.TO_SELF: urls[rows] == urls[starts[sources]],
        LinkFault.REPEATED: _repeated(sources, urls[rows]),
        LinkFault.TO_NO_INDEX: hidden,
        LinkFault.MISMATCHED: mismatched,
    }
    faults = np.select(list(conditions.values()), [np.int32(fault) for fault in conditions], np.int32(LinkFault.NONE))
    target_pages = np.where(exists, np.searchsorted(starts, targets, "right") - 1, -1)
    slots = (locations[rows] & np.uint64(7)).astype(np.int32) - 1
    return Links(sources, slots, target_pages.astype(np.int32), faults)


def _repeated(sources: "RowNumbers", urls: "NDArray[np.uint64]") -> "Mask":
    """Return which links repeat an earlier link of the same page."""
    import numpy as np

    order = np.lexsort((np.arange(len(urls)), urls, sources))
    repeated = np.zeros(len(urls), bool)
    same_page = sources[order][1:] == sources[order][:-1]
    repeated[order[1:]] = same_page & (urls[order][1:] == urls[order][:-1])
    return repeated
