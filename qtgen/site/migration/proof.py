"""The proof of a changed page: read back, it has the planned values, and every line that was not touched is equal."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from qtgen.errors import SpliceError
from qtgen.page.document import Page, Span, Value
from qtgen.page.profile import BODY_FIELD
from qtgen.page.reader import read_as
from qtgen.site.migration.edits import block_of, is_in, key_line, lines_of
from qtgen.site.migration.plan import LayoutChange
from qtgen.site.migration.values import is_same


@dataclass(slots=True)
class Touched:
    """What was changed on a page.

    Attributes:
        removed: The former paths of the removed fields and maps.
        renamed: The former paths of the keys that have another name.
        moved: How many comments moved with a field, by its new path.
        written: The new paths of the fields that got a value.
        body: Whether the text after the front matter changed.
    """

    removed: list[str] = field(default_factory=list)
    renamed: list[str] = field(default_factory=list)
    moved: dict[str, int] = field(default_factory=dict)
    written: list[str] = field(default_factory=list)
    body: bool = False


def prove(before: Page, after: Page, change: LayoutChange, touched: Touched, written: Mapping[str, Value]) -> None:
    """Raise SpliceError unless a changed page has the planned values, and all else is as it was.

    Args:
        before: The page, read with the former layout.
        after: The changed page.
        change: How pages of the layout change.
        touched: What was changed.
        written: The new values.
    """
    result = read_as(after.text.encode("utf-8", "surrogatepass"), change.new)
    if result.problems:
        raise SpliceError(f"the changed page would have a problem: {result.problems[0].message}")
    expected = _flat({**_carried(before, change, touched), **written})
    actual = _flat({path: value for path, value in result.values.items() if not _is_body(result, path)})
    wrong = [path for path in {*expected, *actual} if not is_same(expected.get(path), actual.get(path))]
    if wrong:
        raise SpliceError("would not be read back as the value that was written", field=min(wrong))
    _prove_lines(before, result, change, touched)


def _is_body(page: Page, path: str) -> bool:
    return path == BODY_FIELD and page.layout.has_text_body and path not in page.layout.fields


def _carried(before: Page, change: LayoutChange, touched: Touched) -> dict[str, object]:
    """Return the former values under their new paths, without removed fields."""
    carried: dict[str, object] = {}
    for path, value in before.values.items():
        if _is_body(before, path) or is_in(path, touched.removed):
            continue
        keys = change.match.items.get(path)
        carried[change.new_path(path)] = (
            [_with_keys(item, keys) for item in value] if keys and isinstance(value, list) else value
        )
    return carried


def _with_keys(item: object, keys: Mapping[str, str]) -> object:
    return {keys.get(str(key), key): value for key, value in item.items()} if isinstance(item, dict) else item


def _flat(values: Mapping[str, object]) -> dict[str, object]:
    """Return values with those inside maps under their own paths, because the layouts know different maps."""
    flat: dict[str, object] = {}
    for path, value in values.items():
        if isinstance(value, dict) and value:
            flat |= _flat({f"{path}.{key}": inner for key, inner in value.items()})
        elif value != {} or not any(other.startswith(f"{path}.") for other in values):
            flat[path] = value
    return flat


# --- lines -----------------------------------------------------------------------------------------------------------


def _prove_lines(before: Page, after: Page, change: LayoutChange, touched: Touched) -> None:
    """Raise SpliceError if anything differs besides the touched parts, or if a moved line differs."""
    moved = [
        (_moved_lines(before, change.former[path], count), _moved_lines(after, path, count))
        for path, count in touched.moved.items()
    ]
    old_spans, new_spans = (
        _touched_before(before, after, change, touched),
        _touched_after(before, after, change, touched),
    )
    for old, new in moved:
        _compare(before, after, old, new, old_spans, new_spans)
    old_spans += [old for old, _ in moved]
    new_spans += [new for _, new in moved]
    _compare(before, after, Span(0, len(before.text)), Span(0, len(after.text)), old_spans, new_spans)


def _compare(
    before: Page, after: Page, old: Span, new: Span, old_spans: Sequence[Span], new_spans: Sequence[Span]
) -> None:
    if _without(before.text, old, old_spans) != _without(after.text, new, new_spans):
        raise SpliceError("an unrelated line would change")


def _touched_before(before: Page, after: Page, change: LayoutChange, touched: Touched) -> list[Span]:
    """Return the parts of the former text that may differ."""
    former = change.former
    spans = [lines_of(before, path) for path in touched.removed]
    spans += [before.key_span(path) for path in touched.renamed]
    spans += [lines_of(before, former[path]) for path in touched.written if former.get(path) in before.values]
    filled = [
        path for path, value in before.values.items() if value == {} and change.new_path(path) in after.sections()
    ]
    spans += [lines_of(before, path) for path in filled if change.new_path(path) not in after.values]
    return [*spans, _body(before)] if touched.body else spans


def _touched_after(before: Page, after: Page, change: LayoutChange, touched: Touched) -> list[Span]:
    """Return the parts of the new text that may differ."""
    spans = [after.key_span(change.renamed_path(path)) for path in touched.renamed]
    spans += [lines_of(after, path) for path in touched.written]
    if touched.written:
        kept = {
            change.new_path(path)
            for path in before.sections()
            if not is_in(path, touched.removed) and before.values.get(path) != {}
        }
        outer = {path.rpartition(".")[0] for path in touched.written}
        spans += [
            key_line(after, path) for path in after.sections() - kept if any(is_in(inner, [path]) for inner in outer)
        ]
    return [*spans, _body(after)] if touched.body else spans


def _moved_lines(page: Page, path: str, comments: int) -> Span:
    return block_of(page, path, is_first=False, comments=comments).lines


def _body(page: Page) -> Span:
    body = page.style.body if page.style.body is not None else page.layout.body or ""
    return Span(len(page.text) - len(body), len(page.text))


def _without(text: str, part: Span, spans: Iterable[Span]) -> str:
    """Return a part of a text without the spans that are inside it."""
    rest, done = [], part.start
    inside = (span for span in spans if part.start <= span.start and span.end <= part.end)
    for span in sorted(inside):
        rest.append(text[done : max(done, span.start)])
        done = max(done, span.end)
    return "".join([*rest, text[done : part.end]])
