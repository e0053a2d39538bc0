"""English for `text_quality.py`: function words, the forms of a word, and patterns of incoherent text."""

import re
from collections.abc import Iterable, Mapping
from functools import cache, lru_cache

import re2

from qtgen._util.lazy_pattern import lazy_pattern
from qtgen._util.text import ASCII_LETTERS
from qtgen.page.markdown import find_segments
from qtgen.page.sentences import encoded
from qtgen.validation.language import may_be_english, word_set

_STEM = 5  # first characters that the forms of a word share: derive, derivative
HEADING_WORDS_MAX = 9
_GLUED_LETTERS = 25  # a word with so many letters is probably several words


MASK = "\u25a1"
"""Replaces code and math, and separates the words around them."""

WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")

FUNCTION_WORDS = word_set(
    "a an the of to in for with by from at into on and or but nor so as if than that this these those it its it's they"
    " their them we our you your he she his her is are was were be been being am has have had do does did can could"
    " will would shall should may might must no not which who whom whose what when where why how there here such while"
    " because although since then also both each other some any all more most many one two between through during"
    " about over under after before up out only"
)
"""Words that are frequent in every English text and say nothing about its topic."""

_REQUEST_WORDS = word_set(
    "explain describe discuss define list name state give provide compare contrast calculate find determine identify"
    " outline show using use used following main key important importance role difference differences different"
    " example examples type types way ways various common significance purpose concept concepts mean means meaning"
    " work works happen happens make makes made affect effect relate related relation contribute play plays get need"
    " considered called known like terms term impact influence influences affects effects detailed explanation basic"
    " significant differ overview illustrate steps process"
)
"""Words of questions that answers need not repeat."""


def words_in(text: str) -> list[str]:
    """Return the words of a text in lower case."""
    text = text.lower()
    if not text.isascii():
        return WORD.findall(text)
    if "'" not in text:
        return text.translate(ASCII_LETTERS).split()  # three times as fast
    return _OUTER_APOSTROPHE.sub(" ", text).translate(_IN_WORDS).split()


_OUTER_APOSTROPHE = re.compile(r"'(?:(?<![a-z]')|(?![a-z]))")  # one that is not between two letters
_IN_WORDS = ASCII_LETTERS | {ord("'"): "'"}


UNSPECIFIC = FUNCTION_WORDS | _REQUEST_WORDS

_CORE_WORDS = (" the ", " of ", " and ", " to ", " a ", " in ", " is ")
_CORE_WORDS_MIN = 3  # different ones in a sample of normal text
_SAMPLE = 300  # characters

# Pairs of function words that are next to each other only in a heap of words. `a and b` may be names.
_TORN_PAIRS = (
    r"(?:the (?:the|a|an|of|and|or|in|to|is|are|for|by|with|from|on|as|that|this|these|their|its|it|can|be|which|was"
    r"|has)"
    r"|a (?:the|a|an|of|their|its|this|these)|an (?:the|a|an|of|and|in|to|is)"
    r"|of (?:of|to|is|are|in|for|can|be|by|has)|to (?:of|is|to|are|in|for|can|by)|in (?:in|of|is|to|for|are|can)"
    r"|for (?:of|for|is|are|can)|and of|is (?:is|of|are|can)|can (?:the|a|of|and|is|can|to)"
    r"|this (?:the|of|and|to|a)|their (?:the|of|and)|these (?:the|of|and)|are (?:of|is|are|can)"
    r"|by (?:of|and|is|by|are)|with (?:of|is|with|are)|as (?:of|is|are))\b"
)
TORN = lazy_pattern(rf'(?:(?<=[ (*"“])|^){_TORN_PAIRS}(?![\'’-])', re.MULTILINE)

# A sentence, or a heading in bold type, whose first word is a function word in lower case. Other words may be written
# in lower case on purpose: `pH`, `mRNA`, `printf`. An abbreviation ends no sentence, and a heading of one word may be a
# keyword: `in`.
_OPENERS = (
    "(?:the|this|that|these|those|it|its|there|they|we|you|when|where|how|what|why|which|in|on|of|to|for|with|from|by"
    r"|as|at|an|and|but|or|so|if|because|however|also|is|are|was|were|can|will|their|our|your)\b"
)
_ABBREVIATIONS = (
    "al approx ca cf ch dept dr eq eqs esp est etc ex excl fig figs inc incl jr lit max min mr mrs ms no nos pl pp prof"
    " ref refs resp sec sr st syn univ viz vol vols vs"
)
_NO_ABBREVIATION = r"(?<!\b[A-Za-z]\.)" + "".join(rf"(?<!\b(?i:{word})\.)" for word in _ABBREVIATIONS.split())
LOWER_CASE_START = lazy_pattern(
    rf"(?:(?<=[a-z][.!?]){_NO_ABBREVIATION} |^[ ]*(?:[-*+] +|\d{{1,3}}[.)] +|#+ +|\| *)?\*\*(?!\w+[^\w*\n]*\*\*))"
    rf"({_OPENERS}[^.*\n]*)",
    re.MULTILINE,
)
NOT_FIRST_IN_HEADINGS = " :;,.)*\\"
"""A text between double asterisks is no heading if it begins with one of these characters."""

