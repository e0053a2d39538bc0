"""Recognize how a model marks the parts of an answer in points: `**Heading**: …`, `1. Heading – …`, `In summary, …`."""

import re
from typing import NamedTuple

_NUMBER = re.compile(
    r"^(?:(?:point|step|part|aspect|reason)[ ]+\d{1,2}[.):]|\(?\d{1,2}\\?[.)])(?:[ ]+|$)", re.IGNORECASE
)
_BOLD = re.compile(r"^(?P<mark>\*\*\*|\*\*|___|__)(?=\S)(?P<heading>[^\n]+?)(?P=mark)(?P<rest>[\s\S]*)$")
_SEPARATOR = re.compile(r"^\s*(?:[:：]|\.(?=\s|$)|[–—-](?=\s|$))?\s*")
_MARKED_OFF = re.compile(r"^\s*(?:[:：]|\.(?=\s|$)|[–—-]\s|\n|$)|^[ ]+[A-Z]")
_COLON = re.compile(r"^(?P<heading>[^:.!?\n]{2,80}):[ \n]+(?P<rest>\S[\s\S]*)$")
_DASH = re.compile(r"^(?P<heading>[^:.!?\n]{2,80}?)[ ][–—-][ ]+(?P<rest>\S[\s\S]*)$")
_OWN_LINE = re.compile(r"^(?P<heading>[^\n]{2,80})(?<![.!?,;])\n(?P<rest>\S[\s\S]*)$")
_SHORT_SENTENCE = re.compile(r"^(?P<heading>[^:.!?\n]{2,60})\.[ ]+(?P<rest>\S[\s\S]*)$")
_MOST_DASH_WORDS, _MOST_SENTENCE_WORDS = 8, 5
_ENDS = " \t*_:：.–—"

_SUMMARY_PHRASE = re.compile(
    r"[*_]{0,3}(?P<phrase>in (?:summary|conclusion|short|brief|essence)|to (?:sum up|summari[sz]e|conclude)|overall"
    r"|zusammenfassend|en (?:resumen|conclusi[oó]n|r[eé]sum[eé])|in sintesi|em resumo|samenvattend)\b"
    r"[*_]{0,3}(?P<comma>,?)[*_]{0,3}",
    re.IGNORECASE,
)
_NAMES = {
    "summary": "summary|in summary|conclusion|in conclusion|key takeaway|key takeaways|takeaway|zusammenfassung|resumen"
    "|résumé|fazit|conclusión",
    "example": "worked example|example|an example|example calculation|beispiel|ejemplo|exemple",
    "introduction": "introduction|overview|answer|short answer|quick answer|direct answer|description|definition"
    "|einleitung|introducción",
    "list": "key points|main points|points|the points|explanation|detailed explanation|key aspects|key concepts|details"
    "|steps|key steps|main steps|step by step|key ideas",
}
_PART_OF = {name: part for part, names in _NAMES.items() for name in names.split("|")}


class Lead(NamedTuple):
    """The heading at the beginning of a text, and the text after it."""

    heading: str
    rest: str


def part_named(heading: str) -> str:
    """Return the part that a heading begins: `summary`, `example`, `introduction`, `list`, or else `point`."""
    return _PART_OF.get(clean_heading(heading).lower(), "point")


def begins_summary(text: str) -> bool:
    """Return whether a paragraph begins like a summary."""
    return _SUMMARY_PHRASE.match(text) is not None


def without_bold_phrase(text: str) -> str:
    """Return a summary without marks around its first words, as in `**In summary**, …`."""
    match = _SUMMARY_PHRASE.match(text)
    return match["phrase"] + match["comma"] + text[match.end() :] if match else text


def clean_heading(heading: str) -> str:
    """Return a heading without its number and the marks around it."""
    return _NUMBER.sub("", heading.strip(_ENDS)).strip(_ENDS) or heading.strip(_ENDS)


def paragraph_lead(text: str) -> Lead | None:
    """Return the bold heading of a paragraph, or the plain name of a part such as `Summary:`.

    Bold words that continue in a sentence (`**Osmosis** is …`) are no heading.
    """
    text = _without_number(text)
    lead = _bold_lead(text)
    if lead:
        return lead
    named = _COLON.match(text)
    if named and part_named(named["heading"]) in ("summary", "example", "introduction"):
        return Lead(clean_heading(named["heading"]), named["rest"])
    return None


def item_lead(text: str) -> Lead | None:
    """Return the heading of a list item: its bold words, or the words before a colon, a dash or a line break."""
    if lead := _bold_lead(text):
        return lead
    if bold := _BOLD.match(text):
        return Lead(clean_heading(bold["heading"]), text)
    if match := _COLON.match(text):
        return Lead(clean_heading(match["heading"]), match["rest"])
    for pattern, most_words in ((_DASH, _MOST_DASH_WORDS), (_SHORT_SENTENCE, _MOST_SENTENCE_WORDS)):
        match = pattern.match(text)
        if match and len(match["heading"].split()) <= most_words:
            return Lead(clean_heading(match["heading"]), match["rest"])
    match = _OWN_LINE.match(text)
    return Lead(clean_heading(match["heading"]), match["rest"]) if match else None


def _bold_lead(text: str) -> Lead | None:
    bold = _BOLD.match(text)
    if bold is None:
        return None
    heading, rest = bold["heading"].strip(), bold["rest"]
    after = rest[_SEPARATOR.match(rest).end() :]  # type: ignore[union-attr]  # it matches every text
    if _NUMBER.fullmatch(heading):  # `**1.** Heading: text`
        return item_lead(after)
    if heading[-1] in ":：." or _NUMBER.match(heading) or _MARKED_OFF.match(rest):
        return Lead(clean_heading(heading), after)
    return None


def _without_number(text: str) -> str:
    """Return a paragraph without its number, if a heading in bold follows that."""
    number = _NUMBER.match(text)
    return text[number.end() :] if number and text.startswith(("**", "__"), number.end()) else text
