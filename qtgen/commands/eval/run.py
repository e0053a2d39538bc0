"""`qtgen eval run`: suites -> reports, and a verdict against each baseline."""

import asyncio
import datetime as dt
from contextlib import nullcontext
from dataclasses import replace
from typing import Any

import click

from qtgen._util.extras import require
from qtgen._util.text import pluralize
from qtgen.commands._batch import batch_options, check_batch
from qtgen.commands._options import Grouped, budget_option, folder, options_of, settings_from
from qtgen.commands._output import note
from qtgen.commands._paths import NonEmptyPath
from qtgen.commands._run import require_prices
from qtgen.commands._site import profile_of, site_option
from qtgen.commands.eval._baseline import compare_and_save, explain_baseline
from qtgen.commands.eval._batch import batch_candidates, is_pending
from qtgen.commands.eval._dry_run import estimate_suite
from qtgen.commands.eval._judging import cost_of, report_end
from qtgen.commands.eval._live import RESUME, LiveSession
from qtgen.commands.eval._outputs import ReportWriter, output_options, write_page_scores
from qtgen.commands.eval._recording import RunRecordings, cassette_of
from qtgen.commands.eval._run_options import RECORD_MISSING, EvalRunOptions
from qtgen.commands.eval._suites import evaluate_suites
from qtgen.errors import Deferred, Failure, ProviderError
from qtgen.evaluation.offline import one_model, replay_candidates, replay_judges, replay_settings, suite_config
from qtgen.evaluation.plugins import load_plugins, scorer_name
from qtgen.evaluation.report import EvalReport, refused_report
from qtgen.evaluation.reports.sources import ReportSources, find_page_files
from qtgen.evaluation.runner import RunInfo, build_report, score_candidates
from qtgen.evaluation.scoring import SampleResult
from qtgen.evaluation.suites.candidates import Candidate, find_candidates
from qtgen.evaluation.suites.recordings import reusable_responses
from qtgen.evaluation.suites.suite import Suite, find_suite, load_suite
from qtgen.generation.config import GenerationConfig
from qtgen.llm.factory import embeddings, endpoints_for
from qtgen.llm.providers import provider_name
from qtgen.page.compile import main_layout
from qtgen.settings import Settings

_EPILOG = """\b
Exit codes:
  0    better, no change shown, too few items to tell, no baseline, or pending
       in batches (with --no-wait)
  1    worse, an item without a score or with an empty answer, a metric of
       the gate that this run lost, a judge without an opinion on any item,
       an exhausted budget, a missing, unused or unfinished recording, or
       (with --require-power) too few items to tell
  2    the call, a suite, a cassette or the baseline cannot be used
  130  interrupted; the same command with --resume continues

\b
Examples:
  qtgen eval run core                     replay the recordings and compare
  qtgen eval run core --record            send requests, record the responses
  qtgen eval run core --record-missing    record only new and changed requests
  qtgen eval run core --live --dry-run    estimate what a live run would cost
  qtgen eval run core --pages outputs/    score the pages of a folder
  qtgen eval run core --live --judge gpt-4o --judgements 3
                                          let a model judge each page 3 times
  qtgen eval run core --html report.html  write the report as HTML
  qtgen eval run smoke core --html out/   write out/smoke.html, out/core.html
"""
_source, _model, _gate = (options_of(group) for group in ("Candidates", "Model", "Comparison"))
_report = NonEmptyPath(dir_okay=False)


