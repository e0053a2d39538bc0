"""Names that a page's title and subject decide: slug, file name, url."""

import re
from functools import lru_cache

_DROPPED = re.compile(r"[^a-z0-9 ]")


@lru_cache(maxsize=1024)  # a subject is asked for on every page, a title three times
def slug(text: str) -> str:
    """The site's own rule: lower-case, keep a-z, 0-9 and space, strip, each space a hyphen.

    >>> slug("What is DNA - in short?")
    'what-is-dna--in-short'
    """
    return _DROPPED.sub("", text.lower()).strip().replace(" ", "-")


def file_name(title: str) -> str:
    return slug(title) + ".md"


def url(subject: str, title: str) -> str:
    return f"/learn/{slug(subject)}/questions/{slug(title)}"


def seo_title(subject: str) -> str:
    return f"QuickTakes | {subject}"
