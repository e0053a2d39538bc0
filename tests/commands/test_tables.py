"""Tables at every width of the terminal."""

import pytest

from qtgen.commands._tables import print_facts, print_table, print_text

HEADERS = ["reason", "pages", "requests", "cost"]
ROWS = [["QT601 description-too-long", "1,200", "1,200 (1,100 to 1,400)", "$0.1234"], ["all", "12", "3", ""]]
FACTS = [("requests", "1,234 (1,000 to 2,000), and 12 from the ledger"), ("time", "12 s with 64 in flight")]


def words(rows: list[list[str]]) -> list[str]:
    return sorted(word for row in rows for cell in row for word in cell.split())


@pytest.mark.parametrize("width", [30, 40, 57, 60, 80, 120])
def test_no_word_is_broken_and_no_line_is_too_long(
    width: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    print_table(HEADERS, ROWS)
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= width
    found = [word for line in lines for word in line.split() if "─" not in word]
    assert sorted(word for word in found if word not in HEADERS) == words(ROWS)


def test_a_wide_terminal_has_one_line_per_row(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    print_table(HEADERS, ROWS)
    assert capsys.readouterr().out.splitlines() == [
        "reason                      pages                requests     cost",
        "─" * 66,
        "QT601 description-too-long  1,200  1,200 (1,100 to 1,400)  $0.1234",
        "all                            12                       3",
    ]


def test_a_terminal_that_is_too_narrow_has_a_block_per_row(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    print_table(HEADERS, ROWS)
    assert capsys.readouterr().out.splitlines() == [
        "reason    QT601 description-too-long",
        "pages     1,200",
        "requests  1,200 (1,100 to 1,400)",
        "cost      $0.1234",
        "",
        "reason    all",
        "pages     12",
        "requests  3",
    ]


def test_a_file_has_no_edge(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    print_facts([("time", "word " * 25)])
    print_text("word " * 25)
    assert len(capsys.readouterr().out.splitlines()) == 2


@pytest.mark.parametrize("width", [30, 60])
def test_values_wrap_between_words_beside_their_name(
    width: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    print_facts(FACTS)
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= width
    assert [line for line in lines if not line.startswith(" ")] == [lines[0], next(x for x in lines if "time" in x)]
    assert " ".join(" ".join(lines).split()) == " ".join(" ".join(fact) for fact in FACTS)
