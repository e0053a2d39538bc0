"""From the options of `regenerate` to what is looked for, and the question files with their source texts."""

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from qtgen.commands._errors import option_of
from qtgen.errors import UsageError
from qtgen.generation.plan import page_url
from qtgen.generation.provenance import WRITTEN, digest_of
from qtgen.generation.questions import BadRow, QuestionFiles
from qtgen.generation.types import Question
from qtgen.page.fields import FIELD_GROUPS
from qtgen.regeneration.detect import StalenessFilter
from qtgen.regeneration.plan import Order
from qtgen.regeneration.reasons import REASONS, Reason
from qtgen.settings import Settings
from qtgen.validation.rules import REGISTRY
from qtgen.validation.selection import known_codes


@dataclass(frozen=True, slots=True)
class FilterOptions:
    """What the options ask for."""

    wish: StalenessFilter
    touch_date: bool
    older_than: int | None
    score_below: float | None
    limit: int | None
    order: Order
    judges: tuple[str, ...]
    is_preview: bool

    @classmethod
    def of(cls, flags: Mapping[str, Any], settings: Settings) -> "FilterOptions":
        """Raises UsageError for a reason or a group that there is not, or that lacks its option."""
        words = [word for one in flags["because"] for word in one.replace(",", " ").split()]
        groups = _groups(flags["only"], words)
        given = {"older_than": flags["older_than"], "score_below": flags["score_below"]}
        reasons = _reasons(words, given)
        codes = [word for word in words if word.lower() not in REASONS]
        every = ("QT4", "QT5", "QT6") if "related" in groups else ("QT5", "QT6")
        family = known_codes(codes) if codes else () if words else every
        wish = StalenessFilter(
            reasons,
            frozenset(code for code, rule in REGISTRY.items() if code.startswith(family) and not rule.on_request),
            groups,
            flags["include_edited"],
        )
        if "related" in groups and settings.corpus is None:
            raise UsageError("links are judged by the whole site: name it with --corpus")
        if flags["judges"] and not (settings.api_key or settings.base_url):
            raise UsageError("--judge asks an endpoint: set OPENAI_API_KEY or --base-url")
        return cls(
            wish,
            flags["touch_date"],
            flags["older_than"],
            flags["score_below"],
            flags["limit"],
            flags["order"],
            flags["judges"],
            flags["is_preview"],
        )


def _groups(only: str | None, because: Sequence[str]) -> frozenset[str]:
    words = (only or "").replace(",", " ").split()
    for word in words:
        if word not in FIELD_GROUPS:
            raise UsageError(f"--only {word}: there are {', '.join(FIELD_GROUPS)}")
    links = {"related"} if any(word.upper().startswith("QT4") for word in because) else set()
    return frozenset(words or {*WRITTEN, *links})


def _reasons(words: Sequence[str], given: Mapping[str, Any]) -> list[Reason]:
    """Those named; none named: all that need not be, and those whose option is given."""
    named = [word.lower() for word in words if word.lower() in REASONS]
    for name in named:
        setting = REASONS[name].setting
        if setting and given[setting] is None:
            raise UsageError(f"--because {name} needs {option_of(setting)}")
    for word in words:
        if not word.upper().startswith("QT") and word.lower() not in REASONS:
            raise UsageError(f"--because {word}: there are {', '.join(REASONS)}, and the codes of rules (QT601)")
    if words:
        return [REASONS[name] for name in dict.fromkeys(named)]
    unnamed = (one for one in REASONS.values() if not one.only_if_named)
    return [one for one in unnamed if one.setting is None or given[one.setting] is not None]


class Sources:
    """The question files, if any are named, as far as they give source texts."""

    def __init__(self, stack: ExitStack, files: Sequence[Path], subject: str | None) -> None:
        self._source = stack.enter_context(QuestionFiles(files, subject, None, sys.stdin.buffer)) if files else None

    def _rows(self) -> Iterator[Question]:
        rows = self._source.rows() if self._source else ()
        return (row for row in rows if isinstance(row, Question))

    def digests(self) -> dict[str, str | None]:
        """By url, of the source text; None: the row gives none."""
        found: dict[str, str | None] = {}
        for row in self._rows():  # of rows for one page the first counts, as in `generate`
            found.setdefault(page_url(row), digest_of(row.context) if row.context else None)
        return found

    def texts(self, urls: frozenset[str]) -> dict[str, str | None]:
        """Of the pages that have these urls."""
        found: dict[str, str | None] = {}
        for row in self._rows():
            if (url := page_url(row)) in urls:
                found.setdefault(url, row.context)
        return found

    def unusable(self) -> list[str]:
        """What is wrong with rows that are no questions."""
        rows = self._source.rows() if self._source else ()
        return [row.error.message for row in rows if isinstance(row, BadRow)]
