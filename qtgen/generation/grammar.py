r"""GBNF grammars of Markdown answers, for servers that accept one (llama.cpp: the field `grammar`).

A grammar is derived from the JSON Schema of the answer's shape, so it has the limits that answers are checked against.
Every text of the grammar is a valid answer, unless it repeats itself or is a placeholder. A sentence ends in a word, so
that a model does not end it inside a number (`23.` of `23.4`) or an abbreviation (`i.` of `i.e.`).

Format: https://github.com/ggml-org/llama.cpp/blob/master/grammars/README.md
"""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from qtgen.generation.answers import SEARCH
from qtgen.generation.own_shapes import fill, item_gap
from qtgen.generation.page_texts import page_texts
from qtgen.generation.search_grammar import (
    BREAK,
    FEW,
    FRAME,
    SENTENCE_MAX,
    SENTENCE_MIN,
    keyword,
    plain_sentence,
    quoted,
    search_rules,
    short_text,
)
from qtgen.page.layout import Layout
from qtgen.page.profile import Part, Shape

# A plain sentence contains no Markdown, no HTML, no control characters, no decimals and no colon. Small models begin a
# list after a colon, and add meaningless decimals to dates and whole numbers.
_PLAIN = r"[^.*#|<>{}\[\]!?:`_$\\\x01-\x1F\x7F-\x9F]"
_RICH = r"[^.*#|<>{}\[\]!?`_$\\\x01-\x1F\x7F-\x9F]"
# A sentence may contain up to three inserts: numbers with decimals, formulas and code. They count towards its length,
# so the more inserts it has, the shorter each one must be. This maps their number to their maximum length.
_INSERTS = {1: 60, 2: 40, 3: 30}
_SHORTEST_INSERT, _LONGEST_DECIMAL = 3, 5
_WORDS = r"""
end ::= ([a-z] [a-z] | [a-z0-9%] ")") "."
keyword ::= {keyword}
"""
_CELL = r"cell ::= [A-Za-z0-9] [^|\n*#<>{}\[\]$`_\\\x01-\x1F\x7F-\x9F]{1,118}"
# A heading has up to seven words, or fewer if they are long, so that it does not exceed its maximum length.
_WORD_LENGTHS, _MOST_WORDS = (10, 15, 20), 7
_FREE = r"""
part ::= ("\n\n" block)?
block ::= "### " heading | "$$\n" [^$`\x01-\x08\x0B-\x1F\x7F-\x9F]{1,200} "\n$$"
code ::= "\n\n```" [a-z]{1,12} "\n" [^`\x01-\x08\x0B-\x1F\x7F-\x9F]{1,1100} "\n```"
"""

_LITERAL = re.compile(r'"(?:\\.|[^"\\])*"|\[(?:\\.|[^\]\\])*\]')
_NAME = re.compile(r"[a-z][a-z0-9-]*")
_MARK = "\x00"  # takes the place of a text in its template

_Fields = Mapping[str, Any]


def grammar(shape: str, schema: Mapping[str, Any], layout: Layout, *, is_short: bool) -> str:
    """Return the grammar of an answer.

    Args:
        shape: Name of the answer's shape.
        schema: Its strict JSON Schema.
        layout: The layout of the page.
        is_short: Whether the grammar is for a small model. The answer then contains no formulas and no description,
            because a sentence of the answer makes a better description.
    """
    fields: _Fields = schema["properties"]
    prose = _Prose(is_rich=not is_short)
    texts = page_texts(layout).alone if shape == SEARCH else page_texts(layout)
    search = search_rules(fields, texts, with_description=shape == SEARCH or not is_short)
    tail = ' "\\n\\n" search' if search else ""
    own = next((own for own in layout.profile.file.shape if own.name == shape), None)
    rules = [
        *(_own(own, prose, tail) if own else _SHAPES[shape](fields, prose, tail)),
        *search,
        f"plain ::= {_PLAIN}",
        *_lines(_WORDS.format(keyword=keyword(texts))),
    ]
    if not is_short and shape != SEARCH:
        rules += [f"char ::= {_RICH}", *(_insert(longest, layout.codec.math) for longest in _INSERTS.values())]
    return "\n".join(_used(rules))


