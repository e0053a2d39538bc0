"""`qtgen eval verify`: prove that a committed report belongs to its suite."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import click

from qtgen._util.extras import require
from qtgen._util.text import json_text, one_line, pluralize
from qtgen.commands._echo import echo
from qtgen.commands._options import folder, settings_from
from qtgen.commands._output import note
from qtgen.commands._paths import NonEmptyPath, UnusablePaths
from qtgen.commands._site import profile_of, site_option
from qtgen.commands.eval._outputs import relative_path
from qtgen.errors import QtgenError, UsageError
from qtgen.evaluation.plugins import load_plugins
from qtgen.evaluation.report import EvalReport, load_report
from qtgen.evaluation.suites.suite import Suite, find_suite, load_suite
from qtgen.evaluation.verification.differences import Difference
from qtgen.evaluation.verification.evidence import compare_again, gather_evidence
from qtgen.evaluation.verification.verify import Verification, verify
from qtgen.settings import Settings, project_folder

_SHOWN = 20  # differences of one report that are listed; --json lists all
_EPILOG = """\b
Exit codes:
  0  every report is proved
  1  a report was edited, its suite changed, or a part cannot be proved
  2  the call, a report, a suite or a cassette cannot be used

\b
Examples:
  qtgen eval verify                       verify the baselines of all suites
  qtgen eval verify core                  verify the baseline of one suite
  qtgen eval verify runs/new.json --suite core
"""


@dataclass(frozen=True, slots=True)
class _Claim:
    """A report and the folder of its suite."""

    path: Path
    suite: Path | None


@click.command(epilog=_EPILOG)
@click.argument("targets", nargs=-1, metavar="[REPORT|SUITE]...")
@click.option("--suite", type=folder, help="Verify reports against this suite.  [default: the suite of each report]")
@click.option(
    "--baseline",
    type=NonEmptyPath(dir_okay=False),
    help="Derive the gate's values from this baseline.  [default: the baseline of each report]",
)
@site_option()
@click.option("--allow-unproven", is_flag=True, help="Exit with 0 if the only problem is that a part cannot be proved.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON array.")
def command(
    targets: tuple[str, ...],
    suite: Path | None,
    baseline: Path | None,
    site: Path | None,
    allow_unproven: bool,
    as_json: bool,
) -> int:
    """Prove offline that committed reports belong to their suites.

    For a SUITE, qtgen verifies its baseline.json. Without arguments, it verifies the baselines of all suites in evals/.

    qtgen replays the recordings, scores the answers, and computes the means, the intervals and the gate. It lists each
    value of the report that differs.

    `created`, `qtgen` and `libraries` of a report cannot be proved. A report without recordings or pages cannot be
    proved completely.
    """
    require("`qtgen eval verify`", "generate", "jinja2", "openai", "sqlalchemy")
    settings = settings_from({"site": site})
    load_plugins(settings.plugins)
    unusable = UnusablePaths()
    rows = []
    for claim in _claims(targets, suite):
        try:
            rows.append((claim.path, *_verified(claim, baseline, settings)))
        except QtgenError as error:
            unusable(error if error.path else UsageError(str(error), path=claim.path, remedy=error.remedy))
    if as_json:
        echo(json_text([_as_dict(*row) for row in rows], indent=1))
    else:
        for path, _, report, verification in rows:
            _show(path, report, verification)
    has_failed = any(row[3].contradicted or (row[3].unproven and not allow_unproven) for row in rows)
    return unusable.exit_code(int(has_failed))


def _claims(targets: Sequence[str], suite: Path | None) -> Iterator[_Claim]:
    if not targets:
        folders = [path.parent for path in sorted((project_folder() / "evals").glob("*/suite.toml"))]
        with_baseline = [path for path in folders if (path / "baseline.json").exists()]
        for path in folders:
            if path not in with_baseline:
                note(f"{path.name}: no baseline.json")
        if not with_baseline:
            raise UsageError("there is no suite with a baseline.json in evals/; name a report or a suite")
        yield from (_Claim(path / "baseline.json", path) for path in with_baseline)
    for target in targets:
        path = find_suite(target)
        is_suite = path.is_dir()
        yield _Claim(path / "baseline.json", path) if is_suite else _Claim(Path(target), suite)


def _verified(claim: _Claim, baseline: Path | None, settings: Settings) -> tuple[Suite, EvalReport, Verification]:
    report = load_report(claim.path)
    suite = load_suite(claim.suite or _suite_of(claim.path, report), profile_of(settings))
    evidence = gather_evidence(report, suite, settings)
    before = baseline or (Path(report.gate.baseline) if report.gate else None)
    compared = load_report(before) if before and (baseline or before.is_file()) else None
    compare = partial(compare_again, baseline=compared, suite=suite) if compared else None
    document = json.loads(claim.path.read_text(encoding="utf-8"))
    return suite, report, verify(report, evidence, suite.settings.gate, compare, document)


def _suite_of(path: Path, report: EvalReport) -> Path:
    """Return the folder of the report if it is a suite, else the suite that the report names."""
    if (path.parent / "suite.toml").exists():
        return path.parent
    named = find_suite(report.suite)
    if not (named / "suite.toml").exists():
        message = f"it belongs to the suite {report.suite!r}, which is not in evals/"
        raise UsageError(message, path=path, remedy="give its folder with --suite")
    return named


def _show(path: Path, report: EvalReport, verification: Verification) -> None:
    for text in verification.notes:
        echo(f"{relative_path(path)}: {text}")
    wrong, unproven = verification.contradicted, verification.unproven
    counts = f"{pluralize(len(report.items), 'item')}, {pluralize(len(report.metrics), 'metric')}"
    if not wrong and not unproven:
        echo(f"{relative_path(path)}: proved ({counts})")
        return
    found = [pluralize(len(wrong), "difference")] if wrong else []
    found += [f"{pluralize(len(unproven), 'part')} not proved"] if unproven else []
    echo(f"{relative_path(path)}: {', '.join(found)} ({counts})")
    for difference in (*wrong, *unproven)[:_SHOWN]:
        echo(f"  {one_line(_line(difference))}")
    if (more := len(wrong) + len(unproven) - _SHOWN) > 0:
        echo(f"  … and {more} more; --json lists all")


def _line(difference: Difference) -> str:
    item = f" ({difference.item})" if difference.item else ""
    return f"{difference.place}{item}: {difference.message}"


def _as_dict(path: Path, suite: Suite, report: EvalReport, verification: Verification) -> dict[str, object]:
    return {
        "report": relative_path(path),
        "suite": suite.name,
        "items": len(report.items),
        "proved": not verification.differences,
        "differences": [asdict(difference) for difference in verification.contradicted],
        "unproven": [asdict(difference) for difference in verification.unproven],
        "notes": list(verification.notes),
    }
