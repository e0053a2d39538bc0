"""Family 6xx: is the text good enough for readers and search engines?

`model_text.py` has the rules about what a model leaves behind.
"""

import re
from collections.abc import Iterator
from itertools import pairwise

from qtgen.page.fields import ANSWER_MAX, ANSWER_MIN, DESCRIPTION_MAX, DESCRIPTION_MIN, KEYWORDS_MAX, KEYWORDS_MIN
from qtgen.page.markdown import find_segments, segment_at
from qtgen.validation.diagnostics import Severity
from qtgen.validation.rules.answers import ANSWER, answer_finding, markdown_of
from qtgen.validation.rules.edits import replace_parts, span_within
from qtgen.validation.rules.registry import rule
from qtgen.validation.rules.types import Example, Finding, PageFile

_DESCRIPTION, _KEYWORDS = "seo.page_description", "seo.page_keywords"
_SENTENCE = "Osmosis is the passage of water through a membrane towards the side that holds more solute."


@rule(
    "QT601",
    "description-too-long",
    Severity.WARNING,
    bad=Example(_SENTENCE, _SENTENCE[:-1] + ", until the two sides are even or the pressure stops it."),
    skip_if=lambda file: len(str(file.page.values[_DESCRIPTION])) <= DESCRIPTION_MAX,
)
def description_too_long(file: PageFile) -> Iterator[Finding]:
    """The description has more than 122 characters.

    Why it is bad: the site prints 38 characters before it, and search engines cut the result near 160. Nobody sees
    its end.
    Fix: write one shorter sentence. No automatic fix.
    """
    text = file.page.text_of(_DESCRIPTION)
    if text is not None and len(text) > DESCRIPTION_MAX:
        message = f"`{_DESCRIPTION}` has {len(text)} characters; shorten it to at most {DESCRIPTION_MAX}"
        yield Finding(message, span_within(file.page, _DESCRIPTION, DESCRIPTION_MAX, len(text)), _DESCRIPTION)


@rule(
    "QT602",
    "description-too-short",
    Severity.WARNING,
    bad=Example(_SENTENCE, "About osmosis."),
    skip_if=lambda file: len(str(file.page.values[_DESCRIPTION])) >= DESCRIPTION_MIN,
)
def description_too_short(file: PageFile) -> Iterator[Finding]:
    """The description has fewer than 50 characters.

    Why it is bad: search engines replace such a description with a part of the page.
    Fix: write one full sentence. No automatic fix.
    """
    text = file.page.text_of(_DESCRIPTION)
    if text is not None and 0 < len(text) < DESCRIPTION_MIN:
        message = f"`{_DESCRIPTION}` has {len(text)} characters; write at least {DESCRIPTION_MIN}"
        yield Finding(message, file.page.span(_DESCRIPTION), _DESCRIPTION)


def _keywords_fine(file: PageFile) -> bool:
    """Return whether there are 5 to 20 keywords, correctly separated, without repetitions."""
    text = str(file.page.values[_KEYWORDS])
    words = text.lower().split(", ")
    number_right = KEYWORDS_MIN <= len(words) <= KEYWORDS_MAX and text.count(",") == len(words) - 1
    spaces_right = " ," not in text and " ".join(text.split()) == text  # single ASCII spaces only
    return number_right and len({*words, ""}) > len(words) and spaces_right


