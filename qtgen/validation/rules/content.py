"""Family 6xx: is this what a reader, and a search engine, should be shown?"""

import re
from collections.abc import Iterator
from itertools import pairwise

from qtgen.page.fields import ANSWER_MAX, ANSWER_MIN, DESCRIPTION_MAX, DESCRIPTION_MIN, KEYWORDS_MAX, KEYWORDS_MIN
from qtgen.page.markdown import expand_line_breaks, find_segments, mask_segments, segment_at
from qtgen.validation.diagnostics import Severity
from qtgen.validation.rules.base import Example, Finding, PageFile, replacing, rule, within

_FINE = Example()
_DESCRIPTION, _KEYWORDS, _ANSWER = "seo.page_description", "seo.page_keywords", "answer"
_SENTENCE = "Osmosis is the passage of water through a membrane towards the side that holds more solute."


def _right_length(file: PageFile) -> bool:
    return ANSWER_MIN <= len(str(file.page.values[_ANSWER])) <= ANSWER_MAX


def _well_separated(file: PageFile) -> bool:
    """Whether the keywords are 5 to 20, separated as they should be, and none twice."""
    text = str(file.page.values[_KEYWORDS])
    words = text.lower().split(", ")
    right_number = KEYWORDS_MIN <= len(words) <= KEYWORDS_MAX and text.count(",") == len(words) - 1
    spaces = " ," not in text and " ".join(text.split()) == text  # single ones, and no other sort
    return right_number and len({*words, ""}) > len(words) and spaces


def _says_nothing_twice(file: PageFile) -> bool:
    """Whether no two points of the answer have the same heading."""
    answer = str(file.page.values[_ANSWER])
    parts = answer.split("*")  # faster than at every `**`, and a heading is a part of this too
    empty = parts.count("")
    if len(set(parts)) == len(parts) - empty + bool(empty):
        return True
    parts = answer.split("**")
    headings = [part for before, part in pairwise(parts) if before.rstrip(" ").endswith((".", ")"))]
    return len(set(headings)) == len(headings)


@rule(
    "QT601",
    "description-too-long",
    Severity.WARNING,
    bad=Example(_SENTENCE, _SENTENCE[:-1] + ", until the two sides are even or the pressure stops it."),
    good=_FINE,
    unless=lambda file: len(str(file.page.values[_DESCRIPTION])) <= DESCRIPTION_MAX,
)
def description_too_long(file: PageFile) -> Iterator[Finding]:
    """The description has over 122 characters.

    Why it is bad: the site prints 38 characters before it, and search engines cut near 160: its end is never seen.
    Fix: one shorter sentence. No automatic fix.
    """
    text = file.page.text_of(_DESCRIPTION)
    if text is not None and len(text) > DESCRIPTION_MAX:
        message = f"{len(text)} characters; search engines show the first {DESCRIPTION_MAX}"
        yield Finding(message, within(file.page, _DESCRIPTION, DESCRIPTION_MAX, len(text)), _DESCRIPTION)


@rule(
    "QT602",
    "description-too-short",
    Severity.WARNING,
    bad=Example(_SENTENCE, "About osmosis."),
    good=_FINE,
    unless=lambda file: len(str(file.page.values[_DESCRIPTION])) >= DESCRIPTION_MIN,
)
def description_too_short(file: PageFile) -> Iterator[Finding]:
    """The description has fewer than 50 characters.

    Why it is bad: search engines replace such a description by a piece of the page of their own choice.
    Fix: one full sentence. No automatic fix.
    """
    text = file.page.text_of(_DESCRIPTION)
    if text is not None and 0 < len(text) < DESCRIPTION_MIN:
        message = f"{len(text)} characters; write at least {DESCRIPTION_MIN}"
        yield Finding(message, file.page.span(_DESCRIPTION), _DESCRIPTION)


