"""`qtgen regenerate`: rewrite stale pages, only what is stale, and never to their harm."""

import datetime as dt
import os
from collections.abc import Mapping
from contextlib import ExitStack
from typing import Any

import click

from qtgen._util.text import pluralize
from qtgen.commands._batch import BatchFlags, BatchRounds, batch_options, check_batch
from qtgen.commands._options import (
    Grouped,
    budget_option,
    file_or_dash,
    folder,
    open_ledger,
    options_of,
    request_options,
    share_option,
    strict_grounding_option,
)
from qtgen.commands._output import note
from qtgen.commands._paths import NonEmptyPath, UnusablePaths
from qtgen.commands._regeneration import RegenerateOptions, Regeneration
from qtgen.commands._review_command import OUT_DEFAULT, settings_for_pages
from qtgen.commands._run import Run, RunOptions, describe_models, require_prices
from qtgen.commands._sharing import regenerate_work
from qtgen.commands._site import profile_of, site_option
from qtgen.commands._stale_report import StaleEstimator, print_stale, stale_rows
from qtgen.commands._staleness import find_pages, planned_links
from qtgen.commands._staleness_options import SourceTexts, staleness_filter
from qtgen.errors import UsageError
from qtgen.generation.config import GenerationConfig, generation_config
from qtgen.generation.output import OutputFolder
from qtgen.generation.places import Places
from qtgen.llm.factory import endpoints_for
from qtgen.llm.ledger import Ledger
from qtgen.llm.telemetry import set_up
from qtgen.page.layout import LINKS_GROUP
from qtgen.regeneration.sharing import SharedPages
from qtgen.regeneration.staleness import StalenessReport
from qtgen.validation.plugins import load_plugins

_EPILOG = """\b
Reasons (--because; `qtgen explain NAME` documents each):
  prompt-changed, schema-changed, model-changed, source-changed,
  question-edited     a change after the text was written
  sent-back           a reviewer sent the page back in `qtgen review`
  old, low-score      if --older-than or --score-below is given
  QT5, QT601, …       a rule's finding that safe fixes do not remove
  unknown-provenance  the page has no provenance
  The default is all of them except unknown-provenance.

\b
Never worse:
  A new text adds no error to the page. qtgen compares it with the old text,
  and keeps the old one if the new one is worse. Metrics compare them (the
  `evals` extra), or --judge does in both orders. Rejected rewrites are saved
  with both versions in OUT/.qtgen/rejected/, accepted ones in
  OUT/.qtgen/taken/. Texts that a person edited or approved stay unchanged.

\b
Exit codes:
  0    done; rejected rewrites are not failures
  1    a page failed, or the budget is used up; --check: a page is stale
  2    the call, a file or the key is wrong
  130  interrupted; run the same command again to resume

\b
Examples:
  qtgen regenerate content --dry-run               estimate pages, cost, time
  qtgen regenerate content --only answer --limit 50
                                                   rewrite 50 answers
  qtgen regenerate content --because QT604         rewrite refusals
  qtgen regenerate content --because QT601 --diff  show changes, write nothing
  qtgen regenerate content --check                 for CI: exit 1 if stale
"""
_pages, _quality, _resume, _output, _cost = (
    options_of(group) for group in ("Pages", "Quality", "Resume", "Output", "Cost")
)


def _options(**flags: Any) -> RegenerateOptions:
    """Return the options that click parsed. Raises UsageError if they contradict each other, and SettingsError."""
    batch = BatchFlags.from_parameters(flags)
    settings = settings_for_pages(flags, flags["paths"])
    if batch:
        check_batch(settings, share=flags["share"])
    profile = profile_of(settings)
    load_plugins(settings)  # --because can name their rules
    older_than, score_below = flags["older_than"], flags["score_below"]
    thresholds = {"older_than": older_than, "score_below": score_below}
    options = RegenerateOptions(
        settings=settings,
        profile=profile,
        paths=flags["paths"],
        question_files=flags["questions"] or settings.questions,
        staleness=staleness_filter(
            flags["because"], flags["only"], thresholds, profile, include_edited=flags["include_edited"]
        ),
        older_than=older_than,
        score_below=score_below,
        limit=flags["limit"],
        order=flags["order"],
        judges=flags["judges"],
        touch_date=flags["touch_date"],
        diff=flags["diff"],
        dry_run=flags["dry_run"],
        check=flags["check"],
        fresh=not flags["resume"],
        share=flags["share"],
        as_json=flags["as_json"],
        batch=batch,
    )
    if options.diff and (options.as_json or options.dry_run or options.check):
        raise UsageError("--diff cannot be combined with --json, --dry-run or --check")
    if options.share and options.limit:
        raise UsageError("--limit cannot be combined with --share, because each process would count for itself")
    if LINKS_GROUP in options.staleness.groups and settings.corpus is None:
        raise UsageError("links are judged against the whole site", remedy="name it with --corpus")
    if options.judges and not (settings.api_key or settings.base_url):
        raise UsageError("--judge needs an endpoint", remedy="set OPENAI_API_KEY or --base-url")
    return options


