"""The rules of a grammar for the texts of a page besides its answer: the lines `Description:`, `Keywords:` …"""

import json
from collections.abc import Mapping
from typing import Any

from qtgen.generation.page_texts import PageText, PageTexts

SENTENCE_MIN, SENTENCE_MAX = 30, 230
"""The characters of a sentence. A longer text has several."""
FRAME = 4
"""Characters at the beginning and the end of a sentence, which `char` and `plain` do not describe."""
BREAK = ' "\\n\\n" '
"""A blank line."""
FEW = 2
"""Items beyond the minimum, in lists in which a small model repeats itself."""
_KEYWORD = "[a-zA-Z] [a-zA-Z'’ -]{1,30} [a-z]"
_SHORTEST_WORDS = 4


def search_rules(fields: Mapping[str, Any], texts: PageTexts, *, with_description: bool) -> list[str]:
    """Return the rules of the lines with the texts besides the answer, such as `Description:` and `Keywords:`."""
    lines, rules = [], []
    for number, text in enumerate(texts.further):
        lines.append(f'"{text.label}: " further{number}')
        rules.append(f"further{number} ::= {_further(text, fields[text.name])}")
    if texts.description and with_description:
        length = fields[texts.description.name]
        low, high = max(SENTENCE_MIN, length["minLength"]), min(SENTENCE_MAX, length["maxLength"])
        lines.append('"Description: " description')
        rules.append(f"description ::= {plain_sentence('[A-Z]', min(low, high - 1), high)}")
    if texts.keywords:
        count = fields[texts.keywords.name]
        fewest, most = count["minItems"], min(count["minItems"] + FEW, count["maxItems"])
        lines.append(f'"Keywords: " keyword (", " keyword){{{fewest - 1},{most - 1}}}')
    return [f"search ::= {BREAK.join(lines)}", *rules] if lines else []


def keyword(texts: PageTexts) -> str:
    choices = texts.keywords.spec.enum if texts.keywords else None
    return " | ".join(quoted(str(choice)) for choice in choices) if choices else _KEYWORD


def _further(text: PageText, schema: Mapping[str, Any]) -> str:
    """Return the right side of the rule of a text that is neither the description nor the keywords."""
    if text.is_list:
        items = schema["items"].get("enum")
        item = f"({' | '.join(quoted(str(choice)) for choice in items)})" if items else f"({_KEYWORD})"
        return f'{item} (", " {item}){{{text.low - 1},{min(text.low + FEW, text.ask) - 1}}}'
    if text.spec.enum:
        return " | ".join(quoted(str(choice)) for choice in text.spec.enum)
    if text.is_prose:
        return short_text(text.low, min(SENTENCE_MAX, text.high))
    kind = schema.get("type")
    return {"boolean": '"true" | "false"', "integer": "[0-9]{1,4}", "number": '[0-9]{1,4} ("." [0-9]{1,2})?'}.get(
        str(kind), _KEYWORD
    )


def short_text(low: int, high: int) -> str:
    """Return the right side of a rule of words on one line, which need not be a sentence."""
    if high < _SHORTEST_WORDS:
        return f"[A-Za-z0-9]{{{max(1, low)},{high}}}"
    return f"[A-Z] plain{{{max(1, low - 2)},{high - 2}}} [a-z0-9]"


def quoted(text: str) -> str:
    """Return a literal of the grammar."""
    return json.dumps(text, ensure_ascii=False)


def plain_sentence(first: str, low: int, high: int) -> str:
    return f"{first} plain{{{low - FRAME},{high - FRAME}}} end"
