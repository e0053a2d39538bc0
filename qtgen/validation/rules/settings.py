"""The settings that rules read. Which rules run is not among them."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple, Protocol

REPEATED_SENTENCE_PAGES = 10
"""The default maximum number of pages with the same sentence."""


class BannedPhrase(NamedTuple):
    """A phrase that no page may contain, and its replacement if there is one."""

    phrase: str
    instead: str | None = None


@dataclass(frozen=True, slots=True)
class RuleSettings:
    """What rules read from the settings.

    Args:
        banned_phrases: Phrases that no page may contain.
        repeated_sentence_pages: Maximum number of pages with the same sentence.
        compare_sentences: Whether the sentences of pages are compared, for QT611.
    """

    banned_phrases: tuple[BannedPhrase, ...] = ()
    repeated_sentence_pages: int = REPEATED_SENTENCE_PAGES
    compare_sentences: bool = False

    @property
    def requested(self) -> tuple[str, ...]:
        """The codes of rules that run only on request and that the settings request."""
        return ("QT611",) if self.compare_sentences else ()

    @property
    def page_key(self) -> str:
        """A cache key that changes if the findings of page rules may change."""
        return repr([tuple(phrase) for phrase in self.banned_phrases]) if self.banned_phrases else ""


DEFAULT_SETTINGS = RuleSettings()


class HasPhrase(Protocol):
    """A banned phrase of the settings."""

    @property
    def phrase(self) -> str:
        """The phrase."""

    @property
    def instead(self) -> str | None:
        """What to write instead."""


class HasRuleSettings(Protocol):
    """The settings that rules read."""

    @property
    def banned_phrases(self) -> Iterable[HasPhrase]:
        """Phrases that no page may contain."""

    @property
    def repeated_sentence_pages(self) -> int | None:
        """Maximum number of pages with the same sentence, or None for the default."""


def rule_settings(settings: HasRuleSettings) -> RuleSettings:
    """Return what rules read from the settings."""
    phrases = tuple(BannedPhrase(banned.phrase, banned.instead) for banned in settings.banned_phrases)
    pages = settings.repeated_sentence_pages
    return RuleSettings(phrases, pages or REPEATED_SENTENCE_PAGES, compare_sentences=pages is not None)


@lru_cache(maxsize=4)
def banned_pattern(phrases: tuple[BannedPhrase, ...]) -> tuple[re.Pattern[str], list[BannedPhrase]]:
    """Return a pattern that matches each phrase as whole words, and the phrase of each of its groups.

    The group tells which phrase matched. The matched text would not: `re` ignores more differences of case than
    `str.lower`, such as the one between the micro sign and the Greek letter.
    """
    by_form = {_normal_form(banned.phrase): banned for banned in phrases}
    longest_first = sorted(by_form.values(), key=lambda banned: len(_normal_form(banned.phrase)), reverse=True)
    groups = (f"({_pattern(banned.phrase.strip())})" for banned in longest_first)
    return re.compile("|".join(groups), re.IGNORECASE), longest_first


def _normal_form(phrase: str) -> str:
    """Return a phrase in lower case, with single spaces and straight apostrophes."""
    return " ".join(phrase.replace("’", "'").lower().split())


def _pattern(phrase: str) -> str:
    words = (re.escape(word.replace("’", "'")).replace("'", "['’]") for word in phrase.split())
    before, after = r"(?<!\w)" * _is_word(phrase[0]), r"(?!\w)" * _is_word(phrase[-1])
    return before + r"\s+".join(words) + after


def _is_word(character: str) -> bool:
    return character.isalnum() or character == "_"
