"""Texts that are no question, and the marks of lists before one."""

import pytest

from qtgen.generation.question_text import placeholder_fault, title_fault, without_list_mark

_ERRORS = "#REF! #NAME? #N/A #VALUE! #DIV/0! #NULL! #NUM! #SPILL! #BEZUG! #ÜBERLAUF! #NV #### Err:502 #¡REF! #¿NOMBRE? #ССЫЛКА! #Н/Д #I/T #NÁZEV?"
_EMPTY = "N/A n/a NA nan NaN null NULL None <NA> NaT"
_VALUES = "TRUE False 2026-01-31 2026-01-31T05:06 05:06:00"
_FORMULAS = '=A1&B1 ="x" =SUM(A1) =-1'


@pytest.mark.parametrize("text", f"{_ERRORS} {_EMPTY} {_FORMULAS} {_VALUES}".split())
def test_what_a_spreadsheet_writes_without_a_text_is_a_fault(text: str) -> None:
    fault = placeholder_fault(f" {text} ")
    assert fault
    assert f"`{text}`" in fault
    assert title_fault(text) == fault


@pytest.mark.parametrize("text", ["#VALEUR !", "#NOM\u00a0?", "2026-01-31 05:06:00"])
def test_such_texts_may_have_a_space(text: str) -> None:
    assert title_fault(text) == placeholder_fault(text) is not None


@pytest.mark.parametrize(
    "text",
    [
        "What is #REF! in Excel?",
        "#Why?",
        "2026-01-31 was what?",
        "True?",
        "What is NaN?",
        "What does null mean?",
        "Who is Nan Goldin?",
        "#hashtag",
        "= is what?",
        "Nat?",
        "What is 2 + 2?",
        "Biology",
        "C#",
        "1984",
        "",
        "Na",
        "=",
    ],
)
def test_texts_with_such_words_have_no_fault(text: str) -> None:
    assert placeholder_fault(text) is None
    assert title_fault(text) is None


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("<b>What</b> is osmosis?", "contains HTML (`<b>`); write plain text"),
        ("What is H<sub>2</sub>O?", "contains HTML (`<sub>`); write plain text"),
        ("What is<br>rain?", "contains HTML (`<br>`); write plain text"),
        ('<p class="x">What is rain?</p>', 'contains HTML (`<p class="x">`); write plain text'),
        ("&quot;What&quot; is rain?", 'contains the HTML entity `&quot;`; write the character itself (`"`)'),
        ("What is AT&amp;T?", "contains the HTML entity `&amp;`; write the character itself (`&`)"),
        ("What is&nbsp;rain?", "contains the HTML entity `&nbsp;`; write the character itself (`·`)"),
        ("What is caf&#233;?", "contains the HTML entity `&#233;`; write the character itself (`é`)"),
        ("What is a caf\ufffd?", "contains U+FFFD replacement character; write the character that was lost"),
    ],
)
def test_markup_and_lost_characters_are_faults_of_a_title(text: str, fault: str) -> None:
    assert title_fault(text) == fault


@pytest.mark.parametrize(
    "text",
    [
        "What does the <p> tag do?",
        "What is the difference between <b> and <strong>?",
        "What does `<br>` do?",
        "What is &nbsp; in HTML?",
        "Which entity is &amp;?",
        "What is R&D?",
        "Is a < b or b > a?",
        "What is AT&T; and why?",
    ],
)
def test_a_question_may_be_about_markup(text: str) -> None:
    assert title_fault(text) is None


@pytest.mark.parametrize(
    "mark",
    [
        "1. ",
        "12) ",
        "(3) ",
        "a) ",
        "- ",
        "* ",
        "• ",
        "– ",
        "# ",
        "### ",
        "- [ ] ",
        "- 1. ",
        "# 2) ",
        "1.\t",
        "[x] ",
        "1.) ",
        "1.2. ",
        "(1.2) ",
        "③ ",
        "12.",
        "3)",
    ],
)
def test_the_mark_of_a_list_is_no_part_of_a_question(mark: str) -> None:
    assert without_list_mark(f" {mark}What is rain?\n") == "What is rain?"


@pytest.mark.parametrize(
    "text",
    [
        "-5 is what?",
        "1.5 is what?",
        "1.1 What is it?",
        "1.DNA is what?",
        "1.e4 is what?",
        "#hashtag",
        "A question",
        "1984 was what?",
        "I. Newton was who?",
        "*x*",
        "3D?",
    ],
)
def test_other_beginnings_are_kept(text: str) -> None:
    assert without_list_mark(text) == text


@pytest.mark.parametrize("text", ["1.", "-", "- [ ]", "#", "2)"])
def test_a_mark_alone_is_empty(text: str) -> None:
    assert without_list_mark(text) == ""


@pytest.mark.parametrize("part", ["1. ", "- ", "# ", "<b ", "&amp", "=A", "#", "<b>", "[x] "])
def test_a_long_text_takes_linear_time(part: str) -> None:
    without_list_mark(part * 50_000)
    title_fault(part * 50_000)
