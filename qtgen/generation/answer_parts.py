"""The shapes of answers that ship with qtgen: the parts that a model fills in, and the Markdown that they become."""

import re
from abc import ABC, abstractmethod
from functools import cached_property
from typing import Annotated, Any

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    WithJsonSchema,
    create_model,
    model_validator,
)

from qtgen.generation.cleanup import label, prose, restore_latex, unique_by
from qtgen.generation.renderable import find_open_mark, make_renderable
from qtgen.page.markdown.pipes import escape_pipes

# First words that lose their capital after "In summary, "; any other word may be a name.
_LOWERCASE_OPENERS = re.compile(
    r"(?:the|an?|this|that|these|those|its?|they|we|you|in|on|at|by|with|when|while|if|as|for|to|from|both|each|all"
    r"|many|most|some)$",
    re.IGNORECASE,
)


FREEFORM_MAX = 4_500
"""The most characters of an answer without a fixed form."""


class SearchFields(BaseModel):
    """The texts of a page besides its answer. Each layout has a subclass with its own fields."""

    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())

    @property
    def labels(self) -> list[str]:
        """The headings of the answer, which fill up the keywords if a model repeats some."""
        return []


class Answer(SearchFields, ABC):
    """Base of every shape that makes a whole page."""

    @abstractmethod
    def markdown(self) -> str:
        """Return the answer as markdown."""


_SUMMARY_MIN, _SUMMARY_MAX = 40, 260
# The schema requires a summary. Models that write Markdown may forget it, and an answer without one is still good.
_Summary: Any = Annotated[
    prose(_SUMMARY_MIN, _SUMMARY_MAX) | None,
    WithJsonSchema({"type": "string", "minLength": _SUMMARY_MIN, "maxLength": _SUMMARY_MAX}),
]


class Point(BaseModel):
    """One numbered point."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    heading: label(3, 80)  # type: ignore[valid-type]
    explanation: prose(60, 700)  # type: ignore[valid-type]


class PointsAnswer(Answer):
    """An explanation in numbered points, the usual form on the site."""

    introduction: prose(60, 460)  # type: ignore[valid-type]
    points: list[Point] = Field(min_length=4, max_length=6)
    worked_example: prose(40, 300) | None  # type: ignore[valid-type]
    summary: _Summary

    @property
    def labels(self) -> list[str]:
        return [point.heading for point in self.unique_points]

    @cached_property
    def unique_points(self) -> list[Point]:
        """The points without those that repeat an earlier heading."""
        return unique_by(self.points, lambda point: point.heading)

    @model_validator(mode="after")
    def _points_differ(self) -> "PointsAnswer":
        if len(self.unique_points) < 3:
            raise ValueError("points: fewer than three different headings; the same point is made again and again")
        return self

    def markdown(self) -> str:
        points = [f"{number}. **{p.heading}**: {p.explanation}" for number, p in enumerate(self.unique_points, 1)]
        example = [f"**Worked example**: {self.worked_example}"] if self.worked_example else []
        return "\n\n".join([self.introduction, *points, *example, *_in_summary(self.summary)])


class _Table(BaseModel):
    """A comparison: a column per thing, a row per aspect."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    columns: list[str]
    rows: list[Any]


def _table_type(width: int) -> Any:
    """Return the type of a table of `width` columns.

    The number of cells per row is part of the type, so constrained decoding cannot produce an uneven table.
    """

    def exactly_width(item: Any) -> Any:
        return Annotated[list[item], Field(min_length=width, max_length=width)]

    row: Any = create_model(
        f"Row{width}",
        __config__=_Table.model_config,
        aspect=(label(3, 60), ...),
        cells=(exactly_width(label(1, 160)), ...),
    )
    rows: Any = Annotated[list[row], Field(min_length=3, max_length=8)]
    return create_model(f"Table{width}", __base__=_Table, columns=(exactly_width(label(1, 60)), ...), rows=(rows, ...))


def _width_tag(table: Any) -> str:
    """Return the tag of the table type that a table is validated against, also for one of a wrong width."""
    columns = table.get("columns") if isinstance(table, dict) else None
    return str(min(4, max(2, len(columns)))) if isinstance(columns, list) else "2"


_AnyTable: Any = Annotated[
    Annotated[_table_type(2), Tag("2")] | Annotated[_table_type(3), Tag("3")] | Annotated[_table_type(4), Tag("4")],
    Discriminator(_width_tag),
]


class TableAnswer(Answer):
    """A comparison of two to four things in a table."""

    introduction: prose(60, 460)  # type: ignore[valid-type]
    table: _AnyTable
    summary: _Summary

    @property
    def labels(self) -> list[str]:
        return [*self.table.columns, *(row.aspect for row in self.unique_rows)]

    @cached_property
    def unique_rows(self) -> list[Any]:
        """The rows without those that repeat an earlier aspect."""
        return unique_by(self.table.rows, lambda row: row.aspect)

    @model_validator(mode="after")
    def _rows_differ(self) -> "TableAnswer":
        if len(self.unique_rows) < 3:
            raise ValueError("table: fewer than three different aspects; the same row is written again and again")
        return self

    def markdown(self) -> str:
        columns = self.table.columns
        lines = [_table_line("Aspect", *columns), _table_line(*["---"] * (len(columns) + 1))]
        lines += [_table_line(f"**{row.aspect}**", *row.cells) for row in self.unique_rows]
        return "\n\n".join([self.introduction, "\n".join(lines), *_in_summary(self.summary)])


class FreeformAnswer(Answer):
    """Markdown without a fixed form: a derivation, a program."""

    answer: Annotated[str, BeforeValidator(restore_latex), Field(min_length=1)]

    @model_validator(mode="after")
    def _check_fences(self) -> "FreeformAnswer":
        if mark := find_open_mark(make_renderable(self.answer)):
            raise ValueError(f"answer: a {mark} is opened and never closed")
        return self

    def markdown(self) -> str:
        return self.answer


def _table_line(*cells: str) -> str:
    return "| " + " | ".join(map(escape_pipes, cells)) + " |"


def _in_summary(text: str | None) -> list[str]:
    """Return the summary as a paragraph, or nothing if there is none."""
    if text is None:
        return []
    if re.match(r"(?:in summary|in conclusion|to sum up|overall)\b", text, re.IGNORECASE):
        return [text]
    first, _, rest = text.partition(" ")
    return [f"In summary, {first.lower() if _LOWERCASE_OPENERS.match(first) else first} {rest}"]


def _names(*shapes: type[BaseModel]) -> frozenset[str]:
    return frozenset(name for shape in shapes for name in shape.model_fields)


PART_NAMES = _names(PointsAnswer, TableAnswer, FreeformAnswer) | frozenset(dir(PointsAnswer))
"""Names that no text of a page can have in an answer, because a part or an attribute has them."""
