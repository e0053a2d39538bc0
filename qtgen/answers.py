"""The structured answer that a model fills in, one shape a kind of question, and the markdown it becomes.

To add a shape: a class with `markdown()`, and a row in `SHAPES`; a prompt names it in its front matter. The JSON
Schema sent to the model carries the length limits of the page; what arrives is checked against the same limits.
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Annotated, Any, TypeVar

from pydantic import (
    AfterValidator,
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

from qtgen.errors import AnswerError
from qtgen.page.answer_text import dollar_math
from qtgen.page.fields import ANSWER_MIN, DESCRIPTION_MAX, DESCRIPTION_MIN, KEYWORDS_ASKED, KEYWORDS_MIN
from qtgen.page.text import one_line

T = TypeVar("T")

_WORD_CHARS = re.compile(r"\w")
_SENTENCE_END = re.compile(r"[.!?][\"')\]$]*(?=\s|$)")
# What a small model leaves in its text: markup of another medium, keys of the schema, words of its instructions.
_RESIDUE = re.compile(
    r"</?(?:pre|code|h[1-6]|p|div|span|br|ul|ol|li|b|i|strong|em|html|body|table|script|style|iframe)(?:\s+[\w-]+\s*=[^>]*)?\s*/?>"
    r"|<\|[a-z_]+\|>|\[/?INST\]"
    r"|\bpage_(?:description|keywords)\b|\bworked_example\b|\"(?:heading|explanation|introduction|summary)\""
    r"|\bas an AI\b|\bAI language model\b|\blorem ipsum\b|(?-i:\bTODO\b)"
    r"|\[(?:insert|json|question|answer|response|example|section|data|text|title|math|your)\b[^\]]*\](?!\()",
    re.IGNORECASE,
)


# First words that lose their capital behind "In summary, "; any other may be a name.
_OPENERS = re.compile(
    r"(?:the|an?|this|that|these|those|its?|they|we|you|in|on|at|by|with|when|while|if|as|for|to|from|both|each|all"
    r"|many|most|some)$",
    re.IGNORECASE,
)


# LaTeX that was not escaped in JSON arrives with its first letters read as a control character: `\\beta` as a
# backspace and `eta`. Backspace and form feed mean nothing else; tab and carriage return only before these.
_SWALLOWED = re.compile(
    r"\x08(?=[a-z])|\x0c(?=[a-z])|\t(?=(?:heta|imes|ext|au|frac|o|an|ilde|riangle)\b)|\r(?=(?:ho|ight|m|angle|ceil)\b)"
)
_ESCAPES = {"\x08": r"\b", "\x0c": r"\f", "\t": r"\t", "\r": r"\r"}
_CONTROLS = re.compile(r"[\x00-\x08\x0e-\x1f\x7f-\x9f]")


def _mended(text: object) -> object:
    """LaTeX commands whose backslash JSON swallowed, restored; other control characters dropped."""
    if not isinstance(text, str):
        return text
    text = _SWALLOWED.sub(lambda found: _ESCAPES[found.group()], text)
    return _CONTROLS.sub("", text)


def _line(text: object) -> object:
    """One line; a line break that the model escaped twice is still a break."""
    mended = _mended(text)
    return one_line(re.sub(r"\\n(?![a-z])", " ", mended)) if isinstance(mended, str) else mended


def _once(items: Iterable[T], name: Callable[[T], str]) -> list[T]:
    """`items` without those whose name came before, whatever its case."""
    first: dict[str, T] = {}
    for item in items:
        first.setdefault(name(item).casefold(), item)
    return list(first.values())


def _worded(text: str) -> str:
    if not _WORD_CHARS.search(text):
        raise ValueError("holds no word")
    return text


def _prose(low: int, high: int) -> Any:
    """A text of whole sentences, within the limits."""

    def whole(text: str) -> str:
        return whole_sentences(_worded(text), low, high)

    return Annotated[str, BeforeValidator(_line), Field(min_length=low, max_length=high), AfterValidator(whole)]


def _label(low: int, high: int) -> Any:
    """A heading, a cell or a keyword: one line without markup at its ends."""

    def bare(text: object) -> object:
        line = _line(text)
        return line.strip("*_#:;., ") if isinstance(line, str) else line

    return Annotated[str, BeforeValidator(bare), Field(min_length=low, max_length=high), AfterValidator(_worded)]


def whole_sentences(text: str, low: int, high: int) -> str:
    """`text` cut back to its last whole sentence if it was stopped by its length limit."""
    if len(text) < high - 2 or _SENTENCE_END.search(text[-3:]):
        return text
    ends = [found.end() for found in _SENTENCE_END.finditer(text) if found.end() >= low]
    if ends:
        return text[: ends[-1]]
    return text[: text.rfind(" ")].rstrip(" ,;:") + "." if " " in text[low:] else text


class _Answer(BaseModel):
    """What every shape has: the words that search engines are shown."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    def markdown(self) -> str:
        """The answer as the site's markdown."""
        raise NotImplementedError