@rule(
    "QT603",
    "keywords-malformed",
    Severity.WARNING,
    bad=Example("osmosis, membrane, solute, water, diffusion", "osmosis,membrane,solute,water,diffusion"),
    good=Example("osmosis, membrane", "osmosis, semi-permeable membrane"),
    fix="safe",
    skip_if=_keywords_fine,
)
def keywords_malformed(file: PageFile) -> Iterator[Finding]:
    """The keywords are not 5 to 20 different keywords, separated by a comma and a space.

    Why it is bad: the site splits them at a comma and a space. Without the space, they are one keyword.
    Fix: `--fix` corrects the separators and removes empty and repeated keywords. This is safe because no keyword is
    lost. If there are too few or too many, choose them yourself.
    """
    text = file.page.text_of(_KEYWORDS)
    if not text:
        return
    span = file.page.span(_KEYWORDS)
    distinct: dict[str, str] = {}
    for word in map(str.strip, text.split(",")):
        if word:
            distinct.setdefault(word.lower(), word)
    expected = ", ".join(distinct.values())
    if expected and expected != text:
        description = "separate different keywords by a comma and a space"
        fix = replace_parts(file.page, _KEYWORDS, description, [(0, len(text), expected)])
        message = f"`{_KEYWORDS}` is malformed; separate different keywords by a comma and a space"
        yield Finding(message, span, _KEYWORDS, fix)
    if not KEYWORDS_MIN <= len(distinct) <= KEYWORDS_MAX:
        keywords = "1 keyword" if len(distinct) == 1 else f"{len(distinct)} keywords"
        message = f"`{_KEYWORDS}` has {keywords}; write {KEYWORDS_MIN} to {KEYWORDS_MAX}"
        yield Finding(message, span, _KEYWORDS)


def _answer_length_fine(file: PageFile) -> bool:
    return bool(ANSWER_MIN <= len(str(file.page.values[ANSWER])) <= ANSWER_MAX)


@rule(
    "QT605",
    "answer-too-short",
    Severity.WARNING,
    bad=Example(
        " that holds the solute back.\\n\\n1. **Gradient**: Water moves towards the side with more solute, because "
        "there its own concentration is lower.\\n\\n2. **Membrane**: The pores let water pass and hold back larger "
        "particles such as sugar and most ions.\\n\\n",
        ". ",
    ),
    skip_if=_answer_length_fine,
    repairable="concern",
)
def answer_too_short(file: PageFile) -> Iterator[Finding]:
    """The answer has fewer than 300 characters.

    Why it is bad: half of the live answers have more than 2,500 characters. A shorter text is cut off or is no
    answer.
    Fix: generate the answer again. No automatic fix.
    """
    text = file.page.text_of(ANSWER)
    if text and len(text) < ANSWER_MIN:
        message = f"`{ANSWER}` has {len(text)} characters; write at least {ANSWER_MIN}"
        yield Finding(message, file.page.span(ANSWER), ANSWER)


@rule(
    "QT606",
    "answer-too-long",
    Severity.WARNING,
    bad=Example("Osmosis moves", "Osmosis moves " + "and moves " * 600),
    skip_if=_answer_length_fine,
)
def answer_too_long(file: PageFile) -> Iterator[Finding]:
    """The answer has more than 6,000 characters.

    Why it is bad: the longest live answer has fewer than 5,000 characters. A longer answer repeats itself or answers
    several questions.
    Fix: generate the answer again. No automatic fix.
    """
    text = file.page.text_of(ANSWER)
    if text and len(text) > ANSWER_MAX:
        message = f"`{ANSWER}` has {len(text):,} characters; shorten it to at most {ANSWER_MAX:,}"
        yield answer_finding(file, ANSWER_MAX, len(text), message)


_LONG_WORD = re.compile(r"[a-z]{5,}")
_HEADING = re.compile(
    r"^(?P<indent>[ ]*)(?:(?P<number>\d{1,3})[.)][ ]+\*\*(?P<bold>[^*\n]+)\*\*"
    r"|(?P<section>#{1,6}[ ]|\*\*[^*\n]+\*\*:?[ ]*$))",
    re.MULTILINE,
)


_SIMILAR = 0.75  # share of the longer words that two points have in common
_WORDS_MIN = 6  # a point with fewer long words is not compared


def _headings_differ(file: PageFile) -> bool:
    """Return whether no two points of the answer have the same heading."""
    answer = str(file.page.values[ANSWER])
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
    skip_if=_headings_differ,
    repairable="concern",
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
        if first_number != number and is_similar and segment_at(find_segments(text), point.start("bold")) is None:
            message = f"point {number} repeats point {first_number}; generate the answer again"
            yield answer_finding(file, *point.span("bold"), message)
