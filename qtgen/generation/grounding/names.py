"""Read the names in a text: capitalized words that do not begin a sentence, and abbreviations."""

import re
from collections import defaultdict
from collections.abc import Collection, Iterator
from difflib import get_close_matches
from itertools import takewhile
from typing import NamedTuple

from qtgen.generation.grounding.prose import Span
from qtgen.generation.grounding.words import STOPWORDS, fold, stem

_TOKEN = re.compile(r"(?:[^\W\d_]\.){2,}|[^\W_]+(?:[-'/&][^\W_]+)*(?:(?<=\b[A-Z])\.|(?<=\b[A-Z][a-z])\.)?")
_JOINERS = frozenset(("of", "the", "de", "la", "le", "du", "van", "von", "der", "den", "di", "da", "dos", "&"))
_DEFINED = re.compile(r"\((?:or |the )?([^\W\d_][\w.-]{0,9})[⁺⁻+⁰-⁹]*\)")
_NEIGHBOURS = re.compile(r"[^\W\d_a-z][\w'-]*(?:\s+(?:(?:and|of|for|the|in|on|&)\s+){0,2}[^\W\d_a-z][\w'-]*)+")
_BREAK = re.compile(r"[:;!?(\[\"“‘«•/.]|\s[-–—]\s|—|--")
_PREFIX = 4  # minimum number of first letters that related words share
_RELATED = 0.6  # minimum share of the longer word that they share
_LONG = 7  # minimum letters of a word that may be spelled in another way
_SAME = 0.88  # minimum similarity of two spellings of a name
_CLOSE = 0.8  # minimum similarity of a misspelled name
_NEAR = 60  # characters after a name that are searched for its abbreviation
_SHORT_TEXT = 2_000  # maximum words of a source in which words in lower case may explain an abbreviation
_TITLE_WORDS = """
act age agency army association avenue award bank battle bay bible board box bridge building bureau calendar camp
canal cape captain castle cathedral center central centre century chapter chief church city club coast code
college commission committee company conference congress constitution convention corporation council country
county court day dean department district doctor dr duke east eastern effect emperor empire era family federal
festival field figure first force forest fort foundation games general government governor great group gulf hall
high hill hotel house inc institute international island islands king kingdom lake language law laws league
library lord ltd machine madam mayor medal minister ministry model mount mountain mountains mr mrs ms museum
national network new nobel north northern ocean office old order organization palace park party peace peninsula
plan point pope port power president prime prince princess principle prize problem professor program project
province queen railway region reign republic revolution river road rock royal rule saint school sea second
section senate series service sir society south southern square st standard star state states station street
summit supreme system table team test theater theatre theorem theory times tower town treaty trial tribe union
united university upper valley view village war west western wood world year
"""
_TITLES = frozenset(_TITLE_WORDS.split())
"""Words in names that identify little alone."""
_COMMON = frozenset(("AD", "ATM", "BC", "BCE", "CD", "CE", "CEO", "DVD", "FAQ", "ID", "PC", "PDF", "TV", "URL", "USB"))
"""Abbreviations that are everyday words."""
_CAPITAL_WORDS = frozenset(("IT", "UN", "US", "WHO"))
"""Abbreviations that are spelled like a word of `STOPWORDS`."""
_NO_NAME = re.compile(r"\d+[^\W\d_]|[^\W\d_]\d+|[A-Z]-[a-z]+|(?:\w+-){3,}\w+")  # 3X, x1, V-shaped, syllables
_DEMONYMS = {
    "french": "france", "dutch": "netherlands", "spanish": "spain", "spaniard": "spain", "british": "britain",
    "greek": "greece", "welsh": "wales", "turkish": "turkey", "danish": "denmark", "polish": "poland",
    "swiss": "switzerland", "irish": "ireland", "english": "england", "swedish": "sweden", "finnish": "finland",
    "chinese": "china", "portuguese": "portugal", "thai": "thailand", "scottish": "scotland", "scots": "scotland",
    "rome": "roman",
    "german": "germany", "european": "europe", "american": "america", "americans": "america", "kantian": "kant",
}  # fmt: skip


class Name(NamedTuple):
    """A name in a text.

    Args:
        words: Its words without joiners.
        text: The name as the text spells it.
        start: Where it begins.
        end: Where it ends.
        initials: The first letters of the longest name that it may be part of, such as `National Oceanic and
            Atmospheric Administration`, with and without those of small words.
    """

    words: tuple[str, ...]
    text: str
    start: int
    end: int
    initials: frozenset[str]


