"""The versions of a page's texts, before and after its rewrite, and as the tabs of the review screen show them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from qtgen.review.comparison.changes import compare
from qtgen.review.fields import shown_values
from qtgen.review.types import Rewrite
from qtgen.review.web.modes import Mode, is_swapped
from qtgen.review.web.workspace import OpenedPage

Texts = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Versions:
    """The texts of a page: those that it has, and those that it had or would have.

    Args:
        now: The editable fields of the page.
        old: Those before the rewrite; None if there is no rewrite.
        new: Those after it; None if there is no rewrite.
        answer: The path of the answer, or an empty string if the site's pages have none.
    """

    now: Texts
    answer: str
    old: Texts | None = None
    new: Texts | None = None

    def answer_of(self, texts: Texts) -> str:
        """Return the answer as Markdown; empty if there is none."""
        return texts.get(self.answer, "")

    @property
    def answers(self) -> tuple[str, str] | None:
        """The answers before and after the rewrite; None if there is no rewrite."""
        if self.old is None or self.new is None:
            return None
        return self.answer_of(self.old), self.answer_of(self.new)


def versions_of(opened: OpenedPage, rewrite: Rewrite | None) -> Versions:
    """Return the texts of a page before and after its rewrite."""
    now, layout = opened.file.fields, opened.file.page.layout
    answer = layout.roles.answer or ""
    if rewrite is None:
        return Versions(now, answer)
    old, new = ({**now, **shown_values(values, layout)} for values in (rewrite.old, rewrite.new))
    return Versions(now, answer, old, new)


def sides_of(url: str, versions: Versions, mode: Mode, who: str) -> dict[str, dict[str, Any]]:
    """Return the texts that the preview shows, by the name of their tab.

    A blind reviewer sees the two texts of a pair as A and B, in random order. If the changes are not `is_merged`, the
    old and the new text are side by side, instead of one text with both.
    """
    if versions.answers is None:
        return {"text": {"markdown": versions.answer_of(versions.now), "marks": [], "side": "text"}}
    old, new = versions.answers
    if mode.is_blind:
        first, second = (new, old) if is_swapped(url, who) else (old, new)
        return {
            "a": {"markdown": first, "marks": [], "side": "a"},
            "b": {"markdown": second, "marks": [], "side": "b"},
        }
    changes = compare(old, new)
    texts = {"changes": changes.merged, "old": changes.old, "new": changes.new}
    sides: dict[str, dict[str, Any]] = {
        name: {"markdown": text.markdown, "marks": [mark._asdict() for mark in text.marks], "side": name}
        for name, text in texts.items()
    }
    sides["changes"]["is_merged"] = changes.layout == "merged"
    return sides
