"""Regeneration as a library function."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from pathlib import Path

from qtgen._util.concurrency import Stop
from qtgen.generation.config import GenerationConfig
from qtgen.generation.output import OutputFolder
from qtgen.generation.provenance import written_groups
from qtgen.llm.types import Provider
from qtgen.page import Layout
from qtgen.regeneration.detect import find_stale
from qtgen.regeneration.line_ends import LINE_ENDS
from qtgen.regeneration.page_state import Criteria
from qtgen.regeneration.pipeline import rewrite_all
from qtgen.regeneration.plan import RewriteSources, plan_jobs, prioritize
from qtgen.regeneration.reasons import REASONS
from qtgen.regeneration.rewrite import RewriteResult
from qtgen.regeneration.staleness import StalenessFilter, StalenessReport
from qtgen.site.discovery import PathNames, as_paths, iter_batches
from qtgen.validation.rules import REGISTRY
from qtgen.validation.run import ValidationOptions

TEXT_RULES = ("QT5", "QT6")
"""Prefixes of the rules whose findings are reasons to rewrite a text."""
DEFAULT_RULES = (*TEXT_RULES, LINE_ENDS)
"""Prefixes of the rules whose findings are reasons by default."""


def default_filter(layout: Layout) -> StalenessFilter:
    """Return a filter with every reason that needs no setting, every rule about texts and every group of a layout."""
    reasons = [reason for reason in REASONS.values() if reason.setting is None and not reason.only_if_named]
    codes = (code for code, rule in REGISTRY.items() if code.startswith(DEFAULT_RULES) and not rule.on_request)
    return StalenessFilter(reasons, frozenset(codes), frozenset(written_groups(layout)))


async def regenerate(
    paths: PathNames,
    *,
    provider: Provider | Sequence[Provider],
    config: GenerationConfig,
    out: Path | str = "outputs",
    staleness: StalenessFilter | None = None,
    criteria: Criteria | None = None,
    sources: RewriteSources | None = None,
    judges: Sequence[Provider] = (),
    concurrency: int = 8,
    stop: Stop | None = None,
) -> AsyncGenerator[RewriteResult, None]:
    """Rewrite the stale pages among `paths`, worst first, and yield each result when its page is on disk.

    Every stale page that is processed has exactly one result, so a failed page does not raise. Example:

        from qtgen.regeneration import regenerate

        async def main(provider, config):
            async for result in regenerate(["content"], provider=provider, config=config):
                print(result.outcome.status, result.job.path, result.explanation)

    Args:
        paths: Files and folders with pages.
        provider: The model that writes texts, or several of which the later ones are fallbacks.
        config: How texts are written.
        out: The folder whose `.qtgen/` holds provenance, decisions and rewrites.
        staleness: Which reasons to look for; by default those of `default_filter`.
        criteria: What the pages are compared with; by default the prompts of `config` and the models of `provider`.
        sources: Source texts and links.
        judges: Models that compare old and new texts. Metrics compare them if there are none.
        concurrency: Maximum number of requests in flight.
        stop: Request it to start no further request.

    Raises:
        ValueError: There is no provider, or the concurrency is below 1.
        UsageError: There are no pages.
        QtgenError: As `rewrite_all`.
    """
    providers = [*provider] if isinstance(provider, Sequence) else [provider]
    if not providers or concurrency < 1:
        raise ValueError("regenerate() needs a provider, and a concurrency of at least 1")
    models = frozenset(model.model for model in providers)
    criteria = criteria or Criteria(config.today, config.part_digests(), models)
    store = OutputFolder(Path(out))

    def find() -> StalenessReport:
        batches = list(iter_batches(as_paths(paths)))
        return find_stale(
            batches,
            ValidationOptions((), profile=config.profile),
            staleness or default_filter(config.layout),
            criteria,
            store.provenance_index(config.layout),
            config,
            decisions=store.decision_log(),
        )

    report = await asyncio.to_thread(find)
    jobs = plan_jobs(prioritize(report.stale, "worst", store.attempt_lookup()), config, sources or RewriteSources())
    results = rewrite_all(jobs, config, providers, judges, store, concurrency=concurrency, stop=stop or Stop())
    async with aclosing(results):
        async for _, result in results:
            yield result
