"""Tests of finding code and math in an answer."""

import time

import pytest

from qtgen.page.markdown import Segment, expand_line_breaks, find_segments, mask_segments, segment_at


def found(text: str) -> list[tuple[str, str, bool]]:
    return [(part.kind, text[part.start : part.end], part.closed) for part in find_segments(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a `b` c $d$ e", [("code", "`b`", True), ("math", "$d$", True)]),
        ("``a ` b``", [("code", "``a ` b``", True)]),
        (r"\`a` \$b$", []),
        ("`a\n\nb`", []),
        ("~a~ ~~b~~", []),
        ("```py\nx = 1\n```\nafter", [("fence", "```py\nx = 1\n```", True)]),
        ("~~~\na ``` b\n~~~~", [("fence", "~~~\na ``` b\n~~~~", True)]),
        ("- ```\n  x\n  ```", [("fence", "```\n  x\n  ```", True)]),
        ("```\nx", [("fence", "```\nx", False)]),
        ("text ```\nx\n```", [("fence", "```", False)]),  # a fence ends a paragraph, and the code span in it
        ("$a\n\nb$ c", []),
        ("- a $b\n- c$ d", []),
        ("# a $b\nc$ d", []),
        ("a $b\n> c$ d", []),
        ("a $b\nc$ d", [("math", "$b\nc$", True)]),
        ("$$ x\ny\n$$", [("display", "$$ x\ny\n$$", True)]),
        ("$$\ny $$ z\n\nw", [("display", "$$\ny $$ z\n\nw", False)]),
        ("1. $$\n   x\n$$\ny", [("display", "$$\n   x", False), ("display", "$$\ny", False)]),
        ("|a|b|\n|-|-|\n|$x|y$|", []),
        ("|a|b|\n|-|-|\n|$x$|y|$z$|", [("math", "$x$", True)]),
        ("    $a$\n\n$b$", [("indented", "$a$", True), ("math", "$b$", True)]),
        ("<div>$a$\n</div>\n\n$b$", [("math", "$b$", True)]),
        ('<a title="$">b</a> $c$', [("math", "$c$", True)]),
        ("[a](http://b/$c) $d$", [("math", "$d$", True)]),
        ("https://a.b/$c d $e$", [("math", "$e$", True)]),
        ("> $a\n> b$ c", [("math", "$a\n> b$", True)]),
        ("``` a ` b\n", []),
        ("$$\nx\n$$", [("display", "$$\nx\n$$", True)]),
        ("$$x$$", [("math", "$$x$$", True)]),
        ("$$\nx", [("display", "$$\nx", False)]),
        ("`$a$`", [("code", "`$a$`", True)]),
        ("", []),
    ],
)
def test_code_and_math_are_found(text: str, expected: list[tuple[str, str, bool]]) -> None:
    assert found(text) == expected


def test_the_inner_offsets_leave_the_marks_out() -> None:
    text = "a ``b`` and\n```\nc\n```"
    assert [text[slice(*part.inner)] for part in find_segments(text)] == ["b", "c"]


def test_offsets_stay_the_same_when_line_breaks_are_expanded() -> None:
    assert expand_line_breaks(r"a\nb") == "a \nb"
    assert len(expand_line_breaks(r"a\nb\\nc")) == len(r"a\nb\\nc")


def test_the_segment_at_an_offset() -> None:
    segments = find_segments("a `b` $c$")
    assert segment_at(segments, 2) == segments[0]
    assert segment_at(segments, 4) == segments[0]
    assert segment_at(segments, 5) is None
    assert segment_at(segments, 0) is None
    assert segment_at([], 3) is None


def test_masking_keeps_offsets_and_lines() -> None:
    text = "a `b`\n```\nc\n```\nd"
    masked = mask_segments(text, find_segments(text))
    assert masked == "a    \n   \n \n   \nd"
    assert mask_segments(text, [Segment("code", 0, 1, (0, 1))]) == " " + text[1:]


def test_many_marks_do_not_take_long() -> None:
    text = "`` ` " * 4_000
    started = time.process_time()
    find_segments(text)
    assert time.process_time() - started < 30, "minutes if the paragraph's end is searched for each mark"
