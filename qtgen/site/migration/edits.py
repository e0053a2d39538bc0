"""Edits of a page's lines: keys get other names, fields go, and fields move. Values keep their bytes."""

from collections.abc import Iterable, Mapping
from itertools import takewhile
from typing import NamedTuple

from qtgen.errors import SpliceError
from qtgen.page.comments import has_comment
from qtgen.page.document import Page, Span
from qtgen.page.edits import TextEdit
from qtgen.page.profile import BODY_FIELD
from qtgen.page.spelling import quoted, spell_key
from qtgen.site.migration.matching import staying
from qtgen.site.migration.plan import LayoutChange


def is_present(page: Page, path: str, sections: set[str]) -> bool:
    """Return whether a page has a field or a map.

    Args:
        sections: The maps of the page.
    """
    return path in page.values or path in sections


def lines_of(page: Page, path: str) -> Span:
    """Return the whole lines of a field or a map. Raises SpliceError if they hold something else."""
    key = page.key_span(path)
    end = max([key.end, *(page.spans[inner][1] for inner in _inner(page, path))])
    start = _line_start(page, key.start)
    next_line = page.text.find("\n", end) + 1
    if page.text[start : key.start].strip(" ") or not next_line or page.text[end:next_line].lstrip(" ")[:1] == ",":
        raise SpliceError("shares its line with something else", field=path)
    return Span(start, next_line)


def key_line(page: Page, path: str) -> Span:
    """Return the line of a key."""
    key = page.key_span(path)
    return Span(_line_start(page, key.start), page.text.find("\n", key.end) + 1)


def _line_start(page: Page, offset: int) -> int:
    return page.text.rfind("\n", 0, offset) + 1


def _inner(page: Page, path: str) -> Iterable[str]:
    return [inner for inner in page.spans if inner == path or inner.startswith(f"{path}.")]


# --- fields that go --------------------------------------------------------------------------------------------------


def removed_paths(page: Page, removed: Iterable[str]) -> list[str]:
    """Return the fields and maps to remove from a page: the given ones, and maps that would become empty."""
    sections = page.sections()
    gone = [path for path in removed if is_present(page, path, sections)]
    if not gone:
        return []
    kept = [path for path in page.values if not is_in(path, gone)]
    emptied = [
        section for section in sections if not is_in(section, gone) and not any(is_in(path, [section]) for path in kept)
    ]
    every = {*gone, *emptied}
    return sorted(path for path in every if not is_in(path.rpartition(".")[0], every))


def is_in(path: str, outer: Iterable[str]) -> bool:
    """Return whether a path is one of others, or inside one of them."""
    return any(path == other or path.startswith(f"{other}.") for other in outer)


def removal_edits(page: Page, paths: Iterable[str]) -> list[TextEdit]:
    """Return the edits that remove fields and maps. Raises SpliceError if a comment would be lost."""
    edits = []
    for path in paths:
        lines = lines_of(page, path)
        if has_comment(page, lines):
            raise SpliceError("a comment in its lines would be lost", field=path)
        edits.append(TextEdit(lines, ""))
    return edits


# --- keys with another name ------------------------------------------------------------------------------------------


def rename_edits(page: Page, change: LayoutChange) -> tuple[list[TextEdit], list[str]]:
    """Return the edits that rename keys, and the former paths of the renamed keys.

    Raises:
        SpliceError: A page has a key under both names.
    """
    sections = page.sections()
    renamed = [path for path in change.match.renamed if is_present(page, path, sections)]
    edits = []
    for path in renamed:
        key = change.match.names[path].rpartition(".")[2]
        parent = path.rpartition(".")[0]
        twin = f"{parent}.{key}" if parent else key
        if is_present(page, twin, sections):
            raise SpliceError(f"the page already has the new key `{twin}`", field=path)
        edits.append(_rename(page, page.key_span(path), key))
    for path, keys in change.match.items.items():
        for inner, span, key in _item_keys(page, path, keys):
            edits.append(_rename(page, span, key))
            renamed.append(inner)
    return edits, renamed


