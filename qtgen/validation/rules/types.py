"""The types that rules are made of: what a rule reads, what it reports, and what describes it."""

import inspect
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

from qtgen.page import Page, Span
from qtgen.page.edits import Part, TextEdit
from qtgen.page.profile import Profile
from qtgen.site.index import SiteIndex
from qtgen.validation.diagnostics import Severity
from qtgen.validation.rules.settings import DEFAULT_SETTINGS, RuleSettings

if TYPE_CHECKING:
    from qtgen.validation.rules.example import ExampleSite
    from qtgen.validation.rules.file_columns import FileColumns


class PageFile(NamedTuple):
    """A page together with its path.

    Args:
        path: The path as diagnostics show it, with `/` as its separator.
        page: The contents of the file.
        location: The absolute path, if `path` does not tell which folder the file is in (`page.md`, `../page.md`).
        settings: What the rules read from the settings.
    """

    path: str
    page: Page
    location: str | None = None
    settings: RuleSettings = DEFAULT_SETTINGS

    @property
    def name(self) -> str:
        """The file's own name."""
        return (self.location or self.path).rpartition("/")[2]

    @property
    def folder(self) -> str:
        """The name of the folder that the file is in."""
        return (self.location or self.path).rpartition("/")[0].rpartition("/")[2]


@dataclass(frozen=True, slots=True)
class RuleFix:
    """The edits that resolve a finding, as offsets into the page's text. A safe fix loses nothing for a reader.

    Args:
        parts: The parts of the answer that the fix replaces, in order, if its edits write the whole field again.
    """

    description: str
    edits: Sequence[TextEdit]
    safe: bool = True
    parts: Sequence[Part] | None = None


FixSafety = Literal["safe", "unsafe"]
FixFactory = Callable[[], RuleFix | None]
"""Computes a fix when one is needed, or returns None if the page cannot be edited so. Most runs only list findings, so
rules do not compute fixes in advance."""


class Finding(NamedTuple):
    """What a page rule reports.

    Args:
        message: The field, what is wrong, and the remedy, in one sentence.
        span: The place in the page's text.
        field: The dotted path of the field, if the finding is about one.
        fix: Computes the fix, if the rule offers one.
        severity: Overrides the severity of the rule.
        fix_safety: Overrides whether the rule's fixes are safe.
    """

    message: str
    span: Span
    field: str | None = None
    fix: FixFactory | None = None
    severity: Severity | None = None
    fix_safety: FixSafety | None = None


class SiteFinding(NamedTuple):
    """What a site rule reports about pages or links.

    Args:
        message: What is wrong. `{other}` is replaced by the path of the page `other`, and a role such as `{key}` or
            `{id}` by the name of the field of the page or link.
        rows: Rows of the site index, each a page or a link.
        key: The field of each row that the finding is about: a role, or the path of a field, or a key of a link.
        other: The number of another page that the message names.
        sentence: The hash of a sentence of the answer that the finding is about. `{sentence}` in the message is
            replaced by its beginning.
    """

    message: str
    rows: Iterable[int]
    key: str = "key"
    other: int | None = None
    sentence: int | None = None


@dataclass(frozen=True, slots=True)
class Example:
    """A change to the example page of a site (`rules/example.py`). Without arguments it is the page, which is valid.

    Args:
        old: The text to replace, everywhere in the page.
        new: Its replacement.
        path: The path of the file, if it differs.
        raw: The bytes of the whole file, if it is no page.
        text: The whole text of the page, if a replacement cannot express the change.
        neighbour: The text to replace, and its replacement, in the other page of the example site. Only site rules
            read that page.
        settings: What the rules read from the settings, if the example needs it.
    """

    old: str = ""
    new: str = ""
    path: str | None = None
    raw: bytes | None = None
    neighbour: tuple[str, str] = ("", "")
    settings: RuleSettings = DEFAULT_SETTINGS
    text: str | None = None


