"""Suite -> report: make or take a page for every reference, score it, and say what came of it."""

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING, Any

from qtgen import __version__
from qtgen._util.concurrency import Stop, map_unordered
from qtgen.errors import Failure, UsageError
from qtgen.evaluation.gate import summed
from qtgen.evaluation.judges import JUDGED, Opinion, claims_made, rubric
from qtgen.evaluation.metrics import METRICS, PageFacts
from qtgen.evaluation.scoring import Item, Scored, score_all
from qtgen.evaluation.suites import Reference, Suite, load_suite
from qtgen.generation.config import GenerationConfig
from qtgen.generation.generator import generate_page
from qtgen.generation.plan import Job
from qtgen.llm.types import Provider, Usage
from qtgen.page import decode_answer, file_name, read_text, slug, url
from qtgen.page.document import Page
from qtgen.site.discovery import read_page_bytes
from qtgen.validation.diagnostics import Severity
from qtgen.validation.rules import PageChecker, PageFile

if TYPE_CHECKING:
    from qtgen.embeddings.static import TextEmbedder

VERSION = 1
_JUDGED_AT_ONCE = 32
_SHOWN_OF_TOO_LARGE = 1_000  # characters
_MADE_ON = dt.date(2000, 1, 1)  # a page's date and id have no part in its score
_NEEDS_SITE = frozenset({"QT302", "QT304"})  # names of files and folders, which a suite's pages may have otherwise


@dataclass(frozen=True, slots=True)
class Candidate:
    """A page to be scored; without a text, why there is none."""

    reference: Reference
    repeat: int
    text: str | None = None
    error: Failure | None = None
    usage: Usage = field(default_factory=Usage)
    path: Path | None = None


def loaded(folder: Path) -> Suite:
    """Raises UsageError as `load_suite` does, and for metrics that there are not or that the gate cannot judge by."""
    suite, known = load_suite(folder), directions()
    directed = [name for name, direction in known.items() if direction != "none"]
    for field_name, names, there in (
        ("metrics", suite.file.metrics or (), [*METRICS]),
        ("gate.metrics", suite.file.gate.metrics, directed),
    ):
        if unknown := [name for name in names if name not in there]:
            where = folder / "suite.toml"
            raise UsageError(f"{where}: {field_name}: `{unknown[0]}` is none of {', '.join(there)}")
    return suite


async def generated(
    suite: Suite, recipe: GenerationConfig, providers: Sequence[Provider], repeat: int, concurrency: int
) -> list[Candidate]:
    """One page a reference by the normal generator, in the order of the references."""

    async def work(reference: Reference) -> Candidate:
        if reference.error:
            return Candidate(reference, repeat, error=reference.error)
        outcome = await generate_page(_job(reference), recipe, providers)
        text = outcome.draft.text if outcome.draft else None
        return Candidate(reference, repeat, text, outcome.error, outcome.usage)

    made: dict[str, Candidate] = {}
    async for reference, candidate in map_unordered(suite.references, work, concurrency=concurrency, stop=Stop()):
        made[reference.id] = candidate
    return [made[reference.id] for reference in suite.references]


def _job(reference: Reference) -> Job:
    question = reference.question
    path = f"{slug(question.subject)}/{file_name(question.text)}"
    return Job(question, 1, _MADE_ON, path, url(question.subject, question.text))


def taken(suite: Suite, folder: Path) -> list[Candidate]:
    """The page of the same file name in a folder, wherever it lies there; an error where there is none.

    Of several, that in the folder of the reference's subject.
    """
    pages: dict[str, list[Path]] = defaultdict(list)
    for path in sorted(folder.rglob("*.md")):
        if path.is_file():
            pages[path.name].append(path)
    return [_page_among(reference, folder, pages[reference.path.name]) for reference in suite.references]


def _page_among(reference: Reference, folder: Path, paths: Sequence[Path]) -> Candidate:
    own = folder / slug(reference.question.subject) / reference.path.name
    if reference.error:
        return Candidate(reference, 1, error=reference.error)
    if not paths:
        return Candidate(reference, 1, error=Failure("no-page", f"no page {own.name} to score"))
    if len(paths) > 1 and own not in paths:
        return Candidate(reference, 1, error=Failure("ambiguous-page", f"both {paths[0]} and {paths[1]}; not {own}"))
    return _page_at(reference, own if own in paths else paths[0])


def _page_at(reference: Reference, path: Path) -> Candidate:
    try:
        text = read_page_bytes(str(path)).decode("utf-8", errors="replace")
    except OSError as error:
        return Candidate(reference, 1, error=Failure("unreadable-page", f"{path}: {error.strerror or error}"))
    return Candidate(reference, 1, text, path=path)


def scored(
    candidates: Sequence[Candidate],
    check: PageChecker,
    names: Sequence[str] | None,
    embed: "TextEmbedder | None" = None,
) -> list[Scored]:
    """In the order of the candidates."""
    return list(score_all((_item(candidate, check) for candidate in candidates), names, embed=embed))


