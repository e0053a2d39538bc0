"""Family 3xx: the title, the subject, and the names that derive from them."""

import pytest

from qtgen.validation.diagnostics import Diagnostic
from qtgen.validation.rules.example import EXAMPLE_PAGE, EXAMPLE_PATH
from support.validation import check, example_with


def finding(raw: bytes, code: str, path: str = EXAMPLE_PATH) -> Diagnostic:
    (only,) = [found for found in check(raw, path) if found.code == code]
    return only


@pytest.mark.parametrize(
    ("old", "new", "code", "message"),
    [
        (
            "question: >-\n    What is osmosis?",
            "question: >-\n    What's osmosis?",
            "QT301",
            "`question` differs from `title`; both must be the question",
        ),
        (
            "file_name: what-is-osmosis.md",
            "file_name: x.md",
            "QT302",
            "`file_name` must be `what-is-osmosis.md`, the slug of `title`",
        ),
        (
            "\nurl: /learn/biology/questions/what-is-osmosis",
            "\nurl: /x",
            "QT303",
            "`url` must be `/learn/biology/questions/what-is-osmosis`, from `subject` and `title`",
        ),
        (
            "title: QuickTakes | Biology",
            "title: Biology",
            "QT305",
            "`seo.title` must be `QuickTakes | Biology`, from `subject`",
        ),
    ],
)
def test_a_message_names_the_value_that_is_expected(old: str, new: str, code: str, message: str) -> None:
    assert finding(example_with(old, new), code).message == message


def test_a_file_with_another_name_is_to_be_renamed_and_has_no_fix() -> None:
    found = finding(EXAMPLE_PAGE.encode(), "QT302", "outputs/biology/other.md")
    assert found.message == "the file is named `other.md`; rename it to `what-is-osmosis.md`, the slug of `title`"
    assert not found.fixable


def test_a_file_in_another_folder_names_both_folders() -> None:
    found = finding(EXAMPLE_PAGE.encode(), "QT304", "outputs/physics/what-is-osmosis.md")
    assert found.message == "the file is in folder `physics`; its `subject` belongs in folder `biology`"


@pytest.mark.parametrize(("path", "fixable"), [(EXAMPLE_PATH, True), ("outputs/biology/whats-osmosis.md", False)])
def test_the_title_is_copied_only_if_the_file_is_named_by_it(path: str, fixable: bool) -> None:
    raw = example_with("question: >-\n    What is osmosis?", "question: >-\n    What's osmosis?")
    assert finding(raw, "QT301", path).fixable is fixable


def test_a_file_name_is_fixed_only_if_the_file_has_it_already() -> None:
    raw = example_with("file_name: what-is-osmosis.md", "file_name: x.md")
    assert finding(raw, "QT302").fixable
    assert not finding(raw, "QT302", "outputs/biology/x.md").fixable


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("site/biology/aux.md", "the file is named `aux.md`, which is the name of a device"),
        ("site/biology/Com1.md", "the file is named `Com1.md`, which is the name of a device"),
        ("site/biology/nul.notes.md", "the file is named `nul.notes.md`, which is the name of a device"),
        ("site/biology/what is x?.md", "the file is named `what is x?.md`, which contains `?`"),
        ("site/biology/a\\b.md", "the file is named `a\\b.md`, which contains `\\`"),
        ("site/biology/a\x07.md", "the file is named `a\\x07.md`, which contains `\\x07`"),
        ("site/lpt9/x.md", "its folder is named `lpt9`, which is the name of a device"),
        ("site/biology./x.md", "its folder is named `biology.`, which ends in a dot or a space"),
        ("site/biology /x.md", "its folder is named `biology `, which ends in a dot or a space"),
    ],
)
def test_names_that_windows_cannot_have(path: str, message: str) -> None:
    found = finding(EXAMPLE_PAGE.encode(), "QT306", path)
    assert found.message == f"{message}, so it cannot exist on Windows; choose another name"
    assert found.severity == "error"


@pytest.mark.parametrize(
    "path",
    ["site/biology/console.md", "site/biology/com10.md", "site/biology/con-artist.md", "site/null/x.md", "x.md",
     "../x.md", "./x.md", "site/biology/what-is-a-con.md", "site/biology/.md", "site/biology/ä b.md"],
)  # fmt: skip
def test_names_that_windows_can_have(path: str) -> None:
    assert not [found for found in check(EXAMPLE_PAGE.encode(), path) if found.code == "QT306"]
