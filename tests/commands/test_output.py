"""What commands print in the same way."""

from qtgen.commands._output import diff_lines


def test_a_diff_marks_a_missing_newline_at_the_end_of_a_file() -> None:
    assert list(diff_lines("a.md", "same\nold", "same\nnew\n")) == [
        "--- a.md",
        "+++ a.md",
        "@@ -1,2 +1,2 @@",
        " same",
        "-old",
        "\\ No newline at end of file",
        "+new",
    ]


def test_equal_texts_have_no_diff() -> None:
    assert list(diff_lines("a.md", "same", "same")) == []