def _used(rules: Sequence[str]) -> list[str]:
    """Return the rules without those that no text needs, such as that of keywords on a site without any."""
    bodies = dict(rule.split(" ::= ", 1) for rule in rules)
    reached, waiting = set[str](), ["root"]
    while waiting:
        name = waiting.pop()
        if name not in reached:
            reached.add(name)
            plain = _LITERAL.sub(" ", bodies[name])
            waiting += [word for word in _NAME.findall(plain) if word in bodies]
    return [rule for rule in rules if rule.partition(" ::= ")[0] in reached]


class _Prose:
    """Writes the rules of texts in sentences.

    Args:
        is_rich: Whether sentences contain decimals, formulas and code.
    """

    def __init__(self, *, is_rich: bool) -> None:
        self.is_rich = is_rich

    def rule(self, name: str, length: Mapping[str, int], first: str = "[A-Z]") -> str:
        """Return a rule for as many sentences as fit into the maximum length of a text.

        Args:
            name: Name of the rule.
            length: The JSON Schema of the text.
            first: The class of its first character.
        """
        longest = _length_of(length, "maxLength")
        count = max(1, longest // SENTENCE_MAX)
        low = max(SENTENCE_MIN, _length_of(length, "minLength"))
        opening = self._sentence(first, low, min(SENTENCE_MAX, longest))
        if count == 1:
            return f"{name} ::= {opening}"
        more = self._sentence("[A-Z]", SENTENCE_MIN, SENTENCE_MAX - 1)
        return f'{name} ::= {opening} (" " {more}){{0,{count - 1}}}'

    def _sentence(self, first: str, low: int, high: int) -> str:
        if not self.is_rich:
            return plain_sentence(first, low, high)
        low, high = low - FRAME, high - FRAME
        choices = [f"char{{{low},{high}}}"]
        for count, longest in _INSERTS.items():
            fewest = max(1, -(-(low - count * _SHORTEST_INSERT) // (count + 1)))
            text = f"char{{{fewest},{(high - count * longest) // (count + 1)}}}"
            choices.append(" ".join([*[f"{text} insert{longest}"] * count, text]))
        return f"{first} ({' | '.join(choices)}) end"


def _points(fields: _Fields, prose: _Prose, tail: str) -> list[str]:
    fewest, most = fields["points"]["minItems"], fields["points"]["maxItems"]
    required = " ".join(f'"\\n\\n{number}. " point' for number in range(1, fewest + 1))
    optional = ""
    for number in range(most, fewest, -1):
        optional = f'("\\n\\n{number}. " point {optional})?'
    point = fields["points"]["items"]["properties"]
    example = ' ("\\n\\n**Worked example**: " example)?' if prose.is_rich else ""
    rules = [
        f'root ::= introduction {required} {optional}{example} "\\n\\nIn summary, " summary{tail}',
        'point ::= "**" heading "**: " explanation',
        _heading("heading", point["heading"]),
        prose.rule("introduction", fields["introduction"]),
        prose.rule("explanation", point["explanation"]),
        prose.rule("summary", fields["summary"], first="[A-Za-z]"),
    ]
    return [*rules, prose.rule("example", fields["worked_example"])] if prose.is_rich else rules


def _table(fields: _Fields, prose: _Prose, tail: str) -> list[str]:
    tables = {table["properties"]["columns"]["minItems"]: table for table in fields["table"]["anyOf"]}
    choices = " | ".join(f"table{width}" for width in tables)
    any_table = next(iter(tables.values()))["properties"]
    rules = [
        f'root ::= introduction "\\n\\n" ({choices}) "\\n\\nIn summary, " summary{tail}',
        prose.rule("introduction", fields["introduction"]),
        prose.rule("summary", fields["summary"], first="[A-Za-z]"),
        _heading("column", any_table["columns"]["items"]),
        _heading("aspect", any_table["rows"]["items"]["properties"]["aspect"]),
        _CELL,
    ]
    for width, table in tables.items():
        rows = table["properties"]["rows"]
        columns, cells = ' " | " '.join(["column"] * width), ' " | " '.join(["cell"] * width)
        ruler = "| --- " * (width + 1) + "|"
        row = f'"\\n| **" aspect "** | " {cells} " |"'
        most = rows["maxItems"] if prose.is_rich else rows["minItems"] + FEW
        counted = f"{{{rows['minItems']},{most}}}"
        rules.append(f'table{width} ::= "| Aspect | " {columns} " |\\n{ruler}" ({row}){counted}')
    return rules


def _freeform(_: _Fields, prose: _Prose, tail: str) -> list[str]:
    """Return the rules of an answer of five texts, with headings, formulas and one program between them.

    With the chosen lengths, the answer has 300 to 4,500 characters.
    """
    text = prose.rule("text", {"minLength": 60, "maxLength": 2 * SENTENCE_MAX})
    parts = ' "\\n\\n" '.join(["text part", "text part code?", "text part", "text part", "text"])
    return [f"root ::= {parts}{tail}", text, _heading("heading", {"maxLength": 80}), *_lines(_FREE)]


def _seo(_: _Fields, __: _Prose, ___: str) -> list[str]:
    return ["root ::= search"]


_SHAPES: Mapping[str, Callable[[_Fields, _Prose, str], list[str]]] = {
    "points": _points,
    "table": _table,
    "freeform": _freeform,
    "seo": _seo,
}


def _own(shape: Shape, prose: _Prose, tail: str) -> list[str]:
    """Return the rules of a shape that a profile adds."""
    rules, root = [], ""
    for part in shape.parts:
        name = f"part-{part.key.replace('_', '-')}"
        gap = f"{BREAK} " if root else ""
        piece = _own_items(part, name) if part.items else _filled(part, name, 1)
        root += f" {gap}{piece}" if part.required else f" ({gap}{piece})?"
        rules.append(_own_text(part, name, prose))
    return [f"root ::={root}{tail}", *rules]


def _own_items(part: Part, name: str) -> str:
    fewest, most = part.items or (1, 1)
    gap = quoted(item_gap(part))
    required = f" {gap} ".join(_filled(part, name, number) for number in range(1, fewest + 1))
    optional = ""
    for number in range(most, fewest, -1):
        optional = f"({gap} {_filled(part, name, number)} {optional})?"
    return f"{required} {optional}".strip()


def _own_text(part: Part, name: str, prose: _Prose) -> str:
    if part.max < 2 * SENTENCE_MIN:
        return f"{name} ::= {short_text(part.min, part.max)}"
    return prose.rule(name, {"minLength": part.min, "maxLength": part.max})


def _filled(part: Part, name: str, number: int) -> str:
    """Return the Markdown of a part as a sequence of the grammar."""
    before, _, after = fill(part, _MARK, number).partition(_MARK)
    return " ".join(filter(None, (quoted(before) if before else "", name, quoted(after) if after else "")))


def _insert(longest: int, has_math: bool) -> str:
    """Return the rule of a decimal, a formula or code in a sentence, with at most `longest` characters."""
    inner = rf"[^$`\x01-\x1F\x7F-\x9F]{{1,{longest - 2}}}"
    decimal = f'[0-9] "." [0-9]{{1,{_LONGEST_DECIMAL - 2}}}'
    formula = f'"$" {inner} "$" | ' if has_math else ""
    return f'insert{longest} ::= {decimal} | {formula}"`" {inner} "`"'


def _heading(name: str, length: Mapping[str, int]) -> str:
    """Return the rule of a heading: up to seven words, and fewer if some are long."""
    choices = []
    for letters in _WORD_LENGTHS:
        further = min(_MOST_WORDS, (length["maxLength"] + 1) // (letters + 1)) - 1
        half = (letters - 1) // 2
        word = f'([a-zA-Z\'’]{{1,{letters}}} | [a-zA-Z]{{1,{half}}} "-" [a-zA-Z]{{1,{half}}})'
        choices.append(f'[A-Z] [a-zA-Z\'’]{{2,{letters - 1}}} (" " {word}){{0,{further}}}')
    return f"{name} ::= {' | '.join(choices)}"


def _length_of(schema: Mapping[str, Any], name: str) -> int:
    """Return a length limit from the JSON Schema of a text, which may be nullable."""
    text = next((choice for choice in schema.get("anyOf", [schema]) if name in choice), schema)
    return int(text[name])


def _lines(text: str) -> list[str]:
    return text.strip().splitlines()
