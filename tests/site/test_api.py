"""The public function that reads one page."""

from pathlib import Path

import pytest

import qtgen
from qtgen.errors import UsageError
from qtgen.validation.rules.example import EXAMPLE_PAGE


@pytest.mark.parametrize("kind", [str, Path])
def test_a_page_is_read_from_a_path(tmp_path: Path, kind: type) -> None:
    file = tmp_path / "page.md"
    file.write_text(EXAMPLE_PAGE, encoding="utf-8")
    page = qtgen.read_page(kind(file))
    assert page.text_of("title") == "What is osmosis?"
    assert page.problems == ()


def test_a_text_that_is_no_page_has_problems(tmp_path: Path) -> None:
    file = tmp_path / "page.md"
    file.write_text("no front matter", encoding="utf-8")
    assert [problem.kind for problem in qtgen.read_page(file).problems] == ["missing-front-matter"]


@pytest.mark.parametrize("name", ["missing.md", "."])
def test_a_file_that_cannot_be_read_raises(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError) as caught:
        qtgen.read_page(tmp_path / name)
    assert caught.value.path == tmp_path / name
