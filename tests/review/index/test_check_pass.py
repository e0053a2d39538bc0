"""The pass over the pages: the same in processes, and only what is wanted is described."""

from pathlib import Path

from qtgen.page.profile import default_profile
from qtgen.review.index.check_pass import check_pages
from qtgen.site.discovery import iter_batches
from qtgen.validation.run import ValidationOptions
from qtgen.validation.selection import choose_rules
from support.review_pages import write_site


def test_worker_processes_find_the_same() -> None:
    write_site([f"What is number {number}?" for number in range(450)])
    Path("site/bad.md").write_bytes(b"\xff")
    Path("site/large.md").write_bytes(b"x" * ((1 << 20) + 9))
    batches = list(iter_batches([Path("site")]))
    wanted = frozenset(path for batch in batches for path in batch.paths())
    alone = check_pages(
        batches, ValidationOptions(choose_rules(profile=default_profile()), jobs=1, profile=default_profile()), wanted
    )
    together = check_pages(
        batches, ValidationOptions(choose_rules(profile=default_profile()), jobs=2, profile=default_profile()), wanted
    )
    assert alone == together
    assert alone.rows.keys() == wanted
    assert alone.rows["site/large.md"].fault.endswith("1,048,585 bytes; the maximum is 1,048,576. Fix the file.")


def test_only_wanted_pages_are_described() -> None:
    write_site(["What is osmosis?", "Why do cells divide?"])
    batches = list(iter_batches([Path("site")]))
    some = frozenset({"site/biology/what-is-osmosis.md"})
    assert (
        check_pages(
            batches, ValidationOptions(choose_rules(profile=default_profile()), profile=default_profile()), some
        ).rows.keys()
        == some
    )
    assert (
        check_pages(
            batches, ValidationOptions(choose_rules(profile=default_profile()), profile=default_profile()), frozenset()
        ).rows
        == {}
    )
