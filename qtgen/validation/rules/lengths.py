"""Rules about the length of texts: each is a function that returns the limits of a layout, and a message.

The decorator makes the check of a page and its quick test.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Literal, NamedTuple

from qtgen.page.layout import Layout
from qtgen.page.profile import Profile
from qtgen.page.reader import MAX_BYTES
from qtgen.validation.diagnostics import Severity
from qtgen.validation.rules.edits import span_within
from qtgen.validation.rules.limits import Limit
from qtgen.validation.rules.registry import rule
from qtgen.validation.rules.types import AnyExample, Finding, PageFile, Repairable

if TYPE_CHECKING:
    from qtgen.page.columns.buffer import Ints
    from qtgen.validation.rules.file_columns import FileColumns


class ColumnFindings(NamedTuple):
    """Findings of a rule about the lengths of texts in one line, of which several pages have one each.

    Attributes:
        path: The path of the text.
        message: Returns the message about a text of some length.
        rows: The pages.
        lines, columns, end_columns: The places, as in a `Diagnostic`.
        lengths: The lengths of the texts in code points.
    """

    path: str
    message: Callable[[int], str]
    rows: "Ints"
    lines: "Ints"
    columns: "Ints"
    end_columns: "Ints"
    lengths: "Ints"


LimitsOf = Callable[[Layout], Sequence[Limit]]
Bound = Literal["least", "most"]


class LengthRule:
    """The check of a rule about the length of texts.

    Args:
        limits: Returns the limits of a layout. Its docstring is the documentation of the rule.
        bound: Which end of a limit the rule checks.
        message: The message of a finding, with `{path}`, `{length}` and `{limit}`.
    """

    def __init__(self, limits: LimitsOf, bound: Bound, message: str) -> None:
        self.limits, self.bound, self.message = limits, bound, message
        self.__doc__, self.__module__ = limits.__doc__, limits.__module__

    def __call__(self, file: PageFile) -> Iterator[Finding]:
        """Yield a finding for each text that is too short or too long."""
        for path, least, most in self.limits(file.page.layout):
            text = file.page.text_of(path)
            length = len(text or "")
            if text and self._is_violated(length, least, most):
                limit = least if self.bound == "least" else most
                message = self._message(path, limit, length)
                is_whole = self.bound == "least"
                span = file.page.span(path) if is_whole else span_within(file.page, path, int(most), length)
                yield Finding(message, span, path)

    def cannot_violate(self, file: PageFile) -> bool:
        """Return whether no text of a page is too short or too long."""
        values = file.page.values
        for path, least, most in self.limits(file.page.layout):
            if self._is_violated(len(str(values.get(path, ""))), least, most):
                return False
        return True

    def judge(self, files: "FileColumns") -> Iterator["ColumnFindings"]:
        """Yield the findings about each text of pages by column."""
        columns, layout = files.columns, files.layout
        for path, least, most in self.limits(layout):
            if path not in layout.fields:
                continue
            lengths, field = columns.lengths(path), layout.fields[path]
            if self.bound == "least":
                limit, violated = least, (lengths > 0) & (lengths < least)
            else:
                limit, violated = most, lengths > most
            plain = layout.key_indent(field) + len(f"{field.key}: ") + 1
            folded = layout.folded_indent(field) + 1
            starts = plain + columns.folded(path) * (folded - plain)
            ends = starts + lengths
            if self.bound == "most":
                starts = starts + int(min(most, MAX_BYTES))
            rows = violated.nonzero()[0]
            yield ColumnFindings(
                path,
                partial(self._message, path, limit),
                rows,
                *(column[rows] for column in (columns.lines(path), starts, ends, lengths)),
            )

    def _message(self, path: str, limit: float, length: int) -> str:
        return self.message.format(path=path, limit=limit, length=length)

    def _is_violated(self, length: int, least: float, most: float) -> bool:
        return length < least if self.bound == "least" else length > most


def length_rule(
    code: str,
    name: str,
    *,
    bound: Bound,
    message: str,
    bad: AnyExample,
    applies: Callable[[Profile], bool],
    repairable: Repairable | None = None,
) -> Callable[[LimitsOf], LengthRule]:
    """Register a warning about texts that are shorter or longer than the limits that the decorated function returns.

    Args:
        code: As in `rule`, like the other arguments that both have.
        bound: Whether the rule checks the fewest characters or the most.
        message: The message of a finding, with `{path}`, `{length}` and `{limit}`.
    """

    def register(limits: LimitsOf) -> LengthRule:
        check = LengthRule(limits, bound, message)
        rule(
            code, name, Severity.WARNING, bad=bad, skip_if=check.cannot_violate, repairable=repairable, applies=applies
        )(check)
        return check

    return register
