"""Judge a page's text without a reference: is it about its question, and is it coherent?

`measure` counts faults that are frequent in bad pages and rare in good ones. Each measurement is 0 for a perfect text
and grows as the text gets worse. `CHECKS` contains the thresholds: the values that a good page does not exceed. One
measurement above its threshold proves little. So a text is flagged if two measurements are above their thresholds, or
if one is far above.

The measurements are lexical: they compare words and count marks. They cannot see whether a fluent sentence is true.
They judge English questions (`language.py`). Any other question is only checked for coherent text, without the
function words.
`benchmarks/reference_free.py` measures how many good pages they flag, and how many bad ones.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any, Literal, NamedTuple

from qtgen.page.markdown import expand_line_breaks
from qtgen.page.markdown.plain_math import plain_math
from qtgen.page.sentences import repeated_share
from qtgen.validation.english import (
    FUNCTION_WORDS,
    GLUED,
    HEADING,
    HEADING_WORDS_MAX,
    LATEX,
    LOWER_CASE_START,
    MASK,
    TORN,
    UNSPECIFIC,
    absent,
    are_absent,
    has_function_words,
    mask_prose,
    question_terms,
    terms_in,
    words_in,
)
from qtgen.validation.language import is_english

Family = Literal["topic", "coherence"]

_WORDS_MIN = 20  # of prose; an answer with less prose is not judged
_WORDS_FOR_LANGUAGE = 40
_WORDS_FOR_SHARES = 50  # a shorter text is treated as if it had this number of words
_TORN_MIN = 2  # one torn phrase is an accident
_WORDS_TO_COVER = 140  # a shorter answer need not repeat every word of its question
_TERMS_TO_REPEAT = 3
_TERMS_MIN = 4  # of a description; a shorter one is not judged
_RUN = 8  # words
STRIKES = 2  # a text with this number is flagged


class Check(NamedTuple):
    """A measurement with its thresholds.

    Args:
        name: The field of `TextQuality`.
        family: `topic` or `coherence`.
        loose: The value that 99 of 100 good pages do not exceed.
        bar: The value that 999 of 1,000 good pages do not exceed.
        alone: A page above this value is flagged because of this measurement alone.
    """

    name: str
    family: Family
    loose: float
    bar: float
    alone: float

    @property
    def scale(self) -> float:
        """The value that counts as 1 in the penalty of a text."""
        return self.alone if self.alone < _NEVER else 2 * self.bar


_NEVER = float("inf")

CHECKS: tuple[Check, ...] = (
    Check("question_not_in_answer", "topic", 0.25, 0.45, 0.7),
    Check("question_not_in_description", "topic", 0.5, 0.67, _NEVER),
    Check("keywords_not_in_answer", "topic", 0.1, 0.2, _NEVER),
    Check("description_not_in_answer", "topic", 0.36, 0.46, _NEVER),
    Check("torn_phrases", "coherence", 0.001, 0.005, 0.012),
    Check("missing_function_words", "coherence", 0.7, 0.74, 0.85),
    Check("glued_words", "coherence", 0, 1, _NEVER),
    Check("long_headings", "coherence", 0, 1, 2),
    Check("lower_case_starts", "coherence", 0, 0, 2),
    Check("repeated_runs", "coherence", 0.02, 0.05, _NEVER),
    Check("repeated_sentences", "coherence", 0.02, 0.05, 1 / 3),
)
"""The checks. Their thresholds were chosen on the pages of one half of the subjects of a live site."""

BARS = {check.name: check.bar for check in CHECKS}
SUPPORTING = frozenset({"glued_words", "repeated_runs"})  # the quick tests do not look for these
ABOUT_THE_QUESTION = frozenset({"question_not_in_answer", "question_not_in_description"})


@dataclass(frozen=True, slots=True)
class TextQuality:
    """The measurements of a text. 0 is best.

    Args:
        question_not_in_answer: The share of the question's words that the answer lacks.
        question_not_in_description: The share of the question's words that the description lacks.
        keywords_not_in_answer: The share of keywords of which the answer has no word.
        description_not_in_answer: The share of the description's words that the answer lacks.
        torn_phrases: Pairs of function words that no sentence contains ("the of"), per word.
        missing_function_words: The share of words that are not function words. 0 if it is not measured.
        glued_words: Different words of 25 letters or more.
        long_headings: Bold headings of more than nine words, except questions.
        lower_case_starts: Sentences and bold headings that begin with a function word in lower case.
        repeated_runs: Repeated runs of eight words, per word.
        repeated_sentences: The share of the text in repeated sentences.
        missing: The question's words that the answer lacks.
        samples: An excerpt of the answer for each check that found something, by the name of the check.
    """

    question_not_in_answer: float = 0.0
    question_not_in_description: float = 0.0
    keywords_not_in_answer: float = 0.0
    description_not_in_answer: float = 0.0
    torn_phrases: float = 0.0
    missing_function_words: float = 0.0
    glued_words: int = 0
    long_headings: int = 0
    lower_case_starts: int = 0
    repeated_runs: float = 0.0
    repeated_sentences: float = 0.0
    missing: tuple[str, ...] = ()
    samples: Mapping[str, str] = field(default_factory=dict)

    def strikes(self, family: Family, *, loose: bool = False) -> dict[str, int]:
        """Return the checks of a family whose threshold is exceeded, each with 1, or with 2 if `alone` is exceeded.

        Repeated sentences contain repeated runs, so only one of these two counts.

        Args:
            loose: Use the thresholds that one of 100 good pages exceeds, instead of one of 1,000.
        """
        found: dict[str, int] = {}
        for check in CHECKS:
            if check.family == family:
                value = getattr(self, check.name)
                strikes = (value > (check.loose if loose else check.bar)) + (value > check.alone)
                if strikes:
                    found[check.name] = strikes
        if "repeated_sentences" in found:
            found.pop("repeated_runs", None)
        return found

    def is_off_topic(self, *, loose: bool = False) -> bool:
        """Return whether the text is not about its question: two checks, one of which concerns the question."""
        strikes = self.strikes("topic", loose=loose)
        return sum(strikes.values()) >= STRIKES and not ABOUT_THE_QUESTION.isdisjoint(strikes)

    def is_incoherent(self, *, loose: bool = False) -> bool:
        """Return whether the text is not coherent."""
        strikes = self.strikes("coherence", loose=loose)
        return sum(strikes.values()) >= STRIKES and not strikes.keys() <= SUPPORTING

    def is_flagged(self, *, loose: bool = False) -> bool:
        """Return whether the text is off topic or incoherent."""
        return self.is_off_topic(loose=loose) or self.is_incoherent(loose=loose)

    @property
    def penalty(self) -> float:
        """How close the measurements are to their thresholds, from 0 for a perfect text. Used to rank texts."""
        return float(sum(min(2.0, getattr(self, check.name) / check.scale) for check in CHECKS))


def measure(question: str, description: str, keywords: str, markdown: str, *, math: bool) -> TextQuality:
    """Measure the texts of a page.

    Args:
        question: The question.
        description: The description for search engines.
        keywords: The keywords, separated by commas.
        markdown: The answer as Markdown, with real line breaks.
        math: Whether the site renders formulas between dollar signs.
    """
    return measure_page(question, description, keywords, markdown.replace("\n", "\\n"), math=math)


def measure_page(question: str, description: str, keywords: str, answer: str, *, math: bool) -> TextQuality:
    r"""Measure the texts of a page.

    Args:
        answer: The answer on one line, with the two characters `\n` for each line break.
        math: Whether the site renders formulas between dollar signs.
    """
    coherence = measure_coherence(question, answer, math=math)
    return replace(coherence, **_topic(question, description, keywords, answer, math=math))


def measure_topic(question: str, description: str, keywords: str, answer: str, *, math: bool) -> TextQuality:
    """Measure only whether a page is about its question. The arguments are those of `measure_page`."""
    return TextQuality(**_topic(question, description, keywords, answer, math=math))


def measure_coherence(question: str, answer: str, *, math: bool) -> TextQuality:
    """Measure only whether the answer of a page is coherent. The arguments are those of `measure_page`."""
    prose, parts = _read(answer, math)
    words = [word for part in parts for word in part]
    samples: dict[str, str] = {}
    total = max(len(words), _WORDS_FOR_SHARES)
    runs = _repeated_runs(parts) / total
    torn = _count("torn_phrases", TORN.findall(prose), samples)
    glued = _count("glued_words", set(GLUED.findall(prose)), samples)
    return TextQuality(
        torn_phrases=torn / total if torn >= _TORN_MIN else 0.0,
        missing_function_words=_missing_function_words(question, answer, words, glued),
        glued_words=glued,
        long_headings=_count("long_headings", filter(_is_long, HEADING.findall(prose)), samples),
        lower_case_starts=_count("lower_case_starts", LOWER_CASE_START.findall(prose), samples),
        repeated_runs=runs,
        repeated_sentences=min(runs, repeated_share(answer)),
        samples=samples,
    )


@lru_cache(maxsize=2)  # both families read the same answer in a row
def _read(answer: str, math: bool) -> tuple[str, list[list[str]]]:
    """Return the prose of an answer, and the words of each part between code and math, in lower case."""
    prose = mask_prose(expand_line_breaks(answer), math=math)
    return prose, [words_in(part) for part in prose.split(MASK)]


def _words(answer: str, math: bool) -> list[str]:
    """Return the words of the prose of an answer in lower case."""
    prose = _prose(answer, math)
    if prose is None:
        return [word for part in _read(answer, math)[1] for word in part]
    return words_in(LATEX.sub(" ", prose) if "\\" in prose else prose)


def _prose(answer: str, math: bool) -> str | None:
    """Return an answer without formulas between dollar signs, or None if only parsing tells what is code and math."""
    if "`" in answer or "~~~" in answer or "    " in answer or "\t" in answer:  # whatever may begin code
        return None
    if not math or "$" not in answer:
        return answer.replace("\\n", "\n")
    plain = plain_math(answer) if "|" not in answer else None  # a cell of a table ends a formula
    return plain.prose if plain else None


def _topic(question: str, description: str, keywords: str, answer: str, *, math: bool) -> dict[str, Any]:
    """Return the measurements about the topic."""
    words = _words(answer, math)
    if len(words) < _WORDS_MIN:
        return {}
    coverage = min(1.0, len(words) / _WORDS_TO_COVER)
    terms = question_terms(question) if is_english(question, words) else {}
    description_terms = terms_in(description, UNSPECIFIC)
    missing = absent(terms, answer)
    measured: dict[str, Any] = {"missing": tuple(missing)}
    keyword_terms = [found for keyword in keywords.split(",") if (found := terms_in(keyword, FUNCTION_WORDS))]
    if terms:
        lacks_all = len(missing) == len(terms) >= _TERMS_TO_REPEAT  # even a short answer repeats one of them
        measured["question_not_in_answer"] = 1.0 if lacks_all else coverage * len(missing) / len(terms)
    if keyword_terms:
        unused = sum(are_absent(found, answer) for found in keyword_terms)
        measured["keywords_not_in_answer"] = coverage * unused / len(keyword_terms)
    if len(description_terms) >= _TERMS_MIN:
        unsupported = absent(description_terms, answer)
        measured["description_not_in_answer"] = coverage * len(unsupported) / len(description_terms)
        if terms:
            measured["question_not_in_description"] = len(absent(terms, description)) / len(terms)
    return measured


def _missing_function_words(question: str, answer: str, words: Sequence[str], glued: int) -> float:
    is_long = len(words) >= _WORDS_FOR_LANGUAGE or glued > BARS["glued_words"]
    if not is_long or has_function_words(answer) or not is_english(question, words):
        return 0.0
    return 1 - sum(word in FUNCTION_WORDS for word in words) / len(words)


def _is_long(heading: str) -> bool:
    text = heading.rstrip(" :*")
    return len(text.split()) > HEADING_WORDS_MAX and MASK not in text and not text.endswith("?")


def _repeated_runs(parts: Iterable[Sequence[str]]) -> int:
    """Return how many runs of eight words are repeated. A run does not extend across code or math."""
    runs: Counter[tuple[str, ...]] = Counter()
    for words in parts:
        runs.update(zip(*(words[start:] for start in range(_RUN)), strict=False))
    return runs.total() - len(runs)


def _count(check: str, found: Iterable[str], samples: dict[str, str]) -> int:
    """Count what was found, and keep the first as the sample of a check."""
    places = [*found]
    if places:
        samples[check] = min(places) if isinstance(found, set) else places[0]
    return len(places)