@rule(
    "QT603",
    "keywords-malformed",
    Severity.WARNING,
    bad=Example("osmosis, membrane, solute, water, diffusion", "osmosis,membrane,solute,water,diffusion"),
    good=Example("osmosis, membrane", "osmosis, semi-permeable membrane"),
    fix="safe",
    unless=_well_separated,
)
def keywords_malformed(file: PageFile) -> Iterator[Finding]:
    """The keywords are not 5 to 20 different ones with a comma and a space between them.

    Why it is bad: the site splits them at the comma and the space; without the space all are one keyword.
    Fix: `--fix` mends the spaces and removes empty and repeated ones; safe, for no keyword is lost. Too few or too many
    are for a person.
    """
    text = file.page.text_of(_KEYWORDS)
    if not text:
        return
    place = file.page.span(_KEYWORDS)
    first: dict[str, str] = {}
    for word in map(str.strip, text.split(",")):
        if word:
            first.setdefault(word.lower(), word)
    mended = list(first.values())
    wanted = ", ".join(mended)
    if wanted and wanted != text:
        description = "one comma and one space between different keywords"
        repair = replacing(file.page, _KEYWORDS, description, [(0, len(text), wanted)])
        yield Finding("separate different keywords by a comma and a space", place, _KEYWORDS, repair)
    if not KEYWORDS_MIN <= len(mended) <= KEYWORDS_MAX:
        yield Finding(f"{len(mended)} keywords; a page has {KEYWORDS_MIN} to {KEYWORDS_MAX}", place, _KEYWORDS)


_NOT = (
    r"(?:cannot|can['’]?t|can\s+not|could(?:\s+not|n['’]t)|do(?:\s+not|n['’]t)|am\s+not\s+able|w(?:ill\s+not|on['’]t))"
)
_DOING = (
    r"(?:be\s+able\s+to\s+)?(?:answer|assist|help|provide|give|discuss|generate|create|write|fulfil|comply|engage|find|"
    r"have\s+(?:enough|access|information))"
)
_REFUSAL = re.compile(
    rf"""\s*(?:
        (?:i['’]?m|i\s+am|we\s+are)\s+(?:very\s+|really\s+|truly\s+)?(?:sorry|afraid|unable|not\s+able)\b
      | sorry\s*,
      | (?:i|we)\s+apologi[sz]e
      | (?:unfortunately,?\s+)?(?:i|we)\s+{_NOT}\s+{_DOING}
      | (?:the|this|your)\s+question\s+(?:cannot|can['’]?t|is\s+(?:unclear|incomplete|not\s+clear))
      | as\s+an\s+ai\b[^.]{{0,80}}\b(?:cannot|can['’]?t|unable|not\s+able)
      )""",
    re.IGNORECASE | re.VERBOSE,
)
_REFUSAL_SIGN = (
    r"(?im)^[\s\pZ]*(?:[iı](?:['’]?m)?(?:[\s\pZ]|$)|we\b|sorry|unfortunately|(?:the|th[iı]s|your)[\s\pZ]+quest[iı]on"
    r"|as[\s\pZ]+an[\s\pZ]+a[iı])"
)


@rule(
    "QT604",
    "refusal",
    Severity.ERROR,
    bad=Example("Osmosis moves", "I'm sorry, but I can't help with that. Osmosis moves"),
    good=Example("Osmosis moves", "Sorry is no word of physics. Osmosis moves"),
    signs=(_REFUSAL_SIGN,),
)
def refusal(file: PageFile) -> Iterator[Finding]:
    """The model declined instead of answering, and the page does not say `no_index`.

    Why it is bad: a reader who searched for the question finds an apology.
    Fix: answer it, or remove the page. No automatic fix.
    Precision: 6 of 9,923 live pages are refusals, all 6 say `no_index`, and none other is taken for one.
    """
    answer = file.page.text_of(_ANSWER) or ""
    found = _REFUSAL.match(answer)
    if found and file.page.values.get("no_index") is not True:
        yield Finding("the model declined instead of answering", within(file.page, _ANSWER, *found.span()), _ANSWER)


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
    good=_FINE,
    unless=_right_length,
)
def answer_too_short(file: PageFile) -> Iterator[Finding]:
    """The answer has fewer than 300 characters.

    Why it is bad: half of the live answers have over 2,500; one this short is cut off or no answer.
    Fix: have the answer written again. No automatic fix.
    """
    text = file.page.text_of(_ANSWER)
    if text and len(text) < ANSWER_MIN:
        yield Finding(f"{len(text)} characters; write at least {ANSWER_MIN}", file.page.span(_ANSWER), _ANSWER)


