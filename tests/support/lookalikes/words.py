"""Compose different phrases and paragraphs out of small lists of words."""

import datetime as dt
import random
import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from string import Formatter

_TRIES = 500
"""Draws for a phrase, before the words count as exhausted."""
_ARTICLE = re.compile(r"\b([Aa]) ({(\w+)})")


@dataclass(frozen=True, slots=True)
class Phrases:
    """Patterns such as `Open the {part}`, and the words of each slot."""

    patterns: Sequence[str]
    words: Mapping[str, Sequence[str]]

    def theme(self, rng: random.Random, *slots: str) -> dict[str, str]:
        """Return a word for each of these slots, so that the texts of a page are about the same things."""
        return {slot: rng.choice(self.words[slot]) for slot in slots}

    def one(self, rng: random.Random, theme: Mapping[str, str] | None = None) -> str:
        """Return a phrase. The slots of `theme` have its words."""
        return self._fill(rng, rng.choice(self.patterns), theme or {})

    def new(
        self,
        rng: random.Random,
        taken: set[str],
        theme: Mapping[str, str] | None = None,
        same: Callable[[str], str] = str,
    ) -> str:
        """Return a phrase of which `taken` does not hold `same(phrase)`, and add that.

        Raises:
            ValueError: The words make no further phrase.
        """
        for _ in range(_TRIES):
            phrase = self.one(rng, theme)
            if same(phrase) not in taken:
                taken.add(same(phrase))
                return phrase
        raise ValueError(f"the words make about {len(taken)} different phrases; generate fewer pages")

    def new_with_theme(self, rng: random.Random, taken: set[str], *slots: str) -> tuple[str, dict[str, str]]:
        """Return a phrase whose slug is not in `taken`, and its words of these slots."""
        for _ in range(_TRIES):
            theme = self.theme(rng, *slots)
            phrase = self.one(rng, theme)
            if slug(phrase) not in taken:
                taken.add(slug(phrase))
                return phrase, theme
        raise ValueError(f"the words make about {len(taken)} different phrases; generate fewer pages")

    def paragraphs(self, rng: random.Random, sizes: Sequence[int], theme: Mapping[str, str] | None = None) -> list[str]:
        """Return paragraphs of so many sentences. No two sentences have the same pattern."""
        patterns = iter(rng.sample(self.patterns, sum(sizes)))
        return [" ".join(self._fill(rng, next(patterns), theme or {}) for _ in range(size)) for size in sizes]

    def ordered(self, rng: random.Random, count: int, theme: Mapping[str, str] | None = None) -> list[str]:
        """Return sentences of different patterns, in the order of the patterns."""
        chosen = sorted(rng.sample(range(len(self.patterns)), count))
        return [self._fill(rng, self.patterns[index], theme or {}) for index in chosen]

    def _fill(self, rng: random.Random, pattern: str, theme: Mapping[str, str]) -> str:
        slots = dict.fromkeys(name for _, name, _, _ in Formatter().parse(pattern) if name)
        chosen = {slot: theme[slot] if slot in theme else rng.choice(self.words[slot]) for slot in slots}
        text = _ARTICLE.sub(lambda match: _with_article(match, chosen), pattern).format(**chosen)
        return text[:1].upper() + text[1:] if pattern.endswith(".") else text


def _with_article(match: re.Match[str], words: Mapping[str, str]) -> str:
    """Return `an` instead of `a` in front of a slot whose word begins with a vowel."""
    return f"{match[1]}n {match[2]}" if words[match[3]][:1] in "aeiou" else match[0]


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
