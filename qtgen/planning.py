"""What is to be done with each row before anything is asked: a job, or an outcome that is already known."""

import datetime as dt
from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from itertools import islice
from pathlib import Path

from qtgen.page import file_name, slug, url
from qtgen.questions import BadRow
from qtgen.records import Failure, Outcome, Question, Status
from qtgen.similar import near_duplicates, question_words

# A file name may have 255 bytes; the site's longest has 182.
_SLUG_MAX = 240
NEARLY = 0.8  # of the words of two questions, small ones left out, are the same


@dataclass(frozen=True, slots=True)
class Job:
    """A question with all that its page needs besides an answer."""

    question: Question
    id: int
    date: dt.date
    path: str
    url: str


@dataclass(slots=True)
class Survey:
    """What a first reading of all rows tells: how many there are, the ids that they bring along, and where each
    subject stands first."""

    total: int = 0
    ids: set[int] = field(default_factory=set)
    subjects: dict[str, str] = field(default_factory=dict)

    def add(self, row: Question | BadRow) -> None:
        self.total += 1
        if isinstance(row, Question):
            self.subjects.setdefault(row.subject, row.source)
            if row.id is not None:
                self.ids.add(row.id)


Ids = Callable[[Mapping[str, int | None]], Mapping[str, int]]
"""Urls with the ids that their rows bring along -> an id for each."""

_AT_A_TIME = 256  # rows that get their ids together


def plan(
    rows: Iterable[Question | BadRow],
    *,
    out: Path,
    exists: Callable[[str], bool],
    ids: Ids,
    today: dt.date,
    passed_over: Mapping[int, str] | None = None,
) -> Iterator[Job | Outcome]:
    """One job or outcome a row, in order, as they are asked for.

    out: the folder that pages go to; exists: whether a page lies at a path; passed_over: by a row's number, why it is
    not worked on.
    """
    seen: dict[int, str] = {}
    numbered = enumerate(rows)
    while chunk := list(islice(numbered, _AT_A_TIME)):
        steps = [_step(row, out, exists, seen, (passed_over or {}).get(number)) for number, row in chunk]
        open_rows = [step for step in steps if isinstance(step, Question)]
        given = ids({page_url(row): row.id for row in open_rows}) if open_rows else {}
        for step in steps:
            if isinstance(step, Question):
                url_of_page = page_url(step)
                yield Job(step, given[url_of_page], step.date or today, page_path(out, step), url_of_page)
            else:
                yield step


def _step(
    row: Question | BadRow, out: Path, exists: Callable[[str], bool], seen: dict[int, str], why_not: str | None
) -> Question | Outcome:
    """The question itself if it is to be worked on."""
    if isinstance(row, BadRow):
        return Outcome(Question(row.text, "", source=row.source), Status.FAILED, error=row.error)
    path = page_path(out, row)
    known = _known_outcome(row, path, seen, exists)
    if known is None and why_not:
        failure = Failure("near-duplicate", f"{row.source}: {why_not}")
        known = Outcome(row, Status.SKIPPED, path, page_url(row), error=failure)
    if known is None or known.path:
        seen.setdefault(hash(path), row.source)
    return known or row


def _known_outcome(row: Question, path: str, seen: dict[int, str], exists: Callable[[str], bool]) -> Outcome | None:
    if not slug(row.text) or not slug(row.subject):
        what = "question" if not slug(row.text) else "subject"
        return _failed(row, f"{what}: has no letter a-z and no digit to make a file name of")
    for what, text in (("question", row.text), ("subject", row.subject)):
        if len(slug(text)) > _SLUG_MAX:
            return _failed(row, f"{what}: makes a name of {len(slug(text))} characters; {_SLUG_MAX} are possible")
    if hash(path) in seen:
        message = f"{row.source}: the same page as {seen[hash(path)]}"
        return Outcome(row, Status.SKIPPED, path, page_url(row), error=Failure("duplicate", message))
    if exists(path):
        return Outcome(row, Status.EXISTS, path, page_url(row))
    return None


def twins(known: Iterable[tuple[str, str]], rows: Iterable[Question | BadRow]) -> Iterator[tuple[int, str]]:
    """Row numbers of questions that are nearly another one: of the site's or of an earlier row; and which that is.

    known: path and title of the site's pages.
    """
    sources: list[str] = []
    numbers = array("q")  # of the rows; -1: of the site's pages
    pages = array("q")  # the same page twice is said elsewhere

    def words() -> Iterator[frozenset[str]]:
        for path, title in known:
            sources.append(path)
            numbers.append(-1)
            pages.append(hash("/".join(path.split("/")[-2:])))
            yield question_words(title)
        for number, row in enumerate(rows):
            if isinstance(row, Question):
                sources.append(row.source)
                numbers.append(number)
                pages.append(hash(f"{slug(row.subject)}/{file_name(row.text)}"))
                yield question_words(row.text)

    for earlier, later in near_duplicates(words(), NEARLY):
        if numbers[later] >= 0 and pages[earlier] != pages[later]:
            yield numbers[later], sources[earlier]


def _failed(row: Question, message: str) -> Outcome:
    return Outcome(row, Status.FAILED, error=Failure("question", f"{row.source}: {message}"))


def page_path(out: Path, question: Question) -> str:
    return (out / slug(question.subject) / file_name(question.text)).as_posix()


def page_url(question: Question) -> str:
    return url(question.subject, question.text)


def unknown_subjects(subjects: Mapping[str, str], known: Iterable[str]) -> Iterator[str]:
    """One warning a subject that is not known, with the nearest that is. subjects: where each stands first."""
    names = {name.casefold(): name for name in known}
    for subject, source in subjects.items():
        if subject.casefold() not in names:
            near = get_close_matches(subject.casefold(), names, n=1, cutoff=0.6)
            hint = f"did you mean `{names[near[0]]}`?" if near else "add it to `subjects` in qtgen.toml if it is meant"
            yield f"{source}: subject `{subject}` is not known; {hint}"
