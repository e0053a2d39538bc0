"""The preview of a page: question, description, and the first point or paragraph."""

from pathlib import Path

import pytest

from qtgen.commands._preview import preview
from qtgen.page.profile import default_profile
from support.pages import make_page

ANSWER = "Osmosis moves water.\\n\\n1. **Gradient**: Water moves.\\n\\n2. **Membrane**: It holds the solute back."


@pytest.mark.parametrize(
    ("answer", "opening"),
    [
        (ANSWER, "1. Gradient: Water moves."),
        (ANSWER.replace("1. ", "- ").replace("2. ", "- "), "- Gradient: Water moves."),
        ("Osmosis moves water.\\n\\nIt stops.", "Osmosis moves water."),
    ],
)
def test_a_page_is_shown_by_its_first_point(tmp_path: Path, answer: str, opening: str) -> None:
    path = tmp_path / "osmosis.md"
    path.write_text(make_page(answer=answer).text)
    question, *lines = preview(str(path), default_profile())
    assert "osmosis" in question
    assert [line.strip() for line in lines[-2:]] == [opening, str(path)]
    assert all(line.startswith("  ") for line in lines)


def test_long_lines_are_wrapped(tmp_path: Path) -> None:
    path = tmp_path / "osmosis.md"
    path.write_text(make_page(answer="Water moves on. " * 40).text)
    assert all(len(line) <= 100 for line in preview(str(path), default_profile())[1:-1])
