"""What `generate` finds out about its question files before anything is sent."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from qtgen.commands._output import warn
from qtgen.errors import NearDuplicates, QuestionFileError
from qtgen.generation.plan import QuestionIndex, near_duplicate_rows, unknown_subjects
from qtgen.generation.questions import QuestionFiles
from qtgen.page.fields import SUBJECTS
from qtgen.settings import Settings
from qtgen.site.discovery import iter_page_paths, read_page


def index_questions(source: QuestionFiles, files: Sequence[Path], settings: Settings) -> QuestionIndex:
    """Read all rows once and warn about unknown subjects and shared ids.

    Raises QuestionFileError if a file is unreadable or no file has a question, before anything is paid for.
    """
    index = QuestionIndex()
    for row in source.rows():
        index.add(row)
    if not index.total:
        raise QuestionFileError("no questions", path=", ".join(map(str, files)))
    warn([*unknown_subjects(index.subjects, (*SUBJECTS, *settings.subjects))], "unknown subject")
    warn(index.shared_ids, "row", " with an id that another page has; they are written all the same")
    return index


def skipped_near_duplicates(source: QuestionFiles, settings: Settings) -> Mapping[int, str]:
    """Return the near-duplicates to skip, by row number, with the reason, and warn about all near-duplicates.

    Raises NearDuplicates if the settings say that they end the run.
    """
    paths = list(iter_page_paths([settings.corpus] if settings.corpus else []))
    titles = ((path, read_page(path).text_of("title") or "") for path in paths)
    pairs = dict(near_duplicate_rows(titles, source.rows()))
    if not pairs:
        return {}
    numbers = {*pairs, *pairs.values()}
    sources = {number: row.source for number, row in enumerate(source.rows()) if number in numbers}
    originals = {number: sources.get(other) or paths[-1 - other] for number, other in pairs.items()}
    reasons = {number: f"nearly the same question as {original}" for number, original in originals.items()}
    lines = [f"{sources[number]}: {reason}" for number, reason in reasons.items()]
    if settings.on_duplicate == "fail":
        message = f"{len(lines):,} near-duplicates; the first is {lines[0]}; nothing was sent (--on-duplicate fail)"
        raise NearDuplicates(message)
    if settings.on_duplicate == "skip":
        warn(lines, "near-duplicate question", "; skipped")
        return reasons
    warn(lines, "near-duplicate question", "; written all the same (--on-duplicate skip leaves them out)")
    return {}
