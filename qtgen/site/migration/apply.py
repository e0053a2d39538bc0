"""Update one page to the new layout, and check that nothing else changed. This module does no input or output."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from qtgen.errors import QtgenError, SpliceError, UnwritableText
from qtgen.page.compile import candidates_for, fits, layouts_of
from qtgen.page.document import Page, Value
from qtgen.page.edits import TextEdit, apply_edits
from qtgen.page.layout import Layout
from qtgen.page.profile import BODY_FIELD
from qtgen.page.reader import read, read_as, read_text
from qtgen.page.splicer import splice_edits
from qtgen.site.migration.conformity import conforms, has_type
from qtgen.site.migration.edits import move_edits, removal_edits, removed_paths, rename_edits
from qtgen.site.migration.plan import Change, LayoutChange, Migration
from qtgen.site.migration.proof import Touched, prove
from qtgen.site.migration.values import NoValue, computed_value, is_same, required_value


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a page stays as it is.

    Attributes:
        line: The line that it is about, from 1.
        field: The path of the field, if it is about one.
        reason: What is wrong.
    """

    line: int
    field: str | None
    reason: str


@dataclass(frozen=True, slots=True)
class PageMigration:
    """The result of one page.

    Attributes:
        after: The new contents, or None if the page stays as it is.
        changes: The changes, in order, without repetition.
        refusal: Why the page cannot be updated, or None.
        conforms: Whether the page has the keys, the order and the types of the new layout afterwards.
    """

    after: bytes | None = None
    changes: tuple[Change, ...] = ()
    refusal: Refusal | None = None
    conforms: bool = True


def migrate_page(raw: bytes, path: str, migration: Migration) -> PageMigration:
    """Return the result of a page. This never raises. If the page cannot be updated, the result has a refusal.

    Args:
        raw: The contents of the file.
        path: The path of the file.
        migration: The difference of the profiles.
    """
    page, change = _read(raw, path, migration)
    if page.problems:
        problem = page.problems[0]
        return PageMigration(refusal=Refusal(page.position(problem.span.start).line, problem.field, problem.message))
    if change is None:
        return PageMigration(refusal=Refusal(1, None, "the new site.toml has no layout for this page"))
    work = _Work(page, change, path)
    try:
        work.run()
        _check_layout(work.page, path, migration)
    except (SpliceError, UnwritableText) as error:
        return PageMigration(refusal=work.refusal(error))
    after = work.page.text.encode() if work.page.text != page.text else None
    return PageMigration(after, tuple(dict.fromkeys(work.changes)), conforms=conforms(work.page))


def _read(raw: bytes, path: str, migration: Migration) -> tuple[Page, LayoutChange | None]:
    """Read a page with its former layout. A page that is up to date may have only the new one."""
    page = read(raw, migration.old, path)
    if not fits(page.layout, page.values):
        layout = read(raw, migration.new, path)
        for change in migration.changes.values():
            if change.new is layout.layout and fits(layout.layout, layout.values):
                return read_as(raw, change.old), change
    return page, migration.changes.get(page.layout.number)


def _check_layout(page: Page, path: str, migration: Migration) -> None:
    """Raise SpliceError if the new profile has another layout for the page."""
    if len(layouts_of(migration.new)) == 1:
        return
    candidates = candidates_for(migration.new, path)
    chosen = next((layout for layout in candidates if fits(layout, page.values)), candidates[0])
    if chosen is not page.layout:
        raise SpliceError(
            f"the new site.toml reads it with its layout {chosen.number + 1}, not {page.layout.number + 1}; "
            "correct `files` or `when`"
        )


