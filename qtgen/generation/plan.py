"""Decide what to do with each row before anything is sent: a job, or an outcome that is already certain."""

import datetime as dt
from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from hashlib import sha256
from itertools import islice, pairwise
from pathlib import Path
from typing import Any

from qtgen._util.text import mask_unprintable
from qtgen.errors import Failure
from qtgen.generation.fillable import check_fillable
from qtgen.generation.places import Places
from qtgen.generation.questions import InvalidRow
from qtgen.generation.types import Outcome, Question, Status
from qtgen.page.layout import Layout
from qtgen.site.similarity import earlier_near_duplicates, question_words

NEARLY = 0.8
"""Share of the significant words that two near-duplicate questions have in common."""
DELETED = "deleted"
"""Error kind of a page that was written, and deleted since."""
DUPLICATE = "duplicate"
"""Error kind of a question that an earlier row or a page of the site already has."""
_SHOWN = 80  # characters of a subject in a message
_CHUNK = 256  # rows that get their ids together
BLOCK = 64
"""Rows that one process has together if several processes share a list."""

Row = Question | InvalidRow
IdAllocator = Callable[[Mapping[str, int | None]], Mapping[str, int | None]]
"""Takes URLs with the ids that their rows ask for (None: any) and returns an id for each; None if pages have none."""


def without_ids(urls: Mapping[str, int | None]) -> dict[str, int | None]:
    """Return no id for any page, for sites whose pages have none."""
    return dict.fromkeys(urls)


@dataclass(frozen=True, slots=True)
class Job:
    """A question with everything that its page needs except an answer."""

    question: Question
    id: int | None
    date: dt.date
    path: str
    url: str


@dataclass(slots=True)
class QuestionIndex:
    """What a first pass over all rows finds out. A row takes 8 bytes, so that a million rows fit into memory.

    Args:
        places: Where the pages go.
        pages: A hash of each row's page, 0 for an invalid row.
        ids: The ids that rows ask for, each with the hash of the first page that asks for it.
        shared_ids: Messages about rows that ask for the id of an earlier row's page.
        subjects: Every subject, with the source of its first row.
        contents: A digest of all rows.
    """

    places: Places
    pages: "array[int]" = field(default_factory=lambda: array("q"))
    ids: dict[int, int] = field(default_factory=dict)
    shared_ids: list[str] = field(default_factory=list)
    subjects: dict[str, str] = field(default_factory=dict)
    contents: Any = field(default_factory=sha256)

    def add(self, row: Row) -> None:
        """Add the next row."""
        page = _page_hash(row, self.places) if isinstance(row, Question) else 0
        self.pages.append(page)
        self.contents.update(repr(_contents(row)).encode("utf-8", "surrogatepass"))
        if isinstance(row, Question):
            self.subjects.setdefault(row.subject, row.source)
            if row.id is not None and self.ids.setdefault(row.id, page) != page:
                self.shared_ids.append(f"{row.source}: id {row.id} is already used by an earlier row")

    @property
    def total(self) -> int:
        """The number of rows."""
        return len(self.pages)

    def duplicates(self) -> dict[int, int]:
        """Return the rows whose page an earlier row has, by row number, with the number of the first such row."""
        first_rows: dict[int, int] = {}
        for earlier, later in pairwise(sorted(range(self.total), key=self.pages.__getitem__)):
            if self.pages[earlier] == self.pages[later] != 0:
                first_rows[later] = first_rows.get(earlier, earlier)
        return first_rows


@dataclass(frozen=True, slots=True)
class PlanOptions:
    """How rows become jobs.

    Args:
        out: The folder that pages are written to.
        today: The date of pages whose row has none.
        layout: The layout of the pages.
        exists: Tells whether there is a page at a path.
        is_deleted: Tells whether the page with a path and a URL was written earlier and deleted since.
        duplicates: Row numbers of duplicate questions, with the number of the first one.
        near_duplicates: Row numbers of near-duplicates that are to be skipped, with the reason.
        site_duplicates: Row numbers of questions that the site already has, with the reason.
    """

    out: Path
    today: dt.date
    layout: Layout
    exists: Callable[[str], bool]
    is_deleted: Callable[[str, str], bool] = lambda *_: False
    duplicates: Mapping[int, int] = field(default_factory=dict)
    near_duplicates: Mapping[int, str] = field(default_factory=dict)
    site_duplicates: Mapping[int, str] = field(default_factory=dict)

    @property
    def places(self) -> Places:
        """Where the pages go."""
        return Places(self.layout, self.today)


