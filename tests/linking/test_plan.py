"""Plans over small sites on disk; nothing is written."""

from pathlib import Path

import pytest

from qtgen.linking.apply import write_edits
from qtgen.linking.edits import LinkEdit
from qtgen.linking.plan import LinkOptions, LinkPlan, plan_links
from qtgen.page import default_profile
from qtgen.site.discovery import iter_batches
from support.sites import (
    change_page,
    current,
    embed_words,
    link_fields,
    linked_urls,
    make_page,
    random_site,
    url_of,
    write_pages,
)


def plan_for(*paths: str, corpus: str | None = None, relink: bool = False) -> LinkPlan:
    options = LinkOptions(embed_words, default_profile(), Path(corpus) if corpus else None, relink)
    return plan_links(iter_batches(map(Path, paths)), options)


def by_path(edits: list[LinkEdit]) -> dict[str, dict[str, object]]:
    return {edit.path: dict(edit.changes) for edit in edits}


def test_planning_writes_nothing() -> None:
    pages = random_site(12)
    assert list(plan_for("site").edits())
    assert current(pages) == pages


def test_every_page_gets_five_links_and_an_inbound_link() -> None:
    random_site(40)
    plan = plan_for("site")
    edits = list(plan.edits())
    assert [edit.added for edit in edits] == [5] * 40
    assert (plan.orphans_before, plan.orphans()) == (40, [])


def test_the_plan_does_not_depend_on_the_names_of_files() -> None:
    pages = random_site(20)
    expected = {url_of(pages[Path(edit.path)]): edit.changes for edit in plan_for("site").edits()}
    renamed = {path.with_name(f"{number:02}.md"): raw for number, (path, raw) in enumerate(reversed(pages.items()))}
    for path in pages:
        path.unlink()
    write_pages(renamed)
    assert {url_of(renamed[Path(edit.path)]): edit.changes for edit in plan_for("site").edits()} == expected


def test_a_plan_for_a_linked_site_is_empty() -> None:
    random_site(20)
    list(write_edits(plan_for("site").edits()))
    assert list(plan_for("site").edits()) == []


def test_only_selected_pages_change_and_links_lead_anywhere_in_the_corpus() -> None:
    random_site(30)
    plan = plan_for("site/biology", corpus="site")
    edits = list(plan.edits())
    assert {Path(edit.path).parent.name for edit in edits} == {"biology"}
    assert {Path(target).parent.name for edit in edits for target in edit.targets} > {"biology"}


def test_repairing_keeps_good_links_and_relinking_does_not() -> None:
    """Page 0 links to the page that is farthest from it."""
    pages = random_site(30)
    first = next(iter(pages))
    nearest = {target for edit in plan_for("site").edits() if edit.path == first.as_posix() for target in edit.targets}
    far = next(path for path in reversed(pages) if path.as_posix() not in nearest and path != first)
    change_page(first, **link_fields(1, pages[far]))
    repaired = by_path(list(plan_for("site").edits()))[first.as_posix()]
    assert not any(field.startswith("related_article1") for field in repaired)
    assert "related_article2.url" in repaired
    relinked = by_path(list(plan_for("site", relink=True).edits()))[first.as_posix()]
    assert relinked["related_article1.url"] != url_of(pages[far])


def test_a_page_with_a_problem_does_not_change() -> None:
    pages = random_site(10)
    victim = next(iter(pages))
    change_page(victim, subject=None)
    plan = plan_for("site", relink=True)
    assert victim.as_posix() not in by_path(list(plan.edits()))
    assert [page.path for page in plan.catalog.skipped()] == [victim.as_posix()]


def test_orphans_take_failed_writes_into_account() -> None:
    """If no page could be written, all pages are still orphans."""
    pages = random_site(10)
    plan = plan_for("site")
    everything = frozenset(path.as_posix() for path in pages)
    assert plan.orphans() == []
    assert plan.orphans(everything) == sorted(everything)


def test_a_page_whose_question_has_only_common_words_gets_links() -> None:
    random_site(8)
    path, raw = make_page("What is it?", number=90, answer="Gravity and mass make an orbit around a planet. " * 8)
    write_pages({path: raw})
    assert path.as_posix() in by_path(list(plan_for("site").edits()))


def test_a_site_of_two_near_duplicates_gets_no_links() -> None:
    write_pages(
        dict(
            [make_page("What is osmosis of a cell?", number=90), make_page("What is the osmosis of cells?", number=91)]
        )
    )
    plan = plan_for("site")
    assert list(plan.edits()) == []
    assert len(plan.orphans()) == 2


# --- neighbors -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def new_page() -> Path:
    """A page beside a linked site of 30 pages."""
    random_site(30)
    list(write_edits(plan_for("site").edits()))
    path, raw = make_page("What is the nucleus of a cell?", number=500)
    new = Path("new") / path.relative_to("site")
    write_pages({new: raw})
    return new


def test_neighbors_would_link_to_a_new_page(new_page: Path) -> None:
    plan = plan_for("new", corpus="site")
    assert plan.orphans_before == 1
    assert plan.neighbor_edits
    for edit in plan.neighbor_edits:
        assert edit.targets == (new_page.as_posix(),)
        assert (edit.added + edit.replaced, edit.corrected, edit.removed) == (1, 0, 0)
    assert plan.orphans() == [new_page.as_posix()]
    assert plan.orphans(with_neighbors=True) == []


def test_a_neighbor_keeps_its_other_links_even_broken_ones(new_page: Path) -> None:
    for path in Path("site").rglob("*.md"):
        url = {"related_article2.title": "Another?", "related_article4.url": "/learn/biology/questions/gone"}
        change_page(path, **url)
    plan = plan_for("new", corpus="site")
    before = {edit.path: linked_urls(Path(edit.path).read_bytes()) for edit in plan.neighbor_edits}
    list(write_edits(plan.neighbor_edits))
    assert before
    for path_name, urls in before.items():
        after = linked_urls(Path(path_name).read_bytes())
        assert [new for new, old in zip(after, urls, strict=True) if new != old] == [url_of(new_page.read_bytes())]


def test_a_page_of_the_corpus_that_does_not_parse_is_no_neighbor(new_page: Path) -> None:
    (neighbor,) = {edit.path for edit in plan_for("new", corpus="site").neighbor_edits}
    Path(neighbor).write_bytes(b"---\ntitle: [\n---\n\n&nbsp;")
    assert neighbor not in {edit.path for edit in plan_for("new", corpus="site").neighbor_edits}
    assert new_page.exists()
