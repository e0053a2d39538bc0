"""Remove what surrounds a model's answer: reasoning, end tokens, a code fence, conversational phrases.

Every step takes linear time, because a malfunctioning model may write a very long text.
"""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from qtgen.errors import AnswerError


class Wrapping(StrEnum):
    """What surrounded an answer or was wrong with its form, and was removed without changing its wording."""

    MARK = "byte-order mark"
    REASONING = "reasoning"
    END_TOKEN = "end token"  # noqa: S105  # not a password
    CODE_FENCE = "code fence"
    TAG = "answer tag"
    PROSE = "words around the answer"
    FURTHER = "further objects"
    WRAPPER = "wrapper object or list"
    ENCODED = "JSON in a string"
    LINE_BREAKS = "raw line breaks in strings"
    SYNTAX = "JSON syntax"


_ADVICE = {
    Wrapping.REASONING: "without reasoning",
    Wrapping.CODE_FENCE: "without a code fence",
    Wrapping.TAG: "without a tag around it",
    Wrapping.PROSE: "without words before or after it",
    Wrapping.FURTHER: "only once",
    Wrapping.WRAPPER: "without an object or a list around it",
    Wrapping.ENCODED: "not as a string",
}


@dataclass(frozen=True, slots=True)
class Stripped:
    """An answer without what surrounded it."""

    text: str
    wrappings: tuple[Wrapping, ...] = ()


def advice(wrappings: tuple[Wrapping, ...], noun: str) -> list[str]:
    """Return sentences for the model, such as `write the JSON object alone, without a code fence`."""
    return [f"write {noun} alone, {_ADVICE[wrapping]}" for wrapping in wrappings if wrapping in _ADVICE]


_INVISIBLE = "\ufeff\u200b\u2060 \t\r\n\f\v\u00a0"
_NAMES = "think|thinking|thoughts?|reasoning|reflection|analysis|scratchpad"
_REASONING = re.compile(
    rf"(?<!`)(?:<(?P<a>/?)(?:seed:)?(?:{_NAMES})>|\[(?P<b>/?)THINK\]|◁(?P<c>/?)think▷|<\|(?P<d>begin|end)_of_thought\|>)",
    re.IGNORECASE,
)
_FINAL_CHANNEL = "<|channel|>final<|message|>"
_LEADING_TOKENS = re.compile(
    r"(?:(?:<s>|<bos>|\[/INST\]|<start_of_turn>(?:model)?|<\|(?:im_start|start_header_id|start)\|>(?:\s{0,4}assistant\b)?"
    r"|<\|(?:end_header_id|begin_of_text|assistant|message)\|>|<｜[^｜\n]{1,40}｜>)\s*)+"
)
# A model ends its turn with one of these. If the text is about the token, the line continues.
_END_OF_TURN = re.compile(
    r"(?<!`)(?:<\|(?:im_end|eot_id|eom_id|endoftext|end_of_text|end_of_turn|end|return|im_start)\|>|<end_of_turn>"
    r"|<｜end▁of▁sentence｜>)(?=[^\S\n]{0,9}(?:\n|\Z|<\||<start_of_turn>|<｜))"
)
_TRAILING_TOKENS = (
    "<eos>", "<pad>", "[/INST]", "<|im_end|>", "<|eot_id|>", "<|endoftext|>", "<|end|>", "<|return|>",
    "<end_of_turn>", "<|end_of_text|>", "<|user|>", "<|assistant|>", "<｜end▁of▁sentence｜>",
)  # fmt: skip
_ANSWER_TAG = re.compile(r"<(answer|response|output|result|final|json)>\s*", re.IGNORECASE)
_OPENING = re.compile(
    r"""(?:(?:sure(?:\ thing)?|certainly|absolutely|of\ course|okay|ok|alright|great\ question|no\ problem|understood
            |got\ it)
        \s{0,3}[!,.]{1,3}[^\S\n]{0,3}
        (?:(?:here(?:['’]s|\ is|\ are|\ it\ is|\ you\ go)|below\ is|the\ following\ is
              |i(?:['’]ll|\ will|['’]d\ be|\ would\ be))\b
           [^\n:]{0,200}(?::|(?=\n)) | (?=\n))
      | (?:here(?:['’]s|\ is)|below\ is)\ (?:the|an?|your)\b[^\n:.]{0,100}
        \b(?:answer|response|article|page|explanation|json|object|markdown|text)\b[^\n:.]{0,100}:
      )\s*""",
    re.IGNORECASE | re.VERBOSE,
)
_CLOSING = re.compile(
    r"(?:i hope (?:this|that|it)\b|(?:please )?let me know\b|(?:please )?feel free to\b"
    r"|if you (?:have|need|would like)\b.{0,80}\b(?:questions?|help|details|let me know)\b)",
    re.IGNORECASE,
)
_CLOSING_MAX = 200  # characters
_FENCE = re.compile(r"(```+|~~~+)[^\S\n]*([\w+-]*)[^\S\n]*(?:\n|\Z)")
_FENCE_LINE = re.compile(r"^[^\S\n]{0,3}(?:```+|~~~+)[^\S\n]*([^`\n]*)$", re.MULTILINE)
_WHOLE_ANSWER_INFOS = frozenset({"", "markdown", "md", "json", "json5", "jsonc", "text", "txt", "plaintext"})
_MAX_ROUNDS = 6  # a fence inside a tag inside a greeting …


