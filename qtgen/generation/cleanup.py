"""What a model's text needs before it can stand on a page: repairs that lose nothing, and signs that it cannot.

`prose` and `label` make the field types that the answer shapes (`answers.py`) are built of.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Annotated, Any, TypeVar

import re2
from pydantic import AfterValidator, BeforeValidator, Field

from qtgen.page.text import to_single_line

T = TypeVar("T")

_BULLET = re.compile(r"^(?:\[\W*\]|[-*•>#]+)\s+")
_OF_ITSELF = re.compile(r"(?:this|the)\s+(?:answer|page|content|article|text|response)\b|this is\b", re.IGNORECASE)
_OPEN_END = re.compile(r"\b(?:the|an?|and|or|of|to|in|for|with|by|that|which|as|from)\W*$", re.IGNORECASE)
_MARKUP = re.compile(r"`+|\*\*|__|\]\(|\[\W*\]|^#+ ")
_WORD_CHARS = re.compile(r"\w")
_SENTENCE_END = re.compile(r"[.!?][\"')\]$]*(?=\s|$)")
# What a small model leaves in its text: markup of another medium, keys of the schema, words of its instructions.
_RESIDUE = re.compile(
    r"</?(?:pre|code|h[1-6]|p|div|span|br|ul|ol|li|b|i|strong|em|html|body|table|script|style|iframe)(?:\s+[\w-]+\s*=[^>]*)?\s*/?>"
    r"|<\|[a-z_]+\|>|\[/?INST\]"
    r"|\bpage_(?:description|keywords)\b|\bworked_example\b|\"(?:heading|explanation|introduction|summary)\""
    r"|\bas an AI\b|\bAI language model\b|\blorem ipsum\b|(?-i:\bTODO\b)"
    r"|\[(?:insert|json|question|answer|response|example|section|data|text|title|math|your)\b[^\]]*\](?!\()",
    re.IGNORECASE,
)

# For RE2: stands wherever the other matches, and is found in one pass.
_MAY_BE_RESIDUE = re2.compile(
    r"(?i)</?[a-z]|<\||\[/?inst\]|page_(?:description|keywords)|worked_example"
    r'|"(?:heading|explanation|introduction|summary)"|as an a[iı]|a[iı] language model|lorem [iı]psum|todo'
    r"|\[(?:[iı]nsert|json|quest[iı]on|answer|response|example|sect[iı]on|data|text|t[iı]tle|math|your)"
)

# LaTeX that was not escaped in JSON arrives with its first letters read as a control character: `\\beta` as a
# backspace and `eta`. Backspace and form feed mean nothing else; tab and carriage return only before these.
_SWALLOWED = re.compile(
    r"\x08(?=[a-z])|\x0c(?=[a-z])|\t(?=(?:heta|imes|ext|au|frac|o|an|ilde|riangle)\b)|\r(?=(?:ho|ight|m|angle|ceil)\b)"
)
_ESCAPES = {"\x08": r"\b", "\x0c": r"\f", "\t": r"\t", "\r": r"\r"}
_CONTROLS = re.compile(r"[\x00-\x08\x0e-\x1f\x7f-\x9f]")


def mended(text: object) -> object:
    """LaTeX commands whose backslash JSON swallowed, restored; other control characters dropped."""
    if not isinstance(text, str) or text.isprintable():  # then there is nothing to mend, and that is quick to see
        return text
    text = _SWALLOWED.sub(lambda found: _ESCAPES[found.group()], text)
    return _CONTROLS.sub("", text)


def line(text: object) -> object:
    """One line; a line break that the model escaped twice is still a break."""
    whole = mended(text)
    if not isinstance(whole, str):
        return whole
    return to_single_line(re.sub(r"\\n(?![a-z])", " ", whole) if "\\" in whole else whole)


def once(items: Iterable[T], name: Callable[[T], str]) -> list[T]:
    """`items` without those whose name came before, whatever its case."""
    first: dict[str, T] = {}
    for item in items:
        first.setdefault(name(item).casefold(), item)
    return list(first.values())


def _worded(text: str) -> str:
    if not _WORD_CHARS.search(text):
        raise ValueError("holds no word")
    return text


def prose(low: int, high: int) -> Any:
    """A text of whole sentences, within the limits."""

    def whole(text: str) -> str:
        return whole_sentences(_worded(text), low, high)

    return Annotated[str, BeforeValidator(line), Field(min_length=low, max_length=high), AfterValidator(whole)]


def sentence(low: int, high: int) -> Any:
    """A text of whole sentences, within the limits; none that was stopped in its first one."""

    def bare(text: object) -> object:
        bare_line = line(text)
        return _BULLET.sub("", bare_line) if isinstance(bare_line, str) else bare_line

    def whole(text: str) -> str:
        kept = whole_sentences(_worded(text), low, high)
        if (kept != text and not text.startswith(kept)) or _OPEN_END.search(kept):
            raise ValueError(f"was cut off at {high} characters; write one shorter sentence")
        if kept[-1] in ",;:":
            raise ValueError(f"ends in `{kept[-1]}`; write one whole sentence")
        if _OF_ITSELF.match(kept):
            raise ValueError("speaks of the answer; name the matter itself")
        if marks := _MARKUP.search(kept):
            raise ValueError(f"has the markup `{marks.group()}`; write plain text")
        if not kept[0].isalnum() and kept[0] not in "\"'“‘$":
            raise ValueError(f"begins with `{kept[0]}`; begin with a word")
        return kept

    return Annotated[str, BeforeValidator(bare), Field(min_length=low, max_length=high), AfterValidator(whole)]


def label(low: int, high: int) -> Any:
    """A heading, a cell or a keyword: one line without markup at its ends."""

    def bare(text: object) -> object:
        bare_line = line(text)
        return bare_line.strip("*_#:;., ") if isinstance(bare_line, str) else bare_line

    return Annotated[str, BeforeValidator(bare), Field(min_length=low, max_length=high), AfterValidator(_worded)]


def whole_sentences(text: str, low: int, high: int) -> str:
    """`text` cut back to its last whole sentence if it was stopped by its length limit."""
    if len(text) < high - 2 or _SENTENCE_END.search(text[-3:]):
        return text
    ends = [found.end() for found in _SENTENCE_END.finditer(text) if found.end() >= low]
    if ends:
        return text[: ends[-1]]
    return text[: text.rfind(" ")].rstrip(" ,;:") + "." if " " in text[low:] else text


def residue(data: object) -> list[str]:
    """What a model left in the texts of its answer that no reader should see, each once; code is not looked at."""
    texts = [*_texts(data)]
    if not _MAY_BE_RESIDUE.search("\n".join(texts)):  # one quick look, and nearly always the last
        return []
    prose_of_each = (re.sub(r"```.*?```|`[^`]*`", "", text, flags=re.DOTALL) for text in texts)
    return sorted({found.group() for text in prose_of_each for found in _RESIDUE.finditer(text)})


def _texts(data: object) -> Iterator[str]:
    """Every string of the answer."""
    if isinstance(data, str):
        yield data
    elif isinstance(data, dict | list):
        for item in data.values() if isinstance(data, dict) else data:
            yield from _texts(item)
