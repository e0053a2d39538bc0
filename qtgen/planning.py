"""What is to be done with each row before anything is asked: a job, or an outcome that is already known."""

import datetime as dt
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from itertools import count
from pathlib import Path

from qtgen.page import file_name, slug, url
from qtgen.questions import BadRow
from qtgen.records import Failure, Outcome, Question, Status

# A file name may have 255 bytes; the site's longest has 182.
_SLUG_MAX = 240


@dataclass(frozen=True, slots=True)
class Job:
    """A question with all that its page needs besides an answer."""

    question: Question
    id: int
    date: dt.date
    path: str
    url: str


def plan(
    rows: Iterable[Question | BadRow], *, out: Path, exists: Callable[[str], bool], first_id: int, today: dt.date
) -> Iterator[Job | Outcome]:
    """One job or outcome a row, in order. Ids are given out from `first_id`, around those that rows bring along.

    out: the folder that pages go to; exists: whether a page lies at a path.
    """
    rows = list(rows)
    taken = {row.id for row in rows if isinstance(row, Question) and row.id is not None}
    ids = (number for number in count(first_id) if number not in taken)
    seen: dict[str, str] = {}
    for row in rows:
        if isinstance(row, BadRow):
            yield Outcome(Question(row.text, "", source=row.source), Status.FAILED, error=row.error)
            continue
        known = _known_outcome(row, page_path(out, row), seen, exists)
        if known is not None:
            if known.path:
                seen.setdefault(known.path, row.source)
            yield known
            continue
        path = page_path(out, row)
        seen[path] = row.source
        yield Job(row, next(ids) if row.id is None else row.id, row.date or today, path, page_url(row))


def _known_outcome(row: Question, path: str, seen: dict[str, str], exists: Callable[[str], bool]) -> Outcome | None:
    if not slug(row.text) or not slug(row.subject):
        what = "question" if not slug(row.text) else "subject"
        return _failed(row, f"{what}: has no letter a-z and no digit to make a file name of")
    for what, text in (("question", row.text), ("subject", row.subject)):
        if len(slug(text)) > _SLUG_MAX:
            return _failed(row, f"{what}: makes a name of {len(slug(text))} characters; {_SLUG_MAX} are possible")
    if path in seen:
        message = f"{row.source}: the same page as {seen[path]}"
        return Outcome(row, Status.SKIPPED, path, page_url(row), error=Failure("duplicate", message))
    if exists(path):
        return Outcome(row, Status.EXISTS, path, page_url(row))
    return None


def _failed(row: Question, message: str) -> Outcome:
    return Outcome(row, Status.FAILED, error=Failure("question", f"{row.source}: {message}"))


def page_path(out: Path, question: Question) -> str:
    return (out / slug(question.subject) / file_name(question.text)).as_posix()


def page_url(question: Question) -> str:
    return url(question.subject, question.text)


def unknown_subjects(questions: Iterable[Question], known: Iterable[str]) -> Iterator[str]:
    """One warning a subject that is not known, with the nearest that is."""
    subjects = {name.casefold(): name for name in known}
    for subject, source in {q.subject: q.source for q in reversed(list(questions))}.items():
        if subject.casefold() not in subjects:
            near = get_close_matches(subject.casefold(), subjects, n=1, cutoff=0.6)
            hint = (
                f"did you mean `{subjects[near[0]]}`?" if near else "add it to `subjects` in qtgen.toml if it is meant"
            )
            yield f"{source}: subject `{subject}` is not known; {hint}"
