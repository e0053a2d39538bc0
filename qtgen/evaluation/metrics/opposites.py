"""Pairs of opposites, in any of their usual forms."""

from functools import cache, lru_cache
from importlib.resources import files

_ENDINGS = (
    ("s", ""), ("es", ""), ("ed", ""), ("ed", "e"), ("d", ""), ("ing", ""), ("ing", "e"), ("ies", "y"), ("er", ""),
    ("ly", ""),
)  # fmt: skip
_MIN_LETTERS = 3  # that remain of a word


def are_opposites(first: str, second: str) -> bool:
    """Return whether two words are opposites, such as `rises` and `falling`. They must be in lower case."""
    table = _table()
    return any(form in table and not table[form].isdisjoint(_forms(second)) for form in _forms(first))


@cache
def _table() -> dict[str, set[str]]:
    """Return the opposites of each word."""
    text = files("qtgen.evaluation.metrics").joinpath("opposites.txt").read_text(encoding="utf-8")
    table: dict[str, set[str]] = {}
    for line in text.splitlines():
        if line and not line.startswith("#"):
            first, second = line.split()
            table.setdefault(first, set()).add(second)
            table.setdefault(second, set()).add(first)
    return table


@lru_cache(maxsize=50_000)
def _forms(word: str) -> frozenset[str]:
    """Return a word with and without its possible endings."""
    stems = {
        word.removesuffix(ending) + base
        for ending, base in _ENDINGS
        if word.endswith(ending) and len(word) - len(ending) >= _MIN_LETTERS
    }
    return frozenset({word, *stems})