def plan(
    rows: Iterable[Row], options: PlanOptions, ids: IdAllocator, lease: Callable[[int], bool] | None = None
) -> Iterator[Job | Outcome]:
    """Yield one job or outcome per row, in order, while reading the rows.

    Args:
        rows: The rows.
        options: How they become jobs.
        ids: Gives each page its id.
        lease: Leases a block of rows by its index, and returns whether this process has it. None if the list is not
            shared. Rows of other blocks are `elsewhere`, without a check.

    Raises SettingsError if new pages cannot have what their layout requires.
    """
    check_fillable(options.layout)
    places = options.places
    reasons = {number: Failure("near-duplicate", why) for number, why in options.near_duplicates.items()}
    reasons |= {number: Failure(DUPLICATE, why) for number, why in options.site_duplicates.items()}
    sources = dict.fromkeys(options.duplicates.values(), "")  # of rows that have duplicates
    numbered = enumerate(rows)
    while chunk := list(islice(numbered, BLOCK if lease else _CHUNK)):
        for number, row in chunk:
            if number in sources:
                sources[number] = row.source
            elif number in options.duplicates and number not in options.site_duplicates:
                reasons[number] = Failure(DUPLICATE, f"same page as {sources[options.duplicates[number]]}")
        if lease and not lease(chunk[0][0] // BLOCK):
            yield from (_elsewhere(row) for _, row in chunk)
            continue
        steps = [
            _decide(row, options, places, reasons.get(number), is_repeated=number in options.duplicates)
            for number, row in chunk
        ]
        open_rows = [step for step in steps if isinstance(step, Question)]
        keys = [places.key(row) for row in open_rows]
        assigned = ids({key: row.id for key, row in zip(keys, open_rows, strict=True)}) if open_rows else {}
        for step in steps:
            yield _job(step, assigned, options, places) if isinstance(step, Question) else step


def _job(question: Question, assigned: Mapping[str, int | None], options: PlanOptions, places: Places) -> Job | Outcome:
    """Return the job of a question with its id, or its outcome if the page with that id exists."""
    number = assigned[places.key(question)]
    path, key = places.path(options.out, question, number), places.key(question, number)
    if places.relative_path(question) is None and options.exists(path):  # the path depends on the id
        return Outcome(question, Status.EXISTS, path, key)
    return Job(question, number, question.date or options.today, path, key)


def _decide(
    row: Row, options: PlanOptions, places: Places, duplicate: Failure | None, *, is_repeated: bool
) -> Question | Outcome:
    """Return the question if its page is to be written, else the row's outcome.

    Args:
        row: The row.
        options: How rows become jobs.
        places: Where the pages go.
        duplicate: Why the question is a duplicate.
        is_repeated: Whether an earlier row has the same page.
    """
    if isinstance(row, InvalidRow):
        return Outcome(Question(row.text, "", source=row.source), Status.FAILED, error=row.error)
    if fault := places.fault(row):
        return Outcome(row, Status.FAILED, error=Failure("question", f"{row.source}: {fault}"))
    path, key = places.path(options.out, row), places.key(row)
    if duplicate and is_repeated:
        return _skip(row, path, key, duplicate)
    if places.relative_path(row) is None:  # it depends on the id
        return _skip(row, path, key, duplicate) if duplicate else row
    if options.exists(path):
        return Outcome(row, Status.EXISTS, path, key)
    if duplicate:
        return _skip(row, path, key, duplicate)
    if options.is_deleted(path, key):
        return _skip(row, path, key, Failure(DELETED, "the page was written earlier and has been deleted"))
    return row


def _elsewhere(row: Row) -> Outcome:
    question = row if isinstance(row, Question) else Question(row.text, "", source=row.source)
    return Outcome(question, Status.ELSEWHERE)


def _skip(row: Question, path: str, key: str, why: Failure) -> Outcome:
    return Outcome(row, Status.SKIPPED, path, key, error=Failure(why.kind, f"{row.source}: {why.message}"))


def near_duplicate_rows(
    site_pages: Iterable[tuple[str, str]], rows: Iterable[Row], places: Places
) -> Iterator[tuple[int, int]]:
    """Yield the numbers of rows whose question is nearly another one, each with that of the first such question.

    The second number is an earlier row's, or `-1 - n` for page `n` of the site. Two rows of the same page are
    duplicates, not near-duplicates, and are left out.

    Args:
        site_pages: Path and title of the site's pages.
        rows: Every row of the question files.
        places: Where the pages of the rows go.
    """
    pages = array("q")
    site_count = 0

    def words() -> Iterator[frozenset[str]]:
        nonlocal site_count
        for path, title in site_pages:
            site_count += 1
            pages.append(hash(places.tail(path)))
            yield question_words(title)
        for row in rows:
            pages.append(_page_hash(row, places) if isinstance(row, Question) else 0)
            yield question_words(row.text) if isinstance(row, Question) else frozenset()

    for number, candidates in earlier_near_duplicates(words(), NEARLY):
        if number >= site_count:
            other = next((candidate for candidate in candidates if pages[candidate] != pages[number]), None)
            if other is not None:
                yield number - site_count, other - site_count if other >= site_count else -1 - other


def _contents(row: Row) -> tuple[object, ...]:
    """Return what a row says, without the name of its file, which can differ between machines."""
    return (row.text, row.subject, row.id, row.date, row.context) if isinstance(row, Question) else (row.text,)


def _page_hash(row: Question, places: Places) -> int:
    return hash(places.relative_path(row) or places.key(row))


def unknown_subjects(subjects: Mapping[str, str], known: Iterable[str]) -> Iterator[str]:
    """Yield a warning for each unknown subject, with the most similar known one.

    Args:
        subjects: Subjects, with the source of the first row that has each.
        known: The site's subjects.
    """
    names = {name.casefold(): name for name in known}
    for subject, source in subjects.items():
        if subject.casefold() not in names:
            near = get_close_matches(subject.casefold(), names, n=1, cutoff=0.6)
            hint = f"did you mean `{names[near[0]]}`?" if near else "if it is correct, add it to `subjects`"
            yield f"{source}: unknown subject `{mask_unprintable(subject[:_SHOWN])}`; {hint}"
