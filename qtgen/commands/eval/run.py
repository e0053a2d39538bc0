"""`qtgen eval run`: suites -> reports, and a verdict against each baseline."""

import asyncio
import datetime as dt
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack, nullcontext
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

import click
from pydantic import SecretStr

from qtgen.commands._options import folder, open_ledger, settings_from
from qtgen.commands._output import note
from qtgen.commands.eval.files import check_outputs, read_report, show, write_report
from qtgen.errors import UsageError
from qtgen.evaluation.gate import judged
from qtgen.evaluation.metrics import SCORER
from qtgen.evaluation.runner import Candidate, directions, generated, loaded, report, scored, taken
from qtgen.evaluation.runner import judged as judged_by
from qtgen.evaluation.scoring import Scored
from qtgen.evaluation.stats import Verdict
from qtgen.evaluation.suites import Suite
from qtgen.generation.config import GenerationConfig, generation_config
from qtgen.generation.output import write_scores
from qtgen.llm.cassettes import Recordings, recording, replaying, strict_client
from qtgen.llm.client import Client
from qtgen.llm.factory import concurrency, embeddings, endpoints_for, open_clients
from qtgen.llm.ledger import Ledger, open_writer
from qtgen.llm.providers import provider_name
from qtgen.llm.types import Provider
from qtgen.settings import Settings, project_folder
from qtgen.validation.rules import PageChecker

_AT_ONCE = 16  # pages in the making while recordings are played
_MODES = ("replay", "record", "live", "pages")
_EPILOG = """\b
Exit 0: better, no change shown, or no baseline; 1: worse, an item without a score, or (with --require-power) too few
items to tell; 2: the call, a suite, a cassette or the baseline cannot be used.

\b
qtgen eval run core                        replay the recordings, score, compare with the baseline
qtgen eval run core --record               ask the suite's model anew and keep its answers
qtgen eval run core --pages outputs/       score pages that are there already
qtgen eval run smoke core --html out.html  one file with everything in it
"""


@click.command(epilog=_EPILOG)
@click.argument("suites", nargs=-1, required=True)
@click.option(
    "--record", "mode", flag_value="record", help="Ask the model, and keep its answers as the new recordings."
)
@click.option("--live", "mode", flag_value="live", help="Ask the model, and keep nothing.")
@click.option("--pages", type=folder, help="Score the pages of a folder instead, found by their file names.")
@click.option("--provider", metavar="NAME", help="Provider, instead of the suite's.")
@click.option("--model", help="Model at the endpoint, instead of the suite's.")
@click.option("--prompt", help="One prompt for every question, instead of the suite's.")
@click.option("--embeddings", help="Model of an embeddings endpoint, instead of the embeddings that come along.")
@click.option("--judge", "judges", multiple=True, help="Model that judges each page too; again for several of them.")
@click.option("--repeats", type=click.IntRange(1, 50), help="Pages for each reference.")
@click.option("--baseline", type=click.Path(path_type=Path), help="Compare with this report, not the suite's baseline.")
@click.option("--save-baseline", is_flag=True, help="Keep this run as the suite's baseline.")
@click.option("--write-scores", is_flag=True, help="With --pages: write each page's score into its `score` field.")
@click.option("--require-power", is_flag=True, help="Exit 1 also where there are too few items to tell.")
@click.option("--json", "json_to", type=click.Path(path_type=Path), help="File for the report as JSON; - for stdout.")
@click.option("--html", "html_to", type=click.Path(path_type=Path), help="File for the report as one HTML page.")
@click.option("--junit", "junit_to", type=click.Path(path_type=Path), help="File for the report as JUnit XML.")
@click.option("--github", is_flag=True, help="Annotations on stdout, and a step summary where GitHub wants one.")
def command(suites: tuple[str, ...], mode: str | None, pages: Path | None, **options: Any) -> int:
    """Make a page for every reference of SUITES (names under evals/, or folders), and score it.

    Without --record, --live or --pages nothing is asked: the suite's recordings are played, each once, and a request
    that was not recorded is an error. Results are compared with the suite's baseline.json.
    """
    if pages and mode:
        raise UsageError("--pages takes pages that are there; leave out --record and --live")
    if options["write_scores"] and not pages:
        raise UsageError("--write-scores needs --pages: generated pages are not kept")
    check_outputs(options)
    worst = 0
    for name in suites:
        run = _Run(loaded(_folder_of(name)), mode or "replay", pages, options)
        worst = max(worst, run.go(is_one_of=len(suites)))
    return worst


