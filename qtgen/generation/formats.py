"""What each answer format adds to a prompt: instructions, and for Markdown a grammar."""

import json
from collections.abc import Mapping
from typing import Any

from qtgen.generation.grammar import grammar
from qtgen.llm.types import AnswerFormat, PromptStyle

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
_SEARCH_LINES = "Description: <page_description>\n\nKeywords: <page_keywords, separated by commas>"


def instructions(shape: str, schema: Mapping[str, Any], style: PromptStyle) -> str:
    """Return the description of the format for the system message. It is empty if a schema or an example replaces it.

    Args:
        shape: Name of the answer's shape.
        schema: Its JSON Schema.
        style: The endpoint's style.
    """
    if style.format is AnswerFormat.JSON_SCHEMA or style.is_short:
        return ""
    if style.format is AnswerFormat.JSON_OBJECT:
        text = json.dumps(schema, ensure_ascii=False, separators=(",", ":"))
        return f"Write the answer as one JSON object, without a code fence and nothing else. Its JSON Schema:\n{text}"
    layout = f"{_LAYOUTS[shape]}\n\n{_SEARCH_LINES}".strip()
    return (
        "Write plain Markdown and no JSON, in exactly this layout. Replace each name in angle brackets by your text."
        f"{_CONTINUED.get(shape, '')} Write nothing before or after it:\n\n{layout}"
    )


def answer_grammar(shape: str, schema: Mapping[str, Any], style: PromptStyle) -> str | None:
    """Return the GBNF grammar of the answer, or None if the format is not Markdown."""
    return grammar(shape, schema, is_short=style.is_short) if style.format is AnswerFormat.MARKDOWN else None
