"""English for `text_quality.py`: function words, the forms of a word, and patterns of incoherent text."""

import re
from collections.abc import Iterable, Mapping

from qtgen.page.markdown import find_segments

_STEM = 5  # first characters that the forms of a word share: derive, derivative
HEADING_WORDS_MAX = 9
_GLUED_LETTERS = 25  # a word with so many letters is probably several words


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


MASK = "\u25a1"
"""Replaces code and math, and separates the words around them."""

WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")

FUNCTION_WORDS = _words(
    "a an the of to in for with by from at into on and or but nor so as if than that this these those it its it's they"
    " their them we our you your he she his her is are was were be been being am has have had do does did can could"
    " will would shall should may might must no not which who whom whose what when where why how there here such while"
    " because although since then also both each other some any all more most many one two between through during"
    " about over under after before up out only"
)
"""Words that are frequent in every English text and say nothing about its topic."""

_REQUEST_WORDS = _words(
    "explain describe discuss define list name state give provide compare contrast calculate find determine identify"
    " outline show using use used following main key important importance role difference differences different"
    " example examples type types way ways various common significance purpose concept concepts mean means meaning"
    " work works happen happens make makes made affect effect relate related relation contribute play plays get need"
    " considered called known like terms term impact influence influences affects effects detailed explanation basic"
    " significant differ overview illustrate steps process"
)
"""Words of questions that answers need not repeat."""

UNSPECIFIC = FUNCTION_WORDS | _REQUEST_WORDS

_CORE_WORDS = (" the ", " of ", " and ", " to ", " a ", " in ", " is ")
_CORE_WORDS_MIN = 3  # different ones in a sample of normal text
_SAMPLE = 300  # characters

_ENGLISH = _words(
    "the what how why which when where who are does explain describe discuss compare define identify between and"
)
"""Words that identify a question as English."""

# Pairs of function words that follow each other only in incoherent text. Not `a and`: `a and b` may be variables.
_TORN_PAIRS = (
    r"(?:the (?:the|a|an|of|and|or|in|to|is|are|for|by|with|from|on|as|that|this|these|their|its|it|can|be|which|was"
    r"|has)"
    r"|a (?:the|a|an|of|their|its|this|these)|an (?:the|a|an|of|and|in|to|is)"
    r"|of (?:of|to|is|are|in|for|can|be|by|has)|to (?:of|is|to|are|in|for|can|by)|in (?:in|of|is|to|for|are|can)"
    r"|for (?:of|for|is|are|can)|and of|is (?:is|of|are|can)|can (?:the|a|of|and|is|can|to)"
    r"|this (?:the|of|and|to|a)|their (?:the|of|and)|these (?:the|of|and)|are (?:of|is|are|can)"
    r"|by (?:of|and|is|by|are)|with (?:of|is|with|are)|as (?:of|is|are))\b"
)
TORN = re.compile(rf'(?:(?<=[ (*"“])|^){_TORN_PAIRS}(?![\'’-])', re.MULTILINE)

# A sentence, or a heading in bold type, whose first word is a function word in lower case. Other words may be written
# in lower case on purpose: `pH`, `mRNA`, `printf`.
_OPENERS = (
    "(?:the|this|that|these|those|it|its|there|they|we|you|when|where|how|what|why|which|in|on|of|to|for|with|from|by"
    r"|as|at|an|and|but|or|so|if|because|however|also|is|are|was|were|can|will|their|our|your)\b"
)
LOWER_CASE_START = re.compile(
    rf"(?:(?<=[a-z][.!?]) |^[ ]*(?:[-*+] +|\d{{1,3}}[.)] +|#+ +|\| *)?\*\*)({_OPENERS}[^.*\n]*)", re.MULTILINE
)
HEADING = re.compile(
    r"^[ ]*(?:(?:[-*+]|\d{1,3}[.)])[ ]+|#+[ ]+|\|[ ]*)?\*\*([^ :;,.)*\\\n][^*\\\n]*)\*\*", re.MULTILINE
)
GLUED = re.compile(rf"[A-Za-z]{{{_GLUED_LETTERS},}}")
_LATEX = re.compile(r"\\\((?:(?!\\\().)*?\\\)|\\\[(?:(?!\\\[).)*?\\\]", re.DOTALL)

