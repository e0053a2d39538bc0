"""Tags: whether a sentence speaks of one."""

import pytest

from qtgen.page.tags import encloses, is_named, is_spoken_of


@pytest.mark.parametrize(
    ("text", "spoken_of", "named"),
    [
        ("Use the <b> tag", True, True),
        ("Use <b> for bold", True, False),
        ("It is called <b>.", True, True),
        ("Water.<b> It moves", False, False),
        ("Water. <b> It moves", False, False),
        ("<b>", True, False),
        ("<b> tokens", True, True),
    ],
)
def test_a_tag_in_a_sentence(text: str, spoken_of: bool, named: bool) -> None:
    start = text.index("<b>")
    assert is_spoken_of(text, start, start + 3) is spoken_of
    assert is_named(text, start, start + 3) is named


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("<b>Water</b>", True),
        ("<b> and </b>", False),
        ("<b> elements hold text and </b>", False),
        ("<b>x</b> tags", False),
    ],
)
def test_tags_enclose_a_text(text: str, expected: bool) -> None:
    end = text.index("</b>")
    assert encloses(text, (0, 3), (end, end + 4)) is expected
