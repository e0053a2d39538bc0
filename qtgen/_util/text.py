"""Text for people: counts, prices, and what a terminal can show."""

import unicodedata


def pluralize(count: int, noun: str) -> str:
    """`1 page`, `2 pages`."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def mask_unprintable(text: str) -> str:
    """One character for each, none that steers a terminal."""
    return "".join(char if char.isprintable() else "·" for char in text)


def display_width(text: str) -> int:
    """How wide a terminal shows it."""
    if text.isascii():
        return len(text)
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def replace_surrogates(text: str) -> str:
    """With `?` for lone surrogates, which UTF-8 cannot write."""
    return text.encode("utf-8", "replace").decode("utf-8")


def money(usd: float | None) -> str:
    """Return a price in US dollars; neither an unknown nor a tiny price is shown as zero."""
    if usd is None:
        return "cost unknown"
    if 0 < usd < 0.0001:
        return f"${usd:.8f}".rstrip("0")
    return f"${usd:,.4f}" if usd < 1 else f"${usd:,.2f}"
