"""Addresses of screens."""

from urllib.parse import urlencode


def review_address(url: str | None, queue: str = "") -> str:
    """Return the address of the review screen of a page; without a page, that of the first page of a queue."""
    values = {"url": url, "queue": queue}
    return f"/review?{urlencode({name: value for name, value in values.items() if value})}"


def address_in_queue(queue: str, url: str | None) -> str:
    """Return the address of a page of a queue; without a page, that of the end of the queue."""
    return review_address(url, queue) if url else f"{review_address(None, queue)}&end=1"
