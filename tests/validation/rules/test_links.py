"""Family 4xx: findings between pages, and the links that their fixes leave."""

import pytest

from qtgen.page.profile import default_profile
from qtgen.site.discovery import batches_for_paths
from qtgen.validation.autofix import fix_pages
from qtgen.validation.diagnostics import Diagnostic
from qtgen.validation.rules import REGISTRY
from qtgen.validation.rules.example import EXAMPLE_PAGE, EXAMPLE_PATH, NEIGHBOUR_PAGE, NEIGHBOUR_PATH
from qtgen.validation.run import ValidationOptions
from support.default_tables import read
from support.validation import ALL_RULES, run_options

_LINK = EXAMPLE_PAGE[EXAMPLE_PAGE.index("related_article1") : EXAMPLE_PAGE.rindex("---")]
_THIRD_PATH = "outputs/biology/what-is-pressure.md"
_THIRD_PAGE = EXAMPLE_PAGE.replace("osmosis", "pressure").replace("Osmosis", "Pressure").replace("id: 7", "id: 9")
_THIRD_LINK = _LINK.replace("diffusion", "pressure").replace("id: 8", "id: 9")


def site(page: str, neighbour: str = NEIGHBOUR_PAGE) -> dict[str, bytes]:
    pages = {EXAMPLE_PATH: page, NEIGHBOUR_PATH: neighbour, _THIRD_PATH: _THIRD_PAGE}
    return {path: text.encode() for path, text in pages.items()}


def findings(pages: dict[str, bytes]) -> list[Diagnostic]:
    found = run_options(
        batches_for_paths(sorted(pages)), ValidationOptions(ALL_RULES, overlay=pages, profile=default_profile())
    )
    return [diagnostic for diagnostic in found if diagnostic.code not in ("QT409", "QT410")]


def with_links(*links: str) -> str:
    numbered = (link.replace("related_article1", f"related_article{number}") for number, link in enumerate(links, 1))
    return EXAMPLE_PAGE.replace(_LINK, "".join(numbered))


def links_after_fixes(page: str, *, unsafe: bool) -> list[object]:
    pages = site(page)
    options = ValidationOptions(ALL_RULES, overlay=pages, profile=default_profile())
    fixed = {file.path: file.after for file in fix_pages(batches_for_paths(sorted(pages)), options, unsafe=unsafe)}
    values = read(fixed.get(EXAMPLE_PATH, pages[EXAMPLE_PATH])).values
    return [values.get(f"related_article{number}.id") for number in range(1, 4)]


@pytest.mark.parametrize(
    ("page", "code", "field", "message"),
    [
        (with_links(_LINK.replace("id: 8", "id: 5")), "QT404", "related_article1.id", "`id` differs from the target's"),
        (with_links(_LINK.replace("What is", "What was")), "QT405", "related_article1.title", "`title` or `subject` differs"),
        (with_links(_THIRD_LINK, _LINK, _THIRD_LINK), "QT408", "related_article3.url", "an earlier related article has the same `url`"),
        (with_links(_LINK.replace("/what-is", "/who-is")), "QT403", "related_article1.url", "no page has this `url`"),
        (EXAMPLE_PAGE.replace("\nid: 7\n", "\nid: 8\n", 1), "QT402", "id", "2 pages have this `id`"),
    ],
)  # fmt: skip
def test_a_finding_names_the_field_of_the_link(page: str, code: str, field: str, message: str) -> None:
    found = [diagnostic for diagnostic in findings(site(page)) if diagnostic.path == EXAMPLE_PATH]
    assert (code, field) in [(diagnostic.code, diagnostic.field) for diagnostic in found]
    assert any(diagnostic.message.startswith(message) for diagnostic in found)


def test_every_page_with_a_shared_url_is_reported() -> None:
    pages = site(EXAMPLE_PAGE) | {"outputs/physics/copy.md": EXAMPLE_PAGE.encode()}
    assert [diagnostic.path for diagnostic in findings(pages) if diagnostic.code == "QT401"] == [
        EXAMPLE_PATH,
        "outputs/physics/copy.md",
    ]


