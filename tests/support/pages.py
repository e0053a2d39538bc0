"""Pages for tests: the example page of the rules with some fields changed."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from qtgen.page import Page, splice
from qtgen.validation.rules.example import EXAMPLE_PAGE
from support.default_tables import read_text

LONG_DESCRIPTION = (
    "Osmosis is the passage of water through a membrane towards the side that holds more solute, until the two sides "
    "are even or the pressure stops it."
)
"""A description with the finding QT601, which no safe fix removes."""
SHORT_DESCRIPTION = "Osmosis is the passage of water through a membrane towards the side with more solute."
UNSPACED_KEYWORDS = "osmosis,membrane,solute,water,diffusion"
"""Keywords with the finding QT603, which a safe fix removes."""
DANGLING_LINK = {
    "related_article1.id": 9,
    "related_article1.title": "What is gone?",
    "related_article1.subject": "Biology",
    "related_article1.url": "/learn/biology/questions/what-is-gone",
}


def page_text(name: str = "osmosis", **changes: Any) -> str:
    """Return the example page under the question `What is NAME?`, without links, with `changes` made."""
    title = f"What is {name}?"
    own = {
        "title": title,
        "article_title": title,
        "question": title,
        "file_name": f"what-is-{name}.md",
        "url": f"/learn/biology/questions/what-is-{name}",
    }
    return splice(read_text(EXAMPLE_PAGE), {**own, "related_article1": None, **changes})


def make_page(name: str = "osmosis", **changes: Any) -> Page:
    """Return `page_text`, read."""
    return read_text(page_text(name, **changes))


def page_path(name: str = "osmosis") -> str:
    return f"site/biology/what-is-{name}.md"


def write_site(**pages: Mapping[str, Any]) -> dict[str, bytes]:
    """Write one page for each name into `site/`, with the changes given for it. Return the bytes of each path."""
    written = {}
    for name, changes in pages.items():
        path = Path(page_path(name))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(page_text(name, **changes).encode())
        written[path.as_posix()] = path.read_bytes()
    return written


def changed_lines(before: bytes, after: bytes) -> list[str]:
    """Return the new text of the lines that differ. Both versions must have the same number of lines."""
    old, new = before.decode().splitlines(), after.decode().splitlines()
    assert len(old) == len(new)
    return [line.strip() for line, other in zip(new, old, strict=True) if line != other]