class _Seo(_Answer):
    page_description: _prose(DESCRIPTION_MIN, DESCRIPTION_MAX)  # type: ignore[valid-type]
    page_keywords: list[_label(2, 40)] = Field(min_length=KEYWORDS_MIN, max_length=KEYWORDS_ASKED)  # type: ignore[valid-type]

    @property
    def labels(self) -> list[str]:
        """Headings of the answer, which stand in where a model repeats its keywords."""
        return []

    @property
    def keywords(self) -> str:
        """Comma and space between them, each once."""
        unique = _once((word.replace(",", " ") for word in self.page_keywords), str)
        candidates = [*unique, *(label for label in self.labels if "," not in label)]
        return ", ".join(_once(candidates, str)[: max(KEYWORDS_MIN, len(unique))])

    @model_validator(mode="after")
    def _keywords_differ(self) -> "_Seo":
        if len(self.keywords.split(", ")) < KEYWORDS_MIN:
            raise ValueError(f"page_keywords: fewer than {KEYWORDS_MIN} different keywords")
        return self


class Point(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")
    heading: _label(3, 80)  # type: ignore[valid-type]
    explanation: _prose(60, 320)  # type: ignore[valid-type]


class PointsAnswer(_Seo):
    """An explanation in numbered points: the site's usual form."""

    introduction: _prose(60, 280)  # type: ignore[valid-type]
    points: list[Point] = Field(min_length=4, max_length=6)
    worked_example: _prose(40, 300) | None  # type: ignore[valid-type]
    summary: _prose(60, 240)  # type: ignore[valid-type]

    @property
    def labels(self) -> list[str]:
        return [point.heading for point in self.different_points]

    @property
    def different_points(self) -> list[Point]:
        """The points without those that repeat an earlier one's heading."""
        return _once(self.points, lambda point: point.heading)

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
        f"Row{width}", __config__=_Table.model_config, aspect=(_label(3, 60), ...), cells=(exactly(_label(1, 160)), ...)
    )
    rows: Any = Annotated[list[row], Field(min_length=3, max_length=8)]
    return create_model(f"Table{width}", __base__=_Table, columns=(exactly(_label(1, 60)), ...), rows=(rows, ...))


def _width(table: Any) -> str:
    columns = table.get("columns") if isinstance(table, dict) else None
    return str(min(4, max(2, len(columns)))) if isinstance(columns, list) else "2"


_AnyTable: Any = Annotated[
    Annotated[_table_of(2), Tag("2")] | Annotated[_table_of(3), Tag("3")] | Annotated[_table_of(4), Tag("4")],
    Discriminator(_width),
]


class TableAnswer(_Seo):
    """A comparison of two to four things."""

    introduction: _prose(60, 280)  # type: ignore[valid-type]
    table: _AnyTable
    summary: _prose(60, 240)  # type: ignore[valid-type]

    @property
    def labels(self) -> list[str]:
        return [*self.table.columns, *(row.aspect for row in self.table.rows)]

    def markdown(self) -> str:
        columns = self.table.columns
        lines = [_table_line("Aspect", *columns), _table_line(*["---"] * (len(columns) + 1))]
        lines += [_table_line(f"**{row.aspect}**", *row.cells) for row in self.table.rows]
        return "\n\n".join([self.introduction, "\n".join(lines), _in_summary(self.summary)])


