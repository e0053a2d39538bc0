"""Where to write the page of a question, and why that may be impossible."""

import datetime as dt
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import re2

from qtgen._util.text import mask_unprintable
from qtgen.generation.new_pages import field_value, place_fields
from qtgen.generation.types import Question
from qtgen.page import Value, windows_fault
from qtgen.page.fields import Field
from qtgen.page.layout import Layout
from qtgen.page.template import FILE_FIELDS, Reference

_COMPONENT_MAX = 243  # bytes of a file name or a folder; file systems allow 255
_KNOWN_MAX = 1_024  # places that are kept; `plan` takes rows in smaller chunks
_SHOWN = 80  # characters of a text in a message


class _Place(NamedTuple):
    """The place of a question's page: the fields that it follows from, the path and the key."""

    question: Question
    values: Mapping[str, Value]
    path: str | None
    key: str


@dataclass(frozen=True)
class Places:
    """The places of new pages.

    Args:
        layout: The layout of new pages.
        today: The date of pages whose question has none.
    """

    layout: Layout
    today: dt.date
    _known: dict[tuple[int, int | None], _Place] = field(default_factory=dict, repr=False, compare=False)

    def relative_path(self, question: Question, number: int | None = None) -> str | None:
        """Return the path of a question's page below the output folder, or None if it needs a number.

        Args:
            number: The number of the page, if it is known.
        """
        return self._place(question, number).path

    def path(self, out: Path, question: Question, number: int | None = None) -> str:
        """Return the path of a question's page, or the output folder if the path needs a number."""
        return (out / (self.relative_path(question, number) or "")).as_posix()

    def key(self, question: Question, number: int | None = None) -> str:
        """Return the identifier of a question's page: the value of the key, or the path of the page.

        It is the text of the question if both need a number.
        """
        return self._place(question, number).key

    @cached_property
    def depth(self) -> int:
        """The number of folders and files in the path of a page."""
        return self.layout.spec.path.count("/") + 1

    def tail(self, path: str) -> str:
        """Return the part of a path that is as long as the paths of new pages."""
        return "/".join(path.split("/")[-self.depth :])

    def fault(self, question: Question) -> str | None:
        """Return why a question cannot have a page, or None. The text begins with the column of the question file."""
        faults = (*self._text_faults(question), *self._name_faults(question))
        return next(iter(faults), None)

    def _place(self, question: Question, number: int | None) -> _Place:
        """Return the place of a question's page. It is cached, because each question is looked up several times."""
        if not self._needs_number:
            number = None
        known = self._known.get((id(question), number))
        if known is None or known.question is not question:
            if len(self._known) >= _KNOWN_MAX:
                self._known.clear()
            values = self._values(question, number)
            path = self.layout.page_path(values)
            key = values.get(self.layout.roles.key or "")
            known = _Place(question, values, path, str(key) if key is not None else path or question.text)
            self._known[id(question), number] = known
        return known

    @cached_property
    def _needs_number(self) -> bool:
        """Whether the path or the key of a page contains its number."""
        return any(field.spec.source == "sequence" for field in place_fields(self.layout)[0])

    def _values(self, question: Question, number: int | None) -> dict[str, Value]:
        values: dict[str, Value] = {}
        fields, templates = place_fields(self.layout)
        date = question.date or self.today
        for row in fields:
            value = field_value(row, question, date, question.id if number is None else number)
            if value is not None:
                values[row.path] = value
        for path in templates:
            if (text := self.layout.fill(path, values)) is not None:
                values[path] = text
        return values

    def _text_faults(self, question: Question) -> Iterator[str]:
        """Yield what the layout does not allow in the question and in the subject."""
        for row in self._given:
            text = question.text if row.spec.source == "question" else question.subject
            if text:
                yield from _limit_faults(row.spec.source or "", text, row)

    @cached_property
    def _given(self) -> tuple[Field, ...]:
        """The fields whose value is the question or the subject."""
        return tuple(row for row in self.layout.fields.values() if row.spec.source in ("question", "subject"))

    def _name_faults(self, question: Question) -> Iterator[str]:
        """Yield the reasons why a question cannot have a file name."""
        values = self._place(question, None).values
        for column, reference in self._references:
            text = str(values.get(reference.path) or "")
            if column in ("question", "subject") and "slug" in reference.filters:
                yield from self._slug_faults(column, self.layout.slug(text))
        path = self.relative_path(question) or self.relative_path(question, question.id or 1)
        if path is None:
            missing = next((ref.path for ref in self.layout.path_template.references if ref.path not in values), "")
            yield f"question: no path can be made for its page, because `{missing}` has no value"
            return
        components = path.split("/")
        if len(components) != self.depth or any(part in ("", ".", "..") for part in components):
            yield f"question: `{mask_unprintable(path[:_SHOWN])}` is not a path of a page"
        for part in components:
            if len(part.encode()) > _COMPONENT_MAX:
                yield f"question: a name of its path has {len(part.encode())} bytes; the maximum is {_COMPONENT_MAX}"
            if fault := windows_fault(part):
                yield f"question: `{part}` {fault}, which no file name on Windows can be; use other words"

    def _slug_faults(self, column: str, slug: str) -> Iterator[str]:
        rules = self.layout.profile.file.slug
        if not slug:
            is_plain = re.fullmatch("a-z0-9[ -]*", rules.keep)
            kept = "letter a-z and no digit" if is_plain else "character"
            yield f"{column}: no {kept} to make a file name from"
        if rules.max is not None and len(slug) > rules.max:
            yield f"{column}: its file name has {len(slug)} characters; the maximum is {rules.max}"
        if windows_fault(slug):
            yield f"{column}: `{slug}` is a device on Windows and cannot be a file name there; use other words"

    @cached_property
    def _references(self) -> list[tuple[str, Reference]]:
        """The fields in the path and in the key of a page, with the column that each is from; the question first."""
        key = self.layout.templates.get(self.layout.roles.key or "")
        references = [*self.layout.path_template.references, *(key.references if key else ())]
        named = [(self._column(ref.path), ref) for ref in references if ref.path not in FILE_FIELDS]
        return sorted(dict.fromkeys(named), key=lambda pair: pair[0] != "question")

    def _column(self, path: str) -> str:
        """Return the column of the question file that a field is from, or its own path."""
        source = self.layout.fields[path].spec.source if path in self.layout.fields else None
        copied = self.layout.templates[path].copied if path in self.layout.templates else None
        if copied:
            return self._column(copied)
        return source if source in ("question", "subject") else path


