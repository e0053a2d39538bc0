"""The text format: excerpts of the source, colours, and counts."""

from pathlib import Path

import pytest

from qtgen._util.text import display_width
from qtgen.validation.diagnostics import Diagnostic, Severity
from qtgen.validation.reports import ReportContext, get_format
from qtgen.validation.reports.text import FindingCounts, source_excerpt


def diagnostic(column: int = 1, severity: Severity = Severity.ERROR, path: str = "a/p.md", line: int = 1) -> Diagnostic:
    return Diagnostic(path, line, column, line, column + 3, "QT101", "invalid-yaml", severity, "message")


@pytest.mark.parametrize("column", [1, 60, 150, 400])
def test_a_long_line_is_cut_around_the_place(column: int) -> None:
    source = "".join(chr(0x4E00 + n) if n % 50 == 0 else chr(97 + n % 26) for n in range(400))
    shown, carets = (line.partition("| ")[2] for line in source_excerpt(diagnostic(column), [source]).splitlines())
    assert len(shown) <= 102
    before = shown[: next(n for n in range(len(shown) + 1) if display_width(shown[:n]) == carets.index("^"))]
    assert column > len(source) or shown[len(before)] == source[column - 1]


def test_control_characters_do_not_reach_the_terminal() -> None:
    assert "\x1b" not in source_excerpt(diagnostic(), ["\x1b[31mred\x07"])


@pytest.mark.parametrize(("line", "lines"), [(2, ["one"]), (0, ["one"]), (1, [""])])
def test_a_place_without_a_source_line_has_no_excerpt(line: int, lines: list[str]) -> None:
    assert source_excerpt(diagnostic(line=line), lines) == ""


def test_the_code_and_the_carets_are_painted_by_severity() -> None:
    def paint(text: str, severity: Severity) -> str:
        return f"<{severity} {text}>"

    context = ReportContext(1, "0", [], lambda _: ["abcdef"], paint)
    report = list(get_format("text").render([diagnostic(severity=Severity.WARNING)], context))
    assert report == ["a/p.md:1:1: <warning QT101> message", "    1 | abcdef\n      | <warning ^^^>"]


def test_the_source_of_a_page_is_read_once() -> None:
    read: list[str] = []

    def source(path: str) -> list[str]:
        read.append(path)
        return ["abc"]

    list(
        get_format("text").render(
            [diagnostic(), diagnostic(2), diagnostic(path="b.md")], ReportContext(2, "0", [], source)
        )
    )
    assert read == ["a/p.md", "b.md"]


@pytest.mark.parametrize(
    ("severities", "summary"),
    [
        ([], "1,200 pages checked: no problems found"),
        ([Severity.ERROR], "1,200 pages checked: 1 error in 1 page"),
        ([Severity.ERROR] * 2 + [Severity.WARNING], "1,200 pages checked: 2 errors and 1 warning in 1 page"),
        (
            [Severity.ERROR, Severity.WARNING, Severity.INFO],
            "1,200 pages checked: 1 error, 1 warning and 1 informational finding in 1 page",
        ),
    ],
)
def test_the_summary_is_a_sentence(severities: list[Severity], summary: str) -> None:
    counts = FindingCounts()
    for severity in severities:
        counts.add(diagnostic(severity=severity))
    assert counts.summary(1_200) == summary


def test_findings_that_are_not_listed_are_not_in_the_summary() -> None:
    counts = FindingCounts()
    counts.add(diagnostic(severity=Severity.INFO, path="b.md"), listed=False)
    counts.add(diagnostic(), "safe")
    counts.add(diagnostic(), "unsafe")
    assert counts.summary(3) == "3 pages checked: 2 errors in 1 page"
    assert counts.unlisted == {"QT101": 1}
    assert (counts.safe_fixes, counts.unsafe_fixes) == (1, 1)


def test_the_statistics_are_two_aligned_tables() -> None:
    counts = FindingCounts()
    for path in ("a/x.md", "a/y.md", "z.md"):
        counts.add(diagnostic(path=path))
    assert "\n".join(counts.statistics()).splitlines() == ["3  QT101  invalid-yaml  error", "", "2  a", "1  ."]
    assert list(FindingCounts().statistics()) == []


def test_this_file_is_not_read() -> None:
    """Reports are pure: no path is opened unless the context does it."""
    context = ReportContext(1, "0", [], lambda _: [])
    lines = list(get_format("text").render([diagnostic(path=str(Path(__file__)))], context))
    assert len(lines) == 1
