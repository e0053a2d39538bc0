"""The run of a suite: score its candidates, and build the report."""

import datetime as dt
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from qtgen import __version__
from qtgen.errors import Failure
from qtgen.evaluation.gate.comparison import summarize
from qtgen.evaluation.judging.summary import Judging
from qtgen.evaluation.metrics import Bounds, PageFacts, metric_directions
from qtgen.evaluation.page_texts import answer_of
from qtgen.evaluation.plugins import library_versions, scorer_name
from qtgen.evaluation.report import EvalItem, EvalReport, RecordingUse
from qtgen.evaluation.scoring import Sample, SampleResult, score_samples
from qtgen.evaluation.suites.candidates import Candidate
from qtgen.evaluation.suites.suite import Reference, Suite, page_path
from qtgen.llm.types import Usage
from qtgen.page.document import Page
from qtgen.page.layout import Layout
from qtgen.validation.diagnostics import Severity
from qtgen.validation.rules import PageChecker, PageFile

if TYPE_CHECKING:
    from qtgen.embeddings.static import TextEmbedder

_EXCERPT = 1_000  # characters that the report shows of a text that is too large to be scored
_PATH_RULES = frozenset({"QT302", "QT304"})  # names of files and folders, which a suite's pages need not have


@dataclass(frozen=True, slots=True)
class RunInfo:
    """How the candidates of a run were made, for the report.

    Args:
        provider: `openai`, `local`, or `pages` for pages of a folder.
        model: The model, or the folder.
        prompts: Digests of the prompts by name.
        recordings: The recordings that a replay did not use, and the requests without a recording.
        judges: The models that judged.
        judging: The usage and agreement of judges, or None without judges.
        scorer: See `plugins.scorer_name`.
    """

    provider: str
    model: str
    prompts: Mapping[str, str] = field(default_factory=dict)
    recordings: RecordingUse = field(default_factory=RecordingUse)
    judges: tuple[str, ...] = ()
    judging: Judging | None = None
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
    page = candidate.page
    if page is None:
        return SampleResult(reference.id, None, error=candidate.error or Failure("no-page", "there is no page"))
    answer = answer_of(page)
    if answer is None:
        return SampleResult(reference.id, None, error=Failure("unreadable-page", "the page has no readable answer"))
    nuggets = reference.nuggets
    return Sample(
        reference.id,
        reference.question.text,
        (reference.answer,),
        answer,
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
    return page_facts(page, tuple(codes[Severity.ERROR]), tuple(codes[Severity.WARNING]))


def page_facts(page: Page, errors: tuple[str, ...], warnings: tuple[str, ...]) -> PageFacts:
    """Return the description and the keywords of a page for metrics, with the bounds of the site.

    Args:
        page: The page.
        errors: The codes of the rules of severity error that it breaks.
        warnings: The codes of those of severity warning.
    """
    layout = page.layout
    words = page.values.get(layout.keywords) if layout.keywords else None
    spec = layout.fields[layout.keywords].spec if layout.keywords else None
    is_list = isinstance(words, list)
    separator = (spec.separator if spec else None) or ("\n" if is_list else ",")
    keywords = separator.join(map(str, words)) if isinstance(words, list) else str(words or "")
    return PageFacts(
        (page.text_of(layout.description) or "") if layout.description else None,
        keywords if layout.keywords else None,
        errors,
        warnings,
        separator=separator,
        description_bounds=_bounds(layout, layout.description),
        keyword_bounds=_bounds(layout, layout.keywords),
    )


def _bounds(layout: Layout, path: str | None) -> Bounds:
    spec = layout.fields[path].spec if path else None
    return Bounds(spec.min, spec.max) if spec else Bounds()


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
        judging=info.judging,
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