class FreeformAnswer(_Seo):
    """Markdown as the question needs it: a derivation, code, anything without a mould."""

    answer: Annotated[str, BeforeValidator(_mended), Field(min_length=ANSWER_MIN, max_length=4_500)]

    @model_validator(mode="after")
    def _closed(self) -> "FreeformAnswer":
        for mark, name in (("```", "code fence"), ("$$", "`$$`")):
            if self.answer.count(mark) % 2:
                raise ValueError(f"answer: a {name} is opened and never closed")
        return self

    def markdown(self) -> str:
        return self.answer


SHAPES: dict[str, type[_Seo]] = {"points": PointsAnswer, "table": TableAnswer, "freeform": FreeformAnswer}
"""Names a prompt's front matter can give as `shape`."""


def _table_line(*cells: str) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _in_summary(text: str) -> str:
    if re.match(r"(?:in summary|in conclusion|to sum up|overall)\b", text, re.IGNORECASE):
        return text
    first, _, rest = text.partition(" ")
    return f"In summary, {first.lower() if _OPENERS.match(first) else first} {rest}"


def parse(shape: str, text: str) -> _Seo:
    """The answer in `text`, which should be JSON of this shape.

    Raises AnswerError with sentences the model can act on.
    """
    try:
        data = json.loads(text)
    except ValueError:
        raise AnswerError(["the answer is not valid JSON"]) from None
    try:
        answer = SHAPES[shape].model_validate(data)
    except ValidationError as error:
        raise AnswerError([_sentence(detail) for detail in error.errors()[:5]]) from None
    residue = sorted({found.group() for part in _texts(data) for found in _RESIDUE.finditer(part)})
    if residue:
        raise AnswerError([f"write plain text without {mark}" for mark in residue[:3]])
    return answer


def _sentence(detail: Any) -> str:
    """What pydantic objects to, in words for the model."""
    where = ".".join(str(part) for part in detail["loc"])
    message = str(detail["msg"]).removeprefix("Value error, ")
    if detail["type"] in ("too_short", "too_long") and isinstance(detail["input"], str):
        bound = "at least {min_length}" if detail["type"] == "too_short" else "at most {max_length}"
        message = f"must have {bound.format(**detail['ctx'])} characters, not {detail['ctx']['actual_length']}"
    return f"{where}: {message}" if where else message


def _texts(data: object) -> Iterator[str]:
    """Every string of the answer outside code."""
    if isinstance(data, str):
        yield re.sub(r"```.*?```|`[^`]*`", "", data, flags=re.DOTALL)
    elif isinstance(data, dict | list):
        for item in data.values() if isinstance(data, dict) else data:
            yield from _texts(item)


def to_markdown(answer: _Seo) -> str:
    """The site's markdown: maths in dollars."""
    return dollar_math(answer.markdown())


def schema(shape: str) -> dict[str, Any]:
    """Strict JSON Schema of a shape: every key required, none allowed beside them, definitions inlined."""
    raw = SHAPES[shape].model_json_schema()
    strict: dict[str, Any] = _strict(raw, raw.pop("$defs", {}))
    # A model writes the keys in this order: first the answer, then what is to be said of it.
    strict["required"].sort(key=lambda name: name in _Seo.model_fields)
    strict["properties"] = {name: strict["properties"][name] for name in strict["required"]}
    return strict


def _strict(node: Any, definitions: dict[str, Any]) -> Any:
    if isinstance(node, list):
        return [_strict(item, definitions) for item in node]
    if not isinstance(node, dict):
        return node
    if "$ref" in node:
        return _strict(definitions[node["$ref"].rsplit("/", 1)[1]], definitions)
    if "oneOf" in node:  # strict mode knows only the other word
        node = {"anyOf": node["oneOf"]}
    return {
        key: {name: _strict(sub, definitions) for name, sub in value.items()}
        if key == "properties"
        else _strict(value, definitions)
        for key, value in node.items()
        if key not in ("title", "description", "default")
    }
