r"""Find the blocks of a text as the site's parser does (micromark with its extensions for math and GFM).

The parser reads one line at a time. It first finds out which open containers (quotations, list items, footnotes) the
line belongs to, then whether it opens new ones, and then what its rest means for the block that is open. This follows
the specification of CommonMark and, where they differ, micromark. `tests/markdown/test_oracle.py` compares them.
"""

import re

from qtgen.markdown.line_starts import (
    ATX,
    BULLET,
    DEFINITION,
    DISPLAY,
    FENCE,
    FOOTNOTE,
    ORDERED,
    SETEXT,
    THEMATIC,
    html_end,
)
from qtgen.markdown.tables import count_header_cells, delimiter_cells
from qtgen.markdown.types import Block, BlockKind, Blocks, ListItem

_DEPTH_MAX = 200  # a line of markers only would otherwise open a container each
_CODE_INDENT = 4
_CONTAINER_MARKS = frozenset(">*+-0123456789[")
_BLOCK_MARKS = frozenset("#`~$*-_=<")
_SPACES = re.compile(r"[ \t]*")
_CLOSING = re.compile(r"(`+|~+|\$+)[ \t]*(?=\n|\Z)")
_CLOSING_HASHES = re.compile(r"(?:^|[ \t])#+[ \t]*$")


class _Container:
    """A quotation, list item or footnote that is open."""

    __slots__ = ("further_blank", "initial_blank", "item", "list_id", "marker", "size")

    def __init__(self, marker: str, size: int, *, initial_blank: bool = False, item: int = -1, list_id: int = -1):
        self.marker = marker
        self.size = size  # columns that a line of the item is indented
        self.initial_blank = initial_blank
        self.further_blank = False
        self.item = item
        self.list_id = list_id


class _Leaf:
    """A block that is open."""

    __slots__ = ("closing", "end", "indent", "info", "interrupts", "kind", "lines", "start", "width")

    def __init__(self, kind: BlockKind, start: int, end: int, indent: int = 0):
        self.kind = kind
        self.start = start
        self.end = end
        self.indent = indent
        self.lines: list[tuple[int, int]] = []
        self.width = 0
        self.info = ""
        self.closing: str | re.Pattern[str] | None = ""
        self.interrupts = kind in (
            "paragraph",
            "indented",
        )  # a list can begin in the next line only as 1., and not empty


_CONCRETE = frozenset({"fence", "display", "html"})


def find_blocks(text: str) -> Blocks:
    """Return the blocks of `text`, in order."""
    parser = _Parser(text)
    start = 0
    while start <= len(text):
        end = text.find("\n", start)
        end = len(text) if end < 0 else end
        parser.read_line(start, end)
        start = end + 1
    parser.close_leaf()
    return Blocks(tuple(parser.leaves), tuple(parser.items), tuple(parser.quote_marks))


