"""Index a source text for lookups: its sentences, figures, dates, names and quotations.

Sentences that give a language model instructions are left out, so that they support nothing.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from functools import lru_cache

from qtgen.generation.grounding.dates import DateIndex, read_dates
from qtgen.generation.grounding.figures import Figure, read_figures, read_fractions
from qtgen.generation.grounding.names import NameIndex
from qtgen.generation.grounding.prose import split_sentences
from qtgen.generation.grounding.units import Unit, are_compatible
from qtgen.generation.grounding.words import STOPWORDS, WORD, content_stems, fold, normalize, stem

_WINDOW = 3  # neighbouring sentences that together may support one sentence
_MIN_ENGLISH = 0.2  # share of English function words; English texts have over 0.35, others under 0.1
_MIN_WORDS = 20  # a shorter text is too short to detect its language
_INSTRUCTION = re.compile(
    r"\b(?:ignore|disregard|forget|override|bypass)\b[^.!?\n]{0,40}\b(?:instructions?|prompts?|rules|guidelines|directions)\b"
    r"|\b(?:you are now|act as|pretend to be|from now on,? you|your new (?:task|role|instructions?)|as an ai)\b"
    r"|\b(?:system prompt|new instructions?|developer mode)\b"
    r"|\b(?:you|the (?:model|assistant)) must (?:now )?(?:answer|write|respond|reply|say|output)\b"
    r"|^\s*(?:system|assistant|user)\s*:|<\|[a-z_]+\|>|\[/?INST\]|</?(?:source|question|system|answer|faults)\b",
    re.IGNORECASE | re.MULTILINE,
)
_CONVERTED = 0.04  # share by which a converted figure may differ, unless the answer says that it is rounded
_QUOTE_WORDS = re.compile(r"[^\W_]+")


class Source:
    """The index of a source text.

    Args:
        text: The source text.
        question: The question, whose figures and names count as known.
    """

    def __init__(self, text: str, question: str) -> None:
        plain = normalize(text)
        spans = [span for line in _lines(plain) for span in split_sentences(plain, *line)]
        kept = [span for span in spans if not _INSTRUCTION.search(span.text)]
        self.sentences = [span.text for span in kept]
        self.is_english = is_english(" ".join(self.sentences))
        known = "\n".join([*self.sentences, normalize(question)])
        self._postings: dict[str, list[int]] = defaultdict(list)
        for number, sentence in enumerate(self.sentences):
            for word in dict.fromkeys(content_stems(sentence)):
                self._postings[word].append(number)
        figures, dates = read_figures(known), read_dates(known)
        in_dates = {place for date in dates if date.month for place in range(date.start, date.end)}
        self.figures = FigureIndex(
            [figure for figure in figures if figure.start not in in_dates], [*read_fractions(known)]
        )
        numbers = {value for figure in figures for value in (*figure.values, *figure.parts)}
        self.dates = DateIndex(dates, numbers)
        self.names = NameIndex(known)
        self._words = f" {_stemmed(known)} "

    def contains_words(self, text: str) -> bool:
        """Return whether the words of a text occur in the same order without gaps, with any endings and punctuation."""
        words = _stemmed(normalize(text))
        return not words or f" {words} " in self._words

    def support(self, sentence: str) -> float:
        """Return how well the source's words support a sentence, from 0 to 1.

        It is the mean of two shares of the sentence's content words: those that occur anywhere in the source, and
        those that occur in the best three neighbouring sentences.
        """
        stems = set(content_stems(sentence))
        windows: Counter[int] = Counter()
        for word in stems:
            windows.update({number - back for number in self._postings.get(word, ()) for back in range(_WINDOW)})
        anywhere = sum(word in self._postings for word in stems)
        return (anywhere + max(windows.values(), default=0)) / (2 * max(1, len(stems)))


@lru_cache(maxsize=8)  # every answer to a question is compared with the same source
def read_source(text: str, question: str) -> Source:
    """Return the index of a source. It is built once for several answers."""
    return Source(text, question)


def _stemmed(text: str) -> str:
    return " ".join(stem(fold(word)) for word in _QUOTE_WORDS.findall(text))


def _lines(text: str) -> list[tuple[int, int]]:
    return [match.span() for match in re.finditer(r"[^\n]+", text)]


def is_english(text: str) -> bool:
    """Return whether a text seems to be English. A text of few words counts as English."""
    words = [fold(match.group()) for match in WORD.finditer(text[:20_000])]
    if len(words) < _MIN_WORDS:
        letters = [char for char in text[:2_000] if char.isalpha()]
        return sum(char > "\u024f" for char in letters) <= len(letters) / 4
    return sum(word in STOPWORDS for word in words) >= _MIN_ENGLISH * len(words)


class FigureIndex:
    """The figures of a source, for lookups."""

    def __init__(self, figures: Sequence[Figure], fractions: Sequence[float]) -> None:
        self._units: dict[float, set[Unit | None]] = defaultdict(set)
        self._bases: dict[str, set[float]] = defaultdict(set)
        for figure in figures:
            for value in (*figure.values, *figure.parts):
                is_first = value in figure.values[:1]
                self._units[_key(value)].add(figure.unit if is_first else None)
                if figure.unit and figure.unit.size:
                    self._bases[figure.unit.dimension].add(value * figure.unit.size)
        for fraction in fractions:
            self._units[_key(fraction)].add(None)

    def contains(self, figure: Figure, *, is_rounded: bool) -> bool:
        """Return whether the source has a figure, possibly converted, as a share, or more precise if it is rounded."""
        if figure.parts:
            return all(_key(part) in self._units for part in figure.parts)
        tests = (self._has_same, self._has_share)
        if any(test(value, figure) for value in figure.values for test in tests):
            return True
        return self._has_converted(figure, is_rounded) or self._has_unrounded(figure, is_rounded)

    def other_units(self, figure: Figure) -> list[str]:
        """Return the names of the units that the same figure has in the source."""
        units = {unit for value in figure.values[:1] for unit in self._units.get(_key(value), ())}
        return sorted(unit.name for unit in units if unit)

    def _has_same(self, value: float, figure: Figure) -> bool:
        units = self._units.get(_key(value), set())
        if not units:
            return False
        unit = figure.unit
        return unit is None or None in units or any(other and are_compatible(unit, other) for other in units)

    def _has_converted(self, figure: Figure, is_rounded: bool) -> bool:
        unit = figure.unit
        if unit is None or not unit.size:
            is_temperature = unit is not None and unit.dimension == "temperature"
            return is_temperature and any(self._has_temperature(value, figure) for value in figure.values)
        for value in figure.values:
            reach = 0.51 * (figure.step if is_rounded else min(figure.place, _CONVERTED * value))
            wanted, reach = value * unit.size, max(reach, value * 1e-9) * unit.size
            if any(abs(base - wanted) <= reach for base in self._bases[unit.dimension]):
                return True
        return False

    def _has_temperature(self, value: float, figure: Figure) -> bool:
        scale = figure.unit.name if figure.unit else ""
        kelvin = {"°C": value + 273.15, "°F": (value - 32) / 1.8 + 273.15, "K": value}[scale]
        celsius = kelvin - 273.15
        others = {"°C": celsius, "°F": celsius * 1.8 + 32, "K": kelvin}
        return any(
            other and other.name in others and abs(others[other.name] - known) <= 1
            for known, units in self._units.items()
            for other in units
        )

    def _has_share(self, value: float, figure: Figure) -> bool:
        if figure.unit and figure.unit.name == "%":
            if any(unit and unit.name == "%" for unit in self._units.get(_key(100 - value), ())):
                return True  # 25%, where the source has 75%
            near = 0.005 if figure.digits <= 2 else 0.0005  # 33% is a third
            return any(abs(known - value / 100) <= near for known in self._units if 0 < known < 1)
        return figure.unit is None and value < 1 and _key(value * 100) in self._units

    def _has_unrounded(self, figure: Figure, is_rounded: bool) -> bool:
        is_exact = figure.step in (1.0,) or (figure.digits < 2 and not is_rounded)
        if is_exact or not (is_rounded or figure.step != int(figure.step) or figure.step >= 1e5):
            return False
        reach = figure.step if is_rounded else 0.51 * figure.step
        return any(
            abs(known - value) < reach
            and (not figure.unit or any(unit is None or are_compatible(figure.unit, unit) for unit in units))
            for value in figure.values
            for known, units in self._units.items()
        )


def _key(value: float) -> float:
    return float(f"{value:.9g}")