def _folder_of(name: str) -> Path:
    named = project_folder() / "evals" / name
    return named if named.is_dir() else Path(name)


@dataclass
class _Run:
    """One suite."""

    suite: Suite
    mode: str
    pages: Path | None
    options: Mapping[str, Any]

    def go(self, is_one_of: int) -> int:
        settings = self._settings()
        book_of_prompts = generation_config(settings, dt.date(2000, 1, 1))
        candidates, made_by = self._candidates(settings, book_of_prompts)
        named = self.options["embeddings"]
        made_by["judges"] = list(self.options["judges"])
        made_by["scorer"] = f"{SCORER}+{named}" if named else SCORER
        embed = embeddings(settings, named) if named else None
        results = scored(candidates, PageChecker(book_of_prompts.rules), self.suite.file.measured, embed)
        if self.options["judges"]:
            results = self._judged(settings, candidates, results, made_by)
        if self.options["write_scores"]:
            found = zip(candidates, results, strict=True)
            scores = {one.path: of.score for one, of in found if one.path and of.score is not None}
            note(f"score written into {write_scores(scores)} pages")
        document = report(self.suite, candidates, results, made_by, dt.datetime.now(dt.UTC))
        refused = self._compare(document)
        self._show(document, is_one_of)
        if refused:
            raise refused
        return self._exit_code(document)

    def _settings(self) -> Settings:
        """The suite's choice over the project's, the command line's over both."""
        file = self.suite.file
        wanted = {"provider": file.provider, "model": file.model, "prompt": file.prompt}
        given = {name: self.options[name] or value for name, value in wanted.items()} | {"base_url": file.base_url}
        settings = settings_from({name: value for name, value in given.items() if value})
        return settings.model_copy(update={"model": settings.model[:1]})  # recordings are of one

    def _candidates(self, settings: Settings, made: GenerationConfig) -> tuple[list[Candidate], dict[str, Any]]:
        if self.pages:
            return taken(self.suite, self.pages), _made_by("pages", str(self.pages), {})
        repeats = self.options["repeats"] or self.suite.file.repeats
        endpoint = endpoints_for(_keyless(settings) if self.mode == "replay" else settings)[0]
        known = _made_by(provider_name(settings), endpoint.model, made.template_digests())
        if self.mode == "replay":
            with replaying(self.suite.cassette) as recordings:
                candidates = asyncio.run(self._replayed(settings, made, recordings, repeats))
            return candidates, {**known, "recordings": {"unused": recordings.unused, "missed": recordings.missed}}
        if self.mode == "record":
            with recording(self.suite.cassette):
                return asyncio.run(self._asked(settings, made, repeats)), known
        return asyncio.run(self._asked(settings, made, repeats)), known

    async def _replayed(
        self, settings: Settings, made: GenerationConfig, recordings: Recordings, repeats: int
    ) -> list[Candidate]:
        """Without the ledger: it would answer the second of two equal requests itself."""
        async with strict_client(endpoints_for(_keyless(settings))[0], recordings) as client:
            return await self._repeated(made, [client], repeats, _AT_ONCE)

    async def _asked(self, settings: Settings, made: GenerationConfig, repeats: int) -> list[Candidate]:
        """Every request counts in the ledger, and none of its answers is used again."""
        candidates: list[Candidate] = []
        for repeat in range(1, repeats + 1):
            async with AsyncExitStack() as stack:
                book: Ledger = stack.enter_context(open_ledger(settings))
                writer = await stack.enter_async_context(open_writer(book, fresh=True))
                clients: list[Client] = await stack.enter_async_context(open_clients(settings, writer))
                candidates += await generated(self.suite, made, clients, repeat, concurrency(settings))
        return candidates

    async def _repeated(
        self, made: GenerationConfig, providers: Sequence[Provider], repeats: int, at_once: int
    ) -> list[Candidate]:
        runs = [await generated(self.suite, made, providers, number, at_once) for number in range(1, repeats + 1)]
        return [candidate for run in runs for candidate in run]

    def _judged(
        self, settings: Settings, candidates: list[Candidate], results: list[Scored], made_by: dict[str, Any]
    ) -> list[Scored]:
        """By recordings of their own where nothing is asked; else live, and kept with --record."""
        models = settings.model_copy(update={"model": self.options["judges"]})
        if self.mode == "replay" and not self.pages:
            with replaying(self.suite.judges_cassette) as recordings:
                judged = asyncio.run(self._judged_by_recordings(models, candidates, results, recordings))
            for name, said in (("unused", recordings.unused), ("missed", recordings.missed)):
                made_by["recordings"][name] += said
            return judged
        with recording(self.suite.judges_cassette) if self.mode == "record" else nullcontext():
            return asyncio.run(self._judged_live(models, candidates, results))

    async def _judged_by_recordings(
        self, models: Settings, candidates: list[Candidate], results: list[Scored], recordings: Recordings
    ) -> list[Scored]:
        async with AsyncExitStack() as stack:
            made = [strict_client(endpoint, recordings) for endpoint in endpoints_for(_keyless(models))]
            clients = [await stack.enter_async_context(one) for one in made]
            return await judged_by(candidates, results, clients)

    async def _judged_live(self, models: Settings, candidates: list[Candidate], results: list[Scored]) -> list[Scored]:
        """Each repeat by itself, for the ledger would answer the second of two equal requests."""
        found: list[Scored] = []
        for _, group in groupby(zip(candidates, results, strict=True), key=lambda pair: pair[0].repeat):
            some, scores = map(list, zip(*group, strict=True))
            async with AsyncExitStack() as stack:
                book: Ledger = stack.enter_context(open_ledger(models))
                writer = await stack.enter_async_context(open_writer(book, fresh=self.mode == "record"))
                judges = await stack.enter_async_context(open_clients(models, writer))
                found += await judged_by(some, scores, judges)
        return found

    def _compare(self, document: dict[str, Any]) -> UsageError | None:
        """Fill in the gate, or return why the baseline cannot be used: the report is shown all the same."""
        where = self.options["baseline"] or self.suite.baseline
        if self.options["save_baseline"]:
            return None
        if not where.exists():
            return UsageError(f"--baseline {where}: no such file") if self.options["baseline"] else None
        try:
            document["gate"] = judged(read_report(where), document, self.suite.file.gate, _shown(where), directions())
        except UsageError as error:
            return error
        return None

    def _show(self, document: dict[str, Any], is_one_of: int) -> None:
        several = self.suite.name if is_one_of > 1 else ""
        show(document, self.options, several)
        if self.options["save_baseline"]:
            if _has_unscored(document) or document["recordings"]["missed"]:
                raise UsageError(f"--save-baseline: an item has no score; {self.suite.baseline} stays as it was")
            write_report(self.suite.baseline, document)
            note(f"baseline: {self.suite.baseline}")

    def _exit_code(self, document: Mapping[str, Any]) -> int:
        verdict = document["gate"]["verdict"] if document["gate"] else None
        failed = _has_unscored(document) or any(document["recordings"].values())
        weak = self.options["require_power"] and verdict in (Verdict.TOO_FEW.value, None)
        return int(verdict == Verdict.WORSE.value or failed or weak)


def _keyless(settings: Settings) -> Settings:
    """What is replayed needs no key, but the client wants one."""
    return (
        settings
        if settings.api_key or provider_name(settings) == "local"
        else settings.model_copy(update={"api_key": SecretStr("replayed")})
    )


def _has_unscored(document: Mapping[str, Any]) -> bool:
    return any(item["score"] is None for item in document["items"])


def _made_by(provider: str, model: str, prompts: Mapping[str, str]) -> dict[str, Any]:
    recordings: dict[str, list[str]] = {"unused": [], "missed": []}
    return {"provider": provider, "model": model, "prompts": dict(prompts), "recordings": recordings}


def _shown(path: Path) -> str:
    """From the current folder, if it lies under it: a report is read on other machines too."""
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)
