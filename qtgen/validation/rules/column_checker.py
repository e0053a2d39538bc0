"""Run page rules over pages by column: a rule is asked only about the pages that may violate it."""

from array import array
from collections import defaultdict
from collections.abc import Iterable

import numpy as np

from qtgen.page.columns.buffer import Ints
from qtgen.page.profile import Profile
from qtgen.validation.diagnostics import printable
from qtgen.validation.findings import FindingKind, Findings, Numbers, findings_of
from qtgen.validation.rules.checker import QuickTests, applicable_rules, diagnostics_of
from qtgen.validation.rules.file_columns import FileColumns
from qtgen.validation.rules.lengths import LengthRule
from qtgen.validation.rules.types import PageFile, PageRule, Rule, SkipTest

_Group = tuple[SkipTest, list[PageRule]]
# The numbers of a finding: the row of its page, its position (four numbers), the rank of its rule, and its kind.
_ROW, _LINE, _COLUMN, _CODE, _KIND, _NUMBERS = 0, 1, 2, 5, 6, 7


class ColumnChecker:
    """Runs page rules over canonical pages by column. It finds on each page what `PageChecker` finds there.

    Args:
        rules: The rules to run. Site rules, and rules without subject matter on the site, are ignored.
        profile: The layout of the site.
    """

    def __init__(self, rules: Iterable[Rule], *, profile: Profile) -> None:
        in_order = applicable_rules(rules, profile)
        self._ranks = {rule.code: rank for rank, rule in enumerate(in_order)}
        self._has_plugins = not all(rule.is_builtin for rule in in_order)
        self._tests = QuickTests(in_order, profile)

    def __call__(self, files: FileColumns) -> Findings:
        """Return the findings of all pages, those of each page sorted by position."""
        if not len(files):
            return findings_of([])
        found = _Found(self._ranks)
        asked: dict[int, list[PageRule]] = defaultdict(list)  # by row
        untested: list[_Group] = []
        for (skip_if, may_break), rules in self._tests.by_test.items():
            check = rules[0].check
            if isinstance(check, LengthRule):
                found.add_lengths(rules[0], check, files)
            elif may_break is None:
                untested.append((skip_if, rules))
            else:
                for row in may_break(files):
                    asked[row] += rules
        asks_all = bool(self._tests.always or untested)
        for row, text in enumerate(files.searched_texts()):
            matching = self._tests.matching(text)
            if matching or row in asked or asks_all:
                file = files.file(row, whole=self._has_plugins)
                for rule in self._asked(file, asked.get(row, ()), untested, matching):
                    found.add(row, rule, file)
        return found.findings(len(files))

    def _asked(
        self, file: PageFile, asked: Iterable[PageRule], untested: Iterable[_Group], matching: Iterable[PageRule]
    ) -> list[PageRule]:
        """Return the rules to ask about a page, each once."""
        rules = [*self._tests.always, *asked]
        for cannot_violate, rules_with_test in untested:
            if not cannot_violate(file):
                rules += rules_with_test
        return [*rules, *(rule for rule in matching if rule not in rules)]


class _Found:
    """The findings of pages by column, in any order.

    Args:
        ranks: The order of the findings at one position, by the code of the rule.
    """

    def __init__(self, ranks: dict[str, int]) -> None:
        self._ranks = ranks
        self._numbers: list[int] = []  # of one finding after the other
        self._columns: list[Ints] = []  # the same as arrays
        self._table: dict[FindingKind, int] = {}

    def add(self, row: int, rule: PageRule, file: PageFile) -> None:
        """Add the findings of a rule about a page."""
        for found in diagnostics_of(file, rule):
            kind = self._number_of(FindingKind(*found[5:10], *found[11:]))
            self._numbers += (row, *found[1:5], self._ranks[rule.code], kind)

    def add_lengths(self, rule: PageRule, check: LengthRule, files: FileColumns) -> None:
        """Add the findings of a rule about lengths of texts."""
        for found in check.judge(files):
            field, lengths = printable(found.path), found.lengths.tolist()
            kinds = {
                length: self._number_of(
                    FindingKind(
                        rule.code, rule.name, rule.severity, printable(found.message(length)), field, False, False
                    )
                )
                for length in dict.fromkeys(lengths)
            }
            lines, rank = found.lines, np.full(len(lengths), self._ranks[rule.code])
            kinds_of = np.fromiter((kinds[length] for length in lengths), np.int64, len(lengths))
            self._columns.append(
                np.column_stack([found.rows, lines, found.columns, lines, found.end_columns, rank, kinds_of])
            )

    def _number_of(self, kind: FindingKind) -> int:
        return self._table.setdefault(kind, len(self._table))

    def findings(self, pages: int) -> Findings:
        """Return all findings, sorted by page, position and code."""
        numbers = np.concatenate([*self._columns, np.array(self._numbers, np.int64).reshape(-1, _NUMBERS)])
        order = np.lexsort([numbers[:, key] for key in (_CODE, _COLUMN, _LINE, _ROW)])
        numbers = numbers[order]
        counts = np.bincount(numbers[:, _ROW], minlength=pages)
        return Findings(_array(counts), _array(numbers[:, _LINE:_CODE]), _array(numbers[:, _KIND]), [*self._table])


def _array(numbers: Ints) -> Numbers:
    return array("I", numbers.astype(np.uint32).tobytes())
