"""Distinguish packs from folders and URLs from paths, without importing the reader of packs."""

import re
from pathlib import Path

Location = Path | str
"""A path, or the URL of a folder."""

MANIFEST_NAME = "qtgen-pack.json"
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+(?:://|::)")


def is_url(text: str) -> bool:
    """Return whether a text is a URL, such as `s3://bucket/site`, and not a path."""
    return _URL.match(text) is not None


def shard_name(number: int) -> str:
    """Return the file name of a shard of a pack."""
    return f"pages-{number:05}.parquet"


def is_pack(location: Location) -> bool:
    """Return whether a location is a URL, or a folder that holds a pack, complete or not."""
    if isinstance(location, str):
        return True
    return (location / MANIFEST_NAME).is_file() or (location / shard_name(0)).is_file()