@dataclass(slots=True)
class _Work:
    """The work on one page. `page` is its present state."""

    before: Page
    change: LayoutChange
    path: str
    page: Page = field(init=False)
    changes: list[Change] = field(default_factory=list)
    touched: Touched = field(default_factory=Touched)

    def __post_init__(self) -> None:
        self.page = self.before

    def run(self) -> None:
        """Make the changes. Raises SpliceError and UnwritableText."""
        self._remove()
        self._rename()
        self._move()
        written = self._write_values()
        self._write_body()
        self._check_types()
        if self.page.text != self.before.text:
            prove(self.before, self.page, self.change, self.touched, written)

    def refusal(self, error: QtgenError) -> Refusal:
        """Return an error as a refusal, with the line of its field."""
        path = error.field
        page = next((page for page in (self.before, self.page) if path and path in _paths(page)), self.before)
        line = page.position(page.key_span(path).start).line if path else 1
        return Refusal(line, path, error.message)

    def _edit(self, edits: list[TextEdit], layout: Layout) -> None:
        if edits or layout is not self.page.layout:
            self.page = read_text(apply_edits(self.page.text, edits), layout)
        if self.page.problems:
            raise SpliceError(f"the changed page would have a problem: {self.page.problems[0].message}")

    def _note(self, kind: str, paths: list[str]) -> None:
        self.changes += [self.change.change(kind, path) for path in paths]

    def _remove(self) -> None:
        paths = removed_paths(self.page, self.change.match.removed) if self.change.match.removed else []
        self.touched.removed = [*paths]
        self._note("removed", paths)
        self._edit(removal_edits(self.page, paths), self.change.old)

    def _rename(self) -> None:
        match = self.change.match
        edits, renamed = rename_edits(self.page, self.change) if match.renamed or match.items else ([], [])
        self.touched.renamed = renamed
        self._note("renamed", renamed)
        self._edit(edits, self.change.new)

    def _move(self) -> None:
        for section in sorted(self.change.match.reordered, key=lambda path: (path.count("."), path)):
            if section and section not in self.page.sections():
                continue
            edits, moved = move_edits(self.page, self.change, section)
            self.touched.moved |= moved
            self._note("moved", [*moved])
            self._edit(edits, self.change.new)

    def _write_values(self) -> Mapping[str, Value]:
        values = self._values()
        if values:
            self._edit(splice_edits(self.page, values), self.change.new)
            self.touched.written = [*values]
        return values

    def _values(self) -> dict[str, Value]:
        """Return the new values by path: those of new fields, and those that constants and templates give now."""
        if not self.change.steps:
            return {}
        new, page = self.change.new, self.page
        sections = page.sections()
        missing = {path for path in new.required_paths(frozenset(sections)) if path not in page.values}
        file = _file_fields(self.path)
        values: dict[str, Value] = {}
        for path in self.change.steps:
            now = {**page.values, **values}
            if path in missing and path in self.change.required:
                values[path] = required_value(new, path, now, file)
                self._note("added", [path])
            elif path in page.values and path in self.change.computed:
                try:
                    value = computed_value(self.change, path, self.before.values, now, file)
                except NoValue:
                    continue
                if not is_same(value, page.values[path]):
                    values[path] = value
                    self._note("constant" if path in new.constants else "template", [path])
        return values

    def _write_body(self) -> None:
        body, page = self.change.body, self.page
        if body is None or page.style.body is None:
            return
        if page.style.body != self.change.old.body:
            raise SpliceError("the text after the front matter is not the `body` of the former layout")
        self.page = read_text(page.text.removesuffix(page.style.body) + body, page.layout)
        self.touched.body = True
        self._note("constant", [BODY_FIELD])

    def _check_types(self) -> None:
        for path in self.change.retyped:
            value = self.page.values.get(path)
            if path in self.page.values and not has_type(value, self.change.new.fields[path].spec.kinds):
                raise SpliceError(f"`{value}` does not have the type that the new layout requires", field=path)


def _paths(page: Page) -> set[str]:
    return {*page.values, *page.sections(), *(page.key_spans or {})}


def _file_fields(path: str) -> dict[str, str]:
    """Return the fields of the file for templates."""
    file = Path(path)
    folder = file.parent if file.parent.name else file.absolute().parent
    return {"file.stem": file.stem, "file.folder": folder.name}
