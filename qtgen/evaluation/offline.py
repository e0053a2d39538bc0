"""Evaluation without a network: replay a suite's recorded responses, or score the pages of a folder."""

import asyncio
import datetime as dt
import os
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path

from pydantic import SecretStr

from qtgen.evaluation.gate.baselines import compare_with_baseline
from qtgen.evaluation.judging.panel import JudgePlan, Panel, PanelLog, judge_candidates
from qtgen.evaluation.plugins import load_plugins
from qtgen.evaluation.report import EvalReport, RecordingUse
from qtgen.evaluation.runner import RunInfo, build_report, score_candidates
from qtgen.evaluation.scoring import SampleResult
from qtgen.evaluation.suites.candidates import Candidate, find_candidates, generate_candidates, in_suite_order
from qtgen.evaluation.suites.suite import Suite, find_suite, load_suite
from qtgen.generation.config import GenerationConfig, generation_config
from qtgen.llm.cassettes import Recordings, replaying, strict_client
from qtgen.llm.factory import endpoints_for
from qtgen.llm.providers import provider_name
from qtgen.page.profile import Profile
from qtgen.settings import Settings, load_settings
from qtgen.site.discovery import PathName
from qtgen.site.profiles import resolve_profile

_CONCURRENCY = 16  # pages in progress while recordings are replayed
_TODAY = dt.date(2000, 1, 1)  # the date of generated pages does not affect their score


def evaluate(
    suite: str | Path,
    *,
    pages: Path | None = None,
    baseline: Path | None = None,
    settings: Settings | None = None,
    site: Profile | PathName | None = None,
) -> EvalReport:
    """Evaluate a suite offline and return its report.

    Args:
        suite: The suite's folder, or its name in the project's `evals/`.
        pages: Score the pages of this folder. By default the suite's recorded responses are replayed.
        baseline: A report to compare with, by default the suite's baseline.json if it exists.
        settings: By default those of qtgen.toml and the environment.
        site: The layout of the site: a profile or the path of a `site.toml`. By default, the nearest `site.toml`, in
            the current folder or above it. If there is none, the default layout.

    Raises UsageError if the suite, its recordings or the baseline cannot be used. Needs the `evals` extra. It runs an
    event loop of its own, so do not call it from a coroutine.
    """
    settings = settings or load_settings(Path.cwd(), os.environ, {}).settings
    load_plugins(settings.plugins)
    loaded = load_suite(find_suite(str(suite)), resolve_profile(site))
    settings = with_suite_settings(settings, loaded)
    config = suite_config(settings, loaded.profile)
    if pages:
        candidates, info = find_candidates(loaded, pages), RunInfo("pages", str(pages))
    else:
        candidates, recordings = replay_candidates(loaded, config, settings, loaded.settings.repeats)
        model = endpoints_for(replay_settings(settings))[0].model
        info = RunInfo(provider_name(settings), model, config.template_digests(), recordings)
    results = score_candidates(candidates, config.checker, loaded.settings.measured_metrics)
    report = build_report(loaded, candidates, results, info, dt.datetime.now(dt.UTC))
    path = baseline or loaded.baseline
    compared = compare_with_baseline(
        loaded, report, path, str(path), is_required=baseline is not None, metrics=loaded.settings.measured_metrics
    )
    if compared.error:
        raise compared.error
    return compared.report


def with_suite_settings(settings: Settings, suite: Suite) -> Settings:
    """Return the settings with those of suite.toml on top."""
    own = suite.settings
    wanted = {"provider": own.provider, "model": own.model and (own.model,), "prompt": own.prompt}
    given = {name: value for name, value in (wanted | {"base_url": own.base_url}).items() if value}
    return one_model(settings.model_copy(update=given))


def one_model(settings: Settings) -> Settings:
    """Return the settings with the first model only: an evaluation is of one model, without fallbacks."""
    return settings.model_copy(update={"model": settings.model[:1]})


def suite_config(settings: Settings, profile: Profile) -> GenerationConfig:
    """Return how a suite's pages are generated."""
    return generation_config(settings, _TODAY, profile)


def replay_settings(settings: Settings) -> Settings:
    """Return settings for a replay, which needs no key although the client requires one."""
    if settings.api_key or provider_name(settings) == "local":
        return settings
    return settings.model_copy(update={"api_key": SecretStr("replayed")})


def replay_candidates(
    suite: Suite, config: GenerationConfig, settings: Settings, repeats: int
) -> tuple[list[Candidate], RecordingUse]:
    """Generate the suite's pages from its recorded responses. Raises UsageError if the cassette cannot be used.

    It bypasses the ledger, which would answer the second of two equal requests itself.
    """
    endpoint = endpoints_for(replay_settings(settings))[0]

    async def generate_all(recordings: Recordings) -> list[Candidate]:
        candidates = []
        async with strict_client(endpoint, recordings) as client:
            for repeat in range(1, repeats + 1):
                pages = generate_candidates(suite, config, [client], repeat=repeat, concurrency=_CONCURRENCY)
                candidates += [candidate async for candidate, _ in pages]
        return in_suite_order(suite, candidates)

    with replaying(suite.cassette) as recordings:
        candidates = asyncio.run(generate_all(recordings))
    return candidates, _use(recordings)


def replay_judges(
    suite: Suite, candidates: Sequence[Candidate], results: Sequence[SampleResult], settings: Settings, plan: JudgePlan
) -> tuple[Panel, RecordingUse]:
    """Return the results with the metrics of recorded judges. Raises UsageError if the cassette cannot be used.

    A replay costs nothing, so the judges' tokens count and their cost does not.
    """
    endpoints = endpoints_for(replay_settings(settings.model_copy(update={"model": plan.models})))
    log = PanelLog(candidates, results, plan)

    async def judge_all(recordings: Recordings) -> None:
        async with AsyncExitStack() as stack:
            judges = [await stack.enter_async_context(strict_client(endpoint, recordings)) for endpoint in endpoints]
            async for index, judged in judge_candidates(candidates, results, judges, plan):
                log.add(index, judged)

    with replaying(suite.judges_cassette) as recordings:
        asyncio.run(judge_all(recordings))
    panel = log.panel()
    judges = {model: replace(use, cost_usd=0.0) for model, use in panel.judging.judges.items()}
    judging = replace(panel.judging, judges=judges, source="recordings")
    return Panel(panel.results, judging), _use(recordings)


def _use(recordings: Recordings) -> RecordingUse:
    return RecordingUse(tuple(recordings.unused), tuple(recordings.missed))
