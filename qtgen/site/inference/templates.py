"""Infer the templates of fields and of paths."""

import datetime as dt
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from qtgen.page.template import Slugger, Template, parse_template
from qtgen.site.inference.columns import FOLDER, STEM, Column, Columns, sample
from qtgen.site.inference.findings import Place, shown
from qtgen.site.inference.observe import LongText

_DERIVED_FROM = 40  # pages from which templates are derived
_TRIED = 200  # pages on which each of them is tried
_MOST_TRIED = 30
_MOST_PARTS = 4
_LEAST = 3  # values of a field with a possible template
_LONGEST = 200  # characters of a value to search for in another value


@dataclass(frozen=True, slots=True)
class Fit:
    """How well a template fits the values of a field.

    Attributes:
        template: The template.
        agree: The number of pages with the value that it gives.
        against: The pages with another value, with what the template gives.
    """

    template: Template
    agree: int
    against: tuple[tuple[int, str], ...]


class TemplateSearch:
    """Looks for templates over the columns of a layout.

    Args:
        columns: The columns.
        slug: The slug of the site.
    """

    def __init__(self, columns: Columns, slug: Slugger) -> None:
        self._columns, self._slug = columns, slug
        self._extra: Mapping[str, Column] = {STEM: columns.stems, FOLDER: columns.folders}

    def column(self, path: str) -> Column:
        """Return the values of a field, or of a name of the file."""
        return self._extra[path] if path in self._extra else self._columns.columns[path]

    def best(self, target: Column, sources: Sequence[str], *, slugs_only: bool = False) -> Fit | None:
        """Return the template that fits the most values of a column, or None if none fits half of them.

        Args:
            target: The column.
            sources: The fields that the template can name; earlier ones are preferred.
            slugs_only: Whether texts must be slugs, as in the paths of files.
        """
        rows = [row for row, value in enumerate(target) if isinstance(value, str)]
        if len(rows) < 2:
            return None
        derived: Counter[str] = Counter()
        for row in sample(rows, _DERIVED_FROM):
            suggested = [self._derive(str(target[row]), row, sources, slugs=True, plain=not slugs_only)]
            if not slugs_only:
                suggested.append(self._derive(str(target[row]), row, sources, slugs=False, plain=True))
            derived.update({source for source in suggested if source is not None})
        tried = sample(rows, _TRIED)
        good = []
        for source, _ in derived.most_common(_MOST_TRIED):
            fit = self._fit(parse_template(source), target, tried)
            if 2 * fit.agree > len(tried):
                good.append(fit)
        good.sort(key=lambda fit: -fit.agree)
        fits = [self._fit(fit.template, target, rows) for fit in good[:3]]
        return max(fits, key=lambda fit: (fit.agree, _preference(fit.template)), default=None)

    def _derive(self, value: str, row: int, sources: Sequence[str], *, slugs: bool, plain: bool) -> str | None:
        """Return the template that one page suggests: the longest values first.

        Args:
            value: The value on the page.
            row: The page.
            sources: The fields that the template can name.
            slugs: Whether a text that is its own slug is taken for a slug.
            plain: Whether texts can stay as they are.
        """
        if not is_literal(value):
            return None
        variants: dict[str, str] = {}
        for path in sources:
            found = self._variants(path, row, plain=plain)
            for text, reference in found if not slugs else reversed(found):
                variants.setdefault(text, reference)
        parts: list[str] = [value]
        for text in sorted(variants, key=len, reverse=True):
            parts = [piece for part in parts for piece in _divide(part, text, variants[text])]
        references = sum(part.startswith("{") for part in parts)
        return "".join(parts) if 0 < references <= _MOST_PARTS else None

    def _variants(self, path: str, row: int, *, plain: bool) -> list[tuple[str, str]]:
        value = self.column(path)[row]
        if isinstance(value, bool) or not isinstance(value, str | int | dt.date):
            return []
        text = str(value)
        if not 0 < len(text) <= _LONGEST:
            return []
        found = []
        if plain or not isinstance(value, str):
            found = [(text, f"{{{path}}}")]
            if text.lower() != text:
                found.append((text.lower(), f"{{{path}|lower}}"))
        if isinstance(value, str) and path not in self._extra and (slug := self._slug(text)):
            found.append((slug, f"{{{path}|slug}}"))
        return found

    def _fit(self, template: Template, target: Column, rows: Sequence[int]) -> Fit:
        agree, against = 0, []
        names = [reference.path for reference in template.references]
        columns = [self.column(name) for name in names]
        file_names = [name for name in names if name in self._extra]
        for row in rows:
            values = {name: column[row] for name, column in zip(names, columns, strict=True)}
            if any(isinstance(value, LongText) for value in values.values()):
                continue
            file = {name: str(values[name]) for name in file_names if values[name] is not None}
            filled = template.fill(values, self._slug, file)
            if filled is None:
                continue
            if filled == target[row]:
                agree += 1
            else:
                against.append((row, filled))
        return Fit(template, agree, tuple(against))

    def places(self, fit: Fit, target: Column, path: str) -> list[Place]:
        """Return the places that disagree with a template."""
        pages = self._columns.pages
        return [
            Place(pages[row], path, f"{shown(target[row])}, expected {shown(filled)}") for row, filled in fit.against
        ]


def _preference(template: Template) -> int:
    """Return the better one of two templates with the same values: a copy, then the one with more slugs."""
    filters = [name for reference in template.references for name in reference.filters]
    return 9 if template.copied else filters.count("slug")


def _divide(part: str, text: str, reference: str) -> Iterator[str]:
    """Yield the pieces of a literal with a reference for each occurrence of a text. A reference stays whole."""
    if part.startswith("{"):
        yield part
        return
    start = 0
    at = part.find(text)
    while at >= 0:
        end = at + len(text)
        if _is_edge(part, at - 1, at) and _is_edge(part, end - 1, end):
            if at > start:
                yield part[start:at]
            yield reference
            start = end
        at = part.find(text, end)
    if start < len(part):
        yield part[start:]


def _is_edge(part: str, before: int, after: int) -> bool:
    """Return whether a word begins or ends between two places."""
    return before < 0 or after >= len(part) or not (part[before].isalnum() and part[after].isalnum())


def is_literal(text: str) -> bool:
    """Return whether a template can contain a text as it is."""
    return text.isprintable() and "{" not in text and "}" not in text


def is_name(path: str) -> bool:
    """Return whether a template can refer to a field."""
    return is_literal(path) and "|" not in path and path == path.strip()


def is_varied(column: Column) -> bool:
    """Return whether a column has different values on enough pages to look for a template."""
    values = [value for value in column if value is not None]
    return len(values) >= _LEAST and len({str(value) for value in values[:1000]}) > 1
