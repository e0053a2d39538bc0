"""Whether a page has the keys, the order and the types of its layout."""

import datetime as dt
from collections.abc import Sequence

from qtgen.page.document import Page
from qtgen.page.profile import BODY_FIELD, Kind


def has_type(value: object, kinds: Sequence[Kind]) -> bool:
    """Return whether a value has one of the types."""
    return any(_is(value, kind) for kind in kinds)


def _is(value: object, kind: Kind) -> bool:
    match kind:
        case Kind.TEXT:
            return isinstance(value, str)
        case Kind.BOOL:
            return isinstance(value, bool)
        case Kind.INT:
            return isinstance(value, int) and not isinstance(value, bool)
        case Kind.FLOAT:
            return isinstance(value, int | float) and not isinstance(value, bool)
        case Kind.DATE:
            return isinstance(value, dt.date) and not isinstance(value, dt.datetime)
        case Kind.DATETIME:
            return isinstance(value, dt.date)
        case Kind.LIST:
            return isinstance(value, list)
        case _:
            return isinstance(value, dict)


def conforms(page: Page) -> bool:
    """Return whether a page has all required keys and no unknown ones, in order, with values of their types."""
    if page.canonical:
        return True
    layout = page.layout
    sections = page.sections()
    if any(path not in page.values and path not in sections for path in layout.required_paths(frozenset(sections))):
        return False
    for path, value in page.values.items():
        if path == BODY_FIELD and layout.has_text_body and path not in layout.fields:
            continue
        if path in layout.sections:
            if value != {}:
                return False
        elif path not in layout.fields or not has_type(value, layout.fields[path].spec.kinds):
            return False
    return _is_in_order(page)


def _is_in_order(page: Page) -> bool:
    """Return whether the keys are in the order of the layout. The ranks of the keys in a map are between its own and
    the next one."""
    ranks = [page.layout.order[path] for path in page.key_spans or {} if path in page.layout.order]
    return ranks == sorted(ranks)
