"""What `generate` finds out about its question files before anything is sent."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from qtgen._util.text import enumeration, pluralize
from qtgen.commands._output import warn
from qtgen.errors import NearDuplicates, QuestionFileError
from qtgen.generation.duplicates import SitePages, site_duplicates
from qtgen.generation.places import Places, usual_subjects
from qtgen.generation.plan import QuestionIndex, near_duplicate_rows, unknown_subjects
from qtgen.generation.questions import QuestionFiles
from qtgen.settings import Settings
from qtgen.site.discovery import iter_page_paths, read_page


def index_questions(source: QuestionFiles, files: Sequence[Path], settings: Settings, places: Places) -> QuestionIndex:
    """Read all rows once and warn about unknown subjects and shared ids.

    A site that lists no subjects has no unknown ones.

    Raises QuestionFileError if a file is unreadable or no file has a question, before anything is paid for.
    """
    index = QuestionIndex(places)
    for row in source.rows():
        index.add(row)
    if not index.total:
        raise QuestionFileError("no questions", path=", ".join(map(str, files)))
    warn(source.notes, "note")
    if known := (*usual_subjects(places.layout), *settings.subjects):
        warn([*unknown_subjects(index.subjects, known)], "unknown subject")
    warn(index.shared_ids, "row", " with an id that another page has; they are written anyway")
    return index


class Duplicates(NamedTuple):
    """The rows to skip as duplicates, by number, with the reason."""

    site: Mapping[int, str]
    near: Mapping[int, str]


def find_duplicates(source: QuestionFiles, index: QuestionIndex, settings: Settings, places: Places) -> Duplicates:
    """Return the duplicates to skip, and warn about all of them: first those that the site has word for word.

    Raises NearDuplicates if the settings say that duplicates end the run.
    """
    profile = places.layout.profile
    paths = list(iter_page_paths([settings.corpus] if settings.corpus else []))
    site = SitePages(places)

    def titles() -> Iterator[tuple[str, str]]:
        for path in paths:
            page = read_page(path, -1, profile)
            site.add(page)
            yield path, page.text_of(page.layout.roles.question) or ""

    pairs = dict(near_duplicate_rows(titles(), source.rows(), places))
    exact = site_duplicates(site, paths, source.rows(), lambda row: Path(places.path(settings.out, row)).exists())
    same_rows = index.duplicates()
    near = {number: other for number, other in pairs.items() if number not in exact and number not in same_rows}
    named = {*exact, *near, *near.values(), *same_rows, *same_rows.values()}
    sources = {number: row.source for number, row in enumerate(source.rows()) if number in named} if named else {}
    originals = {number: sources.get(other) or paths[-1 - other] for number, other in near.items()}
    reasons = {number: f"nearly the same question as {original}" for number, original in originals.items()}
    if settings.on_duplicate == "fail":
        same = {number: f"same page as {sources[first]}" for number, first in same_rows.items()}
        _check_none(_lines(exact, sources) + _lines(same, sources), _lines(reasons, sources))
    warn(_lines(exact, sources), "duplicate question", "; skipped")
    if settings.on_duplicate == "skip":
        warn(_lines(reasons, sources), "near-duplicate question", "; skipped")
        return Duplicates(exact, reasons)
    summary = "; written anyway (`--on-duplicate skip` skips them)"
    warn(_lines(reasons, sources), "near-duplicate question", summary)
    return Duplicates(exact, {})


def _lines(reasons: Mapping[int, str], sources: Mapping[int, str]) -> list[str]:
    return [f"{sources[number]}: {reason}" for number, reason in reasons.items()]


def _check_none(duplicates: Sequence[str], near_duplicates: Sequence[str]) -> None:
    """Raise NearDuplicates if there are any."""
    counts = [
        pluralize(len(lines), noun)
        for lines, noun in ((duplicates, "duplicate"), (near_duplicates, "near-duplicate"))
        if lines
    ]
    if counts:
        first = [*duplicates, *near_duplicates][0]
        message = f"{enumeration(counts)}; the first is {first}; nothing was sent (--on-duplicate fail)"
        raise NearDuplicates(message)
