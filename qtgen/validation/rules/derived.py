"""The values that the templates of a layout give to the fields of a page."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from operator import itemgetter
from typing import TYPE_CHECKING, Any, NamedTuple

from qtgen.page import Value
from qtgen.page.layout import Layout
from qtgen.page.profile import Kind
from qtgen.page.template import FILE_FIELDS, Reference, Template
from qtgen.validation.rules.types import PageFile

if TYPE_CHECKING:
    from qtgen.validation.rules.file_columns import FileColumns


def file_values(file: PageFile) -> dict[str, str]:
    """Return the fields of the file itself that templates can refer to."""
    return {"file.stem": file.name.removesuffix(".md"), "file.folder": file.folder}


def fill_template(file: PageFile, template: Template) -> str | None:
    """Return the text of a template, or None if a field in it is missing or has the wrong type."""
    page = file.page
    for reference in template.references:
        field = page.layout.fields.get(reference.path)
        if field and field.spec.kinds == (Kind.TEXT,) and page.text_of(reference.path) is None:
            return None
    return template.fill(page.values, page.layout.slug, file_values(file))


def derived_value(file: PageFile, path: str) -> Value:
    """Return the value that a field has whatever the page, or by its template. None if that cannot be told."""
    layout = file.page.layout
    if path in layout.constants:
        return layout.constants[path]
    return fill_template(file, layout.templates[path]) if path in layout.templates else None


def sources(template: Template) -> list[str]:
    """Return the fields that a template refers to, each once, without those of the file."""
    return [*dict.fromkeys(path for path, _ in template.references if path not in FILE_FIELDS)]


def describe_template(template: Template) -> str:
    """Describe a template as a noun phrase: `/a/`, the slug of the title, and so on."""
    pieces = [_describe_part(part) for part in template.parts]
    if len(pieces) < 3:
        return " followed by ".join(pieces)
    return f"{', '.join(pieces[:-1])}, and {pieces[-1]}"


def _describe_part(part: str | Reference) -> str:
    if isinstance(part, str):
        return f"`{part}`"
    filters = {"slug": "the slug of ", "lower": "the lower case of "}
    name = {"file.stem": "name of the file", "file.folder": "name of the folder"}.get(part.path, part.path)
    return "".join(filters[name] for name in reversed(part.filters)) + f"the {name}"


class _Templates(NamedTuple):
    """The templates that the names of a page must match.

    Attributes:
        by_path: The templates of fields, except the field with the file's name.
        references: What all templates refer to, each once.
        are_plain: Whether they refer only to required texts, as they are or as slugs.
    """

    by_path: Mapping[str, Template]
    references: Sequence[Reference]
    are_plain: bool


@cache
def _templates_of(layout: Layout) -> _Templates:
    by_path = {path: template for path, template in layout.templates.items() if path != layout.file_name_field}
    templates = (layout.file_name, layout.folder, *by_path.values())
    references = [*dict.fromkeys(reference for template in templates for reference in template.references)]
    written = [*by_path, *([layout.file_name_field] if layout.file_name_field else [])]
    named = [*references, *(Reference(path, ()) for path in written)]
    return _Templates(by_path, references, all(_is_plain(layout, reference) for reference in named))


@cache
def names_agree(layout: Layout) -> Callable[[PageFile], bool]:
    """Return a test whether all names of a page in the canonical form match its templates.

    It is needed for every page, so each field passes its filters only once. If a template names what is not a required
    text, the test is the slower one.
    """
    templates, references, are_plain = _templates_of(layout)
    if not are_plain:
        return _slow_test(layout, templates)
    plain = [reference for reference in references if not reference.filters]
    slugged = [reference for reference in references if reference.filters]
    places = {reference: place for place, reference in enumerate([*plain, *slugged])}
    get_plain, get_slugged = (_getter([reference.path for reference in some]) for some in (plain, slugged))
    copies = [path for path, template in templates.items() if template.copied]
    get_copies = _getter(copies)
    get_copied = _getter([places[templates[path].references[0]] for path in copies])
    others = [(path, _joiner(template, places)) for path, template in templates.items() if not template.copied]
    file_name, folder = _joiner(layout.file_name, places), _joiner(layout.folder, places)
    slug, depth, name_field = layout.slug, folder_depth(layout), layout.file_name_field

    def agree(file: PageFile) -> bool:
        values, name = file.page.values, file.name
        pieces = (*get_plain(values), *map(slug, get_slugged(values)))
        if get_copies(values) != get_copied(pieces) or name != file_name(pieces):
            return False
        if name_field is not None and values[name_field] != name:
            return False
        for path, text in others:
            if values[path] != text(pieces):
                return False
        return (file.folder if depth == 1 else last_folders(file, depth)) == folder(pieces)

    return agree


def rows_with_other_names(files: "FileColumns") -> Iterable[int]:
    """Return the pages whose names may not match their templates."""
    layout, depth = files.layout, folder_depth(files.layout)
    templates, references, are_plain = _templates_of(layout)
    if not are_plain:
        return range(len(files))
    pieces = {
        reference: [*map(layout.slug, files.texts(reference.path))]
        if reference.filters
        else files.texts(reference.path)
        for reference in references
    }
    pairs = [(files.names, layout.file_name), (files.folders(depth), layout.folder)]
    pairs += [(files.texts(path), template) for path, template in templates.items()]
    expected = [(actual, _fill_column(template, pieces, len(files))) for actual, template in pairs]
    if layout.file_name_field:
        expected.append((files.texts(layout.file_name_field), files.names))
    return {
        row
        for actual, names in expected
        if actual != names
        for row, (one, other) in enumerate(zip(actual, names, strict=True))
        if one != other
    }


def _fill_column(template: Template, pieces: Mapping[Reference, list[str]], count: int) -> list[str]:
    """Return the text of a template on each of the pages."""
    columns = [[part] * count if isinstance(part, str) else pieces[part] for part in template.parts]
    if len(columns) < 2:
        return columns[0] if columns else [""] * count
    return ["".join(parts) for parts in zip(*columns, strict=True)]


def _is_plain(layout: Layout, reference: Reference) -> bool:
    """Return whether a reference is to a text that every page has, as it is or as a slug."""
    field = layout.fields.get(reference.path)
    section = layout.sections.get(field.section) if field else None
    is_there = field is not None and field.required and (section is None or section.required)
    return is_there and field is not None and field.spec.kinds == (Kind.TEXT,) and reference.filters in ((), ("slug",))


def _slow_test(layout: Layout, paths: Iterable[str]) -> Callable[[PageFile], bool]:
    name_field, depth = layout.file_name_field, folder_depth(layout)

    def agree(file: PageFile) -> bool:
        values = file.page.values
        names = fill_template(file, layout.file_name), fill_template(file, layout.folder)
        if names != (file.name, last_folders(file, depth)):
            return False
        if name_field is not None and values.get(name_field) != file.name:
            return False
        return all(values.get(path) == fill_template(file, layout.templates[path]) for path in paths)

    return agree


def _getter(keys: Sequence[Any]) -> Callable[[Any], tuple[Any, ...]]:
    """Return a function that takes some items, as a tuple even if there is only one or none."""
    if len(keys) > 1:
        return itemgetter(*keys)
    return lambda items: tuple([items[key] for key in keys])


def _joiner(template: Template, places: Mapping[Reference, int]) -> Callable[[tuple[str, ...]], str]:
    """Return the function that makes the text of a template from the pieces of a page."""
    if not template.references:
        return lambda _: template.source
    if len(template.parts) == 1:
        return itemgetter(places[template.references[0]])
    form = "".join([part.replace("%", "%%") if isinstance(part, str) else "%s" for part in template.parts])
    get = itemgetter(*(places[reference] for reference in template.references))
    return lambda pieces: form % get(pieces)


@cache
def folder_depth(layout: Layout) -> int:
    """Return how many folders the path of a page names; 0 if pages are in the root."""
    source = layout.folder.source
    return source.count("/") + 1 if source else 0


def last_folders(file: PageFile, depth: int) -> str:
    """Return the last folders of a page's path, joined by `/`; none for a depth of 0."""
    if depth == 1:
        return file.folder
    parts = (file.location or file.path).split("/")[:-1]
    return "/".join(parts[-depth:]) if depth else ""
