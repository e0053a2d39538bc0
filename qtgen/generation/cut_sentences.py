"""Repair sentences that a grammar cut off. At its maximum length, a sentence must end, even within a word.

Such a sentence (`… access and.`) is shortened to a whole clause, or dropped if others remain.
"""

import re

from qtgen.generation.search_grammar import SENTENCE_MAX, SENTENCE_MIN
from qtgen.generation.search_texts import DANGLING, shorten

# No sentence ends in one of these words. Prepositions are not among them (`what it consists of`).
_CONJUNCTION = re.compile(r",?[ ](?:and|or|nor|but|because|although|whereas|than|such as)\.$")
_CUT_OFF = re.compile(rf"{_CONJUNCTION.pattern}|[ ](?:the|an?|their|your|our|every)\.$")
_BOUNDARY = re.compile(r"(?<=[a-z0-9%)]\.)[ ]+(?=[A-Z])")
_SHORTEST_TEXT = 60  # characters of what remains


def repair_cut_sentences(text: str, *, is_limited: bool) -> str:
    """Return a text without sentences that were cut off. It is unchanged if it has none.

    Args:
        text: A text of one paragraph.
        is_limited: Whether a grammar limited its sentences to `SENTENCE_MAX` characters.
    """
    sentences = _BOUNDARY.split(text)
    limits = {SENTENCE_MAX, SENTENCE_MAX - 1} if is_limited else set()
    repaired = [_repair(sentence, is_cut=len(_unframed(sentence)) in limits) for sentence in sentences]
    if repaired == sentences:
        return text
    kept = " ".join(sentence for sentence in repaired if sentence)
    return kept if len(kept) >= _SHORTEST_TEXT else text


def _repair(sentence: str, *, is_cut: bool) -> str | None:
    """Return a sentence. If it was cut off, shorten it to a clause, or return None if that is impossible."""
    if not is_cut and not _CUT_OFF.search(sentence):
        return sentence
    without_conjunction = _CONJUNCTION.sub("", sentence)
    if without_conjunction != sentence and not DANGLING.search(without_conjunction):
        return f"{without_conjunction}."
    return shorten(sentence, SENTENCE_MIN, len(sentence) - 1)


def _unframed(sentence: str) -> str:
    """Return a sentence without the words that the grammar writes before it."""
    return sentence.removeprefix("In summary, ")
