"""Fast ways of analyzing a text give the same as the plain ones."""

import re

import pyphen
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from wordfreq import get_frequency_dict, zipf_frequency

from qtgen.evaluation.metrics import statements, structure, text
from qtgen.evaluation.metrics.text import AnalyzedText

ASCII = st.text(st.sampled_from("ab Z9_-'.,\t\n*`$|#é²\x1c\x85\ud800"), max_size=30) | st.text(max_size=30)
WORDS = st.from_regex(r"[a-z]{1,12}", fullmatch=True) | ASCII


@pytest.fixture(scope="module")
def known_words() -> list[str]:
    """Words of all frequencies, in lower case."""
    listed = [word for language in ("en", "de", "ru") for word in [*get_frequency_dict(language, "best")][::300]]
    return [word for entry in listed for word in AnalyzedText(entry).words]


@settings(deadline=None)
@given(ASCII)
@example("A_b c-9 'tis it's 3,000.5 -4 ₂x x² end")
def test_words_are_those_that_the_patterns_find(given_text: str) -> None:
    analyzed = AnalyzedText(given_text)
    lower = analyzed.plain.lower()
    assert analyzed.words == re.findall(r"[^\W_]+", lower)
    assert statements._split(lower) == statements._WORD.findall(lower)


@pytest.mark.parametrize("language", ["en", "de", "tr"])
def test_frequencies_are_those_of_wordfreq(language: str, known_words: list[str]) -> None:
    words = [*known_words, "", "I", "Water", "İ", "2024", "a1", "it's", "xqzt", "naïve", "日本"]
    frequencies = text._zipf_frequencies(language)
    assert frequencies.of(words) == [zipf_frequency(word, language) for word in words]


@settings(deadline=None)
@given(WORDS)
def test_the_frequency_of_any_word_is_that_of_wordfreq(word: str) -> None:
    assert text._zipf_frequencies("en")[word] == zipf_frequency(word, "en")


def test_syllables_are_those_between_the_hyphens_of_pyphen(known_words: list[str]) -> None:
    hyphenator = pyphen.Pyphen(lang="en_GB")
    for word in ["", "a", "ab", *known_words]:
        assert structure._syllables(word) == hyphenator.inserted(word).count("-") + 1, word


@given(st.text(st.sampled_from("a *_`$|\n\u2003"), max_size=30))
def test_marks_within_lines_are_those_of_the_plain_pattern(marked: str) -> None:
    expected = re.sub(r"\*\*|__|`|\$|(?<=\s)\*|\*(?=\s)|\|", " ", marked)
    assert text._INLINE_MARKS.sub(" ", marked) == expected
