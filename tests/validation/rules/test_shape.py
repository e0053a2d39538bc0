"""Family 2xx: the position of each finding is where an editor would put the cursor."""

import pytest

from qtgen.validation.rules.example import EXAMPLE_PAGE
from support.validation import check, example_with

_DESCRIPTION = (
    "  page_description: >-\n    Osmosis is the passage of water through a membrane towards the side that holds more "
    "solute.\n"
)


@pytest.mark.parametrize(
    ("old", "new", "positions"),
    [
        ("author: QuickTakes\n", "", [("QT201", 17, 1)]),
        ("url: /learn/biology/questions/what-is-osmosis\nscore: -1.0\n", "", [("QT201", 24, 1)]),
        (_DESCRIPTION, "", [("QT201", 11, 1)]),
        ("auth", "awth", [("QT202", 17, 1), ("QT201", 18, 1)]),
        ("  title: QuickTakes | Biology", "  titel: QuickTakes | Biology", [("QT201", 11, 1), ("QT202", 12, 3)]),
        ("date: 2026-01-31", "date: '2026-01-31'", [("QT203", 4, 7)]),
        ("date: 2026-01-31", "date: 2026-02-30", [("QT205", 4, 7)]),
        ("id: 7\n", "id:\n", [("QT203", 3, 4)]),
        ("score: -1.0", "score: 1.5", [("QT205", 25, 8)]),
        ("score: -1.0", "no_index: yes\nscore: -1.0", [("QT204", 25, 1), ("QT505", 25, 1)]),
        ("related_article1", "related_article6", [("QT202", 26, 1)]),
        ("author: QuickTakes", "author: [a, b]", [("QT203", 17, 9)]),
        ("seo:\n", "seo: nothing\nSEO:\n", [("QT203", 11, 1), ("QT202", 12, 1)]),
        (
            "What is osmosis?\narticle_title",
            "What is öß𝔘 osmosis: 7?\narticle_title",
            [("QT301", 8, 5), ("QT301", 19, 5), ("QT302", 23, 12), ("QT303", 24, 6)],
        ),
    ],
)
def test_positions(old: str, new: str, positions: list[tuple[str, int, int]]) -> None:
    assert [(found.code, found.line, found.column) for found in check(example_with(old, new))] == positions


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("author: QuickTakes\n", "", "`author` is missing; add it here"),
        ("page_keywords", "page_keyword", "unknown key `seo.page_keyword`; did you mean `page_keywords`?"),
        ("auth", "zzz", "unknown key `zzzor`; remove it"),
        ("related_article1", "related_article6", "unknown key `related_article6`; a page has at most 5 related articles, numbered from 1"),
        ("id: 7\n", "id:\n", "`id` must be a whole number, not empty"),
        ("score: -1.0", "score: 7", "`score` must be -1.0 or from 0 to 1, not 7"),
        ("date: 2026-01-31", "date: 2026-02-30", "`date` must be a calendar date; 2026-02-30 does not exist"),
        ("author: QuickTakes", "author: ''", "`author` is empty; write its value"),
        ("author: QuickTakes", "author: Me", "`author` must be `QuickTakes`, not `Me`"),
    ],
)  # fmt: skip
def test_a_message_names_the_field_the_fault_and_the_remedy(old: str, new: str, message: str) -> None:
    assert message in [found.message for found in check(example_with(old, new))]


def test_keys_that_share_a_line_are_not_sorted() -> None:
    """The front matter as a flow mapping has no lines to move."""
    raw = b"---\n{id: 7, _schema: default}\n---\n\n&nbsp;"
    assert [found.fix for found in check(raw) if found.code == "QT204"] == [None]


def test_a_control_character_in_a_value_is_escaped_in_the_message() -> None:
    (finding,) = check(example_with("author: QuickTakes", 'author: "\\x1b[31m"'))
    assert finding.message == r"`author` must be `QuickTakes`, not `\x1b[31m`"


def test_a_misspelled_key_is_not_added_beside_its_misspelling() -> None:
    page = EXAMPLE_PAGE.replace("author:", "auther:").encode()
    by_code = {diagnostic.code: diagnostic for diagnostic in check(page)}
    assert by_code["QT201"].fix is None
    assert by_code["QT202"].message == "unknown key `auther`; did you mean `author`?"


def test_an_unknown_key_like_one_that_exists_is_to_be_removed() -> None:
    page = EXAMPLE_PAGE.replace("author: QuickTakes", "auther: QuickTakes\nauthor: QuickTakes").encode()
    (diagnostic,) = [diagnostic for diagnostic in check(page) if diagnostic.code == "QT202"]
    assert diagnostic.message == "unknown key `auther`; remove it, because the page has `author`"