_LONG_HEADING = (  # it ends neither with `?` nor with `?:`
    rf"(?:\n|\\n|[-*+#.)|]) *\*\*[^ :;,.)*\\][^ *\\]* +(?:[^ *\\]+ +){{{HEADING_WORDS_MAX - 1}}}"
    r"[^*\\]*[^*\\? :][ :]*\*\*"
)
INCOHERENCE_PATTERNS = (
    rf"(?:[a-z][.!?] |\*\*){_OPENERS}",
    " (?:the|of|to|in|for) (?:of|is|are|can) ",
    rf"(?s){_LONG_HEADING}.*{_LONG_HEADING}",
)
"""RE2 patterns. An answer that matches none of them has no sentence that starts in lower case, fewer than two long
headings, and few torn phrases. 100 words in random order contain one of these twenty pairs. All pairs would make RE2
twice as slow.

`is_plain_prose` rules out missing function words and repeated sentences.
"""


def has_function_words(answer: str) -> bool:
    """Return whether a sample of the text has several different function words, as every English text has."""
    middle = len(answer) // 2
    sample = answer[middle : middle + _SAMPLE]
    if " the " in sample and " of " in sample and " and " in sample:  # the usual ones
        return True
    return any(
        sum([word in part for word in _CORE_WORDS]) >= _CORE_WORDS_MIN
        for part in (sample, answer[:_SAMPLE], answer[-_SAMPLE:])
    )


def repeats_question(question: str, description: str, answer: str, missing: tuple[float, float]) -> bool:
    """Return True if the texts certainly repeat enough terms of a question. False means that this test cannot tell.

    Args:
        missing: Maximum shares of terms that may be missing in the description and in the answer.
    """
    plain = question.rstrip("?")
    if not plain.replace(" ", "").isalpha():
        plain = plain.translate(_PUNCTUATION)
    words = {*plain.split()} - _UNSPECIFIC_IN_QUESTIONS
    stems = {word[:_STEM] for word in words}
    count = len(stems)
    return (
        count > 0
        and sum(map(description.__contains__, stems)) >= count - int(missing[0] * count)
        and sum(map(answer.__contains__, stems)) >= count - int(missing[1] * count)
    )


_PUNCTUATION = str.maketrans(dict.fromkeys('?,-:;()"/.', " "))
_UNSPECIFIC_IN_QUESTIONS = UNSPECIFIC.union(map(str.capitalize, UNSPECIFIC), map(str.upper, UNSPECIFIC))


def question_terms(question: str) -> dict[str, str]:
    """Return the terms that an answer to an English question repeats."""
    words = WORD.findall(question.lower())
    if _ENGLISH.isdisjoint(words):
        return {}
    return _terms_of(words, UNSPECIFIC) or _terms_of(words, FUNCTION_WORDS)


def terms_in(text: str, excluded: frozenset[str]) -> dict[str, str]:
    """Return the words of a text by term. A term is the first characters of a word, which all its forms share."""
    return _terms_of(WORD.findall(text.lower()), excluded)


def _terms_of(words: Iterable[str], excluded: frozenset[str]) -> dict[str, str]:
    return {word[:_STEM].removesuffix("'s"): word for word in words if len(word) > 2 and word not in excluded}


def absent(terms: Mapping[str, str], text: str) -> list[str]:
    """Return the words that have no form in `text`, in any usual case."""
    return [
        word
        for stem, word in terms.items()
        if stem not in text and stem.capitalize() not in text and stem.upper() not in text
    ]


def mask_prose(markdown: str) -> str:
    """Return the text with one mark for each piece of code and math."""
    parts, done = [], 0
    for segment in find_segments(markdown):
        parts += [markdown[done : segment.start], MASK]
        done = segment.end
    text = "".join([*parts, markdown[done:]])
    return _LATEX.sub(MASK, text) if "\\" in text else text