class _Parser:
    def __init__(self, text: str) -> None:
        self.leaves: list[Block] = []
        self.items: list[ListItem] = []
        self.quote_marks: list[tuple[int, int]] = []
        self._text = text
        self._stack: list[_Container] = []
        self._leaf: _Leaf | None = None
        self._lists = 0

    def read_line(self, start: int, end: int) -> None:
        stack, position, matched = self._stack, start, 0
        if stack:
            position, matched = self._continue_containers(start, end)
        leaf = self._leaf
        is_whole = matched == len(stack)
        if not (is_whole and leaf and leaf.kind in _CONCRETE):
            interrupts = is_whole and leaf is not None and leaf.interrupts
            content = _SPACES.match(self._text, position, end).end()  # type: ignore[union-attr]
            if content < end and self._text[content] in _CONTAINER_MARKS:
                opened = self._open_containers(position, end, matched, interrupts)
                if opened >= 0:
                    self._read_flow(opened, end, len(stack))
                    return
        self._read_flow(position, end, matched)

    # Containers

    def _continue_containers(self, start: int, end: int) -> tuple[int, int]:
        """Return where the line's own content begins, and how many of the open containers it belongs to."""
        text, stack, position = self._text, self._stack, start
        for number, container in enumerate(stack):
            content = _SPACES.match(text, position, end).end()  # type: ignore[union-attr]
            indent = content - position
            if container.marker == ">":
                if indent >= _CODE_INDENT or content >= end or text[content] != ">":
                    return position, number
                position = self._after_quote_mark(content, end)
                continue
            if content >= end:  # a blank line
                container.further_blank = container.further_blank or container.initial_blank
                position += min(indent, container.size)
                continue
            is_closed, container.further_blank, container.initial_blank = container.further_blank, False, False
            if indent >= container.size and not is_closed and indent:
                position += container.size
                continue
            if indent < _CODE_INDENT and container.marker != "[":
                content = self._sibling(container, position, content, end, number)
                if content >= 0:
                    return content, number + 1
            return position, number
        return position, len(stack)

    def _after_quote_mark(self, mark: int, end: int) -> int:
        self.quote_marks.append((mark, mark + 1))
        return mark + 2 if mark + 1 < end and self._text[mark + 1] in " \t" else mark + 1

    def _sibling(self, container: _Container, position: int, content: int, end: int, number: int) -> int:
        """Return where the content of the next item of the same list begins, or -1 if the line does not open one."""
        found = self._list_start(position, content, end, interrupts=False)
        if found is None or found[0] != container.marker:
            return -1
        self.close_leaf()
        del self._stack[number + 1 :]
        _, after, container.size, ordinal, container.initial_blank = found
        container.further_blank = False
        container.item = self._add_item(content, after, ordinal, container.list_id, number)
        return after

    def _add_item(self, start: int, content: int, ordinal: int | None, list_id: int, depth: int) -> int:
        parent = next((container.item for container in reversed(self._stack[:depth]) if container.item >= 0), -1)
        self.items.append(ListItem(start, content, ordinal, list_id, parent))
        return len(self.items) - 1

    def _list_start(
        self, position: int, content: int, end: int, *, interrupts: bool
    ) -> tuple[str, int, int, int | None, bool] | None:
        """Return the marker of a list item, where its content begins, its indent, its number, and if it is empty."""
        text = self._text
        bullet = BULLET.match(text, content)
        ordered = None if bullet else ORDERED.match(text, content)
        match = bullet or ordered
        if match is None or (bullet and THEMATIC.match(text, content)):
            return None
        if ordered and interrupts and ordered.group(1) != "1":
            return None
        after_marker = match.end()
        after = _SPACES.match(text, after_marker, end).end()  # type: ignore[union-attr]
        is_blank = after >= end
        if is_blank:
            if interrupts:
                return None
            after, size = end, after_marker - position + 1
        elif after - after_marker > _CODE_INDENT:
            after, size = after_marker + 1, after_marker + 1 - position
        else:
            size = after - position
        return match.group()[-1], after, size, int(ordered.group(1)) if ordered else None, is_blank

    def _open_containers(self, position: int, end: int, matched: int, interrupts: bool) -> int:
        """Open the containers that begin here. Return where their content begins, or -1 if there are none."""
        opened = -1
        while len(self._stack) < _DEPTH_MAX or (opened < 0 and matched < _DEPTH_MAX):
            content = _SPACES.match(self._text, position, end).end()  # type: ignore[union-attr]
            if content >= end or content - position >= _CODE_INDENT:
                break
            depth = matched if opened < 0 else len(self._stack)
            new = self._new_container(position, content, end, interrupts, depth)
            if new is None:
                break
            container, position = new
            if opened < 0:
                self.close_leaf()
                del self._stack[matched:]
            self._stack.append(container)
            opened = position
        return opened

    def _new_container(
        self, position: int, content: int, end: int, interrupts: bool, depth: int
    ) -> tuple[_Container, int] | None:
        char = self._text[content]
        if char == ">":
            return _Container(">", 0), self._after_quote_mark(content, end)
        if char == "[":
            footnote = FOOTNOTE.match(self._text, content)
            return (_Container("[", _CODE_INDENT), footnote.end()) if footnote else None
        found = self._list_start(position, content, end, interrupts=interrupts)
        if found is None:
            return None
        marker, after, size, ordinal, is_blank = found
        self._lists += 1
        item = self._add_item(content, after, ordinal, self._lists, depth)
        return _Container(marker, size, initial_blank=is_blank, item=item, list_id=self._lists), after

    # Leaves

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
            definition = _Leaf("definition", *line)
            definition.lines = [line]
            self._add_block(definition, is_closed=True)
        if leaf.lines:
            leaf.start = leaf.lines[0][0]

    def _add_block(self, leaf: _Leaf, is_closed: bool) -> None:
        item = next((container.item for container in reversed(self._stack) if container.item >= 0), -1)
        lines, depth = tuple(leaf.lines), len(self._stack)
        self.leaves.append(Block(leaf.kind, leaf.start, leaf.end, lines, leaf.width, leaf.info, is_closed, item, depth))

    def _read_flow(self, position: int, end: int, matched: int) -> None:
        """Read the rest of a line, of which the first `matched` open containers hold."""
        leaf, is_lazy = self._leaf, matched != len(self._stack)
        content = _SPACES.match(self._text, position, end).end()  # type: ignore[union-attr]
        if leaf and not is_lazy and leaf.kind in _CONCRETE:
            self._read_concrete(leaf, position, content, end)
        elif content >= end:
            self._read_blank(position, end, matched)
        elif not (leaf and self._continue_leaf(leaf, position, content, end, is_lazy)):
            self.close_leaf()
            del self._stack[matched:]
            self._open_leaf(position, content, end)
            if is_lazy and (new := self._leaf):
                new.interrupts = new.kind == "paragraph"
                is_tag = new.kind == "html" and html_end(self._text, content, end, in_paragraph=True) == ""
                if is_tag and leaf and leaf.kind == "paragraph":
                    self.close_leaf()  # micromark's HTML ends so, unless the tag is one of a block

    def _read_blank(self, position: int, end: int, matched: int) -> None:
        leaf, is_lazy = self._leaf, matched != len(self._stack)
        if leaf and leaf.kind == "indented" and not is_lazy:
            leaf.lines.append((min(position + _CODE_INDENT, end), end))
            return
        self.close_leaf()
        del self._stack[matched:]

    def _read_concrete(self, leaf: _Leaf, position: int, content: int, end: int) -> None:
        leaf.end = end
        if leaf.kind == "html":
            self._read_html(leaf, position, content, end)
            return
        if content - position < _CODE_INDENT:
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
            if content - position < _CODE_INDENT:
                return False
            content = position + _CODE_INDENT
        elif content - position >= _CODE_INDENT or self._opens_block(content, end, leaf, is_lazy):
            return False
        leaf.lines.append((content, end))
        leaf.end = end
        return True

    def _continue_paragraph(self, leaf: _Leaf, position: int, content: int, end: int, is_lazy: bool) -> bool:
        text = self._text
        if content - position < _CODE_INDENT:
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
            if char in _BLOCK_MARKS and self._opens_block(content, end, leaf, is_lazy):
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
        if not cells or leaf.indent >= _CODE_INDENT:
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
        table = self._leaf = _Leaf("table", header[0], end)
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
            return DISPLAY.match(text, content) is not None
        if char in "*-_":
            return THEMATIC.match(text, content) is not None
        if char == "<":
            return html_end(text, content, end, in_paragraph=leaf.kind == "paragraph" and not is_lazy) != ""
        return False

    def _open_leaf(self, position: int, content: int, end: int) -> None:
        indent = content - position
        if indent >= _CODE_INDENT:
            leaf = self._leaf = _Leaf("indented", position + _CODE_INDENT, end)
            leaf.lines = [(position + _CODE_INDENT, end)]
            return
        char = self._text[content]
        if char in _BLOCK_MARKS and self._open_marked(content, end, indent, char):
            return
        leaf = self._leaf = _Leaf("paragraph", content, end)
        leaf.lines = [(content, end)]

    def _open_marked(self, content: int, end: int, indent: int, char: str) -> bool:
        """Open the block whose marks begin here, and return whether there is one."""
        text = self._text
        if char == "#" and (heading := ATX.match(text, content)):
            self._leaf = leaf = _Leaf("heading", content, end)
            leaf.width = heading.end() - content
            start = _SPACES.match(text, heading.end(), end).end()  # type: ignore[union-attr]
            hashes = _CLOSING_HASHES.search(text[start:end])
            leaf.lines = [(start, start + hashes.start() if hashes else end)]
            self.close_leaf()
        elif char in "*-_" and THEMATIC.match(text, content):
            self._leaf = _Leaf("thematic", content, end)
            self.close_leaf()
        elif char in "`~$" and (fence := (DISPLAY if char == "$" else FENCE).match(text, content)):
            self._leaf = leaf = _Leaf("display" if char == "$" else "fence", content, end, indent)
            marks = fence.group(1)
            leaf.width, leaf.info, leaf.closing = len(marks), fence.group(2).strip(), char
        elif char == "<" and (closing := html_end(text, content, end, in_paragraph=False)) != "":
            self._leaf = leaf = _Leaf("html", content, end)
            leaf.lines, leaf.closing = [(content, end)], closing
            if isinstance(closing, re.Pattern) and closing.search(text, content + 2, end):
                self.close_leaf()
        else:
            return False
        return True
