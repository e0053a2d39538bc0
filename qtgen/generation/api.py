"""Generation as a library function."""

import datetime as dt
from collections.abc import AsyncIterator, Container, Iterable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path

from qtgen._util.concurrency import Stop
from qtgen.generation import answers
from qtgen.generation.config import GenerationConfig, prompt_folders
from qtgen.generation.new_pages import check_fillable, needs_number
from qtgen.generation.output import OutputFolder
from qtgen.generation.pipeline import generate_pages
from qtgen.generation.places import Places
from qtgen.generation.plan import IdAllocator, PlanOptions, QuestionIndex, plan, without_ids
from qtgen.generation.prompts import PromptLibrary
from qtgen.generation.types import Outcome, Question
from qtgen.llm.types import Provider
from qtgen.page import Profile, main_layout
from qtgen.page.invisible import normalize
from qtgen.site.discovery import PathName
from qtgen.site.profiles import resolve_profile
from qtgen.validation.plugins import load_installed_plugins
from qtgen.validation.selection import choose_rules


async def generate(
    questions: Iterable[Question],
    *,
    provider: Provider | Sequence[Provider],
    out: Path | str | None = None,
    config: GenerationConfig | None = None,
    concurrency: int = 8,
    recreate: bool = False,
    site: Profile | PathName | None = None,
) -> AsyncIterator[Outcome]:
    """Write a page for each question and yield its outcome as it finishes.

    Every question has exactly one outcome, so a failed page does not raise. A page that exists is never overwritten.
    Example:

        import asyncio
        from qtgen.generation import Question, generate

        async def write_pages(provider):
            questions = [Question("What is osmosis?", "Biology")]
            outcomes = generate(questions, provider=provider, out="outputs")
            return {outcome.path: outcome.status async for outcome in outcomes}

        statuses = asyncio.run(write_pages(provider))

    Args:
        questions: The questions.
        provider: The model, or several models. Later ones are fallbacks.
        out: The folder that pages are written to. None writes nothing: `outcome.draft.text` is the page.
        config: How pages are made. None stands for the shipped prompts, all rules and today's date.
        site: The layout of the site: a profile or the path of a `site.toml`. By default, the nearest `site.toml`, in
            the current folder or above it. If there is none, the default layout. It is ignored if `config` is given.
        concurrency: Maximum number of requests in flight.
        recreate: Write pages again that were written to `out` and deleted since.

    Raises:
        ValueError: There is no provider, or the concurrency is below 1.
        ProviderUnusable: The provider cannot answer any request.
        OutputError: A page cannot be written.
        PromptError: A prompt template cannot be used.
        SettingsError: The layout of the site has a fault, or new pages cannot have what it requires.
    """
    providers = [*provider] if isinstance(provider, Sequence) else [provider]
    if not providers or concurrency < 1:
        raise ValueError("generate() needs a provider, and a concurrency of at least 1")
    today = config.today if config else dt.datetime.now().astimezone().date()
    config = config or default_config(today, resolve_profile(site))
    output = OutputFolder(Path(out)) if out is not None else None
    rows = [replace(row, text=normalize(row.text), subject=normalize(row.subject)) for row in questions]
    index = QuestionIndex(Places(config.layout, today))
    for row in rows:
        index.add(row)
    options = PlanOptions(
        out=output.folder if output else Path(),
        today=today,
        layout=config.layout,
        exists=lambda path: output is not None and Path(path).exists(),
        is_deleted=output.deleted_pages() if output and not recreate else lambda *_: False,
        duplicates=index.duplicates(),
    )
    first_id = (output.highest_id(None, config.layout) if output else 0) + 1
    if output:
        output.check_writable()
    check_fillable(config.layout)
    steps = plan(rows, options, _count_ids(first_id, index.ids) if needs_number(config.layout) else without_ids)
    results = generate_pages(steps, config, providers, output, concurrency=concurrency, stop=Stop())
    async with aclosing(results):
        async for _, outcome in results:
            yield outcome


def default_config(today: dt.date, profile: Profile) -> GenerationConfig:
    """Return the configuration with the prompts of the site or the shipped ones, and all rules, plugins' included."""
    load_installed_plugins()
    library = PromptLibrary(prompt_folders(profile), answers.schemas_of(profile), main_layout(profile))
    return GenerationConfig(library, choose_rules(profile=profile), today, profile)


def _count_ids(first: int, taken: Container[int]) -> IdAllocator:
    """Return an allocator that counts up from `first`, without the ids that questions ask for."""
    next_id = first

    def allocate(urls: Mapping[str, int | None]) -> Mapping[str, int]:
        nonlocal next_id
        ids: dict[str, int] = {}
        for url, asked in urls.items():
            if asked is None:
                while next_id in taken:
                    next_id += 1
                ids[url], next_id = next_id, next_id + 1
            else:
                ids[url] = asked
        return ids

    return allocate