def test_a_repeated_link_is_removed_and_the_others_move_up() -> None:
    assert links_after_fixes(with_links(_LINK, _LINK, _THIRD_LINK), unsafe=False) == [8, 9, None]


def test_a_dangling_link_is_removed_only_by_unsafe_fixes() -> None:
    page = with_links(_LINK.replace("/what-is", "/who-is"), _THIRD_LINK)
    assert links_after_fixes(page, unsafe=False) == [8, 9, None]
    assert links_after_fixes(page, unsafe=True) == [9, None, None]


def test_a_link_gets_the_id_the_title_and_the_subject_of_its_target() -> None:
    page = with_links(_LINK.replace("id: 8", "id: 5").replace("What is", "What was"))
    pages = site(page)
    options = ValidationOptions(ALL_RULES, overlay=pages, profile=default_profile())
    (file,) = [file for file in fix_pages(batches_for_paths(sorted(pages)), options) if file.path == EXAMPLE_PATH]
    assert file.after == EXAMPLE_PAGE.encode()


def test_a_link_to_itself_does_not_save_a_page_from_being_an_orphan() -> None:
    own = _LINK.replace("diffusion", "osmosis").replace("id: 8", "id: 7")
    pages = site(with_links(own), NEIGHBOUR_PAGE[: NEIGHBOUR_PAGE.index("related_article1")] + "---\n\n&nbsp;")
    orphans = [found.path for found in run_options(batches_for_paths(sorted(pages)), ValidationOptions(ALL_RULES, overlay=pages, profile=default_profile())) if found.code == "QT409"]  # fmt: skip
    assert EXAMPLE_PATH in orphans


def test_files_and_folders_that_differ_only_in_case() -> None:
    copy = EXAMPLE_PAGE.encode()
    pages = {
        "Site/biology/What-is-osmosis.md": copy,
        "Site/biology/what-is-osmosis.md": copy,
        "site/physics/a.md": copy,
        "site/physics/b.md": copy,
        "other/biology/What-is-osmosis.md": copy,
    }
    found = [(d.path, d.line, d.message) for d in findings(pages) if d.code == "QT411"]
    line = EXAMPLE_PAGE.split("\n").index("file_name: what-is-osmosis.md") + 1
    first, second = list(pages)[:2]
    assert found == [
        (first, line, "the name of the file differs from `what-is-osmosis.md` only in case; rename one of them"),
        (first, line, "the folder `Site/` differs from `site/` only in case; rename one of them"),
        (second, line, "the name of the file differs from `What-is-osmosis.md` only in case; rename one of them"),
        ("site/physics/a.md", line, "the folder `site/` differs from `Site/` only in case; rename one of them"),
    ]


@pytest.mark.parametrize(
    ("here", "there", "difference"),
    [
        ("What is a cafe\u0301?", "What is a caf\u00e9?", "it has U+0065 U+0301 where the target has U+00E9"),
        ("What is osmo\u200bsis?", "What is osmosis?", "it has U+200B where the target has nothing"),
        ("What is a gas?", "What is\u00a0a gas?", "it has U+0020 where the target has U+00A0"),
    ],
)
@pytest.mark.parametrize("fixes", [False, True])
def test_titles_that_look_the_same_are_told_apart_by_code_points(
    here: str, there: str, difference: str, *, fixes: bool
) -> None:
    pages = site(
        EXAMPLE_PAGE.replace("        What is diffusion?", f"        {here}"),
        NEIGHBOUR_PAGE.replace("    What is diffusion?", f"    {there}"),
    )
    options = ValidationOptions([REGISTRY["QT405"]], overlay=pages, fixes=fixes, profile=default_profile())
    (found,) = [
        diagnostic
        for diagnostic in run_options(batches_for_paths(sorted(pages)), options)
        if diagnostic.path == EXAMPLE_PATH
    ]
    assert found.message == f"`title` looks like the target's, but differs: {difference}; copy it from the target"
    assert (found.line, found.field) == (29, "related_article1.title")
