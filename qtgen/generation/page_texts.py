"""The fields besides the answer that a model writes: their names in an answer, and their limits."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import Any

import re2

from qtgen.errors import SettingsError
from qtgen.generation.answer_parts import FREEFORM_MAX, PART_NAMES
from qtgen.page import Page
from qtgen.page.layout import Layout
from qtgen.page.profile import FieldSpec, Kind

LABEL_MIN, LABEL_MAX = 2, 40
"""The characters of an item of a list, such as a keyword."""
_TEXT_MAX = 1_000  # characters of a text without `max`
_ITEMS_MAX = 20  # items of a list without `max`
_WRITABLE = frozenset({Kind.TEXT, Kind.LIST, Kind.INT, Kind.FLOAT, Kind.BOOL})
_FURTHER = "description", "keywords", "title"  # labels of a Markdown answer that are taken


@dataclass(frozen=True, slots=True)
class PageText:
    """A field that a model writes besides the answer.

    Attributes:
        name: Its name in an answer.
        path: Its dotted path.
        spec: Its definition in the profile.
        group: The group that it belongs to.
        label: What introduces it in a Markdown answer.
        is_with_answer: Whether it is in the group of the answer, and so never written without it.
    """

    name: str
    path: str
    spec: FieldSpec
    group: str
    label: str
    is_with_answer: bool

    @property
    def is_list(self) -> bool:
        """Whether it has several items: a list, or a text with a separator."""
        return Kind.LIST in self.spec.kinds or self.spec.separator is not None

    @property
    def is_prose(self) -> bool:
        """Whether it is a text in sentences."""
        return self.spec.kinds[0] is Kind.TEXT and not (self.is_list or self.spec.enum or self.spec.pattern)

    @property
    def low(self) -> int:
        """The fewest characters or items."""
        return int(self.spec.min or 1)

    @property
    def high(self) -> int:
        """The most characters or items that a page may have."""
        return int(self.spec.max or (_ITEMS_MAX if self.is_list else _TEXT_MAX))

    @property
    def ask(self) -> int:
        """The most items to request from a model."""
        return self.spec.ask or self.high

    def fit(self, word: str) -> str | None:
        """Return an item in the form that the pattern and the choices of the field require, or None if it has none."""
        if self.spec.enum:
            return next((str(choice) for choice in self.spec.enum if str(choice).lower() == word.lower()), None)
        if self.spec.pattern is None:
            return word
        pattern = re2.compile(self.spec.pattern)
        lower = word.lower()
        choices = (word, lower, re.sub(r"[\W_]+", "-", lower).strip("-"))
        return next((choice for choice in choices if pattern.fullmatch(choice)), None)

    @property
    def request(self) -> str:
        """The description of the field in a prompt."""
        spec = self.spec
        choices = f" of {', '.join(map(str, spec.enum))}" if spec.enum else ""
        if self.is_list:
            shape = f", each matching the regular expression `{spec.pattern}`" if spec.pattern else ""
            text = f"{self.low} to {self.ask} different items{choices}{shape}"
        elif choices:
            text = f"one{choices}"
        elif spec.kinds[0] is Kind.TEXT:
            shape = f" that matches the regular expression `{spec.pattern}`" if spec.pattern else " in plain words"
            text = f"one text{shape}, {self.low} to {self.high} characters"
        else:
            noun = {Kind.BOOL: "true or false", Kind.INT: "a whole number"}.get(spec.kinds[0], "a number")
            text = noun + _bounds(spec)
        return f"{spec.doc.rstrip('.')}: {text}" if spec.doc else text


def _bounds(spec: FieldSpec) -> str:
    if spec.min is not None and spec.max is not None:
        return f" from {spec.min} to {spec.max}"
    return f", at least {spec.min}" if spec.min is not None else f", at most {spec.max}" if spec.max is not None else ""


@dataclass(frozen=True, slots=True)
class PageTexts:
    """The fields of a layout that a model writes besides the answer, in the order of a page.

    Attributes:
        fields: All of them.
        description: The text that search engines show, if there is one.
        keywords: The list of words, if there is one.
    """

    fields: tuple[PageText, ...]
    description: PageText | None
    keywords: PageText | None

    @property
    def further(self) -> tuple[PageText, ...]:
        """The fields that are neither the description nor the keywords."""
        return tuple(text for text in self.fields if text not in (self.description, self.keywords))

    @property
    def alone(self) -> "PageTexts":
        """The fields that can be written without the answer."""
        fields = tuple(text for text in self.fields if not text.is_with_answer)
        kept = (text if text in fields else None for text in (self.description, self.keywords))
        return PageTexts(fields, *kept)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the fields in an answer."""
        return tuple(text.name for text in self.fields)


