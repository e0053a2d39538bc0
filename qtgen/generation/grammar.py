r"""GBNF grammars of Markdown answers, for servers that accept one (llama.cpp: the field `grammar`).

A grammar is derived from the JSON Schema of the answer's shape, so its lengths and numbers of items are those that
answers are checked against. A sentence ends in a word, which keeps a model from ending one inside a number (`23.` of
`23.4`) or an abbreviation (`i.` of `i.e.`).

Format: https://github.com/ggml-org/llama.cpp/blob/master/grammars/README.md
"""

from collections.abc import Callable, Mapping
from typing import Any

_SENTENCE_MIN, _SENTENCE_MAX = 30, 230  # characters; a longer text has several sentences
_SENTENCE_FRAME = 4  # characters of a sentence beside those that its length counts: the first one and the end

# A sentence contains no Markdown, no HTML, and no colon, after which small models begin a list inside a sentence. Small
# models may not write decimals either: they add meaningless ones to dates and to whole numbers.
_PLAIN = r"[^.*#|<>{}\n!?:`_$\\]"
_RICH = r'[^.*#|<>{}\n!?`_$\\] | [0-9] "." [0-9] | "$" [^$\n]{1,120} "$" | "`" [^`\n]{1,60} "`"'
_WORDS = r"""
end ::= ([a-z] [a-z] | [a-z0-9%] ")") "."
word ::= [a-zA-Z'’]{1,20} | [a-zA-Z]{1,12} "-" [a-zA-Z]{1,12}
heading ::= [A-Z] [a-zA-Z'’]{1,20} (" " word){0,6}
keyword ::= [a-zA-Z] [a-zA-Z'’ -]{1,30} [a-z]
"""
_FREE = r"""
block ::= text | "### " heading | "$$\n" [^$]{1,300} "\n$$" | "```" [a-z]{1,12} "\n" ([^`\n]{0,110} "\n"){1,60} "```"
"""
_CELL = r"cell ::= [A-Za-z0-9] [^|\n*#<>{}$`\\]{1,118}"

_Fields = Mapping[str, Any]


def grammar(shape: str, schema: Mapping[str, Any], *, is_short: bool) -> str:
    """Return the grammar of an answer.

    Args:
        shape: Name of the answer's shape.
        schema: Its strict JSON Schema.
        is_short: Whether the answer is a small model's. It contains no formulas and no description, because a
            description taken from the introduction is better.
    """
    fields: _Fields = schema["properties"]
    rules = [
        *_SHAPES[shape](fields),
        _search(fields, with_description=shape == "seo" or not is_short),
        f"char ::= {_PLAIN if is_short else _RICH}",
        *_lines(_WORDS),
    ]
    return "\n".join(rules)


def _points(fields: _Fields) -> list[str]:
    fewest, most = fields["points"]["minItems"], fields["points"]["maxItems"]
    required = " ".join(f'"\\n\\n{number}. " point' for number in range(1, fewest + 1))
    optional = ""
    for number in range(most, fewest, -1):
        optional = f'("\\n\\n{number}. " point {optional})?'
    return [
        f'root ::= introduction {required} {optional} "\\n\\nIn summary, " summary "\\n\\n" search',
        'point ::= "**" heading "**: " explanation',
        _prose("introduction", fields["introduction"]),
        _prose("explanation", fields["points"]["items"]["properties"]["explanation"]),
        _prose("summary", fields["summary"], first="[A-Za-z]"),
    ]


def _table(fields: _Fields) -> list[str]:
    tables = {table["properties"]["columns"]["minItems"]: table for table in fields["table"]["anyOf"]}
    choices = " | ".join(f"table{width}" for width in tables)
    rules = [
        f'root ::= introduction "\\n\\n" ({choices}) "\\n\\nIn summary, " summary "\\n\\n" search',
        _prose("introduction", fields["introduction"]),
        _prose("summary", fields["summary"], first="[A-Za-z]"),
        _CELL,
    ]
    for width, table in tables.items():
        rows = table["properties"]["rows"]
        columns, cells = ' " | " '.join(["heading"] * width), ' " | " '.join(["cell"] * width)
        ruler = "| --- " * (width + 1) + "|"
        row = f'"\\n| **" heading "** | " {cells} " |"'
        counted = f"{{{rows['minItems']},{rows['maxItems']}}}"
        rules.append(f'table{width} ::= "| Aspect | " {columns} " |\\n{ruler}" ({row}){counted}')
    return rules


def _freeform(_: _Fields) -> list[str]:
    text = _prose("text", {"minLength": 2 * _SENTENCE_MIN, "maxLength": 3 * _SENTENCE_MAX})
    return ['root ::= text ("\\n\\n" block){3,12} "\\n\\n" search', text, *_lines(_FREE)]


def _seo(_: _Fields) -> list[str]:
    return ["root ::= search"]


_SHAPES: Mapping[str, Callable[[_Fields], list[str]]] = {
    "points": _points,
    "table": _table,
    "freeform": _freeform,
    "seo": _seo,
}


def _search(fields: _Fields, *, with_description: bool) -> str:
    """Return the rule of the lines with the texts for search engines."""
    fewest = fields["page_keywords"]["minItems"]
    most = fewest + 2  # a small model repeats itself in a longer list
    more = f"{{{fewest - 1},{most - 1}}}"
    line = f'"Keywords: " keyword (", " keyword){more}'
    if not with_description:
        return f"search ::= {line}"
    length = fields["page_description"]
    description = _sentence("[A-Z]", length["minLength"], length["maxLength"])
    return f'search ::= "Description: " {description} "\\n\\n" {line}'


def _prose(name: str, length: Mapping[str, int], first: str = "[A-Z]") -> str:
    """Return a rule for as many sentences as fit into a text of the length.

    Args:
        name: Name of the rule.
        length: The JSON Schema of the text.
        first: The class of its first character.
    """
    count = max(1, length["maxLength"] // _SENTENCE_MAX)
    opening = _sentence(first, max(_SENTENCE_MIN, length["minLength"]), min(_SENTENCE_MAX, length["maxLength"]))
    more = f' (" " {_sentence("[A-Z]", _SENTENCE_MIN, _SENTENCE_MAX - 1)}){{0,{count - 1}}}' if count > 1 else ""
    return f"{name} ::= {opening}{more}"


def _sentence(first: str, low: int, high: int) -> str:
    return f"{first} char{{{low - _SENTENCE_FRAME},{high - _SENTENCE_FRAME}}} end"


def _lines(text: str) -> list[str]:
    return text.strip().splitlines()
