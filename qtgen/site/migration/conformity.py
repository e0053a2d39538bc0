"""Whether a page has the keys, the order and the types of its layout."""

from qtgen.page.document import Page
from qtgen.page.profile import BODY_FIELD
from qtgen.page.types import has_type


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
