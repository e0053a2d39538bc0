r"""Find which containers of a text are open in a line: quotations, list items and footnotes."""

from qtgen.page.markdown.line_starts import BULLET, FOOTNOTE, ORDERED, THEMATIC, skip_spaces
from qtgen.page.markdown.types import ListItem

CODE_INDENT = 4  # columns: more than a container's mark or a closing fence may be indented

_DEPTH_MAX = 200  # a line of markers only would otherwise open a container each
_MARKS = frozenset(">*+-0123456789[")


class _Container:
    """A quotation, list item or footnote that is open."""

    __slots__ = ("further_blank", "initial_blank", "item", "list_id", "marker", "size")

    def __init__(
        self, marker: str, size: int, *, initial_blank: bool = False, item: int = -1, list_id: int = -1
    ) -> None:
        self.marker = marker
        self.size = size  # columns that a line of the item is indented
        self.initial_blank = initial_blank
        self.further_blank = False
        self.item = item  # the innermost list item: this one, or the one around it
        self.list_id = list_id


class Containers:
    """The containers that are open.

    Attributes:
        items: The list items that were found.
        quote_marks: Start and end of each `>` of a quotation.
    """

    def __init__(self, text: str) -> None:
        self.items: list[ListItem] = []
        self.quote_marks: list[tuple[int, int]] = []
        self._text = text
        self._open: list[_Container] = []
        self._lists = 0

    @property
    def depth(self) -> int:
        """How many containers are open."""
        return len(self._open)

    @property
    def item(self) -> int:
        """The number of the innermost list item that is open, or -1."""
        return self._open[-1].item if self._open else -1

    def close(self, depth: int) -> None:
        """Close all but the first `depth` containers."""
        del self._open[depth:]

    def continue_line(self, start: int, end: int) -> tuple[int, int, bool]:
        """Read the marks of open containers at the beginning of a line.

        Returns:
            Where the rest of the line begins; how many containers the line belongs to; whether it begins a new item.
        """
        text, stack, position = self._text, self._open, start
        for number, container in enumerate(stack):
            content = skip_spaces(text, position, end)
            indent = content - position
            if container.marker == ">":
                if indent >= CODE_INDENT or content >= end or text[content] != ">":
                    return position, number, False
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
            if indent < CODE_INDENT and container.marker != "[":
                content = self._sibling(container, position, content, end, number)
                if content >= 0:
                    return content, number + 1, True
            return position, number, False
        return position, len(stack), False

    def _after_quote_mark(self, mark: int, end: int) -> int:
        self.quote_marks.append((mark, mark + 1))
        return mark + 2 if mark + 1 < end and self._text[mark + 1] in " \t" else mark + 1

    def _sibling(self, container: _Container, position: int, content: int, end: int, number: int) -> int:
        """Return where the content of the next item of the same list begins, or -1 if the line does not open one."""
        found = self._list_start(position, content, end, interrupts=False)
        if found is None or found[0] != container.marker:
            return -1
        del self._open[number + 1 :]
        _, after, container.size, ordinal, container.initial_blank = found
        container.further_blank = False
        container.item = self._add_item(content, after, ordinal, container.list_id, number)
        return after

    def _add_item(self, start: int, content: int, ordinal: int | None, list_id: int, depth: int) -> int:
        self.items.append(ListItem(start, content, ordinal, list_id, self._item_around(depth)))
        return len(self.items) - 1

    def _item_around(self, depth: int) -> int:
        return self._open[depth - 1].item if depth else -1

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
        after = skip_spaces(text, after_marker, end)
        is_blank = after >= end
        if is_blank:
            if interrupts:
                return None
            after, size = end, after_marker - position + 1
        elif after - after_marker > CODE_INDENT:
            after, size = after_marker + 1, after_marker + 1 - position
        else:
            size = after - position
        return match.group()[-1], after, size, int(ordered.group(1)) if ordered else None, is_blank

    def open_new(self, position: int, content: int, end: int, matched: int, *, interrupts: bool) -> int:
        """Open the containers that begin here. Return where their content begins, or -1 if there are none.

        Args:
            content: The offset of the first character behind the indent.
            matched: How many of the open containers the line belongs to. A new container closes the others.
            interrupts: Whether the new containers would interrupt a paragraph, which not all can.
        """
        opened = -1
        if content >= end or self._text[content] not in _MARKS:
            return opened
        while len(self._open) < _DEPTH_MAX or (opened < 0 and matched < _DEPTH_MAX):
            if content >= end or content - position >= CODE_INDENT:
                break
            depth = matched if opened < 0 else len(self._open)
            new = self._new_container(position, content, end, interrupts, depth)
            if new is None:
                break
            container, position = new
            if opened < 0:
                del self._open[matched:]
            self._open.append(container)
            opened = position
            content = skip_spaces(self._text, position, end)
        return opened

    def _new_container(
        self, position: int, content: int, end: int, interrupts: bool, depth: int
    ) -> tuple[_Container, int] | None:
        char = self._text[content]
        if char == ">":
            return _Container(">", 0, item=self._item_around(depth)), self._after_quote_mark(content, end)
        if char == "[":
            footnote = FOOTNOTE.match(self._text, content)
            container = _Container("[", CODE_INDENT, item=self._item_around(depth))
            return (container, footnote.end()) if footnote else None
        found = self._list_start(position, content, end, interrupts=interrupts)
        if found is None:
            return None
        marker, after, size, ordinal, is_blank = found
        self._lists += 1
        item = self._add_item(content, after, ordinal, self._lists, depth)
        return _Container(marker, size, initial_blank=is_blank, item=item, list_id=self._lists), after
