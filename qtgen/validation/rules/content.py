"""Family 6xx: is the text good enough for readers and search engines?

`model_text.py` has the rules about what a model leaves behind.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

from qtgen.page.layout import Layout
from qtgen.page.markdown import segment_at
from qtgen.validation.diagnostics import Severity
from qtgen.validation.rules.answers import answer_finding, answer_line, document_of, has_answer, markdown_of
from qtgen.validation.rules.lengths import length_rule
from qtgen.validation.rules.limit_examples import too_long_answer, too_long_text, too_short_answer, too_short_text
from qtgen.validation.rules.limits import (
    Limit,
    limits_answer_above,
    limits_answer_below,
    limits_of,
    limits_texts_above,
    limits_texts_below,
)
from qtgen.validation.rules.registry import rule
from qtgen.validation.rules.types import Example, Finding, PageFile

if TYPE_CHECKING:
    from qtgen.validation.rules.file_columns import FileColumns


@length_rule(
    "QT601",
    "description-too-long",
    bound="most",
    message="`{path}` has {length} characters; shorten it to at most {limit}",
    bad=too_long_text,
    applies=limits_texts_above,
)
def description_too_long(layout: Layout) -> Sequence[Limit]:
    """{too_long_texts}

    Why it is bad: {cut_texts} Nobody sees
    its end.
    Fix: write one shorter sentence. No automatic fix.
    """
    return limits_of(layout).texts


@length_rule(
    "QT602",
    "description-too-short",
    bound="least",
    message="`{path}` has {length} characters; write at least {limit}",
    bad=too_short_text,
    applies=limits_texts_below,
)
def description_too_short(layout: Layout) -> Sequence[Limit]:
    """{too_short_texts}

    Why it is bad: search engines replace such a description with a part of the page.
    Fix: write one full sentence. No automatic fix.
    """
    return limits_of(layout).texts


@length_rule(
    "QT605",
    "answer-too-short",
    bound="least",
    message="`{path}` has {length} characters; write at least {limit}",
    bad=too_short_answer,
    repairable="concern",
    applies=limits_answer_below,
)
def answer_too_short(layout: Layout) -> Sequence[Limit]:
    """The answer has fewer than {answer_min} characters.

    Why it is bad: half of the live answers have more than 2,500 characters. A shorter text is cut off or is no
    answer.
    Fix: generate the answer again. No automatic fix.
    """
    return (limits_of(layout).answer,)


@length_rule(
    "QT606",
    "answer-too-long",
    bound="most",
    message="`{path}` has {length:,} characters; shorten it to at most {limit:,}",
    bad=too_long_answer,
    applies=limits_answer_above,
)
def answer_too_long(layout: Layout) -> Sequence[Limit]:
    """The answer has more than {answer_max} characters.

    Why it is bad: the longest live answer has fewer than 5,000 characters. A longer answer repeats itself or answers
    several questions.
    Fix: generate the answer again. No automatic fix.
    """
    return (limits_of(layout).answer,)


_LONG_WORD = re.compile(r"[a-z]{5,}")
_HEADING = re.compile(
    r"^(?P<indent>[ ]*)(?:(?P<number>\d{1,3})[.)][ ]+\*\*(?P<bold>[^*\n]+)\*\*"
    r"|(?P<section>#{1,6}[ ]|\*\*[^*\n]+\*\*:?[ ]*$))",
    re.MULTILINE,
)


_SIMILAR = 0.75  # share of the longer words that two points have in common
_WORDS_MIN = 6  # a point with fewer long words is not compared


def _rows_with_repeated_headings(files: "FileColumns") -> Iterable[int]:
    return [row for row in files.rows_with_repeated_headings() if not _headings_differ(files.answers[row])]


def _headings_differ(answer: str) -> bool:
    """Return whether no two points of an answer have the same heading."""
    parts = answer.split("*")  # faster than at every `**`; a heading is one of these parts too
    empty = parts.count("")
    if len(set(parts)) == len(parts) - empty + bool(empty):
        return True
    parts = answer.split("**")
    headings = [part for before, part in pairwise(parts) if before.rstrip(" ").endswith((".", ")"))]
    return len(set(headings)) == len(headings)


@rule(
    "QT607",
    "repeated-heading",
    Severity.WARNING,
    bad=Example(
        "2. **Membrane**: The pores let water pass and hold back larger particles such as sugar and most ions.",
        "2. **Gradient**: Its own concentration is lower towards the side with more solute, so water moves there.",
    ),
    good=Example("**Membrane**", "**Gradient**"),
    skip_if=lambda file: _headings_differ(answer_line(file)),
    may_break=_rows_with_repeated_headings,
    repairable="concern",
    applies=has_answer,
)
def repeated_heading(file: PageFile) -> Iterator[Finding]:
    """Two points of one list have the same heading and nearly the same text.

    Why it is bad: the reader reads the point twice, and the page looks generated.
    Fix: generate the answer again. No automatic fix. The same heading is fine in another section, or above another text
    (steps 2 and 5 of a pathway may both be an isomerization): the rule reports points that share over three quarters of
    their longer words.
    Precision: 2 of 9,923 live pages repeat a heading within a list. Neither repeats the point, and neither is reported.
    """
    text = markdown_of(file)
    points = list(_HEADING.finditer(text))
    # The open list at each indent: the number and the words of its points, by heading.
    open_lists: dict[int, dict[str, tuple[str, frozenset[str]]]] = {}
    ends = [*(point.start() for point in points), len(text)][1:]
    for point, end in zip(points, ends, strict=True):
        if point.group("section"):
            open_lists.clear()
            continue
        indent = len(point.group("indent"))
        open_lists = {column: entries for column, entries in open_lists.items() if column <= indent}
        entries = open_lists.setdefault(indent, {})
        number, heading = point.group("number"), point.group("bold")
        if number == "1":
            entries.clear()
        words = frozenset(_LONG_WORD.findall(text[point.end() : end].lower()))
        first_number, first_words = entries.setdefault(heading, (number, words))
        shorter = min(len(words), len(first_words))
        is_similar = shorter > _WORDS_MIN and len(words & first_words) > _SIMILAR * shorter
        if (
            first_number != number
            and is_similar
            and segment_at(document_of(file).segments, point.start("bold")) is None
        ):
            message = f"point {number} repeats point {first_number}; generate the answer again"
            yield answer_finding(file, *point.span("bold"), message)
