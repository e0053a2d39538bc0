"""The values that the templates of a layout give to the fields of a page."""

from collections.abc import Callable, Mapping
from functools import cache
from operator import itemgetter
from typing import Any

from qtgen.page import Value
from qtgen.page.layout import Layout
from qtgen.page.profile import Kind
from qtgen.page.template import FILE_FIELDS, Reference, Template
from qtgen.validation.rules.types import PageFile

_Piece = Callable[[PageFile, Mapping[str, Value]], str | None]


def file_values(file: PageFile) -> dict[str, str]:
    """Return what templates can name of the file itself."""
    return {"file.stem": file.name.removesuffix(".md"), "file.folder": file.folder}


def fill_template(file: PageFile, template: Template) -> str | None:
    """Return the text that a template gives, or None if a field that it names is missing or has the wrong type."""
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
    """Return the fields that a template names, each once, without those of the file."""
    return [*dict.fromkeys(path for path, _ in template.references if path not in FILE_FIELDS)]


def describe_template(template: Template) -> str:
    """Return what a template gives as a noun phrase: `/a/`, the slug of the title, and so on."""
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


class Templates:
    """Fills several templates of one layout at once. Each field that they name passes its filters only once.

    Args:
        layout: The layout.
        templates: The templates.
    """

    def __init__(self, layout: Layout, templates: list[Template]) -> None:
        references = dict.fromkeys(reference for template in templates for reference in template.references)
        self._pieces = [_piece(layout, reference) for reference in references]
        numbers = {reference: number for number, reference in enumerate(references)}
        self._texts = [_joiner(template, numbers) for template in templates]

    def fill(self, file: PageFile) -> list[str] | None:
        """Return the text of each template, or None if a field that one of them names is missing or no text."""
        values = file.page.values
        pieces = [piece(file, values) for piece in self._pieces]
        if None in pieces:
            return None
        return [text(pieces) for text in self._texts]


def _piece(layout: Layout, reference: Reference) -> _Piece:
    path = reference.path
    if path in FILE_FIELDS:
        return lambda file, _: _filtered(file_values(file)[path], reference.filters, layout)
    if reference.filters == ("slug",):
        slug = layout.slug
        return lambda _, values: slug(text) if (text := _text(values.get(path))) else None
    if reference.filters == ():
        return lambda _, values: _text(values.get(path))
    return lambda _, values: _filtered(text, reference.filters, layout) if (text := _text(values.get(path))) else None


def _text(value: Value) -> str | None:
    """Return a value as a template writes it, or None if it writes no such value."""
    if isinstance(value, str):
        return value or None
    return None if value is None or isinstance(value, list | dict) else str(value)


def _filtered(text: str, filters: tuple[str, ...], layout: Layout) -> str:
    for name in filters:
        text = layout.slug(text) if name == "slug" else text.lower()
    return text


def _joiner(template: Template, numbers: Mapping[Reference, int]) -> Callable[[list[Any]], str]:
    """Return the function that makes the text of a template from the pieces of a page."""
    if not template.references:
        return lambda _: template.source
    if len(template.parts) == 1:
        return itemgetter(numbers[template.references[0]])
    form = "".join(part.replace("%", "%%") if isinstance(part, str) else "%s" for part in template.parts)
    get = itemgetter(*(numbers[reference] for reference in template.references))
    return lambda pieces: form % get(pieces)


@cache
def names_agree(layout: Layout) -> Callable[[PageFile], bool]:
    """Return the test whether all names of a page in the canonical layout are those that its templates give."""
    paths = [path for path in layout.templates if path != layout.file_name_field]
    depth = folder_depth(layout)
    templates = [layout.file_name, layout.folder, *(layout.templates[path] for path in paths)]
    fill, name_field = Templates(layout, templates).fill, layout.file_name_field

    def agree(file: PageFile) -> bool:
        filled = fill(file)
        if filled is None:
            return False
        values, (name, folder, *texts) = file.page.values, filled
        return (
            file.name == name
            and (name_field is None or values.get(name_field) == name)
            and last_folders(file, depth) == folder
            and [values.get(path) for path in paths] == texts
        )

    return agree


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
