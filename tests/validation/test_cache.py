"""The cache: it never changes a result, it forgets what has changed, and damage costs time only."""

import logging
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import msgpack

from qtgen.page.profile import default_profile
from qtgen.site.discovery import PageBatch, iter_batches
from qtgen.validation.cache import Cache
from qtgen.validation.diagnostics import Diagnostic
from qtgen.validation.records import PageRecord, PageRecords, records_of
from qtgen.validation.rules import Rule
from qtgen.validation.rules.example import EXAMPLE_PAGE, EXAMPLE_PATH, NEIGHBOUR_PAGE, NEIGHBOUR_PATH
from qtgen.validation.run import ValidationOptions
from qtgen.validation.selection import choose_rules
from support.validation import ALL_RULES, run_options, validate_paths, write_example_site, write_page

_DATABASE = ".qtgen/cache/pages.sqlite"
_LONG_AGO = 10**10  # nanoseconds


@pytest.fixture(autouse=True)
def _site() -> None:
    write_example_site()


def validate_cached(now: int | None = None, key: str = "key", rules: Sequence[Rule] = ALL_RULES) -> list[Diagnostic]:
    cache = Cache(Path(".qtgen/cache"), key, Path(), now or Path(EXAMPLE_PATH).stat().st_mtime_ns + _LONG_AGO)
    try:
        return validate_paths(["outputs"], ValidationOptions(rules, cache=cache, profile=default_profile()))
    finally:
        cache.close()


def cached_pages() -> int:
    with closing(sqlite3.connect(_DATABASE)) as database:
        return sum(
            len(msgpack.decode(pages)[0])
            for (pages,) in database.execute("SELECT pages FROM known WHERE folder NOT LIKE '//%'")
        )


def codes(diagnostics: list[Diagnostic]) -> list[str]:
    return [diagnostic.code for diagnostic in diagnostics]


def test_a_warm_run_finds_the_same_as_a_cold_one() -> None:
    write_page(EXAMPLE_PATH, EXAMPLE_PAGE.replace("score: -1.0", "score: 7").replace("id: 8", "id: 9"))
    plain = validate_paths(["outputs"])
    assert codes(plain) == ["QT205", "QT404"]
    assert validate_cached() == plain == validate_cached()
    assert cached_pages() == 2


def test_a_warm_run_reads_no_file(monkeypatch: pytest.MonkeyPatch) -> None:
    validate_cached()
    monkeypatch.setattr("qtgen.site.discovery.read_page", lambda *_: pytest.fail("a page was read"))
    assert validate_cached(rules=choose_rules(profile=default_profile())) == []


def test_records_of_other_rules_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    validate_cached(key="rules 1")
    monkeypatch.setattr("qtgen.validation.workers.check_file", lambda *_, **__: pytest.fail("a page was checked"))
    validate_cached(key="rules 1", rules=choose_rules(profile=default_profile()))
    with pytest.raises(pytest.fail.Exception, match="a page was checked"):
        validate_cached(key="rules 2", rules=choose_rules(profile=default_profile()))


def test_findings_between_pages_are_not_cached() -> None:
    assert validate_cached() == []
    Path(NEIGHBOUR_PATH).unlink()
    write_page("outputs/biology/other.md", NEIGHBOUR_PAGE.replace("what-is-diffusion", "other"))
    assert "QT403" in codes([found for found in validate_cached() if found.path == EXAMPLE_PATH])


def test_a_changed_file_is_read_again() -> None:
    assert validate_cached() == []
    write_page(EXAMPLE_PATH, EXAMPLE_PAGE.replace("score: -1.0", "score: 7"))
    assert codes(validate_cached()) == ["QT205"]


def test_a_file_that_changed_just_now_is_not_cached() -> None:
    validate_cached(now=Path(EXAMPLE_PATH).stat().st_mtime_ns)
    assert cached_pages() == 0


def test_a_damaged_entry_is_read_again_and_logged(caplog: pytest.LogCaptureFixture) -> None:
    assert validate_cached() == []
    with closing(sqlite3.connect(_DATABASE)) as database, database:
        (blob,) = database.execute("SELECT pages FROM known WHERE folder NOT LIKE '//%'").fetchone()
        database.execute("DELETE FROM known WHERE folder LIKE '//%'")  # results that need no entry of a page
        database.execute(
            "UPDATE known SET pages = ? WHERE folder NOT LIKE '//%'", (blob[:-9] + bytes([blob[-9] ^ 1]) + blob[-8:],)
        )
    with caplog.at_level(logging.WARNING, "qtgen.validation.cache"):
        assert validate_cached() == []
    assert "the cache entry of outputs/biology is damaged" in caplog.text


def test_a_file_that_could_not_be_read_is_not_cached() -> None:
    Path("outputs/biology/x.md").symlink_to("gone.md")
    assert codes(validate_cached()) == ["QT108"]
    assert cached_pages() == 2


def test_every_folder_is_cached_and_deleted_pages_are_forgotten() -> None:
    for name in ("b/x.md", "c.md", "d/x.md", "e.md"):
        write_page(f"outputs/biology/{name}", "x")
    now = Path("outputs/biology/e.md").stat().st_mtime_ns + _LONG_AGO
    first = validate_cached(now)
    assert validate_cached(now) == first
    assert cached_pages() == 6
    Path("outputs/biology/what-is-osmosis.md").rename("outputs/biology/what-is-osmosis2.md")
    validate_cached(now)
    assert cached_pages() == 6


