"""The structured answer that a model fills in, one shape a kind of question, and the markdown it becomes.

To add a shape: a class with `markdown()`, and a row in `SHAPES`; a prompt names it in its front matter. The JSON
Schema sent to the model carries the length limits of the page; what arrives is checked against the same limits.
"""

import json
import re
from abc import ABC, abstractmethod
from typing import Annotated, Any

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    ValidationError,
    create_model,
    model_validator,
)

from qtgen._util.json_schema import strict_schema
from qtgen.errors import AnswerError
from qtgen.generation.cleanup import label, mended, once, prose, residue, sentence
from qtgen.page.answer_text import to_dollar_math
from qtgen.page.fields import ANSWER_MIN, DESCRIPTION_MAX, DESCRIPTION_MIN, KEYWORDS_MIN, KEYWORDS_REQUESTED

# First words that lose their capital behind "In summary, "; any other may be a name.
_OPENERS = re.compile(
    r"(?:the|an?|this|that|these|those|its?|they|we|you|in|on|at|by|with|when|while|if|as|for|to|from|both|each|all"
    r"|many|most|some)$",
    re.IGNORECASE,
)


class SearchFields(BaseModel):
    """The words that search engines are shown."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    page_description: prose(DESCRIPTION_MIN, DESCRIPTION_MAX)  # type: ignore[valid-type]
    page_keywords: list[label(2, 40)] = Field(min_length=KEYWORDS_MIN, max_length=KEYWORDS_REQUESTED)  # type: ignore[valid-type]

    @property
    def labels(self) -> list[str]:
        """Headings of the answer, which stand in where a model repeats its keywords."""
        return []

    @property
    def keywords(self) -> str:
        """Comma and space between them, each once."""
        unique = once((word.replace(",", " ") for word in self.page_keywords), str)
        candidates = [*unique, *(label for label in self.labels if "," not in label)]
        return ", ".join(once(candidates, str)[: max(KEYWORDS_MIN, len(unique))])

    @model_validator(mode="after")
    def _keywords_differ(self) -> "SearchFields":
        if len(self.keywords.split(", ")) < KEYWORDS_MIN:
            raise ValueError(f"page_keywords: fewer than {KEYWORDS_MIN} different keywords")
        return self


class Answer(SearchFields, ABC):
    """What every shape of a page has: the words for search engines, and its markdown."""

    @abstractmethod
    def markdown(self) -> str:
        """The answer as the site's markdown."""


