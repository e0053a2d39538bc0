"""Check many pages at once, by column. Pages that are not certainly canonical are checked one by one.

NumPy is imported here. `workers.py` imports this module if there are enough pages and NumPy is installed.
"""

from array import array
from collections.abc import Iterator, Sequence
from functools import lru_cache

from qtgen._util.collector import paused_collector
from qtgen.page.columns import PAGE_BYTES_MAX, PageColumns, columns_of, has_columns
from qtgen.page.compile import layouts_of
from qtgen.page.profile import Profile
from qtgen.page.sentences import sentence_hashes
from qtgen.site.column_facts import column_facts, has_column_facts
from qtgen.site.discovery import Overlay, read_page_bytes
from qtgen.site.index import WIDTH
from qtgen.site.values import has_values
from qtgen.validation.records import KnownRecords, PageBlobs, PageRecords, blobs_of, join_records, records_of
from qtgen.validation.rules import REGISTRY, rules_of
from qtgen.validation.rules.column_checker import ColumnChecker
from qtgen.validation.rules.file_columns import FileColumns
from qtgen.validation.rules.settings import RuleSettings
from qtgen.validation.workers import check_file, location_of

_BATCH_BYTES = 3 << 19  # of the pages in a batch, on which columns and rules take about 20 times as much memory

_Page = tuple[str, int]


def can_check_by_columns(profile: Profile) -> bool:
    """Return whether pages of a site can be checked by column."""
    layouts = layouts_of(profile)
    return len(layouts) == 1 and has_columns(layouts[0]) and has_column_facts(layouts[0]) and not has_values(profile)


def check_by_columns(pages: Sequence[_Page], overlay: Overlay, settings: RuleSettings, profile: Profile) -> PageRecords:
    """Return the records of pages of a site that can be checked by column. They equal those of `check_file`.

    Args:
        pages: The path and the size of each page.
    """
    with paused_collector():  # a batch makes many objects, and hardly any cycles
        return join_records([_check_batch(batch, overlay, settings, profile) for batch in _batches(pages)])


def _batches(pages: Sequence[_Page]) -> Iterator[Sequence[_Page]]:
    """Divide pages into batches of about equal numbers."""
    count = max(1, round(sum(size for _, size in pages if size > 0) / _BATCH_BYTES))
    step = max(1, -(-len(pages) // count))
    for start in range(0, len(pages), step):
        yield pages[start : start + step]


def _check_batch(pages: Sequence[_Page], overlay: Overlay, settings: RuleSettings, profile: Profile) -> PageRecords:
    numbers, contents = _read(pages, overlay)
    columns = columns_of(contents, layouts_of(profile)[0])
    del contents  # the columns have a copy
    numbers = [numbers[number] for number in columns.numbers.tolist()]
    paths = [pages[number][0] for number in numbers]
    files = FileColumns(columns, paths, [location_of(path) for path in paths], settings)
    records = PageRecords(
        _facts(columns),
        column_checker(profile)(files),
        _sentences(columns) if settings.compare_sentences else None,
    )
    held = {*numbers}
    others = [number for number in range(len(pages)) if number not in held]
    alone = records_of(check_file(*pages[number], overlay, settings, profile=profile) for number in others)
    return KnownRecords(records, others).completed(alone)


def _read(pages: Sequence[_Page], overlay: Overlay) -> tuple[list[int], list[bytes]]:
    """Read pages. Return the numbers and the contents of those that may be canonical."""
    numbers, contents = [], []
    for number, (path, size) in enumerate(pages):
        raw = overlay[path] if path in overlay else _read_file(path, size)
        if raw is not None:
            numbers.append(number)
            contents.append(raw)
    return numbers, contents


def _read_file(path: str, size: int) -> bytes | None:
    """Return the contents of a file, or None if `check_file` must report that it cannot be read or is large."""
    if not 0 < size <= PAGE_BYTES_MAX:
        return None
    try:
        return read_page_bytes(path, size)
    except OSError:
        return None


def _facts(columns: PageColumns) -> PageBlobs:
    numbers, counts = column_facts(columns)
    return PageBlobs(numbers.tobytes(), array("I", (8 * WIDTH * counts).tolist()))


def _sentences(columns: PageColumns) -> PageBlobs:
    """Return the hashes of the sentences of the answers, as `page_sentences` gives them."""
    answer, codec = columns.layout.roles.answer, columns.layout.codec
    answers = columns.values(answer) if answer else [b""] * len(columns)
    return blobs_of([array("I", sentence_hashes(text.decode(), codec)).tobytes() for text in answers])


def column_checker(profile: Profile) -> ColumnChecker:
    """Return a checker with all rules of a site."""
    return _column_checker(profile, len(REGISTRY))  # plugins may have added rules since the last call


@lru_cache(maxsize=8)
def _column_checker(profile: Profile, _rules: int) -> ColumnChecker:
    return ColumnChecker(rules_of(profile), profile=profile)
