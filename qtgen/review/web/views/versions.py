"""The versions of a page's texts, before and after its rewrite, and as the tabs of the review screen show them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from qtgen.page import decode_answer
from qtgen.review.comparison.changes import compare
from qtgen.review.files import EDITABLE
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
    """

    now: Texts
    old: Texts | None = None
    new: Texts | None = None


def versions_of(opened: OpenedPage, rewrite: Rewrite | None) -> Versions:
    """Return the texts of a page before and after its rewrite."""
    now = opened.file.fields
    if rewrite is None:
        return Versions(now)
    old, new = ({**now, **_shown(values)} for values in (rewrite.old, rewrite.new))
    return Versions(now, old, new)


def _shown(values: Mapping[str, Any]) -> Texts:
    texts = {path: str(value or "") for path, value in values.items() if path in EDITABLE}
    return {path: decode_answer(text) if path == "answer" else text for path, text in texts.items()}


def sides_of(url: str, versions: Versions, mode: Mode, who: str) -> dict[str, dict[str, Any]]:
    """Return the texts that the preview shows, by the name of their tab.

    A blind reviewer sees the two texts of a pair as A and B, in random order. If the changes are not `is_merged`, the
    old and the new text are side by side, instead of one text with both.
    """
    if versions.old is None or versions.new is None:
        return {"text": {"markdown": versions.now["answer"], "marks": [], "side": "text"}}
    old, new = versions.old["answer"], versions.new["answer"]
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
