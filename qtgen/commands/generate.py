"""`qtgen generate`: write new pages from questions."""

import datetime as dt
import os
import sys
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from qtgen.commands._batch import BatchFlags, BatchRounds, batch_options, check_batch
from qtgen.commands._estimate import estimate_run
from qtgen.commands._generation import GenerateOptions, Generation
from qtgen.commands._linking import link_new
from qtgen.commands._options import (
    Grouped,
    budget_option,
    file_or_dash,
    folder,
    open_ledger,
    options_of,
    request_options,
    settings_from,
    share_option,
    strict_grounding_option,
)
from qtgen.commands._paths import UnusablePaths, existing_paths
from qtgen.commands._questions import find_duplicates, index_questions
from qtgen.commands._run import Run, RunOptions, require_prices
from qtgen.commands._sharing import generate_work
from qtgen.commands._site import profile_of, site_option
from qtgen.errors import UsageError
from qtgen.generation.config import GenerationConfig, generation_config
from qtgen.generation.fillable import check_fillable
from qtgen.generation.output import OutputFolder
from qtgen.generation.places import Places, default_subject
from qtgen.generation.plan import PlanOptions
from qtgen.generation.questions import QuestionFiles
from qtgen.llm.telemetry import set_up

_EPILOG = """\b
Several models:
  Later models are fallbacks when an earlier one refuses, truncates or keeps
  failing.

\b
Failures:
  A failure of one question never ends a run. A wrong key, an unknown model,
  an account without credit, or a dozen failures that are all alike end it.
  Requests in flight finish first, and their pages are written.

\b
Environment:
  OPENAI_API_KEY, OPENAI_BASE_URL  the key and the address of the endpoint
  QTGEN_LEDGER, QTGEN_MODEL, …     settings, in capitals after QTGEN_
  Options override the environment, which overrides the nearest qtgen.toml in
  the current folder or above it. `qtgen --show-settings` prints all settings,
  such as timeout, tries, repairs and prices. docs/reference/settings.md
  explains them.

\b
Files:
  OUT/…/QUESTION.md            a page, in the folder that the layout gives it
  OUT/.qtgen/provenance.jsonl  how each page was made; commit it
  OUT/.qtgen/failed/           one JSON file per failed page, with the reasons
                               and the last answer
  .qtgen/ledger.sqlite         every request with its response and cost,
                               beside qtgen.toml

\b
Exit codes:
  0    every page exists
  1    a page failed, or the budget is used up
  2    the call, a file or the key is wrong
  130  interrupted; run the same command again to resume

\b
Examples:
  qtgen generate new.csv                      write the pages of a file
  qtgen generate new.csv --dry-run            estimate requests, cost and time
  qtgen generate new.csv --dry-run --json     print the estimate as JSON
  qtgen generate new.csv --budget 5           spend at most 5 dollars
  qtgen generate new.csv --share              on each of several machines:
                                              write a part of the pages
  qtgen generate new.csv --model a --model b  use b as a fallback for a
"""
_questions, _cost, _resume, _quality, _output = (
    options_of(group) for group in ("Questions", "Cost", "Resume", "Quality", "Output")
)


