"""The structured answers that a model fills in: the shapes of a profile, with the texts that its pages have.

`answer_parts.py` has the shapes that ship with qtgen; a prompt names one of them in its front matter. A site adds its
own with `[[shape]]`. The JSON Schema that is sent to the model contains the page's length limits, and answers are
validated against the same limits.
"""

from collections.abc import Mapping
from functools import cache, partial
from typing import Annotated, Any, ClassVar, Literal, cast

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema, create_model, model_validator

from qtgen._util.json_schema import strict_schema
from qtgen.generation.answer_parts import Answer, FreeformAnswer, PointsAnswer, SearchFields, TableAnswer
from qtgen.generation.cleanup import clean_line, label, prose, restore_latex, sentence, unique_by
from qtgen.generation.own_shapes import check_shapes, own_answer
from qtgen.generation.page_texts import LABEL_MAX, LABEL_MIN, PageText, PageTexts, freeform_limits, page_texts
from qtgen.generation.renderable import make_renderable
from qtgen.page import Value, main_layout
from qtgen.page.layout import Layout
from qtgen.page.profile import Kind, Profile
from qtgen.page.text import to_single_line

SEARCH = "seo"
"""The shape of the texts besides the answer alone."""
_PAGE_SHAPES: dict[str, type[Answer]] = {"points": PointsAnswer, "table": TableAnswer, "freeform": FreeformAnswer}
SHIPPED = (*_PAGE_SHAPES, SEARCH)
"""The names of the shapes that ship with qtgen."""
_NUMBERS: dict[Kind, type[Any]] = {Kind.INT: int, Kind.FLOAT: float, Kind.BOOL: bool}


class PageFields(SearchFields):
    """The texts of a page besides its answer, for one layout.

    Attributes:
        page_texts: The fields of the layout.
    """

    page_texts: ClassVar[PageTexts]

    @model_validator(mode="after")
    def _items_differ(self) -> "PageFields":
        for text in self.page_texts.fields:
            if text.is_list and len(items_of(self, text)) < text.low:
                noun = "keywords" if text == self.page_texts.keywords else "items"
                raise ValueError(f"{text.name}: fewer than {text.low} different {noun}")
        return self


def items_of(answer: PageFields, text: PageText) -> list[str]:
    """Return the items of a list without repeats. The headings of the answer fill up the keywords."""
    mark = (text.spec.separator or "").strip()
    words = getattr(answer, text.name)
    unique = unique_by((word.replace(mark, " ") if mark else word for word in words), str)
    if len(unique) >= text.low or text != answer.page_texts.keywords or text.spec.enum:
        return unique
    labels = (label for label in answer.labels if not mark or mark not in label)
    fitting = (fitted for label in labels if (fitted := text.fit(label)) is not None)
    return unique_by([*unique, *fitting], str)[: text.low]


def values_of(answer: SearchFields, layout: Layout) -> dict[str, Value]:
    """Return the fields that a model has written, by dotted path. Raises UnwritableText."""
    values: dict[str, Value] = {}
    for text in answer.page_texts.fields if isinstance(answer, PageFields) else ():
        value = getattr(answer, text.name)
        if not text.is_list:
            values[text.path] = to_single_line(value) if isinstance(value, str) else value
        elif isinstance(answer, PageFields):
            items = items_of(answer, text)
            separator = text.spec.separator
            values[text.path] = [*items] if separator is None else to_single_line(separator.join(items))
    if isinstance(answer, Answer) and layout.roles.answer:
        values[layout.roles.answer] = layout.encode(to_markdown(answer, layout))
    return values


def shapes_of(profile: Profile) -> Mapping[str, type[PageFields]]:
    """Return the answer types of the layout that new pages have without a choice. Raises SettingsError."""
    return layout_shapes(main_layout(profile))


