"""What a rule is: one function with a code, a name, a severity, a docstring and two examples that are its tests."""

import inspect
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from qtgen.page import Page, Span
from qtgen.records import Diagnostic, Severity


@dataclass(frozen=True, slots=True)
class PageFile:
    """A page and the path it has, or is to have, with `/` between its parts."""

    path: str
    page: Page

    @property
    def name(self) -> str:
        return self.path.rpartition("/")[2]

    @property
    def folder(self) -> str:
        return self.path.rpartition("/")[0].rpartition("/")[2]


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
    return sorted(
        (
            _diagnostic(file, rule, finding)
            for rule in rules
            if complete or rule.family == 1
            for finding in rule.check(file)
        ),
        key=sort_key,
    )


def sort_key(diagnostic: Diagnostic) -> tuple[str, int, int, str]:
    return diagnostic.path, diagnostic.line, diagnostic.column, diagnostic.code


def _diagnostic(file: PageFile, rule: Rule, finding: Finding) -> Diagnostic:
    begin = file.page.position(finding.span.start)
    end = file.page.position(finding.span.end)
    return Diagnostic(
        file.path,
        begin.line,
        begin.column,
        end.line,
        end.column,
        rule.code,
        rule.name,
        rule.severity,
        finding.message,
        finding.field,
    )
