"""What each answer format adds to a prompt: instructions, and for Markdown a grammar."""

import json
from collections.abc import Mapping
from typing import Any

from qtgen.generation.answers import SEARCH
from qtgen.generation.grammar import grammar
from qtgen.generation.own_shapes import fill, item_gap
from qtgen.generation.page_texts import page_texts
from qtgen.llm.types import AnswerFormat, PromptStyle
from qtgen.page.layout import Layout
from qtgen.page.profile import Part

# The words in angle brackets are the fields' names in the prompts.
_LAYOUTS = {
    "points": """\
<introduction>

1. **<heading>**: <explanation>

2. **<heading>**: <explanation>

**Worked example**: <worked_example; leave this paragraph out if there is none>

In summary, <summary>""",
    "table": """\
<introduction>

| Aspect | <column> | <column> |
| --- | --- | --- |
| **<aspect>** | <cell> | <cell> |
| **<aspect>** | <cell> | <cell> |

In summary, <summary>""",
    "freeform": "<answer>",
    "seo": "",
}
_CONTINUED = {
    "points": " Go on with as many numbered points as are asked for.",
    "table": " Go on with as many columns and rows as are asked for.",
}


def instructions(shape: str, schema: Mapping[str, Any], style: PromptStyle, layout: Layout) -> str:
    """Return the description of the format for the system message. It is empty if a schema or an example replaces it.

    Args:
        shape: Name of the answer's shape.
        schema: Its JSON Schema.
        style: The endpoint's style.
        layout: The layout of the page.
    """
    if style.format is AnswerFormat.JSON_SCHEMA or style.is_short:
        return ""
    if style.format is AnswerFormat.JSON_OBJECT:
        text = json.dumps(schema, ensure_ascii=False, separators=(",", ":"))
        return f"Write the answer as one JSON object, without a code fence and nothing else. Its JSON Schema:\n{text}"
    form = f"{_form(shape, layout)}\n\n{_search_lines(shape, layout)}".strip()
    return (
        "Write plain Markdown and no JSON, in exactly this layout. Replace each name in angle brackets by your text."
        f"{_CONTINUED.get(shape, '')} Write nothing before or after it:\n\n{form}"
    )


def _form(shape: str, layout: Layout) -> str:
    """Return the form of an answer, with the names of its parts in angle brackets."""
    own = next((own for own in layout.profile.file.shape if own.name == shape), None)
    if own is None:
        return _LAYOUTS[shape]
    return "\n\n".join(_part_form(part) for part in own.parts)


def _part_form(part: Part) -> str:
    if part.items:
        items = (fill(part, f"<{part.key} {number}>", number) for number in (1, 2))
        fewest, most = part.items
        return f"{item_gap(part).join(items)}{item_gap(part)}<and so on: {fewest} to {most} in all>"
    return fill(part, f"<{part.key}{'' if part.required else '; leave it out if there is none'}>", 1)


def _search_lines(shape: str, layout: Layout) -> str:
    """Return the lines with the texts besides the answer: the further ones, the description, the keywords."""
    texts = page_texts(layout).alone if shape == SEARCH else page_texts(layout)
    ordered = [*texts.further, *filter(None, (texts.description, texts.keywords))]
    lines = (f"{text.label}: <{text.name}{', separated by commas' if text.is_list else ''}>" for text in ordered)
    return "\n\n".join(lines)


def answer_grammar(shape: str, schema: Mapping[str, Any], style: PromptStyle, layout: Layout) -> str | None:
    """Return the GBNF grammar of the answer, or None if the format is not Markdown."""
    return grammar(shape, schema, layout, is_short=style.is_short) if style.format is AnswerFormat.MARKDOWN else None