AnyExample: TypeAlias = "Example | Callable[[ExampleSite], Example]"
"""An example, or a function that makes it from the example site of a profile."""


PageCheck = Callable[[PageFile], Iterable[Finding]]
SiteCheck = Callable[[SiteIndex], Iterable[SiteFinding]]
SkipTest = Callable[[PageFile], bool]
RowTest = Callable[["FileColumns"], Iterable[int]]
LinkFixFactory = Callable[[Page, str, Page | None], FixFactory | None]
"""Maps a page, the dotted path of one of its links, and the link's target (if there is one) to a fix."""
LinkExplanation = Callable[[Page, str, Page], str | None]
"""Maps a page, the dotted path of one of its links and the link's target to a message that tells more, or None."""
Repairable = Literal["concern", "fault"]
Applies = Callable[[Profile], bool]
"""Returns whether a rule has subject matter on a site."""


def always(_: Profile) -> bool:
    """Apply a rule to every site."""
    return True


@dataclass(frozen=True, eq=False)
class Rule:
    """A check, and what documents and tests it.

    Args:
        code: A prefix of two to five capital letters and three digits. `QT` is reserved for built-in rules.
        name: A short name in kebab case.
        severity: How serious its findings are.
        check: The function that finds violations. Its docstring is the rule's documentation.
        bad: An example that the rule must report.
        good: A similar example that the rule must not report.
        fix: Whether its fixes are safe. None means that it offers none.
        on_request: Whether the rule runs only if it is selected by its full code.
        repairable: Whether a warning leads to a repair request when a page is generated. None means that it does not.
            With `concern`, the page is written with the warning if no repair resolves it. With `fault`, it is not.
        applies: Returns whether the rule applies to a site. If it does not, the site does not have the rule.
        severity_is_set: Whether the site sets the severity. Findings cannot override it then.
    """

    code: str
    name: str
    severity: Severity
    check: Callable[..., Iterable[object]]
    bad: AnyExample
    good: AnyExample
    fix: FixSafety | None = None
    on_request: bool = False
    repairable: Repairable | None = None
    applies: Applies = always
    severity_is_set: bool = False

    @property
    def doc(self) -> str:
        """The docstring of the check."""
        return inspect.getdoc(self.check) or ""

    @property
    def family(self) -> int:
        """The first digit of the code."""
        return int(self.code[-3])

    @property
    def is_builtin(self) -> bool:
        """Whether the rule ships with qtgen."""
        return self.code.startswith("QT")


@dataclass(frozen=True, eq=False)
class PageRule(Rule):
    """A rule that reads one page at a time.

    The last four arguments make a rule fast: they tell which pages in the canonical layout cannot violate it. All
    other pages are always checked.

    Args:
        noncanonical_only: Whether no page in the canonical form can violate the rule, on any site or the given one.
        skip_if: A cheap test that is true for a page that cannot violate the rule. Rules may share one.
        patterns: RE2 patterns. A page whose description, keywords and answer match none of them cannot violate the
            rule. The patterns of all rules are searched at once. If a rule has both arguments, it is skipped only if
            both rule out a violation.
        may_break: A quick test for many pages. Returns the row numbers of all pages that may violate the rule; extra
            rows are allowed. It replaces `skip_if` if pages are checked by column. By default, `skip_if` runs on every
            page.
    """

    check: PageCheck
    noncanonical_only: bool | Applies = False
    skip_if: SkipTest | None = None
    patterns: tuple[str, ...] = ()
    may_break: RowTest | None = None


@dataclass(frozen=True, eq=False)
class SiteRule(Rule):
    """A rule that compares the facts of all pages.

    Args:
        fix_link: Computes the fix of a link. The site index does not hold what it needs, so it receives the pages.
        explain_link: Tells more about a link than the message of the finding, for the same reason.
    """

    check: SiteCheck
    fix_link: LinkFixFactory | None = None
    explain_link: LinkExplanation | None = None
