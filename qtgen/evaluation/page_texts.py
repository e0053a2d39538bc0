"""The texts of a page that an evaluation needs."""

from qtgen.page import Page


def answer_of(page: Page) -> str | None:
    """Return the answer of a page as Markdown, or None if it has none."""
    answer = page.text_of(page.layout.roles.answer) if page.layout.roles.answer else None
    return None if answer is None else page.layout.decode(answer)
