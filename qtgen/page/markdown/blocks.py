r"""Find the blocks of a text as the site's parser does (micromark with its extensions for math and GFM).

The parser reads one line at a time. It first finds out which open containers (quotations, list items, footnotes) the
line belongs to, then whether it opens new ones, and then what its rest means for the block that is open. This follows
the specification of CommonMark and, where they differ, micromark. `tests/page/markdown/test_oracle.py` compares them.
"""

import re

from qtgen.page.markdown.containers import CODE_INDENT, Containers
from qtgen.page.markdown.line_starts import ATX, DEFINITION, DISPLAY, FENCE, SETEXT, THEMATIC, html_end, skip_spaces
from qtgen.page.markdown.tables import count_header_cells, delimiter_cells
from qtgen.page.markdown.types import Block, BlockKind, Blocks

_MARKS = frozenset("#`~$*-_=<")
_CLOSING = re.compile(r"(`+|~+|\$+)[ \t]*(?=\n|\Z)")
_CLOSING_HASHES = re.compile(r"(?:^|[ \t])#+[ \t]*$")
_CONCRETE = frozenset({"fence", "display", "html"})  # no container begins inside


class _Leaf:
    """A block that is open."""

    __slots__ = ("closing", "depth", "end", "indent", "info", "interrupts", "item", "kind", "lines", "start", "width")

    def __init__(self, kind: BlockKind, start: int, end: int, containers: Containers, indent: int = 0) -> None:
        self.kind = kind
        self.start = start
        self.end = end
        self.indent = indent
        self.item, self.depth = containers.item, containers.depth
        self.lines: list[tuple[int, int]] = []
        self.width = 0
        self.info = ""
        self.closing: str | re.Pattern[str] | None = ""
        # In the line after it, a list can only begin with 1., and not with an empty item.
        self.interrupts = kind in ("paragraph", "indented")


def find_blocks(text: str, *, math: bool) -> Blocks:
    """Return the blocks of `text`, in order.

    Args:
        math: Whether lines of `$$` enclose a block of math.
    """
    parser = _Parser(text, math)
    start = 0
    while start <= len(text):
        end = text.find("\n", start)
        end = len(text) if end < 0 else end
        parser.read_line(start, end)
        start = end + 1
    parser.close_leaf()
    return Blocks(tuple(parser.leaves), tuple(parser.containers.items), tuple(parser.containers.quote_marks))


