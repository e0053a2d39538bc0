"""Worker processes find the same as one process, also two runs at once."""

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from unittest.mock import patch

import pytest

from qtgen.errors import FilesNotShared
from qtgen.page.profile import default_profile
from qtgen.site.discovery import PageBatch
from qtgen.validation.cache import Cache
from qtgen.validation.records import KnownRecords, PageRecord, PageRecords, records_of
from qtgen.validation.rules.example import EXAMPLE_PAGE
from qtgen.validation.run import ValidationOptions
from qtgen.validation.workers import _parcels, check_file
from support.engine_work import Elsewhere
from support.validation import ALL_RULES, validate_paths, write_example_site, write_page

WITHOUT_QT611 = tuple(rule for rule in ALL_RULES if rule.code != "QT611")


class CountingStore:
    """A cache that counts the records that it is given."""

    def __init__(self, cache: Cache) -> None:
        self._cache = cache
        self.kept = 0

    def get(self, batch: PageBatch) -> KnownRecords:
        return self._cache.get(batch)

    def put(self, batch: PageBatch, records: PageRecords, left_out: Sequence[int]) -> None:
        self.kept += records.page_count
        self._cache.put(batch, records, left_out)

    def has_result(self, _name: str, _key: str) -> bool:
        return False

    def get_result(self, _name: str, _key: str) -> None:
        return None

    def put_result(self, _name: str, _key: str, _newest: int, _blob: bytes) -> None:
        pass


@pytest.fixture(autouse=True)
def _site() -> None:
    write_example_site()


def write_pages(count: int) -> None:
    for number in range(count):
        write_page(f"outputs/biology/page-{number}.md", EXAMPLE_PAGE.replace("id: 7", f"id: {number}"))


def test_two_workers_find_the_same_as_one_process() -> None:
    write_pages(500)
    one, two = (
        validate_paths(["outputs"], ValidationOptions(ALL_RULES, jobs=jobs, profile=default_profile()))
        for jobs in (1, 2)
    )
    assert one == two
    assert len(one) > 500


def test_workers_read_contents_that_replace_files() -> None:
    overlay = {"outputs/biology/page-0.md": EXAMPLE_PAGE.replace("score: -1.0", "score: 7").encode()}
    write_pages(2)
    found = validate_paths(
        ["outputs"], ValidationOptions(ALL_RULES, jobs=2, overlay=overlay, profile=default_profile())
    )
    assert [diagnostic.path for diagnostic in found if diagnostic.code == "QT205"] == list(overlay)


def test_progress_counts_every_page() -> None:
    write_pages(3)
    counts: list[int] = []
    validate_paths(["outputs"], ValidationOptions(ALL_RULES, on_progress=counts.append, profile=default_profile()))
    assert counts[-1] == 5


def test_two_runs_at_once_share_the_cache() -> None:
    write_pages(300)
    command = [sys.executable, "-m", "qtgen", "validate", "outputs", "--statistics", "--jobs", "1"]
    runs = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) for _ in range(2)]
    outcomes = [(run.communicate(timeout=60)[0], run.returncode) for run in runs]
    assert outcomes[0] == outcomes[1]
    assert outcomes[0][1] == 1


def test_pages_without_long_sentences_are_kept_in_the_cache(tmp_path: Path) -> None:
    short = EXAMPLE_PAGE[: EXAMPLE_PAGE.index("    Osmosis moves")] + "    Water moves.\nsubject: Biology\n---\n"
    write_page("outputs/biology/page-0.md", short)

    def reads(*, compared: bool) -> int:
        cache = Cache(tmp_path / "cache", "rules", Path(), 1 << 63)
        store = CountingStore(cache)
        validate_paths(
            ["outputs"],
            ValidationOptions(ALL_RULES if compared else WITHOUT_QT611, cache=store, profile=default_profile()),
        )
        cache.close()
        return store.kept

    assert reads(compared=False) == 3
    assert reads(compared=True) == 3, "because the cache holds no sentences"
    assert reads(compared=True) == 0
    assert reads(compared=False) == 0


def test_pages_keep_their_sentences_when_others_are_checked_without_them(tmp_path: Path) -> None:
    def checked(*, compared: bool) -> int:
        cache = Cache(tmp_path / "cache", "rules", Path(), 1 << 63)
        rules = ALL_RULES if compared else WITHOUT_QT611
        with patch("qtgen.validation.workers.check_file", wraps=check_file) as calls:
            validate_paths(["outputs"], ValidationOptions(rules, cache=cache, profile=default_profile()))
        cache.close()
        return calls.call_count

    write_pages(3)
    assert checked(compared=True) == 5
    os.utime("outputs/biology/page-0.md", (1, 1))
    assert [checked(compared=compared) for compared in (False, True, True)] == [1, 1, 0]


def test_workers_without_the_files_end_the_run() -> None:
    with pytest.raises(
        FilesNotShared, match=r"^outputs/biology/.*: a worker cannot read this file \(No such file or directory\)"
    ):
        validate_paths(["outputs"], ValidationOptions(ALL_RULES, engine=Elsewhere(), profile=default_profile()))


def test_files_that_no_machine_can_read_are_reported_as_ever() -> None:
    contents = {path.as_posix(): path.read_bytes() for path in Path("outputs").rglob("*.md")}
    Path("outputs/biology/gone.md").symlink_to("nowhere")
    options = ValidationOptions(ALL_RULES, engine=Elsewhere(), overlay=contents, profile=default_profile())
    found = validate_paths(["outputs"], options)
    assert [diagnostic.code for diagnostic in found if diagnostic.path.endswith("gone.md")][:1] == ["QT108"]
    assert found == validate_paths(["outputs"], ValidationOptions(ALL_RULES, jobs=1, profile=default_profile()))


def test_pages_that_need_not_be_checked_do_not_pile_up() -> None:
    taken = 0

    def looked_up() -> Iterator[tuple[PageBatch, KnownRecords]]:
        nonlocal taken
        records = records_of([PageRecord(b"", ())] * 1_000)
        for _ in range(100):
            taken += 1
            yield PageBatch("", [str(number) for number in range(1_000)], [(1, 1)] * 1_000), KnownRecords(records)

    parcels = _parcels(looked_up(), 1_000)
    next(parcels)
    assert taken < 50
    assert sum(len(parcel) for parcel in parcels) + taken >= 100