@click.command(cls=Grouped, epilog=_EPILOG)
@click.argument("suites", nargs=-1, required=True)
@_source("--record", "mode", flag_value="record", help="Send requests to the model, and record its responses.")
@_source(
    "--record-missing",
    "mode",
    flag_value=RECORD_MISSING,
    help="Like --record, but reuse recorded responses that still match.",
)
@_source("--live", "mode", flag_value="live", help="Send requests to the model, and record nothing.")
@_source("--pages", type=folder, help="Score the pages of this folder, matched by file name.")
@_source("--write-scores", is_flag=True, help="With --pages: write each page's score into its front matter.")
@site_option(_source)
@_source("--repeats", type=click.IntRange(1, 50), help="Number of pages per reference.  [default: the suite's]")
@_source("--resume", is_flag=True, help="With --live: continue an unfinished run. --record does so by default.")
@_source("--fresh", is_flag=True, help="Request everything again: reuse no response of an earlier run.")
@_source("--dry-run", is_flag=True, help="With --live or --record: estimate requests and cost, and send nothing.")
@_model("--provider", metavar="NAME", help="Use openai, local or a plugin's provider.  [default: the suite's]")
@_model("--model", help="Use this model.  [default: the suite's]")
@_model("--prompt", help="Use this prompt for every question.  [default: the suite's]")
@_model("--judge", "judges", multiple=True, help="Also judge each page with this model. Repeat for several judges.")
@_model(
    "--judgements",
    type=click.IntRange(1, 9),
    default=1,
    show_default=True,
    help="Number of independent judgements of each page by each judge. The report shows their agreement.",
)
@_model("--judge-uncertain", is_flag=True, help="Judge only items whose score has a low confidence.")
@_model("--embeddings", help="Use this model of an embeddings endpoint.  [default: built-in word vectors]")
@_model("--concurrency", type=int, help="Limit the requests in flight.  [default: 64; local: 2]")
@batch_options
@budget_option
@_gate("--baseline", type=_report, help="Compare with this report.  [default: the suite's baseline.json]")
@_gate("--save-baseline", is_flag=True, help="Compare, then save this run as the suite's baseline unless it fails.")
@_gate("--accept", is_flag=True, help="With --save-baseline: save the run even if it fails. Every item needs a score.")
@_gate("--require-power", is_flag=True, help="Exit with 1 also if there are too few items to tell.")
@output_options
def command(suites: tuple[str, ...], **parameters: Any) -> int:
    """Generate a page for every reference of SUITES (names under evals/, or folders), and score it.

    By default, qtgen sends nothing. It replays each of the suite's recorded responses once, and a request without a
    recording is an error. qtgen compares the results with the suite's baseline.json.

    With --record, qtgen replaces the suite's recordings once all requests have a response. Until then, it keeps the
    responses that it received, and the same command sends only the missing requests.

    For several suites, --json and --junit write one document, and the exit code is the highest. Other outputs must be
    folders, such as --html out/, and each suite gets one file.

    After Ctrl-C, requests in flight finish and are saved for --resume. A second Ctrl-C stops at once.
    """
    require("`qtgen eval run`", "generate", "jinja2", "openai", "rich", "sqlalchemy")
    options = EvalRunOptions.from_parameters(parameters)
    folders = [find_suite(name) for name in suites]
    settings = settings_from({"site": options.flags["site"]})
    load_plugins(settings.plugins)
    profile = profile_of(settings)
    options.outputs.check([path.resolve().name for path in folders])
    writer = ReportWriter(options.outputs, len(folders), is_dry_run=options.dry_run)
    return evaluate_suites(folders, writer, lambda path: _SuiteRun(load_suite(path, profile), options, writer).go())


