"""Candidates: the pages that a suite scores, either generated or found in a folder."""

import datetime as dt
from collections import defaultdict
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from pathlib import Path

from qtgen._util.concurrency import Stop
from qtgen.errors import Failure
from qtgen.evaluation.page_texts import answer_of
from qtgen.evaluation.suites.suite import Reference, Suite, page_key, page_path, question_values
from qtgen.generation.config import GenerationConfig
from qtgen.generation.pipeline import generate_pages
from qtgen.generation.plan import Job
from qtgen.generation.types import Outcome, Status
from qtgen.llm.types import Provider, Usage
from qtgen.page import Page, read_text
from qtgen.site.discovery import read_page_bytes

_DATE = dt.date(2000, 1, 1)  # a page's date and id do not affect its score


@dataclass(frozen=True, slots=True)
class Candidate:
    """A page to be scored, or why there is none.

    `repeat` counts from 1. `text` is the whole page; `path` is None for a page that was generated.
    """

    reference: Reference
    repeat: int
    text: str | None = None
    error: Failure | None = None
    usage: Usage = field(default_factory=Usage)
    path: Path | None = None

    @property
    def answer(self) -> str:
        """The page's answer as Markdown; empty if there is none."""
        return "" if self.page is None else answer_of(self.page) or ""

    @property
    def page(self) -> Page | None:
        """The page, or None if there is none."""
        return None if self.text is None else read_text(self.text, self.reference.layout)


def job_for(reference: Reference) -> Job:
    """Return the generation job of a reference's question."""
    return Job(reference.question, 1, _DATE, page_path(reference), page_key(reference))


async def generate_candidates(
    suite: Suite,
    config: GenerationConfig,
    providers: Sequence[Provider],
    *,
    repeat: int = 1,
    concurrency: int,
    stop: Stop | None = None,
) -> AsyncGenerator[tuple[Candidate, Outcome], None]:
    """Yield one candidate per reference as it is finished, with the generator's outcome.

    After `stop` is requested, or once the budget is used up, nothing new is started. Raises ProviderUnusable and
    LedgerError.
    """
    steps = [
        Outcome(reference.question, Status.FAILED, error=reference.error) if reference.error else job_for(reference)
        for reference in suite.references
    ]
    pages = generate_pages(steps, config, providers, None, concurrency=concurrency, stop=stop or Stop())
    async with aclosing(pages):
        async for position, outcome in pages:
            text = outcome.draft.text if outcome.draft else None
            yield Candidate(suite.references[position], repeat, text, outcome.error, outcome.usage), outcome


def in_suite_order(suite: Suite, candidates: Sequence[Candidate]) -> list[Candidate]:
    """Sort candidates by repeat, then by the order of the references."""
    places = {reference.id: place for place, reference in enumerate(suite.references)}
    return sorted(candidates, key=lambda candidate: (candidate.repeat, places[candidate.reference.id]))


def find_candidates(suite: Suite, folder: Path) -> list[Candidate]:
    """Return the page in a folder, at any depth, with the file name of each reference.

    If several pages have that name, the one in the folder of the reference's subject counts.
    """
    pages: dict[str, list[Path]] = defaultdict(list)
    for path in sorted(folder.rglob("*.md")):
        if path.is_file():
            pages[path.name].append(path)
    return [_find_candidate(reference, folder, pages[reference.path.name]) for reference in suite.references]


def _find_candidate(reference: Reference, folder: Path, paths: Sequence[Path]) -> Candidate:
    expected, *others = _expected_paths(reference, folder)
    if reference.error:
        return Candidate(reference, 1, error=reference.error)
    if not paths:
        return Candidate(reference, 1, error=Failure("no-page", f"{folder}: no page named {expected.name}"))
    known = next((path for path in (expected, *others) if path in paths), paths[0])
    if len(paths) > 1 and known not in (expected, *others):
        message = f"both {paths[0]} and {paths[1]} have this name, and {expected} does not exist"
        return Candidate(reference, 1, error=Failure("ambiguous-page", message))
    try:
        text = read_page_bytes(str(known)).decode("utf-8", errors="replace")
    except OSError as error:
        return Candidate(reference, 1, error=Failure("unreadable-page", f"{known}: {error.strerror or error}"))
    return Candidate(reference, 1, text, path=known)


def _expected_paths(reference: Reference, folder: Path) -> list[Path]:
    """Return the possible paths of the page of a reference. The first one is below the root of the site.

    The folder can also be one of those below the root: `articles` of pages in `articles/engines`.
    """
    layout = reference.layout
    parts = (layout.folder.fill(question_values(reference), layout.slug) or "").split("/")
    return [folder.joinpath(*parts[start:], reference.path.name) for start in range(len(parts))]