def _limit_faults(column: str, text: str, field: Field) -> Iterator[str]:
    spec = field.spec
    if spec.enum and text not in spec.enum:
        near = get_close_matches(text, [str(choice) for choice in spec.enum], n=1)
        hint = f"did you mean `{near[0]}`?" if near else f"the choices are {', '.join(map(str, spec.enum))}"
        yield f"{column}: `{mask_unprintable(text[:_SHOWN])}` is not allowed as `{field.path}`; {hint}"
    if text in spec.allow:
        return
    if spec.max is not None and len(text) > spec.max:
        yield f"{column}: has {len(text)} characters; the maximum of `{field.path}` is {spec.max}"
    if spec.min is not None and len(text) < spec.min:
        yield f"{column}: has {len(text)} characters; the minimum of `{field.path}` is {spec.min}"
    if spec.pattern and not re2.fullmatch(spec.pattern, text):
        yield f"{column}: does not match the pattern of `{field.path}`, `{spec.pattern}`"


def usual_subjects(layout: Layout) -> tuple[str, ...]:
    """Return the subjects that need no warning; none if every subject is usual, or if others are refused anyway."""
    row = layout.fields.get(layout.roles.subject or "")
    return () if row is None or row.spec.enum else row.spec.known or ()


def default_subject(layout: Layout, subject: str | None) -> str | None:
    """Return the subject of rows without one: the given one, or an empty text if pages need no subject."""
    fields = [field for field in layout.fields.values() if field.spec.source == "subject"]
    is_needed = any(field.required and field.spec.default is None for field in fields)
    return (subject or None) if subject or is_needed else ""
