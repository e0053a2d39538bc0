"""The model of the renderer, compared with the renderer's own parser (tests/oracle, which needs node)."""

import json
import random
from collections.abc import Mapping, Sequence

import pytest

from qtgen.page.markdown import Document, expand_line_breaks
from support.oracle import needs_renderer, parse_nodes, sample_answers

pytestmark = needs_renderer

_BLOCKS = {
    "paragraph": "paragraph",
    "heading": "heading",
    "setext": "heading",
    "fence": "code",
    "indented": "code",
    "display": "math",
    "thematic": "thematicBreak",
    "table": "table",
}
_SEGMENTS = {"math": "inlineMath", "code": "inlineCode"}
_PIECES = (
    *("a", "bc d", "  ", "    ", " ", "\n", "\n", "\n\n", "- ", "* ", "1. ", "2. ", "3) ", "> ", "# ", "## x", "|"),
    *("$$", "$$ x", "$", "$x$", "```", "~~~", "``` py", "---", "===", "| a | b |\n|---|---|\n", ":-:", "a | b", "`"),
    *("`x`", "$y z$", "_ _ _", "10. ", "\\", "\\$", "-     x", "*", "**", "_", "__", "~", "***", ".", "(", "“", "é"),
    *("重要", '"', "[", "](u)", "&", "{", "<b>", "</b>", "\n| ", "\n- ", "\n> ", "\n   "),
)
_DOCUMENTS = 4_000
_DIFFERENT_MAX = 0.002  # of random texts; micromark has habits of its own where containers are left and entered lazily

Node = tuple[str, int, int]


def nodes_of_model(text: str) -> list[Node]:
    document = Document(text)
    found = [(_BLOCKS[block.kind], block.start, block.end) for block in document.blocks if block.kind in _BLOCKS]
    found += [(_SEGMENTS[part.kind], part.start, part.end) for part in document.segments if part.kind in _SEGMENTS]
    found += [("emphasis", part.start, part.end) for part in document.emphasis[0]]
    found += [("listItem", item.start, item.start) for item in document.items]
    return comparable(text, found)


def nodes_of_renderer(text: str, nodes: Sequence[tuple[str, int, int, object]]) -> list[Node]:
    names = {*_BLOCKS.values(), *_SEGMENTS.values(), "listItem"}
    emphasis = ("strong", "emphasis", "delete")
    cells_dropped = _surplus_cells(nodes)
    found: list[Node] = []
    for name, start, end, _ in nodes:
        if any(first <= start < last for first, last in cells_dropped):
            continue
        if name in emphasis:
            found.append(("emphasis", start, end))
        elif name in names:
            found.append((name, start, start if name == "listItem" else end))
    return comparable(text, found)


def _surplus_cells(nodes: Sequence[tuple[str, int, int, object]]) -> list[tuple[int, int]]:
    """Return start and end of the cells that have no column in the header, and so are not shown."""
    dropped: list[tuple[int, int]] = []
    columns = row = cell = 0
    for name, start, end, _ in nodes:
        if name == "table":
            columns = row = 0
        elif name == "tableRow":
            row, cell = row + 1, 0
        elif name == "tableCell":
            cell += 1
            columns += row == 1
            if cell > columns:
                dropped.append((start, end))
    return dropped


def comparable(text: str, nodes: Sequence[Node]) -> list[Node]:
    """Leave out differences that no reader sees: white space around a block."""
    found = []
    for name, start, end in nodes:
        content = text[start:end]
        if name == "code":
            start += len(content) - len(content.lstrip(" "))
        found.append((name, start, start if name == "listItem" else start + len(text[start:end].rstrip(" >\n"))))
    return sorted(found)


def different(texts: Sequence[str]) -> list[str]:
    """Return the texts of which the model and the renderer find different nodes."""
    parsed = parse_nodes(texts)
    return [
        text
        for text, nodes in zip(texts, parsed, strict=True)
        if nodes_of_model(text) != nodes_of_renderer(text, nodes)
    ]


def random_texts(seed: int) -> list[str]:
    rng = random.Random(seed)
    return ["".join(rng.choice(_PIECES) for _ in range(rng.randint(2, 24))) for _ in range(_DOCUMENTS)]


def test_the_model_reads_random_texts_as_the_renderer_does() -> None:
    texts = random_texts(17)
    failing = different(texts)
    assert len(failing) <= _DIFFERENT_MAX * len(texts), json.dumps(failing[:5])


def test_the_model_reads_real_answers_as_the_renderer_does(real_pages: Mapping[str, bytes]) -> None:
    answers = sample_answers(real_pages)
    assert different([expand_line_breaks(answer) for answer in answers.values()]) == []


@pytest.mark.parametrize(
    "text",
    [
        "1. a\n   $$\n   x\n   $$\n2. b",
        "1. a\n\n$$\nx\n$$\n\n2. b",
        "- a\n  - b\n\n      code\n- c",
        "> a\nlazy\n> - b\n> ```\n> c\nd",
        "|a|b|\n|:-|-:|\n|`x|y`|z|\n|\\||w|v|\nrow\n# end",
        "text\n| a | b |\n|---|---|\n| c |",
        "a\n---\nb\n===\n\n---",
        "[^1]: note\n\n    more\n\nend[^1]",
        "[a]: http://b.c\n[d]: <e> 'f'\ng",
        "**a**b __c__ **“d”**e *f **g** h* ~~i~~ ~j~",
        "$a\\$b$ \\$c$ d$ $$e$f$$ `g\\` h`",
    ],
)
def test_the_model_reads_a_text_as_the_renderer_does(text: str) -> None:
    assert different([text]) == []
