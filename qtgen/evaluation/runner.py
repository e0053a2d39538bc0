"""The run of a suite: score its candidates, let judges score them, and build the report."""

import datetime as dt
from collections.abc import AsyncGenerator, Collection, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from statistics import fmean
from typing import TYPE_CHECKING

from qtgen import __version__
from qtgen._util.concurrency import Stop, map_unordered
from qtgen.errors import Failure
from qtgen.evaluation.candidates import Candidate
from qtgen.evaluation.gate import summarize
from qtgen.evaluation.judges import JudgeScore, judge_by_rubric, judge_claims
from qtgen.evaluation.metrics import JUDGE_METRICS, PageFacts, metric_directions
from qtgen.evaluation.plugins import library_versions, scorer_name
from qtgen.evaluation.report import EvalItem, EvalReport, RecordingUse
from qtgen.evaluation.scoring import Sample, SampleResult, score_samples
from qtgen.evaluation.suites import Reference, Suite, page_path
from qtgen.llm.types import Provider, Usage
from qtgen.page import decode_answer, read_text
from qtgen.page.document import Page
from qtgen.validation.diagnostics import Severity
from qtgen.validation.rules import PageChecker, PageFile

if TYPE_CHECKING:
    from qtgen.embeddings.static import TextEmbedder

JUDGE_CONCURRENCY = 32  # pages that are judged at the same time
_EXCERPT = 1_000  # characters that the report shows of a text that is too large to be scored
_PATH_RULES = frozenset({"QT302", "QT304"})  # names of files and folders, which a suite's pages need not have


@dataclass(frozen=True, slots=True)
class RunInfo:
    """How the candidates of a run were made, for the report.

    Args:
        provider: `openai`, `local`, or `pages` for pages of a folder.
        model: The model, or the folder.
        prompts: Digests of the prompts by name.
        recordings: Which recordings a replay did not use, and which it lacked.
        judges: The models that judged.
        scorer: See `plugins.scorer_name`.
    """

    provider: str
    model: str
    prompts: Mapping[str, str] = field(default_factory=dict)
    recordings: RecordingUse = field(default_factory=RecordingUse)
    judges: tuple[str, ...] = ()
    scorer: str = field(default_factory=scorer_name)


def score_candidates(
    candidates: Sequence[Candidate],
    checker: PageChecker,
    metrics: Collection[str] | None = None,
    embed: "TextEmbedder | None" = None,
) -> list[SampleResult]:
    """Return the results in the order of the candidates. `metrics` and `embed` are as for `score_sample`."""
    return list(score_samples((_sample(candidate, checker) for candidate in candidates), metrics, embed=embed))


def _sample(candidate: Candidate, checker: PageChecker) -> Sample | SampleResult:
    reference = candidate.reference
    if candidate.text is None:
        return SampleResult(reference.id, None, error=candidate.error or Failure("no-page", "there is no page"))
    page = read_text(candidate.text)
    answer = page.text_of("answer")
    if answer is None:
        return SampleResult(reference.id, None, error=Failure("unreadable-page", "the page has no readable answer"))
    nuggets = reference.nuggets
    return Sample(
        reference.id,
        reference.question.text,
        (reference.answer,),
        decode_answer(answer),
        nuggets.must,
        nuggets.nice,
        _page_facts(page, reference, checker),
        reference.question.context or "",
    )


def _page_facts(page: Page, reference: Reference, checker: PageChecker) -> PageFacts:
    codes: dict[Severity, list[str]] = {severity: [] for severity in Severity}
    for diagnostic in checker(PageFile(page_path(reference), page)):
        if diagnostic.code not in _PATH_RULES:
            codes[diagnostic.severity].append(diagnostic.code)
    description, keywords = (page.text_of(f"seo.{name}") or "" for name in ("page_description", "page_keywords"))
    return PageFacts(description, keywords, tuple(codes[Severity.ERROR]), tuple(codes[Severity.WARNING]))


async def judge_candidates(
    candidates: Sequence[Candidate],
    results: Sequence[SampleResult],
    judges: Sequence[Provider],
    *,
    concurrency: int = JUDGE_CONCURRENCY,
    stop: Stop | None = None,
) -> AsyncGenerator[tuple[int, SampleResult], None]:
    """Yield the index of each candidate with its result and the judges' metrics, as they are finished.

    The value of a judge metric is the mean over the judges that gave one. A candidate without a score is not judged.
    Raises ProviderUnusable.
    """

    async def work(index: int) -> SampleResult:
        if results[index].score is None:
            return results[index]
        return await _judge(candidates[index], results[index], judges)

    running = map_unordered(range(len(results)), work, concurrency=concurrency, stop=stop or Stop())
    async with aclosing(running):
        async for index, result in running:
            yield index, result


async def _judge(candidate: Candidate, result: SampleResult, judges: Sequence[Provider]) -> SampleResult:
    reference, answer = candidate.reference, candidate.answer
    question, nuggets = reference.question.text, reference.nuggets
    rubric_scores = [await judge_by_rubric(judge, question, reference.answer, answer) for judge in judges]
    must_scores, nice_scores = [
        [await judge_claims(judge, claims, answer) for judge in judges if claims]
        for claims in (nuggets.must, nuggets.nice)
    ]
    metrics, notes = dict(result.metrics), dict(result.notes)
    for name, scores in zip(JUDGE_METRICS, (rubric_scores, must_scores, nice_scores), strict=True):
        metrics[name], notes[name] = _mean_score(scores)
    return replace(result, metrics=metrics, notes=notes)


def _mean_score(scores: Sequence[JudgeScore]) -> tuple[float | None, str]:
    values = [score.value for score in scores if score.value is not None]
    notes = [score.error.message if score.error else score.note for score in scores]
    return (fmean(values) if values else None), " / ".join(notes)


def build_report(
    suite: Suite,
    candidates: Sequence[Candidate],
    results: Sequence[SampleResult],
    info: RunInfo,
    now: dt.datetime,
) -> EvalReport:
    """Return the report of a run, not yet compared with a baseline."""
    items = tuple(_item(candidate, result) for candidate, result in zip(candidates, results, strict=True))
    return EvalReport(
        suite=suite.name,
        suite_digest=suite.digest,
        qtgen=__version__,
        created=now.isoformat(timespec="seconds"),
        provider=info.provider,
        model=info.model,
        prompts=dict(info.prompts),
        recordings=info.recordings,
        judges=info.judges,
        scorer=info.scorer,
        libraries=library_versions(),
        repeats=max((candidate.repeat for candidate in candidates), default=1),
        items=items,
        metrics=summarize(items, metric_directions()),
        usage=sum((candidate.usage for candidate in candidates), Usage()),
    )


def _item(candidate: Candidate, result: SampleResult) -> EvalItem:
    reference = candidate.reference
    limit = _EXCERPT if result.error and result.error.kind == "too-large" else None
    return EvalItem(
        id=reference.id,
        cluster=reference.id,
        question=reference.question.text,
        subject=reference.question.subject,
        repeat=candidate.repeat,
        score=result.score,
        metrics=dict(result.metrics),
        notes=dict(result.notes),
        error=result.error,
        candidate=candidate.answer[:limit],
        reference=reference.answer[:limit],
        usage=candidate.usage,
        digest=reference.digest,
    )