def _rename(page: Page, span: Span, key: str) -> TextEdit:
    quote = {"'": "single", '"': "double"}.get(page.text[span.start])
    return TextEdit(span, quoted(key, quote) if quote else spell_key(key))


def _item_keys(page: Page, path: str, keys: Mapping[str, str]) -> Iterable[tuple[str, Span, str]]:
    for inner, span in (page.key_spans or {}).items():
        number, _, key = inner.removeprefix(f"{path}.").partition(".")
        if inner.startswith(f"{path}.") and number.isdecimal() and key in keys:
            twin = f"{path}.{number}.{keys[key]}"
            if page.key_spans and twin in page.key_spans:
                raise SpliceError(f"the page already has the new key `{twin}`", field=inner)
            yield inner, span, keys[key]


# --- fields that move ------------------------------------------------------------------------------------------------


class Block(NamedTuple):
    """The lines of a field that moves.

    Attributes:
        lines: The lines, which begin with the comments directly above the key.
        comments: How many comments these are.
    """

    lines: Span
    comments: int


def move_edits(page: Page, change: LayoutChange, section: str) -> tuple[list[TextEdit], dict[str, int]]:
    """Return the edits that bring the keys of a map into the order of the layout, and the paths that move.

    Args:
        page: The page, read with the new layout.
        section: The path of the map; empty for the top level.

    Returns:
        The edits, and for each path that moves the number of comment lines that move with it.

    Raises:
        SpliceError: The keys are in neither order.
    """
    present = _keys_in_order(page, change, section)
    ranks = tuple(change.new.order[path] for path in present)
    if list(ranks) == sorted(ranks):
        return [], {}
    old_ranks = [change.old.order[change.former[path]] for path in present]
    for number, rank in enumerate(old_ranks[1:], 1):
        if rank < old_ranks[number - 1]:
            message = "is neither in its former nor in its new place"
            raise SpliceError(message, field=present[number])
    stay = staying(ranks)
    first = present[0]
    blocks = {path: block_of(page, path, is_first=path == first) for path in present}
    edits: list[TextEdit] = []
    inserted: dict[int, str] = {}
    moved: dict[str, int] = {}
    place = next(blocks[path].lines.start for path, rank in zip(present, ranks, strict=True) if rank in stay)
    for rank, path in sorted(zip(ranks, present, strict=True)):
        block = blocks[path]
        if rank in stay:
            place = block.lines.end
            continue
        inserted[place] = inserted.get(place, "") + page.text[slice(*block.lines)]
        edits.append(TextEdit(block.lines, ""))
        moved[path] = block.comments
    return [*edits, *(TextEdit(Span(place, place), text) for place, text in inserted.items())], moved


def _keys_in_order(page: Page, change: LayoutChange, section: str) -> list[str]:
    """Return the paths of the keys of a map that both layouts have, in the order of the page."""
    sections = page.sections()
    paths = [
        path
        for path in change.former
        if path.rpartition(".")[0] == section and path != BODY_FIELD and is_present(page, path, sections)
    ]
    return sorted(paths, key=lambda path: page.key_span(path).start)


def block_of(page: Page, path: str, *, is_first: bool, comments: int | None = None) -> Block:
    """Return the lines of a field with the comments directly above them.

    Args:
        is_first: Whether it is the first field. The comments above it are about the whole page.
        comments: The number of comments, if it is known.
    """
    lines = lines_of(page, path)
    above = page.text[: lines.start].split("\n")[-2::-1]
    indent = page.text[lines.start : page.key_span(path).start]
    if comments is None:
        own = takewhile(lambda line: line.startswith(f"{indent}#"), above)
        comments = 0 if is_first else sum(1 for _ in own)
    return Block(Span(lines.start - sum(len(line) + 1 for line in above[:comments]), lines.end), comments)
