"""Fixing: rounds, proofs, urls, and writing."""

import os
from pathlib import Path

import pytest

from qtgen.errors import OutputError
from qtgen.site.discovery import batches_for_paths, iter_batches
from qtgen.validation.autofix import FixedFile, fix_pages, write_fixes
from qtgen.validation.rules.example import EXAMPLE_PAGE, EXAMPLE_PATH, NEIGHBOUR_PAGE, NEIGHBOUR_PATH
from qtgen.validation.run import ValidationOptions
from support.validation import ALL_RULES, write_example_site

BROKEN = (
    EXAMPLE_PAGE.replace("Osmosis moves", r"Where \( a \neq b \), osmosis moves")
    .replace("osmosis, membrane", "osmosis,membrane")
    .replace("author: QuickTakes\n", "")
)


def fixed(*, unsafe: bool = False, **pages: str) -> dict[str, FixedFile]:
    overlay = {EXAMPLE_PATH: pages.get("page", EXAMPLE_PAGE).encode()}
    overlay[NEIGHBOUR_PATH] = pages.get("neighbour", NEIGHBOUR_PAGE).encode()
    options = ValidationOptions(ALL_RULES, overlay=overlay)
    return {file.path: file for file in fix_pages(batches_for_paths(overlay), options, unsafe=unsafe)}


def test_all_safe_fixes_of_a_page_are_applied_and_no_other_line_changes() -> None:
    file = fixed(page=BROKEN)[EXAMPLE_PATH]
    assert file.fixes == 4
    assert r"Where $a ≠ b$, osmosis moves" in file.after.decode()
    assert file.after.decode().replace(r"Where $a ≠ b$, osmosis moves", "Osmosis moves") == EXAMPLE_PAGE


def test_unsafe_fixes_are_applied_only_on_request() -> None:
    dangling = EXAMPLE_PAGE.replace("questions/what-is-diffusion", "questions/what-is-confusion")
    assert fixed(page=dangling) == {}
    assert b"related_article1" not in fixed(page=dangling, unsafe=True)[EXAMPLE_PATH].after


def test_a_wrong_url_is_fixed_before_the_link_to_the_right_one_is_removed() -> None:
    moved = NEIGHBOUR_PAGE.replace("\nurl: /learn/biology/questions/what-is-diffusion", "\nurl: /wrong")
    files = fixed(neighbour=moved, unsafe=True)
    assert list(files) == [NEIGHBOUR_PATH]
    assert files[NEIGHBOUR_PATH].after == NEIGHBOUR_PAGE.encode()


def test_a_url_that_another_page_has_is_not_written() -> None:
    page = EXAMPLE_PAGE.replace("osmosis", "diffusion").replace("Osmosis", "Diffusion")
    page = page.replace("\nurl: /learn/biology/questions/what-is-diffusion", "\nurl: /other")
    options = ValidationOptions(
        ALL_RULES, overlay={"a/biology/what-is-diffusion.md": page.encode(), NEIGHBOUR_PATH: NEIGHBOUR_PAGE.encode()}
    )
    files = fix_pages(batches_for_paths(options.overlay), options, unsafe=True)
    assert all(b"\nurl: /other\n" in file.after for file in files if file.path.startswith("a/"))


def test_two_pages_are_not_given_the_same_url() -> None:
    page = EXAMPLE_PAGE.replace("\nurl: /learn/biology/questions/what-is-osmosis", "\nurl: /{}")
    overlay = {f"{name}/biology/what-is-osmosis.md": page.format(name).encode() for name in "ab"}
    files = list(fix_pages(batches_for_paths(overlay), ValidationOptions(ALL_RULES, overlay=overlay), unsafe=True))
    urls = [line for file in files for line in file.after.decode().splitlines() if line.startswith("url: /learn")]
    assert len(urls) == 1


def test_a_page_that_is_not_utf_8_is_not_written() -> None:
    raw = EXAMPLE_PAGE.replace("solute", "solut\u00e9").encode("latin-1")
    options = ValidationOptions(ALL_RULES, overlay={EXAMPLE_PATH: raw})
    assert list(fix_pages(batches_for_paths([EXAMPLE_PATH]), options, unsafe=True)) == []


def test_fixed_pages_keep_their_mode() -> None:
    write_example_site()
    Path(EXAMPLE_PATH).write_text(BROKEN)
    Path(EXAMPLE_PATH).chmod(0o640)
    files = list(fix_pages(list(iter_batches([Path("outputs")])), ValidationOptions(ALL_RULES)))
    assert [file.error for file in write_fixes(files)] == [None]
    assert Path(EXAMPLE_PATH).stat().st_mode & 0o777 == 0o640
    assert Path(EXAMPLE_PATH).read_bytes() == files[0].after


def test_a_page_that_changed_in_the_meantime_is_left_alone_and_the_others_are_written() -> None:
    write_example_site()
    before = EXAMPLE_PAGE.encode()
    files = [
        FixedFile(EXAMPLE_PATH, b"older", b"new", 1),
        FixedFile(NEIGHBOUR_PATH, NEIGHBOUR_PAGE.encode(), b"new", 1),
    ]
    first, second = write_fixes(files)
    assert isinstance(first.error, OutputError)
    assert Path(EXAMPLE_PATH).read_bytes() == before
    assert second.error is None
    assert Path(NEIGHBOUR_PATH).read_bytes() == b"new"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written_is_an_error_of_its_page() -> None:
    write_example_site()
    Path(EXAMPLE_PATH).parent.chmod(0o500)
    (file,) = write_fixes([FixedFile(EXAMPLE_PATH, EXAMPLE_PAGE.encode(), b"new", 1)])
    Path(EXAMPLE_PATH).parent.chmod(0o700)
    assert file.error is not None
