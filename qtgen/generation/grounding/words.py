"""Normalize the words of an answer and its source, so that they can be compared."""

import re
import unicodedata
from functools import lru_cache

_FUNCTION_WORDS = """
a about above across after again against all almost along already also although always am among an and another
any anyone anything are around as at away be became because become becomes been before began behind being below
between both but by came can cannot come could did do does doing done down due during each either else enough
even ever every everyone everything example few finally first for from further gave get gets give given gives go
goes going had has have having he hence her here hers herself him himself his how however i if in indeed instead
into is it its itself just kind know known last later least less let like likely made mainly make makes making
many may me means might more moreover most much must my near nearly need needs never nevertheless next no nor
not nothing now of off often on once one only onto or other others otherwise our out over overall own part
particularly per perhaps please put quite rather really s same second see seem seems several shall she should
similarly simply since so some someone something sometimes still such summary t take taken takes than that the
their them themselves then there thereby therefore these they thing things third this those though through thus
to together too toward towards two type types under unless unlike until up upon us use used uses using usually
very was way ways we well went were what whatever when whenever where whereas wherever whether which while who
whole whom whose why will with within without would yes yet you your yours yourself conclusion addition
additionally furthermore meanwhile generally specifically essentially ultimately importantly key common
important main imply implies consequently besides despite accordingly conversely typically currently today
according based compared following including consider imagine suppose note remember think understand
understanding explain explains describe describes here's it's that's there's let's don't doesn't isn't aren't
wasn't can't won't
"""

WORD = re.compile(r"[^\W_]+(?:'[^\W_]+)*")
"""A word of a text from `normalize`. A hyphen separates words, an apostrophe does not."""

STOPWORDS = frozenset(_FUNCTION_WORDS.split())
"""English words that say nothing about a subject. They neither support a claim nor begin a name."""

_ENDINGS = re.compile(r"(?<=\w{3})(?:ations?|ments?|ness|ings?|ically|edly|ies|ied|ed|es|ly|al|ic|s|e|y)$")
_DASHES = {ord(char): "-" for char in "\u2010\u2011\u2212\ufe63\uff0d"}
_APOSTROPHES = {ord(char): "'" for char in "\u2019\u02bc\u2032\uff07"}
_SPACES = {
    ord(char): " "
    for char in "\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000\t\r"
}
_TABLE = {
    **_DASHES,
    **_APOSTROPHES,
    **_SPACES,
    ord("\uff05"): "%",
    ord("\u066a"): "%",
    ord("\uff0c"): ",",
    ord("\uff0e"): ".",
}


def normalize(text: str) -> str:
    """Return a text of the same length with plain digits, spaces, apostrophes and minus signs."""
    if text.isascii():
        return text.replace("\t", " ").replace("\r", " ")
    text = text.translate(_TABLE)
    others = {char for char in text if char > "\x7f" and char.isdecimal()}
    return text.translate({ord(char): str(unicodedata.decimal(char)) for char in others})


@lru_cache(maxsize=100_000)
def fold(word: str) -> str:
    """Return a word in lower case, without accents and without a possessive ending."""
    word = word.casefold().removesuffix("'s").rstrip("'")
    if word.isascii():
        return word
    parts = unicodedata.normalize("NFKD", word)
    return "".join(char for char in parts if not unicodedata.combining(char))


@lru_cache(maxsize=100_000)
def stem(folded: str) -> str:
    """Return a folded word without its endings, so that `moves`, `moving` and `movement` are the same."""
    while (shorter := _ENDINGS.sub("", folded)) != folded:
        folded = shorter
    return folded


def content_stems(text: str) -> list[str]:
    """Return the stems of the words that say something about a subject, with repeats. `text` is normalized."""
    words = (fold(match.group()) for match in WORD.finditer(text))
    return [stem(word) for word in words if word not in STOPWORDS and _is_content(word)]


def _is_content(word: str) -> bool:
    """Return whether a word is more than a figure or a single Latin letter."""
    return not word.isdigit() and (len(word) > 1 or word > "\x7f")
