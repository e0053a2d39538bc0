"""Words of the prompt that an error repeats. They say nothing about the form of the request."""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

_WORD = re.compile(r"\w+")
_QUOTED = re.compile(r"(?<!\w)(['\"`])(.+?)\1(?!\w)|[“‘«](.+?)[”’»]")
_LONG_RUN = 5  # words; shorter runs of the same words also occur by chance
_SHORT_LINE = 3  # words of a whole line, such as a question
_SHORT_QUOTE = 2  # words between quotation marks
_BLANK = "…"


def without_prompt(message: str, sent: Mapping[str, Any]) -> str:
    """Return an error's message without the words of the prompt that it repeats."""
    contents = list(_texts(sent.get("messages", ())))
    lines = {_plain(line) for content in contents for line in content.splitlines()}
    whole = " ".join(map(_plain, contents))
    message = _QUOTED.sub(lambda match: _BLANK if _is_quote(match[2] or match[3], whole) else match[0], message)
    words = list(_WORD.finditer(message))
    kept, at, start = [], 0, 0
    while start < len(words):
        end = _end_of_run(words, start, whole, lines)
        if end > start:
            kept += [message[at : words[start].start()], _BLANK]
            at = words[end - 1].end()
        start = max(end, start + 1)
    return "".join((*kept, message[at:]))


def _is_quote(text: str, whole: str) -> bool:
    plain = _plain(text)
    return plain.count(" ") - 1 >= _SHORT_QUOTE and plain in whole


def _end_of_run(words: list[re.Match[str]], start: int, whole: str, lines: Iterable[str]) -> int:
    """Return the end of the longest run of words that is a part of the prompt, or `start`."""
    end, run = start, " "
    found = start
    while end < len(words) and (longer := f"{run}{words[end][0].lower()} ") in whole:
        end, run = end + 1, longer
        if end - start >= _LONG_RUN or (end - start >= _SHORT_LINE and run in lines):
            found = end
    return found


def _texts(messages: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    for message in messages:
        content = message.get("content")
        if isinstance(content, str):
            yield content


def _plain(text: str) -> str:
    """Return the words of a text, with one space around each."""
    return " " + "".join(f"{word.lower()} " for word in _WORD.findall(text))
