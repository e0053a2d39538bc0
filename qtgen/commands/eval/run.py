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
from qtgen.commands._paths import NonEmptyPath, UnusablePaths, existing_paths
from qtgen.commands._run import require_prices
from qtgen.commands.eval._batch import batch_candidates, is_pending
from qtgen.commands.eval._dry_run import estimate_suite
from qtgen.commands.eval._judging import cost_of, report_end
from qtgen.commands.eval._live import RESUME, LiveSession, is_left_by_budget, live_cassette
from qtgen.commands.eval._outputs import (
    output_options,
    relative_path,
    show_report,
    write_page_scores,
    write_report,
)
from qtgen.commands.eval._run_options import EvalRunOptions
from qtgen.errors import UsageError
from qtgen.evaluation.candidates import Candidate, find_candidates
from qtgen.evaluation.gate import compare_reports
from qtgen.evaluation.judging import Judging
from qtgen.evaluation.offline import one_model, replay_candidates, replay_judges, replay_settings, suite_config
from qtgen.evaluation.plugins import load_plugins, scorer_name
from qtgen.evaluation.recordings import discard_recording, partial_path, publish_recording, record_cassette
from qtgen.evaluation.report import EvalReport, RecordingUse, Verdict, load_report
from qtgen.evaluation.reports.sources import ReportSources, find_page_files
from qtgen.evaluation.runner import RunInfo, build_report, score_candidates
from qtgen.evaluation.scoring import SampleResult
from qtgen.evaluation.suites import Suite, find_suite, load_suite
from qtgen.generation.config import GenerationConfig
from qtgen.llm.factory import embeddings, endpoints_for
from qtgen.llm.providers import provider_name
from qtgen.settings import Settings