def strip_surroundings(text: str) -> Stripped:
    """Return an answer without a byte-order mark, reasoning, end tokens, a fence or conversational phrases.

    The wording of the answer does not change. If the text has only reasoning, the result is empty.
    """
    found: list[Wrapping] = []
    text = _strip(text, found)
    for _ in range(_MAX_ROUNDS):
        before = text
        for wrapping, step in _STEPS:
            stripped = step(text).strip(_INVISIBLE)
            if stripped != text:
                found.append(wrapping)
                text = stripped
        if text == before:
            break
    return Stripped(text, tuple(dict.fromkeys(found)))


def require_text(text: str) -> Stripped:
    """Return an answer without its surroundings. Raises AnswerError if nothing is left."""
    stripped = strip_surroundings(text)
    if stripped.text:
        return stripped
    if Wrapping.REASONING in stripped.wrappings:
        raise AnswerError(["the answer has only reasoning; write the answer itself"])
    raise AnswerError(["the answer is empty"])


def _strip(text: str, found: list[Wrapping]) -> str:
    if text.startswith("\ufeff"):
        found.append(Wrapping.MARK)
    return text.strip(_INVISIBLE)


class _Tag(NamedTuple):
    start: int
    end: int
    closes: bool


def _without_reasoning(text: str) -> str:
    """Remove reasoning, even if its opening tag (it is in the prompt) or closing tag (it was cut off) is missing."""
    final = text.rfind(_FINAL_CHANNEL)
    if final >= 0:
        return text[final + len(_FINAL_CHANNEL) :]
    kept: list[str] = []
    position, is_open = 0, False
    for match in _REASONING.finditer(text):
        tag = _Tag(*match.span(), closes="/" in match.groups() or match["d"] == "end")
        if not tag.closes and not is_open and _begins_line(text, tag.start):
            kept.append(text[position : tag.start])
            is_open = True
        elif tag.closes and (is_open or not _is_spoken_of(text, tag)):
            if not is_open:
                kept.clear()
            position, is_open = tag.end, False
    return "".join(kept) + ("" if is_open else text[position:])


def _begins_line(text: str, offset: int) -> bool:
    line = text[max(0, offset - 200) : offset]
    return not line.rpartition("\n")[2].strip()


def _is_spoken_of(text: str, tag: _Tag) -> bool:
    """Return whether a closing tag is inside a sentence, as in `ends with </think> and then`."""
    return text[tag.start - 1 : tag.start] == " " and text[tag.end : tag.end + 1] not in ("", "\n")


def _without_tokens(text: str) -> str:
    if leading := _LEADING_TOKENS.match(text):
        text = text[leading.end() :]
    if turn := _END_OF_TURN.search(text):
        text = text[: turn.start()]
    tokens = _TRAILING_TOKENS if "<s>" in text else (*_TRAILING_TOKENS, "</s>")  # `<s>` strikes out
    end = len(text)
    while token := next((token for token in tokens if text.endswith(token, 0, end)), ""):
        end -= len(token)
        while end and text[end - 1].isspace():
            end -= 1
    return text[:end]


def _without_tag(text: str) -> str:
    opening = _ANSWER_TAG.match(text)
    if not opening:
        return text
    closing = f"</{opening[1]}>"
    inner = text[opening.end() :]
    return inner[: -len(closing)] if inner.casefold().endswith(closing.casefold()) else text


def _without_chat(text: str) -> str:
    if opening := _OPENING.match(text):
        text = text[opening.end() :]
    start = text.rfind("\n") + 1
    if start and len(text) - start <= _CLOSING_MAX and _CLOSING.match(text, start):
        text = text[:start]
    return text


def _without_fence(text: str) -> str:
    """Remove a fence around the whole answer, but not if one fence begins it and another one ends it."""
    opening = _FENCE.match(text)
    if not opening or opening[2].lower() not in _WHOLE_ANSWER_INFOS:
        return text
    inner = text[opening.end() :]
    infos = [line[1].strip() for line in _FENCE_LINE.finditer(inner)]
    is_closed = inner.rpartition("\n")[2].strip() == opening[1]
    blocks = infos[:-1] if is_closed else infos
    is_paired = len(blocks) % 2 == 0 and all(blocks[::2]) and not any(blocks[1::2])
    if not is_paired or not (is_closed or opening[2]):
        return text
    return inner.rpartition("\n")[0] if is_closed else inner


_STEPS = (
    (Wrapping.REASONING, _without_reasoning),
    (Wrapping.END_TOKEN, _without_tokens),
    (Wrapping.TAG, _without_tag),
    (Wrapping.PROSE, _without_chat),
    (Wrapping.CODE_FENCE, _without_fence),
)
