"""Family 1xx: whatever a file holds, it gets a finding and nothing crashes."""

import pytest

from qtgen.validation.rules.example import EXAMPLE_PAGE
from support.validation import check, codes_of, example_with


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b"", "QT108"),
        (b"\x00\x01\x02binary", "QT105"),
        (b"no front matter", "QT102"),
        (b"---\nid: 1\n", "QT102"),
        (b"---\nid: 1\n---\n\xff", "QT105"),
        (EXAMPLE_PAGE.replace("\n", "\r\n").encode(), "QT105"),
        (b"\xef\xbb\xbf" + EXAMPLE_PAGE.encode(), "QT105"),
        (example_with("Osmosis moves", "Osmosis\x00moves"), "QT105"),
        (example_with("id: 7", "id: 7\nid: 8"), "QT103"),
        (example_with("author: QuickTakes", "author: !!python/object:os.system ls"), "QT104"),
        (example_with("author: QuickTakes", "author: *x"), "QT104"),
        (example_with("author: QuickTakes", "<<: {a: 1}"), "QT104"),
        (b"---\na: &a [x]\nb: &b [*a,*a,*a,*a]\nc: [*b,*b,*b]\n---\n", "QT104"),
        (b"---\na: " + b"[" * 10_000 + b"]" * 10_000 + b"\n---\n", "QT101"),
        (b"---\n" + b"{a: " * 10_000 + b"}" * 10_000 + b"\n---\n", "QT101"),
        (b"---\n- a\n- b\n---\n", "QT101"),
        (b"---\nid: 1\n--- x\nid: 2\n---\n", "QT101"),
        (b"---\nid: " + b"9" * 5_000 + b"\n---\n", "QT101"),
        (b"---\nt: 2024-13-45 25:61:61\n---\n", "QT101"),
        (b"x" * 1_100_000, "QT107"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_file_that_is_not_a_page_gets_a_finding(raw: bytes, code: str) -> None:
    assert code in codes_of(raw)


def test_a_page_that_is_not_read_to_its_end_gets_no_findings_about_missing_fields() -> None:
    assert set(codes_of(example_with("author: QuickTakes", "author: &a QuickTakes"))) == {"QT104"}


def test_only_a_byte_order_mark_at_the_start_has_a_fix() -> None:
    inside = [found for found in check(example_with("Osmosis moves", "Osmosis \ufeffmoves")) if found.code == "QT105"]
    assert [found.fixable for found in inside] == [False]


@pytest.mark.parametrize(
    ("body", "remedy"),
    [("\n\n&nbsp;\n", "remove the white space around it"), ("\nMore text.\n", "move any other text into `answer`")],
)
def test_an_unexpected_body_names_its_remedy(body: str, remedy: str) -> None:
    (finding,) = check(example_with("\n\n&nbsp;", f"\n{body}"))
    assert (finding.code, finding.message.partition("; ")[2]) == ("QT106", remedy)
