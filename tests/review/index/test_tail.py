"""The tail of a file: lines that were appended, also to a file that was replaced."""

from pathlib import Path

from qtgen.review.index.tail import Appended, Tail

FILE = Path("lines")


def test_new_lines_are_returned_once() -> None:
    tail = Tail(FILE)
    assert tail.read() == Appended([], 1, False)
    FILE.write_bytes(b"one\ntwo\nthr")
    assert tail.read() == Appended([b"one\n", b"two\n"], 1, True)
    assert tail.rest == b"thr"
    assert tail.read() == Appended([], 3, False)
    with FILE.open("ab") as file:
        file.write(b"ee\n")
    assert tail.read() == Appended([b"three\n"], 3, False)


def test_a_file_that_was_replaced_or_cut_is_read_from_its_start() -> None:
    FILE.write_bytes(b"one\ntwo\n")
    tail = Tail(FILE)
    tail.read()
    Path("new").write_bytes(b"one\ntwo\nthree\n")
    assert not tail.is_replaced()
    Path("new").replace(FILE)
    assert tail.is_replaced()
    assert tail.read() == Appended([b"one\n", b"two\n", b"three\n"], 1, True)
    FILE.write_bytes(b"four\n")
    assert tail.read() == Appended([b"four\n"], 1, True)
    FILE.unlink()
    assert tail.is_replaced()
    assert tail.read() == Appended([], 1, True)
    assert tail.read() == Appended([], 1, False)


def test_a_file_with_the_same_number_and_other_lines_is_read_from_its_start() -> None:
    FILE.write_bytes(b"one\ntwo\n")
    tail = Tail(FILE)
    tail.read()
    number = FILE.stat().st_ino
    with FILE.open("r+b") as file:
        file.write(b"zero\none\ntwo\n")
    assert FILE.stat().st_ino == number
    assert tail.is_replaced()
    assert tail.read() == Appended([b"zero\n", b"one\n", b"two\n"], 1, True)
    with FILE.open("ab") as file:
        file.write(b"three\n")
    assert not tail.is_replaced()
    assert tail.read() == Appended([b"three\n"], 4, False)


def test_lines_are_split_at_line_feeds_only() -> None:
    FILE.write_bytes(b"one\rtwo\x0bthree\n")
    assert Tail(FILE).read().lines == [b"one\rtwo\x0bthree\n"]
