"""The words in the documentation of families 5xx and 6xx that depend on the limits and the renderer of a site."""

from collections.abc import Callable, Mapping
from math import inf

from qtgen.page.layout import Layout
from qtgen.validation.rules.limits import Limit, ListLimit, limits_of


def _too_long_texts(layout: Layout) -> str:
    limited = [limit for limit in limits_of(layout).texts if limit.most < inf]
    if _is_description(layout, limited):
        return f"The description has more than {limited[0].most:,} characters."
    return f"{' or '.join(f'`{path}` has more than {most:,}' for path, _, most in limited)} characters."


def _too_short_texts(layout: Layout) -> str:
    limited = [limit for limit in limits_of(layout).texts if limit.least > 1]
    if _is_description(layout, limited):
        return f"The description has fewer than {limited[0].least:,} characters."
    return f"{' or '.join(f'`{path}` has fewer than {least:,}' for path, least, _ in limited)} characters."


def _is_description(layout: Layout, limited: list[Limit]) -> bool:
    return [limit.path for limit in limited] == [layout.description]


def _cut_texts(layout: Layout) -> str:
    prefix = len(layout.profile.file.renderer.description_prefix)
    cut = "search engines cut the result near 160."
    return f"the site prints {prefix} characters before it, and {cut}" if prefix else cut


def _first_list(layout: Layout) -> ListLimit:
    lists = limits_of(layout).lists
    own = (found for found in lists if found.limit.path == layout.keywords)
    return next(own, ListLimit(Limit("", 0, inf), None, "", "item"))


def _keywords_count(layout: Layout) -> str:
    limit = _first_list(layout).limit
    return f"{limit.remedy} different keywords" if limit.least or limit.most < inf else "different keywords"


def _keywords_separated(layout: Layout) -> str:
    separator = _first_list(layout).separator
    return "" if separator is None else f", separated by {separator_name(separator)}"


def _keywords_split(layout: Layout) -> str:
    separator = _first_list(layout).separator
    if separator is None:
        return "a repeated or empty keyword tells a reader nothing."
    without = " Without the space, they are one keyword." if separator == ", " else ""
    return f"the site splits them at {separator_name(separator)}.{without}"


def separator_name(separator: str) -> str:
    """Return the name of the separator of the items of a text, for messages."""
    return "a comma and a space" if separator == ", " else f"`{separator}`"


def _unless_hidden(layout: Layout) -> str:
    return f", and the page does not have `{layout.roles.hidden}`" if layout.roles.hidden else ""


def _if_math(words: str, otherwise: str = "") -> Callable[[Layout], str]:
    """Return the placeholder for words about formulas, which only some sites render."""
    return lambda layout: words if layout.codec.math else otherwise


_MATH_WORDS: Mapping[str, Callable[[Layout], object]] = {
    "or_display": _if_math(", `$$`"),
    "display_alone": _if_math(", or `$$` is not alone on its line"),
    "display_errors": _if_math(
        "A `$$` that is not closed, or that hides a part of a formula, is an error. The other findings are warnings."
    ),
    "or_dollars": _if_math(" or `$$`"),
    "rest_of_display": _if_math(" What follows an opening `$$` on its line is not"),
    "display_before_words": _if_math("shown, and a `$$` before words closes nothing. "),
    "display_fix": _if_math(", or write `$$` on a line of its own, indented like the list item around it"),
    "math_or": _if_math("math or "),
    "formula_and": _if_math("`$|x|$` and "),
    "bars_in_math": _if_math(r", and `\vert` or `\Vert` in math"),
    "math_subscript": _if_math(", math (`$H_2O$`)"),
    "indented_things": _if_math("Text, a list or math", "Text or a list"),
    "and_math": _if_math(" and math"),
    "formulas_compared": _if_math(" Sentences with math are not compared."),
    "and_latex": _if_math(" and LaTeX"),
}


CONTENT_WORDS: Mapping[str, Callable[[Layout], object]] = {
    **_MATH_WORDS,
    "too_long_texts": _too_long_texts,
    "too_short_texts": _too_short_texts,
    "cut_texts": _cut_texts,
    "keywords_count": _keywords_count,
    "keywords_separated": _keywords_separated,
    "keywords_split": _keywords_split,
    "answer_min": lambda layout: f"{limits_of(layout).answer.least:,}",
    "answer_max": lambda layout: f"{limits_of(layout).answer.most:,}",
    "hidden_as_read": lambda layout: layout.profile.file.renderer.reads.get("hidden", ""),
    "unless_hidden": _unless_hidden,
    "all_hidden": lambda layout: f", and all of them have `{layout.roles.hidden}`" if layout.roles.hidden else "",
}
"""What replaces each placeholder."""
