"""Examples of texts and lists beyond the limits of a site, made from its example page."""

from math import inf
from typing import TYPE_CHECKING

from qtgen.page import Value
from qtgen.validation.rules.limits import limits_of
from qtgen.validation.rules.types import Example

if TYPE_CHECKING:
    from qtgen.validation.rules.example import ExampleSite

_MORE = "until the two sides are even or the pressure stops it."
_REPEATS = 600
_SHORT = "About osmosis."
_POINTS = (
    r" that holds the solute back.\n\n1. **Gradient**: Water moves towards the side with more solute, because there "
    r"its own concentration is lower.\n\n2. **Membrane**: The pores let water pass and hold back larger particles such "
    r"as sugar and most ions.\n\n"
)


def too_long_text(site: "ExampleSite") -> Example:
    """Return the example with a text that is longer than its maximum."""
    path, _, most = next(limit for limit in limits_of(site.layout).texts if limit.most < inf)
    text = f"{_text(site, path).removesuffix('.')}, {_MORE}"
    while len(text) <= most:
        text = f"{text} {_MORE.capitalize()}"
    return site.change({path: text})


def too_short_text(site: "ExampleSite") -> Example:
    """Return the example with a text that is shorter than its minimum."""
    path, least, _ = next(limit for limit in limits_of(site.layout).texts if limit.least > 1)
    return site.change({path: _SHORT[: int(least) - 1].strip()})


def malformed_list(site: "ExampleSite") -> Example:
    """Return the example with a list of which an item is repeated, or without the spaces between its items."""
    (path, _, _), separator, mark, _ = limits_of(site.layout).lists[0]
    value = site.page.values.get(path)
    if isinstance(value, list):
        return site.change({path: [*value, *value[:1]]})
    text = str(value or "")
    without_spaces = text.replace(separator or "", mark)
    repeated: Value = f"{text}{separator}{text.split(separator or ',')[0]}"
    return site.change({path: without_spaces if without_spaces != text else repeated})


def too_short_answer(site: "ExampleSite") -> Example:
    """Return the example with an answer that is shorter than its minimum."""
    path, least, _ = limits_of(site.layout).answer
    points = _POINTS.replace("\\n", site.layout.codec.line_break)
    text = _text(site, path).replace(points, ". ")
    return site.change({path: text if len(text) < least else text[: int(least) - 1].strip()})


def too_long_answer(site: "ExampleSite") -> Example:
    """Return the example with an answer that is longer than its maximum."""
    path, _, most = limits_of(site.layout).answer
    first, _, rest = _text(site, path).partition(" moves")
    return site.change({path: f"{first} moves {'and moves ' * max(_REPEATS, int(most) // 10)}{rest}"})


def _text(site: "ExampleSite", path: str) -> str:
    return site.page.text_of(path) or ""
