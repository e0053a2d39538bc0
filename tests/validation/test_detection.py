"""Telling pages from other markdown files."""

from pathlib import Path

import pytest

from qtgen.page.profile import default_profile, load_profile
from qtgen.site.discovery import iter_batches
from qtgen.validation.detection import PageFilter, looks_like_page
from qtgen.validation.rules.example import EXAMPLE_PAGE, EXAMPLE_PATH
from support.validation import write_example_site, write_page

PROFILE = default_profile()
WORKSHOP = Path(__file__).parents[1] / "fixtures" / "sites" / "workshop" / "site.toml"
README = "# qtgen\n\nAn example of a page:\n\n```yaml\n" + EXAMPLE_PAGE + "\n```\n"
BLOG_POST = "---\ntitle: Hello\ndate: 2026-01-31\nauthor: Me\nurl: /hello\n---\n\nanswer: none\n"

PAGES = {
    "valid": EXAMPLE_PAGE,
    "without opening": EXAMPLE_PAGE.removeprefix("---\n"),
    "without closing": EXAMPLE_PAGE.replace("\n---\n", "\n"),
    "without schema": EXAMPLE_PAGE.replace("_schema: default\n", ""),
    "byte-order mark": "\ufeff" + EXAMPLE_PAGE,
    "carriage returns": EXAMPLE_PAGE.replace("\n", "\r\n"),
    "only a schema": "---\n_schema: default\n---\n",
}
OTHERS = {
    "empty": "",
    "prose": "# Title\n\nText.\n",
    "a page in a code block": README,
    "blog post": BLOG_POST,
    "a rule and keys": "---\n\nSome text.\n\n_schema\n---\n",
    "a note": "Note: this is text.\n",
}


@pytest.mark.parametrize("text", PAGES.values(), ids=PAGES)
def test_pages_are_recognized_even_if_they_are_invalid(text: str) -> None:
    assert looks_like_page(text.encode(), PROFILE)


@pytest.mark.parametrize("text", OTHERS.values(), ids=OTHERS)
def test_other_markdown_is_not_a_page(text: str) -> None:
    assert not looks_like_page(text.encode(), PROFILE)


def test_binary_content_is_not_a_page() -> None:
    assert not looks_like_page(bytes(range(256)), PROFILE)


def test_other_files_are_left_out_and_counted() -> None:
    write_example_site()
    write_page("outputs/README.md", README)
    write_page("outputs/biology/x.md", BLOG_POST)
    page_filter = PageFilter(PROFILE)
    paths = [path for batch in page_filter(iter_batches([Path("outputs")])) for path in batch.paths()]
    assert EXAMPLE_PATH in paths
    assert len(paths) == 2
    assert page_filter.skipped == 2


def test_a_file_that_cannot_be_read_is_kept_so_that_it_is_reported() -> None:
    write_example_site()
    Path("outputs/biology/gone.md").symlink_to("nowhere")
    paths = [path for batch in PageFilter(PROFILE)(iter_batches([Path("outputs")])) for path in batch.paths()]
    assert "outputs/biology/gone.md" in paths


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("title: A\npermalink: /engines/a/\nsummary: B\ntopic: Engines\npublished: 2026-01-31\n", True),
        ("title: A\npermalink: /a/\nsummary: B\n", False),
        ("_schema: default\n", False),
    ],
)
def test_pages_of_another_site_are_recognized_by_its_keys(text: str, expected: bool) -> None:
    assert looks_like_page(f"---\n{text}---\n\nText.\n".encode(), load_profile(WORKSHOP)) is expected
