"""Compose different phrases and paragraphs out of small lists of words."""

import datetime as dt
import random
import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from string import Formatter

_TRIES = 200
"""Draws for each phrase, before the words count as exhausted."""


@dataclass(frozen=True, slots=True)
class Phrases:
    """Patterns such as `Open the {part}`, and the words of each slot."""

    patterns: Sequence[str]
    words: Mapping[str, Sequence[str]]

    def one(self, rng: random.Random, **known: str) -> str:
        """Return a phrase. A slot in `known` has that word."""
        return self._fill(rng, rng.choice(self.patterns), known)

    def paragraph(self, rng: random.Random, sentences: int, **known: str) -> str:
        """Return sentences of different patterns."""
        return " ".join(self._fill(rng, pattern, known) for pattern in rng.sample(self.patterns, sentences))

    def different(self, rng: random.Random, count: int, same: Callable[[str], str] = str) -> list[str]:
        """Return phrases of which no two are equal under `same`.

        Raises:
            ValueError: The words do not make that many.
        """
        found: dict[str, str] = {}
        for _ in range(count * _TRIES):
            if len(found) == count:
                break
            phrase = self.one(rng)
            found.setdefault(same(phrase), phrase)
        if len(found) < count:
            raise ValueError(f"these words make about {len(found)} different phrases, not {count}")
        return list(found.values())

    def _fill(self, rng: random.Random, pattern: str, known: Mapping[str, str]) -> str:
        slots = dict.fromkeys(name for _, name, _, _ in Formatter().parse(pattern) if name)
        text = pattern.format(**{slot: known.get(slot) or rng.choice(self.words[slot]) for slot in slots})
        return text[:1].upper() + text[1:] if pattern.startswith("{") and pattern.endswith(".") else text


def slug(text: str) -> str:
    """Return the slug of a text: ASCII letters, digits and single hyphens."""
    ascii_text = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return re.sub(r"-+", "-", re.sub(r"[^a-z0-9 -]", "", ascii_text).strip().replace(" ", "-"))


def some_day(rng: random.Random, first: int, last: int) -> dt.date:
    """Return a day of the years `first` to `last`."""
    start = dt.date(first, 1, 1)
    return start + dt.timedelta(rng.randrange((dt.date(last + 1, 1, 1) - start).days))


def chance(rng: random.Random, percent: int) -> bool:
    """Return whether something with that probability happens."""
    return rng.randrange(100) < percent