@rule(
    "QT606",
    "answer-too-long",
    Severity.WARNING,
    bad=Example("Osmosis moves", "Osmosis moves " + "and moves " * 600),
    good=_FINE,
    unless=_right_length,
)
def answer_too_long(file: PageFile) -> Iterator[Finding]:
    """The answer has over 6,000 characters.

    Why it is bad: the longest live answer has under 5,000; one this long repeats itself or is not one answer.
    Fix: have the answer written again. No automatic fix.
    """
    text = file.page.text_of(_ANSWER)
    if text and len(text) > ANSWER_MAX:
        place = within(file.page, _ANSWER, ANSWER_MAX, len(text))
        yield Finding(f"{len(text):,} characters; write at most {ANSWER_MAX:,}", place, _ANSWER)


_LONG_WORD = re.compile(r"[a-z]{5,}")
_HEADING = re.compile(
    r"^(?P<indent>[ ]*)(?:(?P<number>\d{1,3})[.)][ ]+\*\*(?P<bold>[^*\n]+)\*\*"
    r"|(?P<section>#{1,6}[ ]|\*\*[^*\n]+\*\*:?[ ]*$))",
    re.MULTILINE,
)


@rule(
    "QT607",
    "repeated-heading",
    Severity.WARNING,
    bad=Example(
        "2. **Membrane**: The pores let water pass and hold back larger particles such as sugar and most ions.",
        "2. **Gradient**: Its own concentration is lower towards the side with more solute, so water moves there.",
    ),
    good=Example("**Membrane**", "**Gradient**"),
    unless=_says_nothing_twice,
)
def repeated_heading(file: PageFile) -> Iterator[Finding]:
    """Two points of one list have the same heading and say much the same: one point is made twice.

    Why it is bad: the reader reads it twice, and the page looks made by a machine.
    Fix: have the answer written again; no automatic fix. The same heading in another section, or over another text
    (step 2 and step 5 of a pathway are both an isomerization), is fine: over three quarters of the longer words must
    be the same.
    Precision: 2 of 9,923 live pages repeat a heading within a list, neither repeats the point, neither is reported.
    """
    answer = file.page.text_of(_ANSWER) or ""
    text = expand_line_breaks(answer)
    points = list(_HEADING.finditer(text))
    lists: dict[int, dict[str, tuple[str, frozenset[str]]]] = {}  # by indent: the list that is open there
    ends = [*(point.start() for point in points), len(text)][1:]
    for found, following in zip(points, ends, strict=True):
        if found.group("section"):
            lists.clear()
            continue
        indent = len(found.group("indent"))
        lists = {column: seen for column, seen in lists.items() if column <= indent}
        seen = lists.setdefault(indent, {})
        if found.group("number") == "1":
            seen.clear()
        heading = found.group("bold")
        words = frozenset(_LONG_WORD.findall(text[found.end() : following].lower()))
        before, said = seen.setdefault(heading, (found.group("number"), words))
        shorter = min(len(words), len(said))
        again = before != found.group("number") and shorter > 6 and len(words & said) > 0.75 * shorter
        if again and segment_at(find_segments(text), found.start("bold")) is None:
            place = within(file.page, _ANSWER, *found.span("bold"))
            yield Finding(f"point {before} again", place, _ANSWER)


