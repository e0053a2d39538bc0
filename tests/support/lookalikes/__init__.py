"""Generators of sites that look like real ones. Every word is our own; a seed always gives the same pages.

`python -m tests.support.lookalikes NAME FOLDER` writes a site to a folder.
"""

from .documents import DOCUMENTS
from .help_pages import HELP_PAGES
from .products import PRODUCTS
from .proposals import PROPOSALS
from .reference import REFERENCE
from .short_keys import SHORT_KEYS
from .types import Lookalike, PlantedFault, SitePage
from .workshop import WORKSHOP

__all__ = ["LOOKALIKES", "Lookalike", "PlantedFault", "SitePage"]

LOOKALIKES: dict[str, Lookalike] = {
    lookalike.name: lookalike
    for lookalike in (SHORT_KEYS, PROPOSALS, HELP_PAGES, REFERENCE, PRODUCTS, DOCUMENTS, WORKSHOP)
}