_NOT_FIRST = re.escape(NOT_FIRST_IN_HEADINGS)
HEADING = re.compile(
    rf"^[ ]*(?:(?:[-*+]|\d{{1,3}}[.)])[ ]+|#+[ ]+|\|[ ]*)?\*\*([^{_NOT_FIRST}\n][^*\\\n]*)\*\*", re.MULTILINE
)
GLUED = re.compile(rf"[A-Za-z]{{{_GLUED_LETTERS},}}")
LATEX = re.compile(r"\\\((?:(?!\\\().)*?\\\)|\\\[(?:(?!\\\[).)*?\\\]", re.DOTALL)

_LONG_HEADING = (  # it ends neither with `?` nor with `?:`
    rf"(?:\n|\\n|[-*+#.)|]) *\*\*[^{_NOT_FIRST}][^ *\\]* +(?:[^ *\\]+ +){{{HEADING_WORDS_MAX - 1}}}"
    r"[^*\\]*[^*\\? :][ :]*\*\*"
)
INCOHERENCE_PATTERNS = (
    rf"(?:[a-z][.!?] |\*\*){_OPENERS}",
    " (?:the|of|to|in|for) (?:of|is|are|can) ",
)
"""RE2 patterns. An answer that matches none of them has no sentence that starts in lower case, and few torn phrases. A
hundred words in random order contain one of these twenty pairs. All pairs would make RE2 twice as slow.

`rules/prose_tests.py` rules out missing function words, repeated sentences and long headings.
"""


@cache
def _two_long_headings() -> re2.Set:
    # It counts words. Among the patterns of other rules, RE2 would need many times as many states for it.
    pattern = re2.Set.SearchSet()
    pattern.Add(rf"(?s){_LONG_HEADING}.*{_LONG_HEADING}")
    pattern.Compile()
    return pattern


def has_long_headings(answer: str) -> bool:
    """Return whether an answer, on one line, has two long headings."""
    return answer.count("**") > 3 and bool(_two_long_headings().Match(encoded(answer)))


def has_function_words(answer: str) -> bool:
    """Return whether a sample of the text has several different function words, as every English text has."""
    middle = len(answer) // 2
    sample = answer[middle : middle + _SAMPLE]
    return _has_core_words(sample) or _has_core_words(answer[:_SAMPLE]) or _has_core_words(answer[-_SAMPLE:])


def _has_core_words(sample: str) -> bool:
    found = 0
    for word in _CORE_WORDS:
        found += word in sample
        if found == _CORE_WORDS_MIN:
            return True
    return False


def repeats_question(question: str, description: str, answer: str, missing: tuple[float, float]) -> bool:
    """Return True if the texts certainly repeat enough terms of a question. False means that this test cannot tell.

    Args:
        missing: Maximum shares of terms that may be missing in the description and in the answer.
    """
    plain = question.rstrip("?")
    if not plain.replace(" ", "").isalpha():
        plain = plain.translate(_PUNCTUATION)
    stems = {word[:_STEM] for word in plain.split() if word not in _UNSPECIFIC_IN_QUESTIONS}
    count = len(stems)
    return (
        count > 0
        and sum(map(description.__contains__, stems)) >= count - int(missing[0] * count)
        and sum(map(answer.__contains__, stems)) >= count - int(missing[1] * count)
    )


_PUNCTUATION = str.maketrans(dict.fromkeys('?,-:;()"/.', " "))
_UNSPECIFIC_IN_QUESTIONS = UNSPECIFIC.union(map(str.capitalize, UNSPECIFIC), map(str.upper, UNSPECIFIC))


def question_terms(question: str) -> dict[str, str]:
    """Return the terms that an answer to a question repeats if both are in English."""
    if not may_be_english(question):
        return {}
    words = words_in(question)
    return _terms_of(words, UNSPECIFIC) or _terms_of(words, FUNCTION_WORDS)


def terms_in(text: str, excluded: frozenset[str]) -> dict[str, str]:
    """Return the words of a text by term. A term is the first characters of a word, which all its forms share."""
    return _terms_of(words_in(text), excluded)


def _terms_of(words: Iterable[str], excluded: frozenset[str]) -> dict[str, str]:
    return {word[:_STEM].removesuffix("'s"): word for word in words if len(word) > 2 and word not in excluded}


def absent(terms: Mapping[str, str], text: str) -> list[str]:
    """Return the words of which no form is in `text`, in any case."""
    folded = _casefold(text)  # JavaScript, mRNA
    return [
        word
        for stem, word in terms.items()
        if stem not in folded and (stem.isascii() or not _is_in_any_case(stem, folded, text))
    ]


def are_absent(terms: Mapping[str, str], text: str) -> bool:
    """Return whether no form of any of the words is in `text`."""
    folded = _casefold(text)
    if any(map(folded.__contains__, terms)):
        return False
    return all(map(str.isascii, terms)) or len(absent(terms, text)) == len(terms)


_casefold = lru_cache(maxsize=2)(str.casefold)  # the same answer is searched for several sets of terms


def _is_in_any_case(stem: str, folded: str, text: str) -> bool:
    """Return whether a text has a stem, also in upper case if their case folds differ, as those of `ı` and `I` do."""
    return stem.casefold() in folded or stem.capitalize() in text or stem.upper() in text


def mask_prose(markdown: str, *, math: bool) -> str:
    """Return the text with one mark for each piece of code and math.

    Args:
        math: Whether the site renders formulas between dollar signs.
    """
    parts, done = [], 0
    for segment in find_segments(markdown, math=math):
        parts += [markdown[done : segment.start], MASK]
        done = segment.end
    text = "".join([*parts, markdown[done:]])
    return LATEX.sub(MASK, text) if "\\" in text else text
