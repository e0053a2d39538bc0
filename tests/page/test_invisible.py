"""Characters that readers do not see: which ones are found, and which ones belong where they are."""

import pytest

from qtgen.page.invisible import Visibility, code_point, differing_characters, find_invisible, normalize


def found(text: str) -> list[tuple[int, str]]:
    return [(place.offset, place.kind.name) for place in find_invisible(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("os\u200bmosis", [(2, "HIDDEN")]),
        ("os\u2060mo\u2060sis", [(2, "HIDDEN"), (5, "HIDDEN")]),
        ("osmo\u00adsis", [(4, "HIDDEN")]),
        ("os\ufeffmosis", [(2, "HIDDEN")]),
        ("a\u200d b", [(1, "HIDDEN")]),
        ("os\u200cmosis", [(2, "HIDDEN")]),
        ("f\u2061(x)", [(1, "HIDDEN")]),
        ("a\ufe0f", [(1, "HIDDEN")]),
        ("\ufe0f text", [(0, "HIDDEN")]),
        ("hi\U000e0068\U000e0069", [(2, "HIDDEN"), (3, "HIDDEN")]),
        ("\u3164", [(0, "HIDDEN")]),
        ("an \u202eevil\u202c text", [(3, "DIRECTION"), (8, "DIRECTION")]),
        ("\u2066osmosis\u2069", [(0, "DIRECTION"), (8, "DIRECTION")]),
        ("osmosis\u200e", [(7, "DIRECTION")]),
        ("\u05e9\u05dc\u05d5\u05dd \u202eabc", [(5, "DIRECTION")]),
        ("a lost \ufffd", [(7, "LOST")]),
        ("an object \ufffc", [(10, "LOST")]),
    ],
)
def test_what_does_not_belong_is_found(text: str, expected: list[tuple[int, str]]) -> None:
    assert found(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "What is osmosis?",
        "caf\u00e9, \u4e2d\u6587, \u00a0, \u2026",
        "\U0001f469\u200d\U0001f52c and \u2764\ufe0f and 1\ufe0f\u20e3",
        "\U0001f3f4\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f",
        "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",
        "\u0915\u094d\u200d\u0937",
        "\u05e9\u05dc\u05d5\u05dd\u200f (x), \u2066a\u2069",
        "\u0e44\u0e17\u0e22\u200b\u0e44\u0e17\u0e22",
        "poly\u00adoxy\u00adbenzyl\u00admethylene\u00adglycol",
        "\uac00\u3164",
        "\u8fba\U000e0101",
    ],
)
def test_what_scripts_and_emoji_need_is_not_found(text: str) -> None:
    assert found(text) == []
    assert normalize(text) == " ".join(text.split())


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("What is a cafe\u0301 table?", "What is a caf\u00e9 table?"),
        ("What is zero\u200b width\u2060?", "What is zero width?"),
        ("\u202eWhat\u202c  is\u00a0rain?\u3000", "What is rain?"),
        ("a lost \ufffd", "a lost \ufffd"),
        ("What\tis\n rain?", "What is rain?"),
    ],
)
def test_texts_that_look_equal_become_equal_strings(text: str, expected: str) -> None:
    assert normalize(text) == expected
    assert normalize(expected) == expected


def test_code_points_show_what_cannot_be_seen() -> None:
    assert code_point("\u200b") == "U+200B zero width space"
    assert code_point("\U000e0001") == "U+E0001 language tag"
    assert differing_characters("cafe\u0301s", "caf\u00e9s") == ("U+0065 U+0301", "U+00E9")
    assert differing_characters("a\u200bb", "ab") == ("U+200B", "nothing")


@pytest.mark.parametrize("part", ["\u200b", "\u00ad", "a\u00ad", "\u200d", "\u202e", "\U000e0041", "\ufffd", "\ufe0f"])
def test_many_invisible_characters_take_linear_time(part: str) -> None:
    text = part * 100_000
    assert sum(1 for _ in find_invisible(text)) >= 0
    assert {place.kind for place in find_invisible(text)} <= {*Visibility}
    normalize(text)
