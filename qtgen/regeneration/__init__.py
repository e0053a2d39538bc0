"""Regeneration: find pages whose texts are stale, and rewrite them without making them worse.

    report = find_stale(batches, validation, staleness, criteria, provenance, config)
    jobs = plan_jobs(prioritize(report.stale, "worst", store.attempt_lookup()), config, sources)
    async for position, result in rewrite_all(jobs, config, providers, judges, store, concurrency=8, stop=Stop()): ...

`regenerate` does all of it. `reasons` holds the registry of reasons; to add one, write a function with `@reason`.
Names are imported when they are first used, because listing the reasons needs neither a prompt nor a model.
"""

from typing import TYPE_CHECKING

from qtgen._util.lazy import lazy_attributes

if TYPE_CHECKING:
    from qtgen.regeneration.api import default_filter, regenerate
    from qtgen.regeneration.compare import Comparison, compare_by_metrics
    from qtgen.regeneration.detect import find_stale
    from qtgen.regeneration.judged import compare_by_judges
    from qtgen.regeneration.page_state import Criteria
    from qtgen.regeneration.pipeline import rewrite_all
    from qtgen.regeneration.plan import RewriteSources, plan_jobs, prioritize
    from qtgen.regeneration.reasons import REASONS, Reason, reason
    from qtgen.regeneration.rewrite import RewriteJob, RewriteResult
    from qtgen.regeneration.staleness import StalenessFilter, StalenessReport, StalePage

__all__ = [
    "REASONS",
    "Comparison",
    "Criteria",
    "Reason",
    "RewriteJob",
    "RewriteResult",
    "RewriteSources",
    "StalePage",
    "StalenessFilter",
    "StalenessReport",
    "compare_by_judges",
    "compare_by_metrics",
    "default_filter",
    "find_stale",
    "plan_jobs",
    "prioritize",
    "reason",
    "regenerate",
    "rewrite_all",
]

_MODULES = {
    "api": ("default_filter", "regenerate"),
    "compare": ("Comparison", "compare_by_metrics"),
    "detect": ("find_stale",),
    "judged": ("compare_by_judges",),
    "page_state": ("Criteria",),
    "pipeline": ("rewrite_all",),
    "plan": ("RewriteSources", "plan_jobs", "prioritize"),
    "reasons": ("REASONS", "Reason", "reason"),
    "rewrite": ("RewriteJob", "RewriteResult"),
    "staleness": ("StalePage", "StalenessFilter", "StalenessReport"),
}
_MODULE_OF = {name: f".{module}" for module, names in _MODULES.items() for name in names}

if not TYPE_CHECKING:  # a type checker sees the names above, and finds misspelled ones
    __getattr__, __dir__ = lazy_attributes(__name__, _MODULE_OF)
