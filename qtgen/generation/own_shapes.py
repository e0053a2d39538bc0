"""The shapes of answers that a site adds with `[[shape]]`: their parts, and the Markdown that they become."""

import re
from abc import ABC
from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from functools import cache
from typing import Annotated, Any, ClassVar

from pydantic import BeforeValidator, Field, create_model

from qtgen.generation.answer_parts import Answer
from qtgen.generation.cleanup import prose, restore_latex
from qtgen.page.profile import Part, Profile, Shape
from qtgen.page.profile_errors import Place, profile_error

_PLACEHOLDER = re.compile(r"\{(text|n)\}")
_BRACES = re.compile(r"\{[^{}]*\}?|\}")
_LIST_MARK = re.compile(r"(?:[-*+]|\{n\}[.)]) ")
PARAGRAPH_MAX = 1_000
"""The most characters of a part that is one paragraph. A longer one is Markdown with paragraphs of its own."""


class OwnAnswer(Answer, ABC):
    """Base of the shapes that a profile adds.

    Attributes:
        own_shape: The definition of the shape in the profile.
    """

    own_shape: ClassVar[Shape]

    def markdown(self) -> str:
        blocks = [block for part in self.own_shape.parts for block in _blocks(part, getattr(self, part.key))]
        return "\n\n".join(blocks)


def _blocks(part: Part, value: str | Sequence[str] | None) -> Iterator[str]:
    """Yield the Markdown of a part; nothing if it was left out."""
    if isinstance(value, str):
        yield fill(part, value, 1)
    elif value:
        yield item_gap(part).join(fill(part, item, number) for number, item in enumerate(value, 1))


def fill(part: Part, text: str, number: int) -> str:
    """Return the Markdown of a part, or of one of its items."""
    values = {"text": text, "n": str(number)}
    return _PLACEHOLDER.sub(lambda match: values[match[1]], part.markdown)


def is_list(part: Part) -> bool:
    """Return whether the items of a part are those of a Markdown list."""
    return _LIST_MARK.match(part.markdown) is not None


def item_gap(part: Part) -> str:
    """Return the separator of two items of a part."""
    return "\n" if is_list(part) else "\n\n"


@cache
def own_answer(shape: Shape) -> type[OwnAnswer]:
    """Return the answer type of a shape."""
    fields: Any = {part.key: _part_type(part) for part in shape.parts}
    model: type[OwnAnswer] = create_model("OwnParts", __base__=OwnAnswer, **fields)
    model.own_shape = shape
    return model


def _part_type(part: Part) -> Any:
    text = prose(part.min, part.max)
    if part.items is None and part.max > PARAGRAPH_MAX:
        text = Annotated[str, BeforeValidator(restore_latex), Field(min_length=part.min, max_length=part.max)]
    if part.items:
        fewest, most = part.items
        text = Annotated[list[text], Field(min_length=fewest, max_length=most)]  # type: ignore[valid-type]
    return (text, ...) if part.required else (text | None, None)


def longest(shape: Shape) -> int:
    """Return the most characters that the texts of an answer have together."""
    return sum(part.max * (part.items[1] if part.items else 1) for part in shape.parts)


def requests(shape: Shape) -> list[dict[str, str]]:
    """Return the name of each part and its description in a prompt."""
    return [{"name": part.key, "request": _request(part)} for part in shape.parts]


def _request(part: Part) -> str:
    size = f"{part.min} to {part.max} characters"
    if part.items:
        fewest, most = part.items
        text = f"{fewest} to {most} items, each of {size}, without a number or a list mark"
    elif part.max > PARAGRAPH_MAX:
        text = f"Markdown of {size}"
    else:
        text = f"one paragraph of {size}"
    return text if part.required else f"{text}; null if there is none"


def check_shapes(profile: Profile, shipped: Sequence[str]) -> None:
    """Raise SettingsError, with the line, for a shape that does not exist or that no model can fill in."""
    names = [*shipped]
    for number, shape in enumerate(profile.file.shape):
        place: Place = ("shape", number)
        if shape.name in names:
            problem = "is the name of a shape that ships with qtgen" if shape.name in shipped else "is defined twice"
            raise _fault(profile, (*place, "name"), f"`{shape.name}` {problem}", "give the shape another name")
        names.append(shape.name)
        for index, part in enumerate(shape.parts):
            _check_part(profile, shape, index, part, (*place, "parts", index))
    for number, name in enumerate(profile.file.generate.shapes):
        if name not in names:
            near = get_close_matches(name, names, n=1)
            remedy = f"did you mean `{near[0]}`?" if near else f"the shapes are {', '.join(names)}"
            raise _fault(profile, ("generate", "shapes", number), f"there is no shape `{name}`", remedy)


def _check_part(profile: Profile, shape: Shape, index: int, part: Part, place: Place) -> None:
    if any(part.key == other.key for other in shape.parts[:index]):
        raise _fault(profile, (*place, "key"), f"`{part.key}` is defined twice", "rename one of the parts")
    if hasattr(Answer, part.key):
        raise _fault(profile, (*place, "key"), f"a part cannot have the name `{part.key}`", "rename the part")
    if part.min > part.max:
        raise _fault(profile, (*place, "min"), f"is more than `max`, {part.max}", "lower `min` or raise `max`")
    if part.items and not 1 <= part.items[0] <= part.items[1]:
        remedy = "write the fewest and the most items, such as [3, 9]"
        raise _fault(profile, (*place, "items"), "are not limits of a list", remedy)
    unknown = next((brace for brace in _BRACES.findall(part.markdown) if not _PLACEHOLDER.fullmatch(brace)), None)
    if unknown is not None:
        message = f"`{unknown}` is not a placeholder"
        raise _fault(profile, (*place, "markdown"), message, "the placeholders are {text} and {n}")
    if part.markdown.count("{text}") != 1:
        remedy = "write {text} once, in place of the text"
        raise _fault(profile, (*place, "markdown"), "must contain {text} once", remedy)


def _fault(profile: Profile, place: Place, message: str, remedy: str) -> Exception:
    return profile_error(profile.raw, profile.path, place, message, remedy)