def read_names(span: Span, known: Collection[str]) -> Iterator[Name]:
    """Yield the names of a sentence.

    Args:
        span: The sentence.
        known: Folded words that occur in lower case somewhere in the texts. They are no names at a sentence's start.
    """
    tokens = [*_TOKEN.finditer(span.text)]
    words = [token.group() for token in tokens if token.group()[:1].isalpha()]
    is_title = span.text[-1] not in ".!" and all(word[0].isupper() or fold(word) in STOPWORDS for word in words)
    if span.is_heading or len(words) < 3 or is_title:
        return
    run: list[re.Match[str]] = []
    for index, token in enumerate(tokens):
        previous = span.text[tokens[index - 1].end() : token.start()] if index else ""
        starts = index == 0 or bool(_BREAK.search(previous))
        if run and (starts or "," in previous or not _continues(token, tokens, index)):
            yield from _finish(run, span, known)
            run = []
        if run or _is_capital(token.group()):
            run.append(token)
    yield from _finish(run, span, known)


def _is_capital(word: str) -> bool:
    return word[0].isupper() or (any(char.isupper() for char in word) and word[0].isalnum() and len(word) > 1)


def _continues(token: re.Match[str], tokens: list[re.Match[str]], index: int) -> bool:
    """Return whether a word continues a name: it is capitalized, or a joiner before a capitalized word."""
    if _is_capital(token.group()):
        return True
    following = tokens[index + 1 : index + 3]
    return token.group() in _JOINERS and any(
        _is_capital(other.group()) for other in following[:1] + following[1:] * _is_the(following)
    )


def _is_the(tokens: list[re.Match[str]]) -> bool:
    return bool(tokens) and tokens[0].group() == "the"


def _finish(run: list[re.Match[str]], span: Span, known: Collection[str]) -> Iterator[Name]:
    """Yield the name in a run of words, without a first word that is capitalized only as the sentence's first word."""
    while run and (_is_no_name(run[0], span, known, alone=len(run) == 1)):
        run = run[1:]
    while run and not _is_capital(run[-1].group()):
        run = run[:-1]
    if not run:
        return
    words = tuple(token.group().rstrip(".") for token in run if token.group() not in _JOINERS)
    is_heading = any(len(word) > 1 and fold(word) in STOPWORDS and word not in _CAPITAL_WORDS for word in words)
    if is_heading or (len(words) == 1 and _is_word(words[0])):
        return
    start, end = run[0].start(), run[-1].end()
    text = span.text[start:end].rstrip(".") if end == len(span.text) else span.text[start:end]
    longest = next((long for long in _NEIGHBOURS.finditer(span.text) if long.start() <= start < long.end()), None)
    parts = re.findall(r"[^\W_]+(?:'\w+)*", longest.group().removeprefix("The ") if longest else " ".join(words))
    initials: tuple[str, ...] = (
        "".join(part[0] for part in parts if part[0].isupper()),
        "".join(part[0] for part in parts),
    )
    end = span.start + start + len(text)
    behind = _DEFINED.search(span.text, start, start + len(text) + _NEAR)
    if behind and text[0] in behind[1]:  # the Medicines and Healthcare products Regulatory Agency (MHRA)
        initials = (*initials, behind[1])
    yield Name(words, text.removesuffix("'s"), span.start + start, end, frozenset(each.casefold() for each in initials))


def _is_word(word: str) -> bool:
    """Return whether a capitalized word is no name, but a variable or an everyday abbreviation."""
    return _NO_NAME.fullmatch(word) is not None or word.rstrip("s").replace(".", "") in _COMMON


def defined_abbreviations(text: str) -> set[str]:
    """Return the abbreviations that a text explains itself: `magnetic resonance imaging (MRI)`."""
    return {match[1] for match in _DEFINED.finditer(text) if _is_acronym(match[1]) or not match[1].isalpha()}


def _is_no_name(token: re.Match[str], span: Span, known: Collection[str], *, alone: bool) -> bool:
    word = token.group().rstrip(".")
    if len(word) == 1 or fold(word) in STOPWORDS or fold(word.split("'")[0]) in STOPWORDS:
        return word not in _CAPITAL_WORDS
    before = span.text[: token.start()].rstrip()
    begins = not before or bool(re.search(r"[:;!?(\[\"“‘«•.—–-]$", before))
    if not begins or not word[1:].islower():
        return fold(word) in known and not word.isupper() and begins
    return alone or fold(word) in known  # one capitalized word that begins a sentence is rarely a name


