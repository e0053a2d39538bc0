"""Links from a report to files."""

from pathlib import Path
from urllib.parse import unquote

import pytest

from qtgen._util.html.links import file_link


@pytest.mark.parametrize(
    ("path", "folder", "link"),
    [
        ("site/a.md", "", "./site/a.md"),
        ("site/a.md", "site", "./a.md"),
        ("site/a.md", "reports/today", "../../site/a.md"),
        ("/site/a.md", "/reports", "../site/a.md"),
        ("javascript:alert(1)", "", "./javascript%3Aalert%281%29"),
        ("site/100% #1?.md", "", "./site/100%25%20%231%3F.md"),
        ("site/a\udcff.md", "", "./site/a%FF.md"),
    ],
)
def test_a_link_is_relative_to_the_folder_of_the_report(path: str, folder: str, link: str) -> None:
    assert file_link(path, folder) == link


def test_a_link_leads_to_the_file(tmp_path: Path) -> None:
    page = tmp_path / "content" / "what is it?.md"
    assert (tmp_path / "out" / unquote(file_link(page, tmp_path / "out"))).resolve() == page
