"""Writing planned changes: what is proved before, and pages that cannot be written."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from qtgen._util import processes
from qtgen.errors import OutputError
from qtgen.linking import apply
from qtgen.linking.apply import edit_page, preview_edits, write_edits
from qtgen.linking.edits import LinkEdit
from qtgen.linking.plan import LinkOptions, plan_links
from qtgen.page import default_profile
from qtgen.site.discovery import iter_batches
from support.default_tables import read
from support.sites import change_page, current, embed_words, link_fields, linked_urls, random_site


def planned_edits() -> list[LinkEdit]:
    return list(plan_links(iter_batches([Path("site")]), LinkOptions(embed_words, default_profile())).edits())


def test_a_page_gets_its_links_and_no_other_line_changes() -> None:
    pages = random_site(10)
    for edit in planned_edits():
        page = edit_page(edit)
        assert page.before == pages[Path(edit.path)]
        assert linked_urls(page.after) == [edit.changes[f"related_article{slot}.url"] for slot in range(1, 6)]
        assert set(page.before.splitlines()) <= set(page.after.splitlines())


def test_a_preview_shows_what_would_be_written_and_writes_nothing() -> None:
    pages = random_site(10)
    previews = list(preview_edits(planned_edits()))
    assert current(pages) == pages
    results = list(write_edits(planned_edits()))
    assert [result for result, _ in previews] == results
    assert current(pages) == {Path(page.path): page.after for _, page in previews if page}


def delete(page: Path) -> None:
    page.unlink()


def edit_by_hand(page: Path) -> None:
    change_page(page, id=4_711)


def make_read_only(page: Path) -> None:
    page.chmod(0o444)


ACCIDENTS = [
    (delete, "No such file"),
    (edit_by_hand, "changed while its links were chosen; nothing was written to it"),
    (make_read_only, "is read-only"),
]


@pytest.mark.parametrize(("accident", "reason"), ACCIDENTS)
@pytest.mark.parametrize("is_preview", [True, False])
def test_a_page_that_changed_after_planning_is_not_written_and_the_others_are(
    accident: Callable[[Path], None], reason: str, is_preview: bool
) -> None:
    """The other pages do not link to the victim."""
    pages = random_site(10)
    edits = planned_edits()
    victim = Path(edits[3].path)
    edits = [edit for edit in edits if victim.as_posix() not in edit.targets]
    accident(victim)
    results = [result for result, _ in preview_edits(edits)] if is_preview else list(write_edits(edits))
    errors = {result.path: result.error for result in results if result.error}
    assert list(errors) == [victim.as_posix()]
    assert errors[victim.as_posix()].startswith(f"{victim.as_posix()}: ")
    assert reason in errors[victim.as_posix()]
    written = {Path(result.path) for result in results if not result.error}
    assert all((path.read_bytes() != pages[path]) == (not is_preview) for path in written)


def test_no_page_links_to_a_page_that_is_gone() -> None:
    random_site(10)
    edits = planned_edits()
    gone = edits[0].path
    Path(gone).unlink()
    for edit in edits[1:]:
        if gone in edit.targets:
            with pytest.raises(OutputError, match="which is gone; nothing was written to it") as error:
                edit_page(edit)
            assert error.value.path == edit.path


def test_links_with_a_comment_cannot_be_edited() -> None:
    pages = random_site(10)
    path, other = list(pages)[:2]
    change_page(path, **link_fields(1, pages[other], title="Another?"))
    text = path.read_text().replace("title: >-\n        Another?", "title: Another? # by hand")
    path.write_text(text)
    (result,) = [result for result in write_edits(planned_edits()) if result.error]
    assert result.path == path.as_posix()
    assert "its links are laid out in a way that cannot be edited; edit them by hand" in result.error
    assert path.read_text() == text


def test_several_processes_write_the_same_as_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apply, "_CHUNK", 4)
    pages = random_site(12)
    edits = planned_edits()
    edits[5] = replace(edits[5], digest=0)
    alone = list(write_edits(edits, jobs=1))
    expected = current(pages)
    for path, raw in pages.items():
        path.write_bytes(raw)
    assert list(write_edits(edits, jobs=2)) == alone
    assert current(pages) == expected
    assert [bool(result.error) for result in alone] == [number == 5 for number in range(12)]


def test_processes_are_used_for_many_pages_only(monkeypatch: pytest.MonkeyPatch) -> None:
    used: list[int] = []

    def in_process(work: Callable[..., object], parcels: object, jobs: int, *, spawn: bool) -> object:
        used.append(jobs)
        assert spawn
        return ((kept, work(*arguments)) for kept, arguments in parcels)  # type: ignore[attr-defined]

    monkeypatch.setattr(processes, "map_in_processes", in_process)
    monkeypatch.setattr(processes, "usable_cpus", lambda: 4)
    random_site(10)
    edits = planned_edits()
    assert len(list(write_edits(edits[:4]))) == 4
    assert used == []
    monkeypatch.setattr(apply, "_MIN_FOR_PROCESSES", 6)
    assert len(list(write_edits(edits[4:]))) == 6
    assert used == [4]


def test_written_pages_parse_without_problems() -> None:
    pages = random_site(10)
    list(write_edits(planned_edits()))
    assert [read(raw).problems for raw in current(pages).values()] == [()] * 10
