"""Texts for search engines that are taken from an answer: a description from its sentences, keywords from its terms."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence

from qtgen.generation.cleanup import unique_by
from qtgen.generation.page_texts import LABEL_MAX, LABEL_MIN, PageText

_SENTENCE_BREAK = re.compile(r"(?<=[.!?])[\"')\]]*\s+(?=[\"'(\[]?[A-Z0-9])")
# Where a sentence can end early, best first: at a mark, before a clause, before a phrase.
_CLAUSES = (
    re.compile(r"[,;] | – | — "),
    re.compile(r" (?=(?:which|where|because|while|whereas|when|if|although|so that|such as|including|as well as)\b)"),
)
_PHRASES = re.compile(
    r" (?=(?:by|with|through|during|after|before|without|into|from|for|across|over|between|among|against|towards?"
    r"|to)\b)"
)
DANGLING = re.compile(
    r"\b(?:the|an?|and|or|of|to|in|for|with|by|that|which|as|from|is|are|was|were|it)\W*$", re.IGNORECASE
)
_BACK_REFERENCE = re.compile(
    r"(?:this|these|that|those|it|they|he|she|its|their|however|also|another|for example)\b", re.IGNORECASE
)
# The statement of a sentence that begins with one of these words is at the end, so the sentence cannot be cut.
_LATE_STATEMENT = re.compile(
    r"(?:when|while|during|if|although|because|since|to|by|in|as|after|before|with)\b", re.IGNORECASE
)
_MARKUP = re.compile(r"\*\*|__|`|\$|\]\(")
_WORD = re.compile(r"[^\W\d_][\w'’-]*")
_COMMON_WORDS = frozenset(
    [
        "a",
        "an",
        "and",
        "are",
        "as",
        "at",
        "be",
        "been",
        "but",
        "by",
        "can",
        "could",
        "do",
        "does",
        "for",
        "from",
        "had",
        "has",
        "have",
        "how",
        "if",
        "in",
        "into",
        "is",
        "it",
        "its",
        "may",
        "might",
        "more",
        "most",
        "not",
        "of",
        "on",
        "one",
        "or",
        "should",
        "some",
        "such",
        "than",
        "that",
        "the",
        "their",
        "them",
        "there",
        "these",
        "they",
        "this",
        "those",
        "to",
        "up",
        "was",
        "were",
        "what",
        "when",
        "where",
        "which",
        "who",
        "why",
        "will",
        "with",
        "would",
        "you",
        "your",
        "between",
        "difference",
        "differ",
        "explain",
        "describe",
        "compare",
        "use",
        "used",
        "work",
        "works",
        "make",
        "makes",
        "happen",
        "happens",
        "cause",
        "causes",
        "become",
        "did",
        "new",
    ]
)
_ARTICLE = re.compile(r"^(?:the|an?) ")
_KEYWORD_WORDS = 4  # of a keyword that is a heading
_LONG_TERM = 5  # characters of a word that is a keyword because it is frequent


def split_sentences(text: str) -> list[str]:
    """Return the sentences of a text on one line."""
    return [sentence.strip() for sentence in _SENTENCE_BREAK.split(text) if sentence.strip()]


def shorten(
    sentence: str,
    low: int,
    high: int,
    breaks: Sequence[re.Pattern[str]] | None = None,
) -> str | None:
    """Return the sentence, cut at a clause if it is too long. Return None if it is too short or cannot be cut.

    Args:
        sentence: A sentence without markup.
        low: Minimum number of characters of the result.
        high: Maximum number of characters of the result.
        breaks: Patterns of places where it may be cut, the best first. None means all of them.
    """
    if len(sentence) <= high:
        return sentence if len(sentence) >= low else None
    for pattern in breaks if breaks is not None else (*_CLAUSES, _PHRASES):
        for match in reversed([*pattern.finditer(sentence, low, high)]):
            kept = sentence[: match.start()].rstrip(" ,;:–—")
            if low < len(kept) < high and _is_whole(kept):
                return f"{kept}."
    return None


def _is_whole(text: str) -> bool:
    """Return whether the beginning of a sentence is a whole sentence itself."""
    has_statement = ", " in text or not _LATE_STATEMENT.match(text)
    return has_statement and not DANGLING.search(text) and text.count("(") == text.count(")")


def _shared_terms(sentence: str, question: str) -> int:
    """Return how many terms of the question a sentence has."""
    stems = {_stem(word) for word in _WORD.findall(sentence)}
    return len(stems & {_stem(word) for word in _WORD.findall(question) if _is_term(word, 3)})


def describe(texts: Iterable[str], question: str, limits: PageText) -> str | None:
    """Return a description: the sentence of suitable length that has the most words of the question.

    A sentence that is too long is cut. Of several sentences, a whole one is better than one that is cut at a clause,
    and that is better than one that is cut at a phrase. Sentences that refer to others are used only if there is
    nothing else.

    Args:
        texts: The texts to take it from, the best first.
        question: The page's question.
        limits: The field of the description.
    """
    sentences = [sentence for text in texts for sentence in split_sentences(text) if not _MARKUP.search(sentence)]
    alone = [sentence for sentence in sentences if not _BACK_REFERENCE.match(sentence)]
    for group in (alone, sentences):
        found = [
            (_shared_terms(shortened, question), -place, shortened)
            for place, breaks in enumerate(((), _CLAUSES, (_PHRASES,)))
            for sentence in group
            if (shortened := shorten(sentence, limits.low, limits.high, breaks))
        ]
        if found:
            best = max(found, key=lambda candidate: candidate[:2])[2]
            return best[0].upper() + best[1:]
    return None


def describe_by(written: str, texts: Iterable[str], question: str, limits: PageText) -> str | None:
    """Return the written description if it is usable. Otherwise return the best sentence of it and the texts.

    Args:
        written: A description, or an empty string.
        texts: The texts of the answer, the best first.
        question: The page's question.
        limits: The field of the description.
    """
    has_length = limits.low <= len(written) <= limits.high
    if has_length and not (_MARKUP.search(written) or _BACK_REFERENCE.match(written)):
        return written
    candidates = [written, *texts]
    beginnings = (_begin(text, limits) for text in candidates)
    return describe(candidates, question, limits) or next(filter(None, beginnings), None)


def finish(description: str, limits: PageText) -> str:
    """Return a description without the last words if it was cut off (`… water and the.`) and enough remains."""
    kept = description
    while DANGLING.search(kept) and " " in kept:
        kept = kept[: kept.rstrip().rindex(" ")].rstrip(" ,;:–—")
    return f"{kept}." if kept != description and len(kept) >= limits.low else description


def _begin(text: str, limits: PageText) -> str | None:
    """Return the beginning of a text whose sentences are too long to be cut at a clause, with an ellipsis."""
    ends = (match.start() for match in re.finditer(r" ", text[: limits.high]) if match.start() > limits.low)
    kept = [text[:end].rstrip(" ,;:–—") for end in ends]
    return next((f"{beginning}…" for beginning in reversed(kept) if not DANGLING.search(beginning)), None)


def keywords(
    written: Sequence[str],
    question: str,
    headings: Sequence[str],
    answer: str,
    limits: PageText,
    *,
    only_found: bool = False,
) -> list[str]:
    """Return the written keywords, followed by terms of the headings and the question until there are enough.

    If these are too few, frequent words of the answer follow.

    Args:
        written: The model's keywords.
        question: The page's question.
        headings: The headings of the answer.
        answer: The answer as Markdown.
        limits: The field of the keywords.
        only_found: Whether written keywords that the page does not contain are used only as a last resort.
    """
    found, others = [word for word in written if _WORD.search(word) and " -" not in word], list[str]()
    if only_found:
        page = {_stem(word) for word in _WORD.findall(f"{question} {answer}")}
        is_found = [page.issuperset(map(_stem, _WORD.findall(word))) for word in found]
        others = [word for word, is_good in zip(found, is_found, strict=True) if not is_good]
        found = [word for word, is_good in zip(found, is_found, strict=True) if is_good]
    terms = [_ARTICLE.sub("", heading.lower()) for heading in headings if len(heading.split()) <= _KEYWORD_WORDS]
    words = [word.lower() for word in _WORD.findall(question) if _is_term(word, 3)]
    chosen = usable_keywords([*found, *terms, *words], limits)[: max(limits.low, len(usable_keywords(found, limits)))]
    if len(chosen) < limits.low:
        counts = Counter(word.lower() for word in _WORD.findall(answer) if _is_term(word, _LONG_TERM))
        frequent = [word for word, _ in counts.most_common(2 * limits.low)]
        chosen = usable_keywords([*chosen, *frequent, *others], limits)[: limits.low]
    return chosen


def usable_keywords(words: Sequence[str], limits: PageText) -> list[str]:
    """Return the words without repeats, without those that the field cannot have, and not too many."""
    usable = (fitted for word in words if (fitted := limits.fit(word)) is not None)
    return unique_by((word for word in usable if LABEL_MIN <= len(word) <= LABEL_MAX), str)[: limits.ask]


def _is_term(word: str, fewest: int) -> bool:
    return len(word) >= fewest and word.lower() not in _COMMON_WORDS


def _stem(word: str) -> str:
    """Return the beginning that a word and its plural share."""
    lower = word.lower().replace("’", "'").removesuffix("'s")
    for ending in ("ies", "sses", "es", "s", "y", "e"):
        if lower.endswith(ending) and not lower.endswith("ss") and len(lower) > len(ending) + 2:
            return lower.removesuffix(ending) + ("ss" if ending == "sses" else "")
    return lower
