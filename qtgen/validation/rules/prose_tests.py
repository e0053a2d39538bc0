"""The quick tests of the rules about off-topic and incoherent texts, for a page and for pages by column."""

from collections import Counter
from collections.abc import Iterable
from typing import TYPE_CHECKING

from qtgen.page.sentences import has_repeats, repeated_share
from qtgen.validation.english import (
    HEADING_WORDS_MAX,
    NOT_FIRST_IN_HEADINGS,
    absent,
    has_function_words,
    has_long_headings,
    question_terms,
    repeats_question,
)
from qtgen.validation.rules.answers import answer_line
from qtgen.validation.rules.types import PageFile
from qtgen.validation.text_quality import BARS

if TYPE_CHECKING:
    from qtgen.validation.rules.file_columns import FileColumns


_MISSING_IN_ANSWER, _MISSING_IN_DESCRIPTION = BARS["question_not_in_answer"], BARS["question_not_in_description"]
_NOT_FIRST = NOT_FIRST_IN_HEADINGS.encode()
_LONG_HEADING_BYTES = 2 * HEADING_WORDS_MAX + 1  # one more word than allowed, of one letter each, and the spaces


def is_about_question(question: str, description: str, answer: str) -> bool:
    """Return True for a page that is certainly not off topic."""
    if repeats_question(question, description, answer, (_MISSING_IN_DESCRIPTION, _MISSING_IN_ANSWER)):
        return True
    terms = question_terms(question)
    if len(absent(terms, answer)) > _MISSING_IN_ANSWER * len(terms):
        return False
    return len(absent(terms, description)) <= _MISSING_IN_DESCRIPTION * len(terms)


def is_about_its_question(file: PageFile) -> bool:
    """Return whether a page is certainly not off topic."""
    values, layout = file.page.values, file.page.layout
    answer = answer_line(file)
    description = values.get(layout.description) if layout.description else answer  # the answer repeats its own words
    return is_about_question(str(values.get(layout.roles.question)), str(description), answer)


def rows_off_topic(files: "FileColumns") -> Iterable[int]:
    """Return the pages that may be off topic."""
    layout, answers = files.layout, files.answers
    descriptions = files.texts(layout.description) if layout.description else answers
    texts = zip(files.texts(layout.roles.question), descriptions, answers, strict=True)
    return [row for row, each in enumerate(texts) if "" in each or not is_about_question(*each)]


def is_plain_prose(answer: str) -> bool:
    """Return True for an answer with function words, and without repeated sentences and long headings."""
    if has_repeats(answer) and repeated_share(answer) > BARS["repeated_sentences"]:
        return False
    return has_function_words(answer) and not has_long_headings(answer)


def is_coherent_prose(file: PageFile) -> bool:
    """Return whether the answer has function words, no repeated sentences and no long headings."""
    return is_plain_prose(answer_line(file))


def rows_with_incoherent_prose(files: "FileColumns") -> Iterable[int]:
    """Return the pages whose answer may have repeated sentences, long headings or no function words."""
    answers = files.answers
    rows = {row for row, answer in enumerate(answers) if not has_function_words(answer)}
    suspects = {*files.rows_with_repeated_sentences(), *_rows_with_long_texts(files)}
    return rows.union(row for row in suspects if not is_plain_prose(answers[row]))


def _rows_with_long_texts(files: "FileColumns") -> Iterable[int]:
    """Return the pages with two long texts between double asterisks, which may be headings."""
    raw = files.columns.raw
    rows, starts, ends = files.between_asterisks
    long = (ends - starts >= _LONG_HEADING_BYTES).nonzero()[0]
    places = zip(*(numbers[long].tolist() for numbers in (rows, starts, ends)), strict=True)
    counts = Counter(
        row
        for row, start, end in places
        if raw[start] not in _NOT_FIRST and raw.count(b" ", start, end) >= HEADING_WORDS_MAX
    )
    return (row for row, count in counts.items() if count > 1)