@cache
def layout_shapes(layout: Layout) -> Mapping[str, type[PageFields]]:
    """Return the answer types of the pages of a layout, by the `shape` in a prompt's front matter.

    They are those that ship with qtgen and the profile's own, or those of them that `shapes` names. Raises
    SettingsError, with the line in the profile, for a shape that does not exist or that no model can fill in.
    """
    profile = layout.profile
    check_shapes(profile, SHIPPED)
    texts = page_texts(layout)
    fields = _fields_type("PageFields", texts, is_alone=False)
    types: dict[str, type[PageFields]] = {}
    for name, shape in _PAGE_SHAPES.items():
        own = {"answer": _freeform_type(layout)} if shape is FreeformAnswer else {}
        types[name] = _joined(shape, fields, **own)
    for spec in profile.file.shape:
        types[spec.name] = _joined(own_answer(spec), fields)
    allowed = profile.file.generate.shapes
    types = {name: shape for name, shape in types.items() if not allowed or name in allowed}
    if texts.alone.fields:
        types[SEARCH] = _fields_type("SearchAnswer", texts.alone, is_alone=True)
    return types


def _joined(shape: type[Answer], fields: type[PageFields], **own: Any) -> type[PageFields]:
    """Return the type of an answer with the parts of a shape and the fields of a page."""
    bases: Any = (shape, fields)
    model: Any = create_model(shape.__name__, __base__=bases, **own)
    return cast("type[PageFields]", model)


def _fields_type(name: str, texts: PageTexts, *, is_alone: bool) -> type[PageFields]:
    fields: Any = {text.name: _text_type(text, texts, is_alone=is_alone) for text in texts.fields}
    model: type[PageFields] = create_model(name, __base__=PageFields, **fields)
    model.page_texts = texts
    return model


def _text_type(text: PageText, texts: PageTexts, *, is_alone: bool) -> Any:
    """Return the type of a text, as a field of a pydantic model.

    Args:
        is_alone: Whether it is written without the answer, so that it must be a proper sentence.
    """
    spec = text.spec
    if text.is_list:
        return list[_item_type(text)], Field(min_length=text.low, max_length=text.ask)  # type: ignore[misc]
    if spec.enum:
        return Literal[spec.enum], ...
    if number := _NUMBERS.get(spec.kinds[0]):
        return number, ... if number is bool else Field(ge=spec.min, le=spec.max)
    if spec.pattern:
        return Annotated[_pattern_type(text), Field(min_length=text.low, max_length=text.high)], ...
    is_sentence = is_alone and text == texts.description
    return (sentence if is_sentence else prose)(text.low, text.high), ...


def _item_type(text: PageText) -> Any:
    if text.spec.enum:
        return Literal[text.spec.enum]
    return _pattern_type(text) if text.spec.pattern else label(LABEL_MIN, LABEL_MAX)


def _pattern_type(text: PageText) -> Any:
    pattern = text.spec.pattern

    def check(value: str) -> str:
        if (fitted := text.fit(value)) is None:
            raise ValueError(f"`{value}` does not match the regular expression `{pattern}`")
        return fitted

    schema = {"type": "string", "pattern": f"^(?:{pattern})$"}
    return Annotated[str, BeforeValidator(clean_line), AfterValidator(check), WithJsonSchema(schema)]


def _freeform_type(layout: Layout) -> Any:
    low, high = freeform_limits(layout)
    return Annotated[str, BeforeValidator(restore_latex), Field(min_length=low, max_length=high)], ...


def to_markdown(answer: Answer, layout: Layout) -> str:
    """Return the answer in the site's Markdown."""
    return make_renderable(answer.markdown()) if layout.codec.math else answer.markdown()


def schema(shape: str, profile: Profile) -> dict[str, Any]:
    """Return the strict JSON Schema of a shape of the layout that new pages have without a choice."""
    return _schema(shapes_of(profile)[shape])


def _schema(model: type[PageFields]) -> dict[str, Any]:
    """Return a strict JSON Schema: every key required, no others allowed, definitions inlined."""
    strict = strict_schema(model)
    # A model writes the keys in the schema's order: the answer must come before the texts that summarize it.
    strict["required"].sort(key=partial(_is_text, model.page_texts))
    strict["properties"] = {name: strict["properties"][name] for name in strict["required"]}
    return strict


def schemas_of(profile: Profile) -> dict[str, dict[str, Any]]:
    """Return the strict JSON Schema of each shape of `shapes_of`. Raises SettingsError."""
    return layout_schemas(main_layout(profile))


def layout_schemas(layout: Layout) -> dict[str, dict[str, Any]]:
    """Return the strict JSON Schema of each shape of `layout_shapes`. Raises SettingsError."""
    return {shape: _schema(model) for shape, model in layout_shapes(layout).items()}


def _is_text(texts: PageTexts, name: str) -> bool:
    return name in texts.names
