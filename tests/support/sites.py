"""Small sites of generated pages, on disk, for tests of links."""

import random
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qtgen.embeddings.pages import PageText
from qtgen.page import splice
from qtgen.validation.rules.example import EXAMPLE_PAGE
from support.default_tables import read, read_text

if TYPE_CHECKING:
    from qtgen.embeddings.pages import HalfVectors

WORDS = [
    "gravity",
    "orbit",
    "planet",
    "mass",
    "force",
    "cell",
    "membrane",
    "protein",
    "enzyme",
    "nucleus",
    "market",
    "price",
    "demand",
    "supply",
    "inflation",
    "court",
    "contract",
    "treaty",
    "justice",
    "crime",
    "river",
    "delta",
    "erosion",
    "sediment",
    "flood",
    "poem",
    "novel",
    "metaphor",
    "rhyme",
    "author",
]
SUBJECTS = ("Physics", "Biology", "Economics", "Politics")


def make_page(title: str, subject: str = "Biology", number: int = 1, **changes: Any) -> tuple[Path, bytes]:
    """Return path and contents of a page without links, with `changes` of its fields."""
    name = "".join(char for char in title.lower() if char.isalnum() or char == " ").replace(" ", "-")
    fields: dict[str, Any] = {
        "id": number,
        "title": title,
        "article_title": title,
        "question": title,
        "seo.title": f"QuickTakes | {subject}",
        "subject": subject,
        "file_name": f"{name}.md",
        "url": f"/learn/{subject.lower()}/questions/{name}",
        "related_article1": None,
    }
    text = splice(read_text(EXAMPLE_PAGE), {**fields, **changes})
    return Path(f"site/{subject.lower()}/{name}.md"), text.encode()


def random_site(count: int, seed: int = 1) -> dict[Path, bytes]:
    """Write pages of random words below `site`, and return them."""
    rng = random.Random(seed)
    pages: dict[Path, bytes] = {}
    for number in range(1, count + 1):
        subject = rng.choice(SUBJECTS)
        title = f"What has {' '.join(rng.sample(WORDS, 3))} to do with {number}?"
        answer = " ".join(rng.choices(WORDS, k=60)).capitalize() + "."
        path, raw = make_page(title, subject, number, answer=answer)
        pages[path] = raw
    return write_pages(pages)


def site_of_two_topics(count: int) -> dict[Path, bytes]:
    """Write pages of two subjects that share only common words, and return them."""
    rng = random.Random(5)
    pages = {}
    for number in range(count):
        subject, words = (("Physics", WORDS[:15]), ("Politics", WORDS[15:]))[number % 2]
        title = f"What has {' '.join(rng.sample(words, 3))} to do with {number}?"
        answer = " ".join(rng.choices(words, k=60)).capitalize() + "."
        keywords = ", ".join(rng.sample(words, 3))
        path, raw = make_page(title, subject, number + 1, answer=answer, **{"seo.page_keywords": keywords})
        pages[path] = raw
    return write_pages(pages)


def write_pages(pages: Mapping[Path, bytes]) -> dict[Path, bytes]:
    """Write the pages, and return them."""
    for path, raw in pages.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(raw)
    return dict(pages)


def change_page(path: Path, **changes: Any) -> None:
    """Change fields of the page at `path`."""
    path.write_text(splice(read(path.read_bytes()), changes), encoding="utf-8")


def current(pages: Mapping[Path, bytes]) -> dict[Path, bytes]:
    """Return what the pages' files hold now."""
    return {path: path.read_bytes() for path in pages}


def linked_urls(raw: bytes) -> list[str]:
    """Return the urls of a page's links."""
    values = read(raw).values
    return [str(values[key]) for slot in range(1, 6) if (key := f"related_article{slot}.url") in values]


def url_of(raw: bytes) -> str:
    """Return a page's own url."""
    return str(read(raw).values["url"])


def link_fields(slot: int, target: bytes, **changes: Any) -> dict[str, Any]:
    """Return the fields of a link to a page, in slot 1 to 5, with `changes` of id, title, subject or url."""
    values = read(target).values
    keys = ("id", "title", "subject", "url")
    return {f"related_article{slot}.{key}": changes.get(key, values[key]) for key in keys}


def embed_words(texts: Sequence[PageText]) -> "HalfVectors":
    """Return vectors that count each of `WORDS`: an embedder that needs no model."""
    import numpy as np

    counts = [[" ".join(text).lower().count(word) for word in WORDS] for text in texts]
    rows = np.array(counts, np.float32)
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    vectors: HalfVectors = (rows / np.maximum(lengths, 1)).astype(np.float16)
    return vectors
