"""Findings and records as arrays say what lists of diagnostics say."""

import itertools
from collections import Counter
from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st
from msgspec import msgpack

from qtgen.validation.diagnostics import Diagnostic, Severity
from qtgen.validation.findings import FindingKind, Findings, findings_of, join_findings, merge_findings, runs_of
from qtgen.validation.records import (
    KnownRecords,
    PageRecord,
    PageRecords,
    all_missing,
    encode,
    join_records,
    records_of,
    restore_numbers,
)
from qtgen.validation.rules.checker import by_position

CODES = frozenset({"QT1", "QT2", "QT3"})
_numbers = st.integers(1, 3) | st.integers(1, 2**32 - 1)
_diagnostics = st.builds(
    Diagnostic,
    st.just("path"),
    _numbers,
    _numbers,
    _numbers,
    _numbers,
    st.sampled_from(sorted(CODES)),
    st.just("name"),
    st.sampled_from(Severity),
    st.sampled_from(["", "é", "\ud800"]),
    st.sampled_from([None, "a.b"]),
    fix=st.none(),
    fixable=st.booleans(),
)
_page = st.lists(_diagnostics, max_size=3)
_pages = st.lists(_page, max_size=6)


def shown(findings: Findings, codes: frozenset[str] = CODES) -> list[list[Diagnostic]]:
    return list(findings.diagnostics(["path"] * findings.page_count, lambda _: codes))


@given(_pages, st.data())
def test_the_findings_of_each_page_are_merged_by_position(pages: list[list[Diagnostic]], data: st.DataObject) -> None:
    first = [sorted(page, key=by_position) for page in pages]
    second = data.draw(st.lists(_page, min_size=len(pages), max_size=len(pages)))
    merged = merge_findings(findings_of(first), findings_of(second))
    assert shown(merged) == [sorted(a + b, key=by_position) for a, b in zip(first, second, strict=True)]
    assert {*merged.table} == {*findings_of(shown(merged)).table}


@given(_pages, st.data())
def test_each_path_has_rules_of_its_own(pages: list[list[Diagnostic]], data: st.DataObject) -> None:
    codes = data.draw(st.lists(st.frozensets(st.sampled_from(sorted(CODES))), min_size=len(pages), max_size=len(pages)))
    of_paths = {str(number): some for number, some in enumerate(codes)}
    diagnostics = findings_of(pages).diagnostics([*of_paths], of_paths.__getitem__)
    expected = [[found.code for found in page if found.code in some] for page, some in zip(pages, codes, strict=True)]
    assert [[found.code for found in page] for page in diagnostics] == expected


@given(_pages, st.data())
def test_pages_can_be_taken_split_and_joined(pages: list[list[Diagnostic]], data: st.DataObject) -> None:
    findings = findings_of(pages)
    assert shown(findings) == pages
    numbers = data.draw(st.lists(st.integers(0, len(pages) - 1))) if pages else []
    assert shown(findings.take(numbers)) == [pages[number] for number in numbers]
    cut = data.draw(st.integers(0, len(pages)))
    parts = [*findings.split([cut, len(pages) - cut])]
    assert [shown(part) for part in parts] == [pages[:cut], pages[cut:]]
    assert shown(findings.take(range(cut, len(pages)))) == pages[cut:]
    assert shown(join_findings(parts)) == pages


@given(_pages, st.sets(st.sampled_from(sorted(CODES))))
def test_findings_can_be_restricted_to_rules_and_counted(pages: list[list[Diagnostic]], codes: set[str]) -> None:
    findings, wanted = findings_of(pages), frozenset(codes)
    left = [[found for found in page if found.code in wanted] for page in pages]
    assert shown(findings, wanted) == left
    assert shown(findings.of_rules(wanted)) == left
    kinds = Counter(FindingKind(*found[5:10], *found[11:]) for page in left for found in page)
    assert findings.of_rules(wanted).count_kinds() == kinds
    with_rule = [number for number, page in enumerate(pages) if any(found.code == "QT2" for found in page)]
    assert findings.pages_with("QT2") == with_rule


@given(st.lists(st.integers(0, 20)))
def test_runs_are_the_numbers(numbers: list[int]) -> None:
    runs = runs_of(numbers)
    assert [number for first, last in runs for number in range(first, last)] == numbers
    assert all(last != first for (_, last), (first, _) in itertools.pairwise(runs))


def _records(pages: Sequence[str], sentences: bool = True) -> PageRecords:
    found = Diagnostic("path", 1, 1, 1, 2, "QT1", "name", Severity.INFO, "message")
    return records_of(
        PageRecord(page.encode(), [found] * len(page), page.encode() * sentences or None) for page in pages
    )


@given(st.lists(st.sampled_from(["", "a", "bcd"])), st.data())
def test_known_and_new_records_are_those_of_all_pages(pages: list[str], data: st.DataObject) -> None:
    missing = data.draw(st.lists(st.sampled_from(range(len(pages))), unique=True)) if pages else []
    records = records_of(PageRecord(page.encode(), ()) for page in pages)
    known = KnownRecords(records).without(missing)
    assert known.page_count == len(pages)
    assert [*known.missing] == sorted(missing)
    assert known.completed(records.take(known.missing)) == records
    assert all_missing(len(pages)).completed(records) == records


def test_records_survive_storage() -> None:
    records = _records(["a", "", "bc"])
    decoded = msgpack.decode(encode(records), type=PageRecords, dec_hook=restore_numbers)
    assert decoded == records
    assert decoded.facts.pages() == [b"a", b"", b"bc"]


def test_joined_records_know_which_pages_have_sentences() -> None:
    with_sentences, without, empty = _records(["a" * 4]), _records(["b"], sentences=False), records_of([])
    assert join_records([with_sentences, empty]) == with_sentences
    assert join_records([without, empty]) == without
    assert KnownRecords(with_sentences).with_sentences().missing == ()
    assert [*KnownRecords(without).with_sentences().missing] == [0]
    known = KnownRecords(join_records([with_sentences, without, _records(["c" * 4, "d" * 8])]), missing=[1])
    assert [*known.with_sentences().missing] == [1, 2]