def _item(candidate: Candidate, check: PageChecker) -> Item | Scored:
    reference = candidate.reference
    if candidate.text is None:
        return Scored(reference.id, None, error=candidate.error or Failure("no-page", "there is no page"))
    page = read_text(candidate.text)
    answer = page.text_of("answer")
    if answer is None:
        return Scored(reference.id, None, error=Failure("unreadable-page", "the page has no answer that can be read"))
    question, nuggets = reference.question.text, reference.nuggets
    facts = _facts(page, reference, check)
    return Item(reference.id, question, (reference.answer,), decode_answer(answer), nuggets.must, nuggets.nice, facts)


def _facts(page: Page, reference: Reference, check: PageChecker) -> PageFacts:
    path = f"{slug(reference.question.subject)}/{file_name(reference.question.text)}"
    found = [one for one in check(PageFile(path, page)) if one.code not in _NEEDS_SITE]
    codes = {severity: tuple(one.code for one in found if one.severity is severity) for severity in Severity}
    description, keywords = (page.text_of(f"seo.{name}") or "" for name in ("page_description", "page_keywords"))
    return PageFacts(description, keywords, codes[Severity.ERROR], codes[Severity.WARNING])


async def judged(candidates: Sequence[Candidate], scores: Sequence[Scored], judges: Sequence[Provider]) -> list[Scored]:
    """The same with what judges say: the mean of those that have an opinion. Raises ProviderUnusable."""

    async def work(numbered: tuple[int, tuple[Candidate, Scored]]) -> Scored:
        _, (candidate, of) = numbered
        return of if of.score is None else await _judged(candidate.reference, _answer(candidate), of, judges)

    found: dict[int, Scored] = {}
    pairs = enumerate(zip(candidates, scores, strict=True))
    async for (place, _), one in map_unordered(pairs, work, concurrency=_JUDGED_AT_ONCE, stop=Stop()):
        found[place] = one
    return [found[place] for place in range(len(scores))]


async def _judged(reference: Reference, answer: str, of: Scored, judges: Sequence[Provider]) -> Scored:
    marks = [await rubric(judge, reference.question.text, reference.answer, answer) for judge in judges]
    nuggets = reference.nuggets
    must, nice = [
        [await claims_made(judge, some, answer) for judge in judges if some] for some in (nuggets.must, nuggets.nice)
    ]
    opinions = {name: _together(said) for name, said in zip(JUDGED, (marks, must, nice), strict=True)}
    metrics = {**of.metrics, **{name: value for name, (value, _) in opinions.items()}}
    return replace(of, metrics=metrics, notes={**of.notes, **{name: note for name, (_, note) in opinions.items()}})


def _together(opinions: Sequence[Opinion]) -> tuple[float | None, str]:
    values = [one.value for one in opinions if one.value is not None]
    said = [one.error.message if one.error else one.note for one in opinions]
    return (fmean(values) if values else None), " / ".join(said)


def _answer(candidate: Candidate) -> str:
    return decode_answer(read_text(candidate.text).text_of("answer") or "") if candidate.text is not None else ""


def report(
    suite: Suite,
    candidates: Sequence[Candidate],
    scores: Sequence[Scored],
    made_by: Mapping[str, Any],
    now: dt.datetime,
) -> dict[str, Any]:
    """The report of a run, as docs/evals.md describes it. made_by: scorer, provider, model, prompts, recordings."""
    items = [_row(candidate, score) for candidate, score in zip(candidates, scores, strict=True)]
    usage = sum((candidate.usage for candidate in candidates), Usage())
    return {
        "version": VERSION,
        "suite": suite.name,
        "suite_digest": suite.digest,
        "qtgen": __version__,
        "created": now.isoformat(timespec="seconds"),
        **made_by,
        "repeats": max((candidate.repeat for candidate in candidates), default=1),
        "items": items,
        "metrics": summed(items, directions()),
        "usage": _usage(usage),
        "gate": None,
    }


def directions() -> dict[str, str]:
    """Which way each metric is better; the overall score first."""
    own = {name: one.direction.value for name, one in METRICS.items()}
    return {"score": "higher", **own, **dict.fromkeys(JUDGED, "higher")}


def _row(candidate: Candidate, score: Scored) -> dict[str, Any]:
    reference = candidate.reference
    most = _SHOWN_OF_TOO_LARGE if score.error and score.error.kind == "too-large" else None
    return {
        "id": reference.id,
        "cluster": reference.id,
        "question": reference.question.text,
        "subject": reference.question.subject,
        "repeat": candidate.repeat,
        "score": score.score,
        "metrics": dict(score.metrics),
        "notes": dict(score.notes),
        "error": asdict(score.error) if score.error else None,
        "candidate": _answer(candidate)[:most],
        "reference": reference.answer[:most],
        "usage": _usage(candidate.usage),
    }


def _usage(usage: Usage) -> dict[str, Any]:
    shown = asdict(usage)
    del shown["cached_tokens"]
    return shown


def worst(items: Iterable[Mapping[str, Any]], most: int) -> list[Mapping[str, Any]]:
    """The lowest scores first."""
    return sorted((item for item in items if item["score"] is not None), key=lambda item: item["score"])[:most]
