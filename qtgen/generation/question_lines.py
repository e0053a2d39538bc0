"""Decode the lines of a question file, and report its format or encoding if it is not UTF-8 text."""

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from qtgen.errors import QuestionFileError

_SAVE_AS_UTF8 = "save it as UTF-8 (in Excel: `CSV UTF-8`)"
_BYTE_ORDER_MARKS = (
    (b"\xff\xfe\0\0", "UTF-32"),
    (b"\0\0\xfe\xff", "UTF-32"),
    (b"\xff\xfe", "UTF-16"),
    (b"\xfe\xff", "UTF-16"),
)
_SIGNATURES = (
    (b"PK\x03\x04", "is an Excel workbook or another ZIP file", "save it as `CSV UTF-8`, or name a workbook `.xlsx`"),
    (b"\xd0\xcf\x11\xe0", "is an old Excel workbook (.xls)", "save it as .xlsx or as `CSV UTF-8`"),
    (b"%PDF-", "is a PDF file", "save the questions as text"),
    (b"\x1f\x8b", "is compressed with gzip", "unpack it"),
    (b"{\\rtf", "is an RTF document", "save it as plain text in UTF-8"),
)
WORKBOOK = b"PK\x03\x04"
OLD_WORKBOOK = b"\xd0\xcf\x11\xe0"
_SAMPLE = 200  # bytes that tell an encoding without a mark


def decode_lines(path: Path, stream: BinaryIO) -> Iterator[str]:
    """Yield the lines of a file, each ending in a line feed. Raises QuestionFileError if it is no UTF-8 text."""
    number = 0
    for chunk in stream:
        if not number:
            _check_beginning(path, chunk)
        text = _decode(path, number, chunk)
        for line in text.removesuffix("\n").removesuffix("\r").split("\r"):  # old spreadsheets end lines with CR
            number += 1
            yield line + "\n"


def _check_beginning(path: Path, chunk: bytes) -> None:
    for signature, message, remedy in _SIGNATURES:
        if chunk.startswith(signature):
            raise QuestionFileError(message, path=path, remedy=remedy)
    for mark, encoding in _BYTE_ORDER_MARKS:
        if chunk.startswith(mark):
            raise QuestionFileError(f"is {encoding}", path=path, remedy=_SAVE_AS_UTF8)
    sample = chunk[:_SAMPLE]
    zeros = [sample[first::2].count(0) for first in (0, 1)]
    if max(zeros) > len(sample) // 4 and min(zeros) <= len(sample) // 16:
        raise QuestionFileError("is UTF-16 without a byte-order mark", path=path, remedy=_SAVE_AS_UTF8)


def _decode(path: Path, lines_before: int, chunk: bytes) -> str:
    try:
        return chunk.decode("utf-8" if lines_before else "utf-8-sig")
    except UnicodeDecodeError as error:
        line = lines_before + 1 + chunk.count(b"\r", 0, error.start)
        byte = chunk[error.start : error.start + 1]
        guess = byte.decode("cp1252", "ignore")
        hint = f"; it may be Windows-1252, in which the byte is `{guess}`" if guess and guess.isprintable() else ""
        message = f"not UTF-8 (byte 0x{byte[0]:02x})"
        raise QuestionFileError(message, path=f"{path}:{line}", remedy=_SAVE_AS_UTF8 + hint) from None