@click.command(cls=Grouped, epilog=_EPILOG)
@click.argument("paths", nargs=-1, required=True, type=NonEmptyPath(readable=False))
@_pages(
    "--because",
    multiple=True,
    metavar="REASON",
    help="Rewrite only for these reasons, separated by commas or repeated.",
)
@_pages(
    "--only",
    metavar="GROUPS",
    help="Rewrite only these groups of fields of the site, such as answer. The group related contains the links.  "
    "[default: all but related]",
)
@_pages("--older-than", type=click.IntRange(0, 100_000), metavar="DAYS", help="Rewrite texts that are older than this.")
@_pages("--score-below", type=click.FloatRange(0, 1), help="Rewrite pages with a lower score.")
@_pages("--questions", multiple=True, type=file_or_dash, help="Read source texts (`context`) from these files.")
@_pages("--columns", metavar="NAME=COLUMN,…", help="Map the column names of these files: Text=context.")
@_pages("--corpus", type=folder, help="Check links against the pages of this site.")
@site_option(_pages)
@_pages("--limit", type=click.IntRange(min=1), help="Rewrite only the first N stale pages.")
@_pages(
    "--order",
    type=click.Choice(["worst", "oldest"]),
    default="worst",
    help="Start with the worst pages (most errors, then most warnings, then lowest score with --score-below), "
    "or with the oldest ones.  [default: worst]",
)
@_pages("--include-edited", is_flag=True, help="Include texts that a person edited or approved.")
@_quality(
    "--judge",
    "judges",
    multiple=True,
    help="Compare old and new texts with this model at the endpoint. Repeat for several judges.",
)
@_quality(
    "--diff",
    is_flag=True,
    help="Send requests and print each change word by word, but change no page. The same command without --diff then "
    "applies the changes from the ledger.",
)
@_quality("--touch-date", is_flag=True, help="Set the date of rewritten pages to today.")
@strict_grounding_option
@request_options
@batch_options
@budget_option
@_cost("--dry-run", is_flag=True, help="Print what is stale and what a rewrite would cost, and send nothing.")
@_cost("--check", is_flag=True, help="Print what is stale without a ledger, and exit with 1 if any page is.")
@_resume(
    "--resume/--fresh",
    "resume",
    default=True,
    help="Use recorded responses and skip rejected rewrites, or request new ones.  [default: resume]",
)
@share_option
@_output(
    "--out",
    type=folder,
    help=f"Read provenance and decisions in .qtgen/ of this folder, and write provenance there.  {OUT_DEFAULT}",
)
@_output(
    "--json",
    "as_json",
    is_flag=True,
    help="Print one JSON line per stale page at the end of the run; with --dry-run or --check, one JSON object.",
)
def command(**flags: Any) -> int:
    """Rewrite the stale pages of PATHS (files, folders).

    qtgen first applies the safe fixes of `qtgen validate --fix`, which cost nothing. Then it rewrites what they do not
    fix: the answer, or only other fields with a smaller request. No other byte of a page changes.

    The ledger and the pace work as in `qtgen generate`. A run that was killed resumes with the same command.
    """
    options = _options(**flags)
    settings = options.settings
    config = generation_config(settings, dt.datetime.now().astimezone().date(), options.profile)
    with ExitStack() as stack:
        sources = SourceTexts(stack, options.question_files, settings, Places(config.layout, config.today))
        output = OutputFolder(settings.out)
        unusable = UnusablePaths()
        report = find_pages(options, config, output, sources, unusable)
        if unusable.exit_code() and not report.pages:
            return unusable.exit_code()
        if options.check:
            print_stale(report, [*stale_rows(report.stale, None, {})], as_json=options.as_json)
            return unusable.exit_code(int(bool(report.stale or report.unreadable)))
        if not report.stale and not options.dry_run:
            note(f"no stale pages among {pluralize(report.pages, 'page')}")
            return unusable.exit_code(int(bool(report.unreadable)))
        require_prices(settings, in_batches=options.batch is not None)
        if options.judges:
            require_prices(options.judge_settings, in_batches=options.batch is not None)
        ledger = stack.enter_context(open_ledger(settings))
        contexts = sources.texts(frozenset(page.url for page in report.stale if page.url))
        if options.dry_run:
            _print_estimate(options, config, report, ledger, contexts)
            return unusable.exit_code()
        set_up(os.environ)
        links = (
            planned_links(options.paths, report, settings, config.layout)
            if LINKS_GROUP in options.staleness.groups
            else {}
        )
        output.check_writable()
        shared = SharedPages(report.stale, report.pages, config.layout) if options.share else None
        report.stale = shared.pages if shared else report.stale
        run_options = RunOptions(
            settings,
            len(report.stale),
            "page",
            fresh=options.fresh,
            as_json=options.as_json,
            writes_pages=not options.diff,
            accepts_pending=options.batch is not None and not options.batch.wait,
            work=None if options.batch else regenerate_work(options, config, report.pages),
        )
        work = Regeneration(options, config, report, output, contexts, links, shared)
        batch, total = options.batch, len(report.stale)
        rounds = BatchRounds(work, settings, batch, total, fresh=options.fresh) if batch else work
        return unusable.exit_code(Run(run_options, ledger).execute(rounds) or int(bool(report.unreadable)))


def _print_estimate(
    options: RegenerateOptions,
    config: GenerationConfig,
    report: StalenessReport,
    ledger: Ledger,
    contexts: Mapping[str, str | None],
) -> None:
    settings = options.settings
    estimator = StaleEstimator(settings, config, ledger, fresh=options.fresh)
    without = ", without the requests of the judges" if options.judges else ""
    models = describe_models(settings, [endpoint.model for endpoint in endpoints_for(settings)])
    basis = f"Estimates are based on a sample{without}; {models}. Nothing was sent."
    rows = [*stale_rows(report.stale, estimator, contexts)]
    print_stale(report, rows, as_json=options.as_json, basis=basis)