class _SuiteRun:
    """One suite of the command."""

    def __init__(self, suite: Suite, options: EvalRunOptions, writer: ReportWriter) -> None:
        self.suite, self.options, self.writer = suite, options, writer
        self.settings = self._settings()
        self.config: GenerationConfig = suite_config(self.settings, suite.profile)
        self.repeats = options.repeats or suite.settings.repeats
        self.cassette = cassette_of(suite, options.mode)
        self.recordings = RunRecordings(options)

    def go(self) -> int:
        """Evaluate the suite and show the report; return the exit code."""
        options = self.options
        if options.is_live:
            require_prices(self.settings, in_batches=options.batch is not None)
        if options.batch:
            check_batch(self.settings)
        if options.judges and options.mode != "replay":
            require_prices(self.settings.model_copy(update={"model": options.judges}))
        if options.dry_run:
            return self._show_estimate()
        session = LiveSession(self.suite, self.config, self.settings, self.repeats)
        candidates, info = self._candidates(session)
        if pending := sum(map(is_pending, candidates)):
            return self._end_pending(pending)
        embed = embeddings(self.settings, options.embeddings) if options.embeddings else None
        metrics = self.suite.settings.measured_metrics
        results = score_candidates(candidates, self.config.checker, metrics, embed)
        if options.judges:
            results, info = self._judge(session, candidates, results, info)
        info = replace(info, recordings=self.recordings.finish(candidates, info.recordings, info.judging))
        if options.write_scores:
            write_page_scores(candidates, results, self.suite.profile)
        report = build_report(self.suite, candidates, results, info, dt.datetime.now(dt.UTC))
        compared = compare_and_save(self.suite, options, self.settings, report)
        self.writer.show(compared.report, self._sources(candidates, compared.before))
        explain_baseline(self.suite, options, compared)
        return compared.report.exit_code

    def _settings(self) -> Settings:
        """Return the project's settings with the suite's on top, and the command line's over both."""
        own = self.suite.settings
        given = {"provider": own.provider, "model": own.model, "prompt": own.prompt, "base_url": own.base_url}
        given |= {name: value for name, value in self.options.flags.items() if value is not None}
        return one_model(settings_from({name: value for name, value in given.items() if value is not None}))

    def _show_estimate(self) -> int:
        arguments = self.suite, self.config, self.settings, self.repeats
        estimate = estimate_suite(*arguments, reusable_responses(self.cassette, self.options.reuse))
        self.writer.show_estimate(estimate)
        return estimate.run.exit_code

    def _end_pending(self, pages: int) -> int:
        """Show that pages wait for a batch. Raises ProviderError if the run should have waited for them."""
        message = f"{pluralize(pages, 'page')} pending; --batch --resume continues once the batches are finished"
        if self.options.batch is None or self.options.batch.wait:
            raise ProviderError(message)
        note(message)
        report = refused_report(self.suite.name, Failure(Deferred.kind, message))
        self.writer.show(report)
        return report.exit_code

    def _candidates(self, session: LiveSession) -> tuple[list[Candidate], RunInfo]:
        options, settings = self.options, self.settings
        scorer = scorer_name(options.embeddings)
        if options.pages:
            info = RunInfo("pages", str(options.pages), judges=options.judges, scorer=scorer)
            return find_candidates(self.suite, options.pages), info
        model = endpoints_for(settings if options.is_live else replay_settings(settings))[0].model
        info = RunInfo(
            provider_name(settings), model, self.config.template_digests(), judges=options.judges, scorer=scorer
        )
        if not options.is_live:
            candidates, recordings = replay_candidates(self.suite, self.config, settings, self.repeats)
            return candidates, replace(info, recordings=recordings)
        if options.batch:
            arguments = self.suite, self.config, settings, self.repeats, options.batch
            return batch_candidates(*arguments, resume=options.resume), info
        with self.recordings.open(self.cassette) as recording:
            candidates = session.generate(recording)
        return candidates, info

    def _judge(
        self, session: LiveSession, candidates: list[Candidate], results: list[SampleResult], info: RunInfo
    ) -> tuple[list[SampleResult], RunInfo]:
        """Replay the judges' recordings if nothing is sent; otherwise ask them, and record them with --record."""
        options = self.options
        if options.mode == "replay":
            panel, recordings = replay_judges(self.suite, candidates, results, self.settings, options.judge_plan)
            return panel.results, replace(info, recordings=info.recordings + recordings, judging=panel.judging)
        is_recorded = options.mode == "record"
        cassette = self.suite.judges_cassette
        with self.recordings.open(cassette) if is_recorded else nullcontext() as recording:
            judging = session.judge(
                candidates,
                results,
                options.judge_plan,
                recording,
                fresh=options.fresh,
                spent=cost_of(candidates) if options.batch else 0.0,
                remedy=RESUME if options.is_live else None,
            )
            panel = asyncio.run(judging)
        if panel.judging.ended:
            report_end(panel.judging.ended, with_resume=options.mode == "live")
        return panel.results, replace(info, judging=panel.judging)

    def _sources(self, candidates: list[Candidate], baseline: EvalReport | None) -> ReportSources:
        return ReportSources(
            before=baseline,
            pages={(page.reference.id, page.repeat): page.path for page in candidates if page.path},
            pages_before=find_page_files(baseline, self.suite.profile) if baseline else {},
            references={reference.id: reference.path for reference in self.suite.references},
            has_math=main_layout(self.suite.profile).codec.math,
        )