class Point(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")
    heading: label(3, 80)  # type: ignore[valid-type]
    explanation: prose(60, 320)  # type: ignore[valid-type]


class PointsAnswer(Answer):
    """An explanation in numbered points: the site's usual form."""

    introduction: prose(60, 280)  # type: ignore[valid-type]
    points: list[Point] = Field(min_length=4, max_length=6)
    worked_example: prose(40, 300) | None  # type: ignore[valid-type]
    summary: prose(60, 240)  # type: ignore[valid-type]

    @property
    def labels(self) -> list[str]:
        return [point.heading for point in self.different_points]

    @property
    def different_points(self) -> list[Point]:
        """The points without those that repeat an earlier one's heading."""
        return once(self.points, lambda point: point.heading)

    @model_validator(mode="after")
    def _points_differ(self) -> "PointsAnswer":
        if len(self.different_points) < 3:
            raise ValueError("points: fewer than three different headings; the same point is made again and again")
        return self

    def markdown(self) -> str:
        points = [f"{number}. **{p.heading}**: {p.explanation}" for number, p in enumerate(self.different_points, 1)]
        example = [f"**Worked example**: {self.worked_example}"] if self.worked_example else []
        return "\n\n".join([self.introduction, *points, *example, _in_summary(self.summary)])


class _Table(BaseModel):
    """What is compared are the columns, in which respect the rows."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    columns: list[str]
    rows: list[Any]


def _table_of(width: int) -> Any:
    """A table of `width` columns: that every row has as many cells is part of the schema, so a model cannot miss it."""

    def exactly(item: Any) -> Any:
        return Annotated[list[item], Field(min_length=width, max_length=width)]

    row: Any = create_model(
        f"Row{width}", __config__=_Table.model_config, aspect=(label(3, 60), ...), cells=(exactly(label(1, 160)), ...)
    )
    rows: Any = Annotated[list[row], Field(min_length=3, max_length=8)]
    return create_model(f"Table{width}", __base__=_Table, columns=(exactly(label(1, 60)), ...), rows=(rows, ...))


def _width(table: Any) -> str:
    columns = table.get("columns") if isinstance(table, dict) else None
    return str(min(4, max(2, len(columns)))) if isinstance(columns, list) else "2"


_AnyTable: Any = Annotated[
    Annotated[_table_of(2), Tag("2")] | Annotated[_table_of(3), Tag("3")] | Annotated[_table_of(4), Tag("4")],
    Discriminator(_width),
]


class TableAnswer(Answer):
    """A comparison of two to four things."""

    introduction: prose(60, 280)  # type: ignore[valid-type]
    table: _AnyTable
    summary: prose(60, 240)  # type: ignore[valid-type]

    @property
    def labels(self) -> list[str]:
        return [*self.table.columns, *(row.aspect for row in self.table.rows)]

    def markdown(self) -> str:
        columns = self.table.columns
        lines = [_table_line("Aspect", *columns), _table_line(*["---"] * (len(columns) + 1))]
        lines += [_table_line(f"**{row.aspect}**", *row.cells) for row in self.table.rows]
        return "\n\n".join([self.introduction, "\n".join(lines), _in_summary(self.summary)])


class FreeformAnswer(Answer):
    """Markdown as the question needs it: a derivation, code, anything without a mould."""

    answer: Annotated[str, BeforeValidator(mended), Field(min_length=ANSWER_MIN, max_length=4_500)]

    @model_validator(mode="after")
    def _closed(self) -> "FreeformAnswer":
        for mark, name in (("```", "code fence"), ("$$", "`$$`")):
            if self.answer.count(mark) % 2:
                raise ValueError(f"answer: a {name} is opened and never closed")
        return self

    def markdown(self) -> str:
        return self.answer


class SearchAnswer(SearchFields):
    """The words alone, for a page whose answer stays: they replace others, and so have to be whole."""

    page_description: sentence(DESCRIPTION_MIN, DESCRIPTION_MAX)  # type: ignore[valid-type]


SHAPES: dict[str, type[SearchFields]] = {
    "points": PointsAnswer,
    "table": TableAnswer,
    "freeform": FreeformAnswer,
    "seo": SearchAnswer,
}
"""Names a prompt's front matter can give as `shape`."""


def _table_line(*cells: str) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _in_summary(text: str) -> str:
    if re.match(r"(?:in summary|in conclusion|to sum up|overall)\b", text, re.IGNORECASE):
        return text
    first, _, rest = text.partition(" ")
    return f"In summary, {first.lower() if _OPENERS.match(first) else first} {rest}"


def parse(shape: str, text: str) -> SearchFields:
    """The answer in `text`, which should be JSON of this shape.

    Raises AnswerError with sentences the model can act on.
    """
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        raise AnswerError(["the answer is not valid JSON"]) from None
    if not text.isascii() or "\\u" in text:
        _check_whole(data)
    try:
        answer = SHAPES[shape].model_validate(data)
    except ValidationError as error:
        raise AnswerError([_sentence(detail) for detail in error.errors()[:5]]) from None
    marks = residue(data)
    if marks:
        raise AnswerError([f"write plain text without {mark}" for mark in marks[:3]])
    return answer


def _check_whole(data: Any) -> None:
    """Raise AnswerError for half of a surrogate pair, in a text or a key: JSON can write it, nothing else can."""
    try:
        json.dumps(data, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise AnswerError(["a character is torn: half of a surrogate pair stands alone (\\ud83d, for one)"]) from None


def _sentence(detail: Any) -> str:
    """What pydantic objects to, in words for the model."""
    where = ".".join(str(part) for part in detail["loc"])
    message = str(detail["msg"]).removeprefix("Value error, ")
    if detail["type"] in ("too_short", "too_long") and isinstance(detail["input"], str):
        bound = "at least {min_length}" if detail["type"] == "too_short" else "at most {max_length}"
        message = f"must have {bound.format(**detail['ctx'])} characters, not {detail['ctx']['actual_length']}"
    return f"{where}: {message}" if where else message


def to_markdown(answer: Answer) -> str:
    """The site's markdown: maths in dollars."""
    return to_dollar_math(answer.markdown())


def schema(shape: str) -> dict[str, Any]:
    """Strict JSON Schema of a shape: every key required, none allowed beside them, definitions inlined."""
    strict = strict_schema(SHAPES[shape])
    # A model writes the keys in this order: first the answer, then what is to be said of it.
    strict["required"].sort(key=lambda name: name in SearchFields.model_fields)
    strict["properties"] = {name: strict["properties"][name] for name in strict["required"]}
    return strict
