"""Encodings and formats of question files, told by their first bytes."""

import io
from pathlib import Path

import pytest

from qtgen.errors import QuestionFileError
from qtgen.generation.question_lines import decode_lines

_TEXT = "question,subject\nWhat is rain?,Physics\n"


def error_of(raw: bytes) -> str:
    with pytest.raises(QuestionFileError) as caught:
        list(decode_lines(Path("q.csv"), io.BytesIO(raw)))
    return str(caught.value)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32"])
@pytest.mark.parametrize("text", [_TEXT, "question\n", "What is rain?"])
def test_utf_16_and_utf_32_are_named_with_and_without_a_mark(encoding: str, text: str) -> None:
    message = error_of(text.encode(encoding))
    name = "UTF-32" if encoding == "utf-32" else "UTF-16"
    assert message.startswith(f"q.csv: is {name}")
    assert message.endswith("save it as UTF-8 (in Excel: `CSV UTF-8`)")
    assert ("without a byte-order mark" in message) is encoding.endswith("e")


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (b"PK\x03\x04\x14", "is an Excel workbook or another ZIP file; save it as `CSV UTF-8`"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "is an old Excel workbook (.xls); save it as .xlsx"),
        (b"%PDF-1.7\n", "is a PDF file; save the questions as text"),
        (b"\x1f\x8b\x08\n", "is compressed with gzip; unpack it"),
        (b"{\\rtf1 x", "is an RTF document; save it as plain text"),
    ],
)
def test_a_file_with_the_wrong_name_is_recognized(raw: bytes, message: str) -> None:
    assert error_of(raw).startswith(f"q.csv: {message}")


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (b"question\nCaf\xe9?\n", "q.csv:2: not UTF-8 (byte 0xe9); save it as UTF-8 (in Excel: `CSV UTF-8`); it may be Windows-1252, in which the byte is `é`"),
        (b"question\r\x93What\x94?\r", "q.csv:2: not UTF-8 (byte 0x93); save it as UTF-8 (in Excel: `CSV UTF-8`); it may be Windows-1252, in which the byte is `“`"),
        (b"question\nx\x81?\n", "q.csv:2: not UTF-8 (byte 0x81); save it as UTF-8 (in Excel: `CSV UTF-8`)"),
    ],
)  # fmt: skip
def test_a_byte_of_another_encoding_is_named_with_what_it_probably_is(raw: bytes, message: str) -> None:
    assert error_of(raw) == message


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_lines_end_as_every_program_writes_them(line_end: str) -> None:
    raw = b"\xef\xbb\xbf" + line_end.join(["question", "What is 水?", ""]).encode()
    assert list(decode_lines(Path("q.csv"), io.BytesIO(raw))) == ["question\n", "What is 水?\n"]