# What tells of a model, how it is recognised, and what it is called. The first is for RE2, and matches where the second
# does; the second stands in no code.
_RESIDUE: tuple[tuple[str, re.Pattern[str], str], ...] = (
    (
        "s an AI",
        re.compile(r"\b[Aa]s an AI(?: language)?(?: model| assistant| chatbot)?,? (?:I|my)\b"),
        "the model speaks of itself",
    ),
    (
        "anguage model",
        re.compile(r"\b(?:[Aa]s an? (?:AI |large )?language model,|I(?: am|['’]m) an? (?:AI |large )?language model)"),
        "the model speaks of itself",
    ),
    (
        r"<\||<</?SYS>>|</s>|</?question>|\[/?INST\]",
        re.compile(r"<\|[a-z_]+\|>|<</?SYS>>|</s>|</?question>|\[/?INST\]"),
        "a marker of the prompt",
    ),
    (
        r"\[(?:[Ii]nsert|INSERT|[Yy]our answer|TODO|[Pp]laceholder)\b",
        re.compile(r"\[(?:[Ii]nsert|INSERT|[Yy]our answer|TODO|[Pp]laceholder)\b[^\]\n]{0,99}\](?!\()"),
        "a placeholder",
    ),
    (
        r"\{\{ ?(?:question|subject|title|context)",
        re.compile(r"\{\{ ?(?:question|subject|title|context)[\w.]* ?\}\}"),
        "a marker of the prompt",
    ),
    (
        r'(?m)"(?:page_description|page_keywords|introduction|points|keywords)":|^(?:[\s\pZ]|\\n)*\[?\{',
        re.compile(r'"(?:page_description|page_keywords|introduction|points|keywords)":|\A\s*\[?\{\s*"'),
        "JSON",
    ),
)
_OPENING = re.compile(
    r"""\s*(?:(?:sure|certainly|absolutely|of\ course|great\ question)\s*[!,]\s*(?:here|let|i|this|below)\b
      | (?:question|q|prompt|user|assistant)\s*:
      | here(?:['’]s|\ is)\ (?:the|an?|your)\ (?:\w+\ )?(?:answer|response|article|page|explanation)\b)""",
    re.IGNORECASE | re.VERBOSE,
)
_OPENING_SIGN = (
    r"(?im)^[\s\pZ]*(?:(?:sure|certa[iı]nly|absolutely|of course|great quest[iı]on)[\s\pZ]*[!,]"
    r"|(?:quest[iı]on|q|prompt|user|ass[iı]stant)[\s\pZ]*:|here(?:['’]s| [iı]s) (?:the|an?|your) )"
)


@rule(
    "QT608",
    "model-residue",
    Severity.ERROR,
    bad=Example("Osmosis moves", "As an AI language model, I know that osmosis moves"),
    good=Example("Osmosis moves", "Osmosis is not known to a language model. It moves"),
    signs=(_OPENING_SIGN, *(sign for sign, _, _ in _RESIDUE)),
)
def model_residue(file: PageFile) -> Iterator[Finding]:
    """Something of the making was left in: an echo of the prompt, a placeholder, "as an AI", JSON or chat markers.

    Why it is bad: it tells every reader that nobody looked at the page.
    Fix: have the answer written again. The words may stand in code and in quotes. No automatic fix.
    Precision: nothing on 9,923 live pages; one `[insert example]` there stands in a quoted form to fill in.
    """
    for path in (_ANSWER, _DESCRIPTION):
        text = file.page.text_of(path) or ""
        opening = _OPENING.match(text)
        if opening:
            yield Finding(
                "the model's answer to its prompt, not the page's text", within(file.page, path, *opening.span()), path
            )
        layout = expand_line_breaks(text)
        for _, pattern, message in _RESIDUE:
            if pattern.search(layout):
                found = pattern.search(mask_segments(layout, find_segments(layout)))
                # What stands in quotes is shown on purpose, as a text to fill in.
                if found and layout.count('"', layout.rfind("\n", 0, found.start()) + 1, found.start()) % 2 == 0:
                    shown = found.group().strip()[:40]
                    yield Finding(f"{message}: `{shown}`", within(file.page, path, *found.span()), path)
