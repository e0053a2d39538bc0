"""Regeneration as one call, and the public names of the package."""

import asyncio
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from qtgen import regeneration
from qtgen._util.concurrency import Stop
from qtgen.errors import UsageError
from qtgen.generation.config import GenerationConfig
from qtgen.generation.types import Status
from qtgen.llm.types import Prompt
from qtgen.page.compile import default_layout
from qtgen.regeneration.api import default_filter, regenerate
from qtgen.regeneration.reasons import REASONS
from qtgen.regeneration.rewrite import RewriteResult
from qtgen.regeneration.staleness import StalenessFilter
from support.default_site import WRITTEN_GROUPS
from support.pages import LONG_DESCRIPTION, UNSPACED_KEYWORDS, page_path, write_site
from support.rewriting import DESCRIPTION, KEYWORDS, Responder, seo_json

PAGES: dict[str, dict[str, Any]] = {
    "osmosis": {DESCRIPTION: LONG_DESCRIPTION},
    "diffusion": {},
    "turgor": {KEYWORDS: UNSPACED_KEYWORDS},
}


def run(config: GenerationConfig, provider: Responder, **options: Any) -> list[RewriteResult]:
    async def collect() -> list[RewriteResult]:
        return [result async for result in regenerate(["site"], provider=provider, config=config, **options)]

    return asyncio.run(collect())


def test_stale_pages_are_rewritten_and_fresh_ones_are_not(config: GenerationConfig) -> None:
    before = write_site(**PAGES)
    provider = Responder(lambda _: seo_json())
    statuses = {result.job.path: result.outcome.status for result in run(config, provider)}
    assert statuses == {page_path("osmosis"): Status.WRITTEN, page_path("turgor"): Status.FIXED}
    assert [path for path, raw in before.items() if Path(path).read_bytes() == raw] == [page_path("diffusion")]
    assert len(provider.prompts) == 1
    assert Path("outputs/.qtgen/provenance.jsonl").exists()
    assert run(config, provider) == []


def test_the_models_are_those_of_the_providers(config: GenerationConfig) -> None:
    write_site(osmosis={DESCRIPTION: LONG_DESCRIPTION})
    run(config, Responder(lambda _: seo_json()))
    staleness = StalenessFilter([REASONS["model-changed"]], frozenset(), groups=frozenset(WRITTEN_GROUPS))
    assert run(config, Responder(lambda _: seo_json()), staleness=staleness) == []
    (result,) = run(config, Responder(lambda _: seo_json(), "other"), staleness=staleness)
    assert result.job.reasons == ("model-changed",)


def test_later_providers_are_fallbacks(config: GenerationConfig) -> None:
    write_site(osmosis={DESCRIPTION: LONG_DESCRIPTION})

    async def collect() -> list[RewriteResult]:
        providers = [Responder(lambda _: "nonsense"), Responder(lambda _: seo_json(), "fallback")]
        return [result async for result in regenerate([Path("site")], provider=providers, config=config)]

    (result,) = asyncio.run(collect())
    assert (result.outcome.status, result.outcome.model) == (Status.WRITTEN, "fallback")


def test_a_stop_ends_the_iteration(config: GenerationConfig) -> None:
    write_site(**{f"thing{number}": {DESCRIPTION: LONG_DESCRIPTION} for number in range(5)})
    stop = Stop()

    def respond(_: Prompt) -> str:
        stop.request()
        return seo_json()

    provider = Responder(respond)
    results = run(config, provider, stop=stop, concurrency=1)
    assert len(provider.prompts) == 1
    assert [result.outcome.status for result in results].count(Status.WRITTEN) == 1


def test_a_folder_without_pages_is_an_error(config: GenerationConfig) -> None:
    Path("site").mkdir()
    with pytest.raises(UsageError, match="no pages"):
        run(config, Responder(lambda _: seo_json()))


def test_the_default_filter_has_every_reason_that_applies_by_itself() -> None:
    staleness = default_filter(default_layout())
    names = [reason.name for reason in staleness.reasons]
    assert names == [
        "prompt-changed",
        "schema-changed",
        "model-changed",
        "source-changed",
        "question-edited",
        "sent-back",
    ]
    assert {"QT501", "QT601", "QT608"} <= staleness.codes
    assert not {code for code in staleness.codes if code.startswith("QT4")}


def test_every_public_name_can_be_imported() -> None:
    for name in regeneration.__all__:
        assert getattr(regeneration, name).__name__ == name if name != "REASONS" else regeneration.REASONS is REASONS
    with pytest.raises(AttributeError, match="no attribute 'rewrit'"):
        regeneration.rewrit  # type: ignore[attr-defined]  # noqa: B018 - a name that is not there


def test_listing_the_reasons_loads_no_template_engine_and_no_client() -> None:
    script = (
        "import sys; from qtgen.regeneration import REASONS; "
        "print(*({'jinja2', 'openai', 'numpy', 'sqlalchemy'} & sys.modules.keys()))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
