"""What is to be done with each row before anything is asked: a job, or an outcome that is already known."""

import datetime as dt
from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from itertools import islice, pairwise
from pathlib import Path

from qtgen.errors import Failure
from qtgen.generation.questions import BadRow
from qtgen.generation.types import Outcome, Question, Status
from qtgen.page import file_name, slug, url
from qtgen.site.similarity import earlier_near_duplicates, question_words

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
class QuestionSurvey:
    """What a first reading of all rows tells: which page each is, the ids that they bring along, and where each
    subject stands first. A row takes 8 bytes, so that a million do not fill the memory."""

    pages: "array[int]" = field(default_factory=lambda: array("q"))  # hashes; 0: no page
    ids: dict[int, int] = field(default_factory=dict)  # and the page that brings each
    shared_ids: list[str] = field(default_factory=list)  # rows that bring the id of another page, and which
    subjects: dict[str, str] = field(default_factory=dict)

    def add(self, row: Question | BadRow) -> None:
        page = _page_hash(row) if isinstance(row, Question) else 0
        self.pages.append(page)
        if isinstance(row, Question):
            self.subjects.setdefault(row.subject, row.source)
            if row.id is not None and self.ids.setdefault(row.id, page) != page:
                self.shared_ids.append(f"{row.source}: id {row.id} is that of an earlier row")

    @property
    def total(self) -> int:
        return len(self.pages)

    def repeats(self) -> dict[int, int]:
        """The rows whose page an earlier row has: their numbers, and the first such row's."""
        found: dict[int, int] = {}
        for earlier, later in pairwise(sorted(range(self.total), key=self.pages.__getitem__)):
            if self.pages[earlier] == self.pages[later] != 0:
                found[later] = found.get(earlier, earlier)
        return found


def _page_hash(row: Question) -> int:
    return hash(f"{slug(row.subject)}/{file_name(row.text)}")


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
    repeats: Mapping[int, int],
    passed_over: Mapping[int, str] | None = None,
) -> Iterator[Job | Outcome]:
    """One job or outcome a row, in order, as they are asked for.

    out: the folder that pages go to; exists: whether a page lies at a path; repeats: of the rows' Survey; passed_over:
    by a row's number, why it is not worked on.
    """
    why_not = {number: Failure("near-duplicate", why) for number, why in (passed_over or {}).items()}
    firsts = dict.fromkeys(repeats.values(), "")
    numbered = enumerate(rows)
    while chunk := list(islice(numbered, _AT_A_TIME)):
        for number, row in chunk:
            if number in firsts:
                firsts[number] = row.source
            elif number in repeats:
                why_not[number] = Failure("duplicate", f"the same page as {firsts[repeats[number]]}")
        steps = [_step(row, out, exists, why_not.get(number)) for number, row in chunk]
        open_rows = [step for step in steps if isinstance(step, Question)]
        given = ids({page_url(row): row.id for row in open_rows}) if open_rows else {}
        for step in steps:
            if isinstance(step, Question):
                url_of_page = page_url(step)
                yield Job(step, given[url_of_page], step.date or today, page_path(out, step), url_of_page)
            else:
                yield step


def _step(row: Question | BadRow, out: Path, exists: Callable[[str], bool], why: Failure | None) -> Question | Outcome:
    """The question itself if it is to be worked on. why: it is not."""
    if isinstance(row, BadRow):
        return Outcome(Question(row.text, "", source=row.source), Status.FAILED, error=row.error)
    if impossible := _no_name(row):
        return Outcome(row, Status.FAILED, error=Failure("question", f"{row.source}: {impossible}"))
    path = page_path(out, row)
    if why and why.kind == "duplicate":
        return _skipped(row, path, why)
    if exists(path):
        return Outcome(row, Status.EXISTS, path, page_url(row))
    return _skipped(row, path, why) if why else row


def _skipped(row: Question, path: str, why: Failure) -> Outcome:
    return Outcome(row, Status.SKIPPED, path, page_url(row), error=Failure(why.kind, f"{row.source}: {why.message}"))


def _no_name(row: Question) -> str | None:
    """Why no file name can be made of a row."""
    for what, text in (("question", row.text), ("subject", row.subject)):
        if not slug(text):
            return f"{what}: has no letter a-z and no digit to make a file name of"
        if len(slug(text)) > _SLUG_MAX:
            return f"{what}: makes a name of {len(slug(text))} characters; {_SLUG_MAX} are possible"
    return None


def twins(known: Iterable[tuple[str, str]], rows: Iterable[Question | BadRow]) -> Iterator[tuple[int, int]]:
    """Row numbers of questions that are nearly another one, and the first such: an earlier row's number, or -1 - n for
    page n of the site.

    known: path and title of the site's pages.
    """
    pages = array("q")  # the same page twice is said elsewhere
    of_site = 0

    def words() -> Iterator[frozenset[str]]:
        nonlocal of_site
        for path, title in known:
            of_site += 1
            pages.append(hash("/".join(path.split("/")[-2:])))
            yield question_words(title)
        for row in rows:
            pages.append(_page_hash(row) if isinstance(row, Question) else 0)
            yield question_words(row.text) if isinstance(row, Question) else frozenset()

    for number, alike in earlier_near_duplicates(words(), NEARLY):
        if number >= of_site:
            other = next((one for one in alike if pages[one] != pages[number]), None)
            if other is not None:
                yield number - of_site, other - of_site if other >= of_site else -1 - other


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