@pytest.mark.parametrize("damage", [b"", b"not a database", b"SQLite format 3\x00" + b"\xff" * 5000])
def test_a_damaged_file_does_not_stop_a_run(damage: bytes) -> None:
    validate_cached()
    Path(_DATABASE).write_bytes(damage)
    assert validate_cached() == []
    assert validate_cached() == []


def test_a_file_that_is_damaged_in_the_middle_is_replaced_by_the_next_run() -> None:
    validate_cached()
    size = Path(_DATABASE).stat().st_size
    with Path(_DATABASE).open("r+b") as file:
        file.seek(4096)  # the first page holds the schema
        file.write(b"\xff" * (size - 4096))
    assert validate_cached() == []
    assert not Path(_DATABASE).exists()
    validate_cached()
    assert cached_pages() > 0


def test_a_database_that_fails_during_a_run_is_given_up(caplog: pytest.LogCaptureFixture) -> None:
    validate_cached()
    with closing(sqlite3.connect(_DATABASE)) as database, database:
        database.execute("DROP TABLE known")
        database.execute("CREATE VIEW known AS SELECT 1 AS folder, 2 AS rules, 3 AS digest, 4 AS pages")
    with caplog.at_level(logging.WARNING, "qtgen.validation.cache"):
        assert validate_cached() == []
    assert "the run continues without it" in caplog.text


def test_a_folder_that_cannot_be_written_is_checked_without_a_cache() -> None:
    write_page(".qtgen", "a file in the place of the folder")
    assert validate_cached() == []


def test_version_control_ignores_the_cache() -> None:
    validate_cached()
    assert Path(".qtgen/.gitignore").read_text().startswith("*\n")


_names = st.lists(st.sampled_from("abcdefgh"), min_size=1, unique=True).map(sorted)
_puts = st.lists(st.tuples(_names, st.booleans(), st.integers(1, 3), st.booleans()), max_size=6)


@given(puts=_puts)
def test_a_cache_sees_what_it_was_given(puts: list[tuple[list[str], bool, int, bool]]) -> None:
    expected: dict[str, bytes] = {}
    with TemporaryDirectory() as folder:
        cache = Cache(Path(folder), "rules", Path(), 1 << 62)
        for number, (names, complete, state, leaves) in enumerate(puts):
            batch = PageBatch("pages/", names, [(state, 1)] * len(names), complete)
            cache.get(batch)
            if leaves:
                cache.get(batch._replace(folder="other/"))
            cache.put(batch, records_of([PageRecord(b"%d" % number, ())] * len(names)), [])
            cache.put_result(str(number), "key", 1, b"" * 10)
            between = {name for name in expected if names[0] <= name <= names[-1]} if complete else ()
            expected = {name: blob for name, blob in expected.items() if name not in between}
            expected |= dict.fromkeys(names, b"%d %d" % (number, state))
            if expected:
                assert _known(cache, state) == {
                    name: blob.split()[0] for name, blob in expected.items() if int(blob.split()[1]) == state
                }
        cache.close()
        for state in (1, 2, 3):
            cache = Cache(Path(folder), "rules", Path(), 1 << 62)
            wanted = {name: blob.split()[0] for name, blob in expected.items() if int(blob.split()[1]) == state}
            assert _known(cache, state) == wanted
            cache.close()


def _known(cache: Cache, state: int) -> dict[str, bytes]:
    names = [*"abcdefgh"]
    known = cache.get(PageBatch("pages/", names, [(state, 1)] * len(names)))
    found = [name for number, name in enumerate(names) if number not in known.missing]
    return dict(zip(found, known.records.facts.pages(), strict=True))


def test_a_second_run_with_one_cache_checks_nothing() -> None:
    for number in range(5):
        write_page(f"outputs/biology/page-{number}.md", "x")
    cache = Cache(Path(".qtgen/cache"), "key", Path(), 1 << 62)
    batches = [
        PageBatch(one.folder, [name], [state], True)
        for one in iter_batches([Path("outputs")])
        for name, state in zip(one.names, one.states, strict=True)
    ]
    options = ValidationOptions(ALL_RULES, cache=cache, profile=default_profile())
    first = run_options(batches, options)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("qtgen.validation.workers.check_file", lambda *_, **__: pytest.fail("a page was checked"))
        assert run_options(batches, options) == first
    cache.close()


@pytest.mark.parametrize("stale", [False, True])
def test_looking_up_a_batch_takes_time_for_its_pages_only(monkeypatch: pytest.MonkeyPatch, stale: bool) -> None:
    """The lists and arrays of the folder are not gone through again for each batch."""
    names = [f"{number:05}" for number in range(3_000)]
    cache = Cache(Path(".qtgen/cache"), "key", Path(), 1 << 62)
    cache.put(PageBatch("", names, [(1, 1)] * 3_000, True), records_of([PageRecord(b"x", ())] * 3_000), [])
    looked_at = 0

    def count(self: PageRecords, pages: Sequence[int]) -> PageRecords:
        nonlocal looked_at
        looked_at = max(looked_at, self.page_count)
        return take(self, pages)

    take = PageRecords.take
    cache.get(PageBatch("", names[:10], [(1, 1)] * 10))
    monkeypatch.setattr(PageRecords, "take", count)
    for start in range(0, 3_000, 100):
        states = [(1 + stale * (number % 2), 1) for number in range(100)]
        known = cache.get(PageBatch("", names[start : start + 100], states))
        assert len(known.missing) == 50 * stale
    assert looked_at <= 100
    cache.close()
