"""Stale pages that several processes share."""

from pathlib import Path

from qtgen.generation.types import Status
from qtgen.page.compile import default_layout
from qtgen.regeneration.plan import not_attempted
from qtgen.regeneration.rewrite import RewriteResult
from qtgen.regeneration.sharing import SharedPages
from qtgen.regeneration.staleness import StalePage


def stale(number: int) -> StalePage:
    path = Path(f"page-{number}.md")
    path.write_text("text")
    return StalePage(str(path), f"/learn/{number}", {"old": frozenset({"answer"})})


def plan_page(page: StalePage) -> RewriteResult:
    return not_attempted(page, None, default_layout(), Status.FIXED)


def test_a_page_has_the_same_block_whatever_else_is_stale() -> None:
    pages = [stale(number) for number in range(300)]
    all_pages, some = (
        SharedPages(pages, 1_000, layout=default_layout()),
        SharedPages(pages[7:50], 1_000, layout=default_layout()),
    )
    assert [some.number_of(page) for page in pages[7:50]] == [all_pages.number_of(page) for page in pages[7:50]]
    assert {block.number for block in all_pages.blocks} <= set(range(16))
    assert sum(block.size for block in all_pages.blocks) == 300


def test_pages_come_block_by_block_and_the_most_urgent_one_first() -> None:
    pages = [stale(number) for number in range(300)]
    shared = SharedPages(pages, 1_000, layout=default_layout())
    indices = [shared.index_of(page) for page in shared.pages]
    assert indices == sorted(indices)
    assert shared.pages[0] is pages[0]
    assert sorted(page.path for page in shared.pages) == sorted(page.path for page in pages)


def test_pages_of_other_blocks_are_elsewhere() -> None:
    shared = SharedPages([stale(number) for number in range(40)], 1_000, layout=default_layout())
    statuses = [
        (shared.index_of(page), step.outcome.status)
        for page, step in zip(shared.pages, shared.steps(plan_page, lambda index: index == 1), strict=True)
        if isinstance(step, RewriteResult)
    ]
    assert len(statuses) == 40
    assert all((status is Status.FIXED) == (index == 1) for index, status in statuses)


def test_a_page_that_a_dead_process_has_rewritten_is_not_rewritten_again() -> None:
    pages = [stale(number) for number in range(3)]
    shared = SharedPages(pages, 3, layout=default_layout())
    Path("page-1.md").write_text("new text")
    Path("page-2.md").unlink()
    done: list[int] = []
    steps = [*shared.steps(plan_page, lambda _: True, done.append)]
    outcomes = {step.job.path: step.outcome.status for step in steps if isinstance(step, RewriteResult)}
    assert outcomes == {
        "page-0.md": Status.FIXED,
        "page-1.md": Status.ELSEWHERE,
        "page-2.md": Status.ELSEWHERE,
    }
    assert done == [0, 0]
