"""Find comments in the lines of a field, which an edit of the field would lose."""

from qtgen.page.document import Page, Span
from qtgen.page.profile import BODY_FIELD


def has_comment(page: Page, lines: Span) -> bool:
    """Return whether some lines of the front matter contain a comment.

    A comment is a `#` outside keys and scalar values. A page in the canonical form has none.
    """
    if page.canonical or "#" not in page.text[lines.start : lines.end]:
        return False
    outer = {path.rpartition(".")[0] for path in page.spans}
    scalars = [span for path, span in page.spans.items() if path not in outer and path != BODY_FIELD]
    done = lines.start
    for start, end in sorted([*scalars, *(page.key_spans or {}).values()]):
        if "#" in page.text[done : min(max(done, start), lines.end)]:
            return True
        if start < lines.end:
            done = max(done, end)
    return "#" in page.text[done : lines.end]