_EPILOG = """\b
Exit codes:
  0    better, no change shown, or no baseline
  1    worse, an item without a score, a judge without any opinion, a budget
       that is used up, or (with --require-power) too few items to tell
  2    the call, a suite, a cassette or the baseline cannot be used
  130  interrupted; the same command with --resume continues

\b
Examples:
  qtgen eval run core                     replay the recordings and compare
  qtgen eval run core --record            send requests, record the responses
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
@_source("--live", "mode", flag_value="live", help="Send requests to the model, and record nothing.")
@_source("--pages", type=folder, help="Score the pages of this folder, matched by file name.")
@_source("--write-scores", is_flag=True, help="With --pages: write each page's score into its `score` field.")
@_source("--repeats", type=click.IntRange(1, 50), help="Number of pages per reference.  [default: the suite's]")
@_source("--resume", is_flag=True, help="With --live or --record: continue an interrupted run.")
@_source("--fresh", is_flag=True, help="Ask again for everything: reuse no response of an earlier run.")
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
    help="Number of independent judgements of each page by each judge. The report shows how far they agree.",
)
@_model("--judge-uncertain", is_flag=True, help="Judge only the items whose score has a low confidence.")
@_model("--embeddings", help="Use this model of an embeddings endpoint.  [default: built-in word vectors]")
@_model("--concurrency", type=int, help="Limit the requests in flight.  [default: 64; local: 2]")
@batch_options
@budget_option
@_gate("--baseline", type=_report, help="Compare with this report.  [default: the suite's baseline.json]")
@_gate("--save-baseline", is_flag=True, help="Save this run as the suite's baseline instead of comparing it.")
@_gate("--require-power", is_flag=True, help="Exit with 1 also if there are too few items to tell.")
@output_options
def command(suites: tuple[str, ...], **parameters: Any) -> int:
    """Generate a page for every reference of SUITES (names under evals/, or folders), and score it.

    By default, nothing is sent. qtgen replays each of the suite's recorded responses once, and a request without a
    recording is an error. qtgen compares the results with the suite's baseline.json.

    For several suites, the outputs must be folders, such as --html out/. Each suite gets one file. After Ctrl-C,
    requests in flight finish and are saved for --resume. A second Ctrl-C stops at once.
    """
    require("`qtgen eval run`", "generate", "jinja2", "openai", "rich", "sqlalchemy")
    options = EvalRunOptions.from_parameters(parameters)
    folders = [find_suite(name) for name in suites]
    load_plugins(settings_from({}).plugins)
    options.outputs.check([path.resolve().name for path in folders])
    unusable = UnusablePaths()
    codes = [_SuiteRun(load_suite(path), options).go() for path in existing_paths(folders, unusable, "no such suite")]
    return unusable.exit_code(max(codes, default=0))


class _SuiteRun:
    """One suite of the command."""

    def __init__(self, suite: Suite, options: EvalRunOptions) -> None:
        self.suite, self.options = suite, options
        self.settings = self._settings()
        self.config: GenerationConfig = suite_config(self.settings)
        self.repeats = options.repeats or suite.settings.repeats
        self.cassette = suite.cassette if options.mode == "record" else live_cassette(suite)

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
            note(f"{pluralize(pending, 'page')} pending; --batch --resume continues once the batches are finished")
            return 0
        embed = embeddings(self.settings, options.embeddings) if options.embeddings else None
        metrics = self.suite.settings.measured_metrics
        results = score_candidates(candidates, self.config.checker, metrics, embed)
        if options.judges:
            results, info = self._judge(session, candidates, results, info)
        self._finish_recordings(candidates, info.judging)
        if options.write_scores:
            write_page_scores(candidates, results)
        report = build_report(self.suite, candidates, results, info, dt.datetime.now(dt.UTC))
        report, baseline, error = self._compare(report)
        show_report(report, options.outputs, self._sources(candidates, baseline))
        if options.save_baseline:
            self._save_baseline(report)
        if error:
            raise error
        return self._exit_code(report)

    def _settings(self) -> Settings:
        """Return the project's settings with the suite's on top, and the command line's over both."""
        own = self.suite.settings
        given = {"provider": own.provider, "model": own.model, "prompt": own.prompt, "base_url": own.base_url}
        given |= {name: value for name, value in self.options.flags.items() if value is not None}
        return one_model(settings_from({name: value for name, value in given.items() if value is not None}))

    def _show_estimate(self) -> int:
        interrupted = self.cassette if self.options.resume else None
        estimate = estimate_suite(self.suite, self.config, self.settings, self.repeats, interrupted)
        estimate.print(as_json=self.options.outputs.json_to_stdout)
        return estimate.run.exit_code

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
        was_interrupted = partial_path(self.cassette).exists()
        with record_cassette(self.cassette, resume=options.resume) as recording:
            if options.resume:
                count = pluralize(recording.resumed, "recorded response")
                note(
                    f"resuming with {count}"
                    if recording.resumed
                    else "no interrupted run to resume; starting from the beginning"
                )
            elif was_interrupted:
                note("the responses of an interrupted run are discarded; --resume would have used them")
            candidates = session.generate(recording)
            if not any(map(is_left_by_budget, candidates)):
                recording.drop_unused()
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
        with record_cassette(cassette, resume=options.resume) if is_recorded else nullcontext() as recording:
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
            if recording and panel.judging.ended is None:
                recording.drop_unused()
        if panel.judging.ended:
            report_end(panel.judging.ended, with_resume=options.is_live)
        return panel.results, replace(info, judging=panel.judging)

    def _finish_recordings(self, candidates: list[Candidate], judging: Judging | None) -> None:
        """Publish or discard what was recorded, unless the run ended early: then --resume continues it."""
        has_ended = any(map(is_left_by_budget, candidates)) or (judging is not None and judging.ended is not None)
        if not self.options.is_live or self.options.batch or has_ended:
            return
        if self.options.mode == "live":
            discard_recording(self.cassette)
            return
        publish_recording(self.cassette)
        publish_recording(self.suite.judges_cassette)

    def _compare(self, report: EvalReport) -> tuple[EvalReport, EvalReport | None, UsageError | None]:
        """Return the report with its gate, the baseline, and the reason why the baseline cannot be used.

        The report is shown in any case.
        """
        path = self.options.baseline or self.suite.baseline
        if self.options.save_baseline:
            return report, None, None
        if not path.exists():
            error = UsageError(f"{path}: no such file", setting="baseline") if self.options.baseline else None
            return report, None, error
        try:
            baseline = load_report(path)
            gate = compare_reports(baseline, report, self.suite.settings.gate, relative_path(path))
        except UsageError as error:
            return report, None, error
        return replace(report, gate=gate), baseline, None

    def _sources(self, candidates: list[Candidate], baseline: EvalReport | None) -> ReportSources:
        return ReportSources(
            before=baseline,
            pages={(page.reference.id, page.repeat): page.path for page in candidates if page.path},
            pages_before=find_page_files(baseline) if baseline else {},
            references={reference.id: reference.path for reference in self.suite.references},
        )

    def _save_baseline(self, report: EvalReport) -> None:
        if report.judging and report.judging.has_failed:
            message = f"a judge ended early or had no opinion, so {self.suite.baseline} is unchanged"
            raise UsageError(message, setting="save_baseline")
        if report.unscored or report.recordings.missed:
            message = f"an item has no score, so {self.suite.baseline} is unchanged"
            raise UsageError(message, setting="save_baseline")
        write_report(self.suite.baseline, report)
        note(f"baseline: {self.suite.baseline}")

    def _exit_code(self, report: EvalReport) -> int:
        verdict = report.gate.verdict if report.gate else None
        has_failed = bool(report.unscored) or report.recordings != RecordingUse()
        has_failed |= report.judging is not None and report.judging.has_failed
        is_weak = self.options.require_power and verdict in (Verdict.TOO_FEW, None)
        return int(verdict is Verdict.WORSE or has_failed or is_weak)
