"""What a rule is: one function with a code, a name, a severity, a docstring and two examples that are its tests."""

import inspect
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from qtgen.page import Page, Span
from qtgen.records import Diagnostic, Severity


@dataclass(frozen=True, slots=True)
class PageFile:
    """A page and the path it has, or is to have, with `/` between its parts.

    path: as it is shown; location: the same from the root of the disk, where it was given from elsewhere.
    """

    path: str
    page: Page
    location: str | None = None

    @property
    def name(self) -> str:
        return (self.location or self.path).rpartition("/")[2]

    @property
    def folder(self) -> str:
        return (self.location or self.path).rpartition("/")[0].rpartition("/")[2]


@dataclass(frozen=True, slots=True)
class Finding:
    """A rule's objection, where it stands, and the field it is about."""

    message: str
    span: Span
    field: str | None = None


@dataclass(frozen=True, slots=True)
class Example:
    """A small change to the example page (`rules/example.py`): every `old` becomes `new`, or the file's name does."""

    old: str = ""
    new: str = ""
    path: str | None = None
    raw: bytes | None = None  # the whole file, where no text can show it


Check = Callable[[PageFile], Iterator[Finding]]


@dataclass(frozen=True, slots=True)
class Rule:
    code: str
    name: str
    severity: Severity
    check: Check
    bad: Example
    good: Example

    @property
    def doc(self) -> str:
        return inspect.getdoc(self.check) or ""

    @property
    def family(self) -> int:
        return int(self.code[2])


_LONGEST = 400  # characters of a message

REGISTRY: dict[str, Rule] = {}


def rule(code: str, name: str, severity: Severity, *, bad: Example, good: Example) -> Callable[[Check], Check]:
    """Register a rule. `good` is a near miss that must pass."""

    def register(check: Check) -> Check:
        if code in REGISTRY:
            raise ValueError(f"{code} is defined twice")
        REGISTRY[code] = Rule(code, name, severity, check, bad, good)
        return check

    return register


def run(file: PageFile, rules: Iterable[Rule]) -> list[Diagnostic]:
    """Every finding of `rules` in `file`, sorted by place.

    A page that could not be read to its end is judged by family 1xx alone: the others would only report what is
    missing because of that.
    """
    complete = file.page.complete
    found = [(rule, finding) for rule in rules if complete or rule.family == 1 for finding in rule.check(file)]
    if not found:
        return []
    lines = file.page.line_starts()
    return sorted((_diagnostic(file, rule, finding, lines) for rule, finding in found), key=sort_key)


def sort_key(diagnostic: Diagnostic) -> tuple[str, int, int, str]:
    return diagnostic.path, diagnostic.line, diagnostic.column, diagnostic.code


def _diagnostic(file: PageFile, rule: Rule, finding: Finding, lines: list[int]) -> Diagnostic:
    begin = file.page.position(finding.span.start, lines)
    end = file.page.position(finding.span.end, lines)
    return Diagnostic(
        file.path,
        begin.line,
        begin.column,
        end.line,
        end.column,
        rule.code,
        rule.name,
        rule.severity,
        _printable(finding.message),
        finding.field if finding.field is None else _printable(finding.field),
    )


def _printable(text: str) -> str:
    """`text` without what would break a line or steer a terminal, and not endless."""
    clean = "".join(char if char.isprintable() else repr(char)[1:-1] for char in text[:_LONGEST])
    return clean + "…" * (len(text) > _LONGEST)