class _Parser:
    def __init__(self, text: str, math: bool) -> None:
        self.leaves: list[Block] = []
        self.containers = Containers(text)
        self._marks = _MARKS if math else _MARKS - {"$"}
        self._text = text
        self._leaf: _Leaf | None = None

    def read_line(self, start: int, end: int) -> None:
        containers, position, matched = self.containers, start, 0
        if containers.depth:
            position, matched, is_new_item = containers.continue_line(start, end)
            if is_new_item:
                self.close_leaf()
        content = skip_spaces(self._text, position, end)
        leaf = self._leaf
        is_whole = matched == containers.depth
        if not (is_whole and leaf and leaf.kind in _CONCRETE):
            interrupts = is_whole and leaf is not None and leaf.interrupts
            opened = containers.open_new(position, content, end, matched, interrupts=interrupts)
            if opened >= 0:
                self.close_leaf()
                position, matched = opened, containers.depth
                content = skip_spaces(self._text, position, end)
        self._read_flow(position, content, end, matched)

    def close_leaf(self, *, closed: bool = False) -> None:
        leaf, self._leaf = self._leaf, None
        if leaf is None:
            return
        lines = leaf.lines
        if leaf.kind == "indented":
            while not self._text[slice(*lines[-1])].strip():
                lines.pop()
            leaf.end = lines[-1][1]
        elif leaf.kind in ("paragraph", "setext") and self._text[leaf.start] == "[":
            self._take_definitions(leaf)
            if not lines:
                return
        self._add_block(leaf, closed or leaf.kind not in ("fence", "display"))

    def _take_definitions(self, leaf: _Leaf) -> None:
        """Make blocks of the definitions of links that a paragraph begins with."""
        while leaf.lines and DEFINITION.match(self._text, leaf.lines[0][0]):
            line = leaf.lines.pop(0)
            definition = _Leaf("definition", *line, self.containers)
            definition.lines = [line]
            self._add_block(definition, is_closed=True)
        if leaf.lines:
            leaf.start = leaf.lines[0][0]

    def _add_block(self, leaf: _Leaf, is_closed: bool) -> None:
        lines = tuple(leaf.lines)
        self.leaves.append(
            Block(leaf.kind, leaf.start, leaf.end, lines, leaf.width, leaf.info, is_closed, leaf.item, leaf.depth)
        )

    def _read_flow(self, position: int, content: int, end: int, matched: int) -> None:
        """Read the rest of a line, of which the first `matched` open containers hold."""
        leaf, is_lazy = self._leaf, matched != self.containers.depth
        if leaf and not is_lazy and leaf.kind in _CONCRETE:
            self._read_concrete(leaf, position, content, end)
        elif content >= end:
            self._read_blank(position, end, matched)
        elif not (leaf and self._continue_leaf(leaf, position, content, end, is_lazy)):
            self.close_leaf()
            self.containers.close(matched)
            self._open_leaf(position, content, end)
            if is_lazy and (new := self._leaf):
                new.interrupts = new.kind == "paragraph"
                is_tag = new.kind == "html" and html_end(self._text, content, end, in_paragraph=True) == ""
                if is_tag and leaf and leaf.kind == "paragraph":
                    self.close_leaf()  # micromark's HTML ends so, unless the tag is one of a block

    def _read_blank(self, position: int, end: int, matched: int) -> None:
        leaf, is_lazy = self._leaf, matched != self.containers.depth
        if leaf and leaf.kind == "indented" and not is_lazy:
            leaf.lines.append((min(position + CODE_INDENT, end), end))
            return
        self.close_leaf()
        self.containers.close(matched)

    def _read_concrete(self, leaf: _Leaf, position: int, content: int, end: int) -> None:
        leaf.end = end
        if leaf.kind == "html":
            self._read_html(leaf, position, content, end)
            return
        if content - position < CODE_INDENT:
            closing = _CLOSING.match(self._text, content)
            if closing and closing.group(1)[0] == leaf.closing and len(closing.group(1)) >= leaf.width:
                self.close_leaf(closed=True)
                return
        leaf.lines.append((min(content, position + leaf.indent), end))

    def _read_html(self, leaf: _Leaf, position: int, content: int, end: int) -> None:
        if leaf.closing is None:
            if content >= end:
                leaf.end = leaf.lines[-1][1]
                self.close_leaf()
                return
        elif isinstance(leaf.closing, re.Pattern) and leaf.closing.search(self._text, position, end):
            leaf.lines.append((position, end))
            self.close_leaf()
            return
        leaf.lines.append((position, end))

    def _continue_leaf(self, leaf: _Leaf, position: int, content: int, end: int, is_lazy: bool) -> bool:
        """Add a line to the open block, and return whether it belongs to it."""
        if leaf.kind == "paragraph":
            return self._continue_paragraph(leaf, position, content, end, is_lazy)
        if is_lazy:
            return False
        if leaf.kind == "indented":
            if content - position < CODE_INDENT:
                return False
            content = position + CODE_INDENT
        elif content - position >= CODE_INDENT or self._opens_block(content, end, leaf, is_lazy):
            return False
        leaf.lines.append((content, end))
        leaf.end = end
        return True

    def _continue_paragraph(self, leaf: _Leaf, position: int, content: int, end: int, is_lazy: bool) -> bool:
        text = self._text
        if content - position < CODE_INDENT:
            char = text[content]
            if not is_lazy:
                if char in "-:|" and self._make_table(leaf, content, end):
                    return True
                if char in "-=" and SETEXT.match(text, content) and not self._is_definitions(leaf):
                    leaf.kind = "setext"
                    leaf.width = 1 if char == "=" else 2
                    leaf.end = end
                    self.close_leaf()
                    return True
            if char in self._marks and self._opens_block(content, end, leaf, is_lazy):
                return False
        leaf.lines.append((content, end))
        leaf.end = end
        leaf.indent = content - position
        return True

    def _is_definitions(self, leaf: _Leaf) -> bool:
        return self._text[leaf.start] == "[" and all(DEFINITION.match(self._text, start) for start, _ in leaf.lines)

    def _make_table(self, leaf: _Leaf, content: int, end: int) -> bool:
        """Make the last line of a paragraph the header of a table, if this line has the dashes of one."""
        cells = delimiter_cells(self._text, content, end)
        if not cells or leaf.indent >= CODE_INDENT:
            return False
        header = leaf.lines[-1]
        if count_header_cells(self._text, *header) != cells:
            return False
        leaf.lines.pop()
        if leaf.lines:
            leaf.end = leaf.lines[-1][1]
            self.close_leaf()
        else:
            self._leaf = None
        table = self._leaf = _Leaf("table", header[0], end, self.containers)
        table.lines = [header, (content, end)]
        table.width = cells
        return True

    def _opens_block(self, content: int, end: int, leaf: _Leaf, is_lazy: bool) -> bool:
        """Return whether a line would end a paragraph or table, because it opens another kind of block."""
        text, char = self._text, self._text[content]
        if char == "#":
            return ATX.match(text, content) is not None
        if char in "`~":
            return FENCE.match(text, content) is not None
        if char == "$":
            return "$" in self._marks and DISPLAY.match(text, content) is not None
        if char in "*-_":
            return THEMATIC.match(text, content) is not None
        if char == "<":
            return html_end(text, content, end, in_paragraph=leaf.kind == "paragraph" and not is_lazy) != ""
        return False

    def _open_leaf(self, position: int, content: int, end: int) -> None:
        indent = content - position
        if indent >= CODE_INDENT:
            leaf = self._leaf = _Leaf("indented", position + CODE_INDENT, end, self.containers)
            leaf.lines = [(position + CODE_INDENT, end)]
            return
        char = self._text[content]
        if char in self._marks and self._open_marked(content, end, indent, char):
            return
        leaf = self._leaf = _Leaf("paragraph", content, end, self.containers)
        leaf.lines = [(content, end)]

    def _open_marked(self, content: int, end: int, indent: int, char: str) -> bool:
        """Open the block whose marks begin here, and return whether there is one."""
        text = self._text
        if char == "#" and (heading := ATX.match(text, content)):
            self._leaf = leaf = _Leaf("heading", content, end, self.containers)
            leaf.width = heading.end() - content
            start = skip_spaces(text, heading.end(), end)
            hashes = _CLOSING_HASHES.search(text[start:end])
            leaf.lines = [(start, start + hashes.start() if hashes else end)]
            self.close_leaf()
        elif char in "*-_" and THEMATIC.match(text, content):
            self._leaf = _Leaf("thematic", content, end, self.containers)
            self.close_leaf()
        elif char in "`~$" and (fence := (DISPLAY if char == "$" else FENCE).match(text, content)):
            self._leaf = leaf = _Leaf("display" if char == "$" else "fence", content, end, self.containers, indent)
            marks = fence.group(1)
            leaf.width, leaf.info, leaf.closing = len(marks), fence.group(2).strip(), char
        elif char == "<" and (closing := html_end(text, content, end, in_paragraph=False)) != "":
            self._leaf = leaf = _Leaf("html", content, end, self.containers)
            leaf.lines, leaf.closing = [(content, end)], closing
            if isinstance(closing, re.Pattern) and closing.search(text, content + 2, end):
                self.close_leaf()
        else:
            return False
        return True
