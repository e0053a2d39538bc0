"""Options of `regenerate` that decide which pages are stale, and the question files with their source texts."""

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

from qtgen.commands._errors import option_of
from qtgen.errors import UsageError
from qtgen.generation.places import Places, default_subject
from qtgen.generation.provenance import text_hash
from qtgen.generation.questions import InvalidRow, QuestionFiles
from qtgen.generation.types import Question
from qtgen.page.compile import main_layout
from qtgen.page.layout import LINKS_GROUP
from qtgen.page.profile import Profile
from qtgen.regeneration.api import DEFAULT_RULES
from qtgen.regeneration.reasons import REASONS, Reason
from qtgen.regeneration.staleness import StalenessFilter
from qtgen.settings import Settings
from qtgen.validation.rules import REGISTRY, rules_of
from qtgen.validation.selection import resolve_codes

_LINK_RULES = ("QT4",)


def staleness_filter(
    because: Sequence[str],
    only: str | None,
    thresholds: Mapping[str, float | None],
    profile: Profile,
    *,
    include_edited: bool,
) -> StalenessFilter:
    """Return the filter that the options describe.

    Args:
        because: The values of `--because`, each with one or more reasons.
        only: The value of `--only`.
        thresholds: The values of `--older-than` and `--score-below`, by the name of their setting.
        profile: The site, which has the groups of fields.
        include_edited: Whether texts count that a person edited.

    Raises UsageError for an unknown reason or group, and for a reason whose threshold is missing.
    """
    names = [name for value in because for name in value.replace(",", " ").split()]
    reasons, groups = _reasons(names, thresholds), _groups(only, names, profile)
    codes = [name for name in names if name.lower() not in REASONS]
    default = (*_LINK_RULES, *DEFAULT_RULES) if LINKS_GROUP in groups else DEFAULT_RULES
    prefixes = resolve_codes(codes) if codes else () if names else default
    rules = (rule for rule in rules_of(profile) if rule.code.startswith(prefixes) and not rule.on_request)
    return StalenessFilter(reasons, frozenset(rule.code for rule in rules), groups, include_edited)


def _groups(only: str | None, names: Sequence[str], profile: Profile) -> frozenset[str]:
    """Return the groups of fields that may be rewritten. Naming a link rule includes the links."""
    known = main_layout(profile).groups
    groups = (only or "").replace(",", " ").split()
    for group in groups:
        if group not in known:
            raise UsageError(f"--only {group}: unknown group", remedy=f"the groups are {', '.join(known)}")
    links = {LINKS_GROUP} & {*known} if any(name.upper().startswith(_LINK_RULES) for name in names) else set()
    return frozenset(groups or {*known} - {LINKS_GROUP} | links)


def _reasons(names: Sequence[str], thresholds: Mapping[str, float | None]) -> list[Reason]:
    """Return the named reasons. If none is named, return all that apply without being named."""
    rule_prefixes = tuple({code[:-3] for code in REGISTRY})  # QT, and those of plugins
    for name in names:
        reason = REASONS.get(name.lower())
        if reason is None and not name.upper().startswith(rule_prefixes):
            remedy = f"the reasons are {', '.join(REASONS)} and the codes of rules (QT601)"
            raise UsageError(f"--because {name}: unknown reason", remedy=remedy)
        if reason and reason.setting and thresholds[reason.setting] is None:
            raise UsageError(f"--because {name} needs {option_of(reason.setting)}")
    if names:
        return [REASONS[name] for name in dict.fromkeys(name.lower() for name in names) if name in REASONS]
    return [
        reason
        for reason in REASONS.values()
        if not reason.only_if_named and (reason.setting is None or thresholds[reason.setting] is not None)
    ]


class SourceTexts:
    """The source texts (`context`) in the question files, if there are any. The first row of a page counts."""

    def __init__(self, stack: ExitStack, files: Sequence[Path], settings: Settings, places: Places) -> None:
        self._places = places
        self._source: QuestionFiles | None = None
        if files:
            subject = default_subject(places.layout, settings.subject)
            source = QuestionFiles(files, subject, None, sys.stdin.buffer, settings.columns)
            self._source = stack.enter_context(source)

    def _rows(self) -> Iterator[Question | InvalidRow]:
        return self._source.rows() if self._source else iter(())

    def _questions(self) -> Iterator[Question]:
        return (row for row in self._rows() if isinstance(row, Question))

    def digests(self) -> dict[str, str | None]:
        """Return the digest of each page's source text by URL; None for a row without one."""
        digests: dict[str, str | None] = {}
        for question in self._questions():
            digests.setdefault(self._places.key(question), text_hash(question.context) if question.context else None)
        return digests

    def texts(self, urls: frozenset[str]) -> dict[str, str | None]:
        """Return the source texts of some pages by URL."""
        texts: dict[str, str | None] = {}
        for question in self._questions():
            if (url := self._places.key(question)) in urls:
                texts.setdefault(url, question.context)
        return texts

    def notes(self) -> Sequence[str]:
        """Return what the reader of the files should know, as far as they were read."""
        return self._source.notes if self._source else ()

    def problems(self) -> list[str]:
        """Return what is wrong with the invalid rows."""
        return [row.error.message for row in self._rows() if isinstance(row, InvalidRow)]