class NameIndex:
    """The words, abbreviations and initials of a source, for lookups of names."""

    def __init__(self, text: str) -> None:
        tokens = [token.rstrip(".") for token in _TOKEN.findall(text)]
        distinct = set(tokens)
        self._exact = distinct
        self._folded = {fold(part) for token in distinct for part in re.split(r"[-'./&]", token) if part}
        self._folded |= {fold(token) for token in distinct}
        self._stems = {stem(word) for word in self._folded}
        self.lower = {fold(token) for token in distinct if token[:1].islower()}
        self._named = {fold(token) for token in distinct if token[:1].isupper()}
        self._by_prefix: dict[str, set[str]] = defaultdict(set)
        for word in self._folded:
            self._by_prefix[word[:_PREFIX]].add(word)
        self._capitals = sorted({token for token in distinct if token[:1].isupper() and len(token) > 3})
        self._by_letter: dict[str, list[str]] = defaultdict(list)
        for token in self._capitals:
            self._by_letter[token[0].casefold()].append(token)
        self._acronyms = {_letters(token) for token in distinct if _is_acronym(token)}
        self._initials = _initials(tokens)

    def contains(self, name: Name) -> bool:
        """Return whether the source has the name, or enough of its words."""
        if all(self._has(word) for word in name.words):
            return True
        strong = [word for word in name.words if not self._is_weak(word)]
        if any(len(initials) > 1 and initials in self._acronyms for initials in name.initials):
            return True
        if not strong:
            return len(name.words) == 1  # `Chapter 2`
        found = [word for word in strong if self._has(word)]
        return 2 * len(found) > len(strong) or (bool(found) and found[-1] == strong[-1])

    def _is_weak(self, word: str) -> bool:
        """Return whether a word identifies little alone."""
        folded = fold(word)
        return folded in _TITLES or folded.removesuffix("s") in _TITLES or (folded in self.lower - self._named)

    def similar(self, name: Name) -> str:
        """Return the word of the source that a misspelled name resembles, or an empty string."""
        for word in name.words:
            if not self._has(word) and (close := self._closest(word, _CLOSE)):
                return close
        return ""

    def _closest(self, word: str, similarity: float) -> str:
        candidates = self._by_letter.get(word[:1].casefold(), ())
        return next(iter(get_close_matches(word, candidates, 1, similarity)), "")

    def _has(self, word: str) -> bool:
        if _is_acronym(word):
            return self._has_acronym(word)
        folded = fold(word)
        if folded in self._folded or stem(folded) in self._stems or _DEMONYMS.get(folded, "") in self._folded:
            return True
        parts = [part for part in re.split(r"[-'./&]", folded) if part]
        if len(parts) > 1:
            return all(part in self._folded or stem(part) in self._stems or len(part) == 1 for part in parts)
        return self._has_relative(word, folded)

    def _has_relative(self, word: str, folded: str) -> bool:
        """Return whether the source has a derived form (`Hamiltonian`) or the long form of a short name (`Kev`)."""
        if len(folded) < 5:
            return len(folded) >= 3 and any(
                token.lower().startswith(folded) and len(token) <= 3 * len(word) for token in self._capitals
            )
        relatives = self._by_prefix.get(folded[:_PREFIX], ())
        if any(_shared(folded, other) >= _RELATED * max(len(folded), len(other)) for other in relatives):
            return True
        return len(word) >= _LONG and bool(self._closest(word, _SAME))

    def _has_acronym(self, word: str) -> bool:
        letters = _letters(word)
        if word in self._exact or letters in self._acronyms or fold(word) in self._folded - self.lower:
            return True
        parts = [part for part in re.split(r"[-'/&]", word) if part]
        if len(parts) > 1 and all(part in self._exact or fold(part) in self._folded for part in parts):
            return True
        singular = letters.removesuffix("s") if word.endswith("s") else letters
        if singular in self._acronyms:
            return True
        return len(singular) > 1 and singular in self._initials


def _initials(tokens: list[str]) -> str:
    """Return the first letters of capitalized words, with a space where other words separate them.

    For a short text, the first letters of all words follow, because terms are often spelled in lower case.
    """
    significant = [token for token in tokens if token.lower() not in _JOINERS and token[0].isalpha()]
    capitals = "".join(token[0] if token[0].isupper() else " " for token in significant)
    everything = "".join(token[0] for token in significant) if len(significant) <= _SHORT_TEXT else ""
    return f"{capitals} {everything}".casefold()


def _is_acronym(word: str) -> bool:
    letters = word.replace(".", "").replace("'s", "").rstrip("s")
    return len(letters) > 1 and letters.isupper()


def _shared(first: str, second: str) -> int:
    """Return how many first letters two words share."""
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(first, second, strict=False)))


def _letters(word: str) -> str:
    return re.sub(r"[^a-z0-9]", "", fold(word))