@click.command(cls=Grouped, epilog=_EPILOG)
@click.argument("questions", nargs=-1, type=file_or_dash)
@_questions("--subject", help="Use this subject for questions without one.")
@_questions(
    "--columns",
    metavar="NAME=COLUMN,…",
    help="Map the files' column names: Frage=question,Fach=subject.",
)
@_questions("--limit", type=click.IntRange(min=1), help="Read only the first N questions.")
@_questions("--prompt", help="Use this prompt for every question.  [default: by the kind of question]")
@_questions(
    "--corpus",
    type=folder,
    help="Compare questions with the pages of this site, and number new pages after its highest id.",
)
@_questions(
    "--on-duplicate",
    type=click.Choice(["skip", "keep", "fail"]),
    help="Skip near-duplicate questions, keep them, or end the run. Exact duplicates are never written.  "
    "[default: keep]",
)
@_questions(
    "--update-neighbours", is_flag=True, help="With --corpus: add links to the new pages to similar pages of the site."
)
@request_options
@batch_options
@budget_option
@_cost("--dry-run", is_flag=True, help="Estimate requests, tokens, cost and time, and send nothing.")
@_resume(
    "--resume/--fresh",
    "resume",
    default=True,
    help="Use recorded responses of earlier runs, or request new ones. Existing pages stay in both cases.  "
    "[default: resume]",
)
@share_option
@_resume("--recreate", is_flag=True, help="Write deleted pages again.")
@_quality(
    "--candidates",
    type=click.IntRange(1, 16),
    help="Request this many answers for each page, and keep the best.  [default: 1]",
)
@_quality(
    "--judge",
    "judges",
    multiple=True,
    help="Let this model at the endpoint choose between candidates. Repeat for several judges.  [default: the checks]",
)
@strict_grounding_option
@_output("--out", type=folder, help="Write pages to this folder.  [default: outputs]")
@site_option(_output)
@_output("--show", type=click.IntRange(min=0), default=0, metavar="N", help="Show N of the new pages at the end.")
@_output(
    "--json", "as_json", is_flag=True, help="Print one JSON line per question, in input order, at the end of the run."
)
def command(
    questions: tuple[Path, ...],
    limit: int | None,
    dry_run: bool,
    resume: bool,
    recreate: bool,
    share: bool,
    as_json: bool,
    update_neighbours: bool,
    judges: tuple[str, ...],
    show: int,
    **flags: Any,
) -> int:
    """Write a page for every question of QUESTIONS (.csv, .xlsx, .jsonl, .txt, or - for stdin).

    The columns are question, and optionally subject, id, date and context. Without QUESTIONS, qtgen reads the files in
    the setting `questions`. It never overwrites an existing page, and skips a page that was deleted.

    A ledger (.qtgen/ledger.sqlite) records every request and its response, so recorded responses are never paid for
    again. A run that was killed resumes with the same command, and an edited question file sends only new requests.
    `qtgen costs` shows what was spent. After Ctrl-C, no new requests are sent, and requests in flight finish. A second
    Ctrl-C stops at once.
    """
    batch = BatchFlags.from_parameters(flags)
    settings = settings_from(flags)
    options = GenerateOptions(
        settings=settings,
        profile=profile_of(settings),
        files=questions or settings.questions,
        limit=limit,
        dry_run=dry_run,
        fresh=not resume,
        recreate=recreate,
        share=share,
        update_neighbours=update_neighbours,
        as_json=as_json,
        judges=judges,
        show=show,
        batch=batch,
    )
    _check_judges(options)
    if not options.files:
        raise UsageError("no question file", remedy="name one, or set `questions` in qtgen.toml")
    require_prices(settings, in_batches=batch is not None)
    if batch:
        check_batch(settings, share=share)
    config = generation_config(settings, dt.datetime.now().astimezone().date(), options.profile)
    if settings.prompt:
        config.library.choose("", settings.prompt)  # raises PromptError, even if all pages exist
    unusable = UnusablePaths()
    options = replace(options, files=existing_paths(options.files, unusable))
    if unusable.exit_code() and not options.files:
        return unusable.exit_code()
    with ExitStack() as stack:
        source = stack.enter_context(
            QuestionFiles(
                options.files,
                default_subject(config.layout, settings.subject),
                limit,
                sys.stdin.buffer,
                settings.columns,
            )
        )
        work = _prepare(options, config, source, stack)
        if options.dry_run:
            dry_run_result = estimate_run(
                work.steps(), config, settings, work.ledger, fresh=options.fresh, in_batches=batch is not None
            )
            replace(dry_run_result, has_judges=bool(judges)).print(as_json=as_json)
            return unusable.exit_code(dry_run_result.exit_code)
        set_up(os.environ)
        total = work.index.total
        run_options = RunOptions(
            settings,
            total,
            "question",
            fresh=options.fresh,
            as_json=as_json,
            work=None if batch else generate_work(options, config, work.index),
            accepts_pending=batch is not None and not batch.wait,
        )
        rounds = BatchRounds(work, settings, batch, total, fresh=options.fresh) if batch else work
        code = Run(run_options, work.ledger).execute(rounds)
        if settings.corpus:
            link_new(work.pages, settings.corpus, settings, update_neighbours=update_neighbours)
        return unusable.exit_code(code)


def _check_judges(options: GenerateOptions) -> None:
    """Raise UsageError if there are judges but nothing for them to choose from."""
    settings = options.settings
    if not options.judges:
        return
    if settings.candidates == 1:
        raise UsageError("--judge has nothing to choose from", remedy="add --candidates 3")
    if not (settings.api_key or settings.base_url):
        raise UsageError("--judge needs an endpoint", remedy="set OPENAI_API_KEY or --base-url")
    require_prices(options.judge_settings)


def _prepare(options: GenerateOptions, config: GenerationConfig, source: QuestionFiles, stack: ExitStack) -> Generation:
    """Read the questions and the output folder, and open the ledger."""
    settings = options.settings
    places = Places(config.layout, config.today)
    check_fillable(config.layout)
    index = index_questions(source, options.files, settings, places)
    duplicates = find_duplicates(source, index, settings, places)
    output = OutputFolder(settings.out)
    plan_options = PlanOptions(
        out=settings.out,
        today=config.today,
        layout=config.layout,
        exists=lambda path: Path(path).exists(),
        duplicates=index.duplicates(),
        site_duplicates=duplicates.site,
        near_duplicates=duplicates.near,
    )
    if not options.recreate:
        plan_options = replace(plan_options, is_deleted=output.deleted_pages())
    ledger = stack.enter_context(open_ledger(settings))
    return Generation(options, config, source, index, plan_options, output, ledger)