@cache
def page_texts(layout: Layout) -> PageTexts:
    """Return the fields of a layout that a model writes besides the answer.

    Raises SettingsError for a type that no model can write.
    """
    answer_group = layout.group_of(layout.roles.answer, layout.groups)
    taken = {
        *PART_NAMES,
        "page_texts",
        "own_shape",
        *(part.key for shape in layout.profile.file.shape for part in shape.parts),
    }
    fields: list[PageText] = []
    for path in layout.model_fields:
        if path == layout.roles.answer or path not in layout.fields:
            continue
        spec = layout.fields[path].spec
        if spec.kinds[0] not in _WRITABLE:
            raise SettingsError(f"a model cannot write a {spec.kinds[0].value}", field=path)
        name = _free_name(path, taken)
        taken.add(name)
        group = layout.group_of(path, layout.groups) or ""
        label = _label(path, layout, [text.label for text in fields])
        fields.append(PageText(name, path, spec, group, label, group == answer_group))
    description = next((text for text in fields if text.is_prose), None)
    keywords = next((text for text in fields if text.path == layout.keywords and text.is_list), None)
    return PageTexts(tuple(fields), description, keywords)


@cache
def text_paths(layout: Layout) -> frozenset[str]:
    """Return the paths of all fields that a model writes, the answer included."""
    return frozenset(layout.model_fields)


def shown_text(page: Page, path: str | None) -> str:
    """Return the value of a field as one text; an empty one if the page lacks it."""
    value = page.values.get(path or "")
    return ", ".join(map(str, value)) if isinstance(value, list) else "" if value is None else str(value)


def _free_name(path: str, taken: Iterable[str]) -> str:
    """Return a name that no other field and no part of an answer has: the key, or a longer name."""
    words = [re.sub(r"\W", "_", step).strip("_") or "field" for step in path.split(".")]
    choices = [words[-1], f"page_{words[-1]}", "_".join(["page", *words])]
    numbered = (f"{choices[-1]}_{number}" for number in range(2, 99))
    return next(name for name in (*choices, *numbered) if name not in taken and name[0].isalpha())


def _label(path: str, layout: Layout, taken: Iterable[str]) -> str:
    if path == layout.keywords:
        return "Keywords"
    if path == layout.description:
        return "Description"
    words = re.sub(r"[\W_]+", " ", path.rpartition(".")[2]).strip().capitalize() or "Field"
    is_taken = words.lower() in _FURTHER or words in taken
    return f"Page {words.lower()}" if is_taken else words


def variables(layout: Layout) -> dict[str, Any]:
    """Return the variables of the system part of a prompt: the limits of a page, so that no template repeats a number.

    The templates of sites of their own also get the name of the site, its texts and the limits of each of them.
    """
    texts = page_texts(layout)
    limits: dict[str, Any] = {}
    if texts.description:
        limits |= {"description_min": texts.description.low, "description_max": texts.description.high}
    if texts.keywords:
        limits |= {"keywords_min": texts.keywords.low, "keywords_max": texts.keywords.ask}
    if layout.profile.is_default:
        return limits
    own = {f"{text.name}_{end}": value for text in texts.fields for end, value in _ends(text)}
    low, high = freeform_limits(layout)
    return {
        **own,
        "keywords_max": 0,
        **limits,
        "site": layout.profile.file.name,
        "texts": [{"name": text.name, "request": text.request} for text in texts.fields],
        "texts_alone": [{"name": text.name, "request": text.request} for text in texts.alone.fields],
        "answer_min": low,
        "answer_max": high,
        "math": [*layout.profile.file.renderer.math],
        "html": layout.profile.file.renderer.html,
    }


def freeform_limits(layout: Layout) -> tuple[int, int]:
    """Return the fewest and the most characters of an answer without a fixed form."""
    row = layout.fields.get(layout.roles.answer or "")
    spec = row.spec if row else layout.body_spec
    high = min(FREEFORM_MAX, int(spec.max or FREEFORM_MAX))
    return min(int(spec.min or 1), high), high


def _ends(text: PageText) -> tuple[tuple[str, int], tuple[str, int]]:
    return ("min", text.low), ("max", text.ask if text.is_list else text.high)
