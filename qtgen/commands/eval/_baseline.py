"""The suite's baseline in `eval run`: compare a run with it, and replace it."""

from dataclasses import replace

from qtgen.commands._echo import echo
from qtgen.commands._errors import describe
from qtgen.commands._output import note
from qtgen.commands.eval._outputs import relative_path, write_report
from qtgen.commands.eval._run_options import EvalRunOptions
from qtgen.evaluation.gate.baselines import Compared, baseline_of, compare_with_baseline
from qtgen.evaluation.gate.outcome import blocks_baseline
from qtgen.evaluation.report import EvalReport
from qtgen.evaluation.suites.suite import Suite
from qtgen.llm.factory import embeddings
from qtgen.settings import Settings


def compare_and_save(suite: Suite, options: EvalRunOptions, settings: Settings, report: EvalReport) -> Compared:
    """Compare a run with its baseline, and save the run as the next baseline if requested and allowed.

    Raises OutputError if the baseline cannot be written.
    """
    path = options.baseline or suite.baseline
    compared = compare_with_baseline(
        suite,
        report,
        path,
        relative_path(path),
        is_required=options.baseline is not None,
        metrics=suite.settings.measured_metrics,
        embed=embeddings(settings, options.embeddings) if options.embeddings else None,
    )
    report = replace(compared.report, requires_power=options.require_power)
    if not options.save_baseline:
        return compared._replace(report=report)
    if compared.before is None and compared.error is None:
        report = replace(report, requires_power=False)  # the first baseline cannot be compared
    if options.accept and report.failures and not blocks_baseline(report):
        report = replace(report, accepted=True)
    if not report.failures:
        write_report(suite.baseline, baseline_of(report))
    return compared._replace(report=report)


def explain_baseline(suite: Suite, options: EvalRunOptions, compared: Compared) -> None:
    """Print why a baseline cannot be used, and whether the run became the baseline."""
    report = compared.report
    if compared.error and not report.accepted:
        echo(f"qtgen: {describe(compared.error)}", err=True)
    if not options.save_baseline:
        return
    path = relative_path(suite.baseline)
    if not report.failures:
        note(f"baseline: {path}")
    elif blocks_baseline(report):
        missing = _missing_part(report)
        echo(f"qtgen: --save-baseline: {missing}, so {path} is unchanged", err=True)
    else:
        echo(f"qtgen: --save-baseline: this run fails, so {path} is unchanged; --accept replaces it anyway", err=True)


def _missing_part(report: EvalReport) -> str:
    if report.recordings.unpublished:
        return "the recording is unfinished"
    if report.judging and report.judging.has_failed:
        return "a judge ended early or had no opinion"
    return "an item has no score" if report.unscored else "a request has no recording"
