"""The highest token limit that an error's message allows."""

import re
from collections.abc import Iterator

_NUMBER = r"(?<![a-z\d_.\-])(\d[\d,_]*\d|\d)(?![a-z\d_\-]|\.\d)"
_FIRST_NUMBER = re.compile(_NUMBER)
_AT_MOST = re.compile(
    r"at most|maximum|\bmax\b(?! tokens)|\blimit(?:ed)?\b|(?:less|smaller|lower|fewer) than or equal to|<=|≤"
    r"|\bup to|room for|no more than|(?:not|cannot|can't) exceed|exceeds?|supports?(?: only)?"
    r"|(?:greater|larger|more) than|>(?!=)"
)
_BELOW = re.compile(r"(?:less|smaller|lower|fewer) than(?! or equal)|\bbelow|<(?!=)")
# What may stand between a word such as "maximum" and its number. Any word may follow "for", "of" or "by".
_BETWEEN = frozenset(
    [
        "is",
        "are",
        "be",
        "of",
        "for",
        "by",
        "to",
        "the",
        "this",
        "that",
        "model",
        "model's",
        "value",
        "values",
        "allowed",
        "supported",
        "permitted",
        "token",
        "tokens",
        "output",
        "completion",
        "new",
        "generated",
        "number",
        "length",
        "limit",
        "maximum",
        "equal",
        "or",
        "only",
        "set",
        "currently",
        "has",
        "been",
        "a",
        "which",
        "it",
        "you",
        "can",
        "max_tokens",
        "max_new_tokens",
        "max_completion_tokens",
        "max_output_tokens",
    ]
)
_LONGEST_GAP = 80  # characters
_AFTERWARDS = re.compile(
    _NUMBER
    + r"[`'\")]*,? *(?:tokens )?(?:\(?max(?:imum)?\b|or (?:less|fewer|lower)|(?:which )?is the (?:maximum|limit))"
)
_RANGES = re.compile(
    r"\[ ?\d+ ?, ?" + _NUMBER + r" ?(\))?"
    r"|\bbetween `?\d+`? and `?"
    + _NUMBER
    + r"|from `?\d+`?(?: \(inclusive\))? to `?"
    + _NUMBER
    + r"`?( \(exclusive\))?"
)
# The number after these words is no limit of tokens, and the limit that is meant contains the prompt.
_OTHER_UNIT = re.compile(r"[`'\")]* *(?:requests?|characters?|chars|bytes|messages?|images?|seconds?|per |%)")
_SUM = re.compile(
    r"\+|\bplus\b|\bsum of\b|combined|together"
    r"|(?:inputs?|prompt|messages)\W+(?:tokens )?and\b.{0,30}(?:output|completion|max_|generat)"
    r"|total (?:number of )?tokens"
)
_PROMPT = re.compile(
    _NUMBER + r" (?:of )?(?:the )?[`'\"]?(?:inputs?|prompt|messages?)\b"
    r"|(?:inputs?|prompt|messages?)[`'\"]?(?: tokens| length| size)?(?: is| are| of| has| have| contains?|:| =)+ ?"
    + _NUMBER
)


def highest_limit(text: str, *, below: int, least: int) -> int | None:
    """Return the highest token limit that a message allows, or None if that is unclear.

    Args:
        text: The message, in lower case.
        below: The limit that was rejected.
        least: The smallest limit that makes sense.
    """
    used = 0
    if _SUM.search(text):
        prompt = _PROMPT.search(text)
        if prompt is None:
            return None
        used = _number(prompt[1] or prompt[2])
    limits = {limit - used for limit in _limits(text) if least <= limit - used < below}
    return limits.pop() if len(limits) == 1 else None


def _limits(text: str) -> Iterator[int]:
    for words, excess in ((_BELOW, 1), (_AT_MOST, 0)):
        for match in words.finditer(text):
            first = _FIRST_NUMBER.search(text, match.end(), match.end() + _LONGEST_GAP)
            if first is None or _OTHER_UNIT.match(text, first.end()):
                continue
            if _belong_together(text[match.end() : first.start()]):
                yield _number(first[1]) - (excess or _is_exclusive(text[first.end() :]))
    for match in _AFTERWARDS.finditer(text):
        yield _number(match[1])
    for match in _RANGES.finditer(text):
        number = next(group for group in (match[1], match[3], match[4]) if group)
        yield _number(number) - (1 if match[2] or match[5] else 0)


def _belong_together(gap: str) -> bool:
    """Return whether a word such as "maximum" and a number belong together, by what stands between them."""
    words = [word.strip("`'\"(*,:=") for word in gap.split()]
    words = [word for word in words if word]
    return all(
        word in _BETWEEN or (index > 0 and words[index - 1] in ("for", "of", "by", "the", "model"))
        for index, word in enumerate(words)
    )


def _is_exclusive(rest: str) -> bool:
    return rest.lstrip("`'\"").startswith(" (exclusive)")


def _number(digits: str) -> int:
    return int(re.sub(r"[,_]", "", digits))
