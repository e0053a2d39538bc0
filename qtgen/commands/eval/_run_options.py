"""The options of `qtgen eval run`, checked against each other."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from qtgen.commands._batch import BatchFlags
from qtgen.commands.eval._outputs import OutputOptions
from qtgen.errors import UsageError
from qtgen.evaluation.judging.panel import JudgePlan
from qtgen.evaluation.suites.recordings import Reuse

RECORD_MISSING = "record-missing"


@dataclass(frozen=True, slots=True)
class EvalRunOptions:
    """The options of the command. `mode` is replay, record, live or pages."""

    mode: str
    pages: Path | None
    flags: Mapping[str, Any]
    embeddings: str | None
    judges: tuple[str, ...]
    judgements: int
    judge_uncertain: bool
    repeats: int | None
    dry_run: bool
    resume: bool
    baseline: Path | None
    save_baseline: bool
    accept: bool
    write_scores: bool
    require_power: bool
    outputs: OutputOptions
    batch: BatchFlags | None = None
    fresh: bool = False
    reuses_cassette: bool = False

    @staticmethod
    def from_parameters(parameters: Mapping[str, Any]) -> "EvalRunOptions":
        """Return the options that click has parsed. Raises UsageError for options that exclude each other."""
        parameters = dict(parameters)
        batch = BatchFlags.from_parameters(parameters)
        pages, mode = parameters["pages"], parameters["mode"]
        if batch and (pages or mode == "record" or batch.deadline is not None):
            option = "--pages" if pages else "--record" if mode == "record" else "--deadline"
            raise UsageError(f"--batch cannot be combined with {option} here", remedy=f"leave out {option}")
        mode = mode or ("live" if batch else None)
        reuses_cassette = mode == RECORD_MISSING
        mode = "record" if reuses_cassette else mode
        if parameters["fresh"] and (parameters["resume"] or reuses_cassette):
            option = "--resume" if parameters["resume"] else "--record-missing"
            raise UsageError(f"cannot be combined with {option}", setting="fresh")
        is_live = mode in ("live", "record")
        if pages and not pages.is_dir():
            raise UsageError(f"{pages}: no such folder", setting="pages")
        if pages and mode:
            raise UsageError(f"scores existing pages; leave out --{mode}", setting="pages")
        if parameters["write_scores"] and not pages:
            raise UsageError("needs --pages, because generated pages are not kept", setting="write_scores")
        if parameters["accept"] and not parameters["save_baseline"]:
            raise UsageError("needs --save-baseline", setting="accept")
        if parameters["save_baseline"] and parameters["baseline"]:
            raise UsageError("compares with the suite's baseline; leave out --baseline", setting="save_baseline")
        for name in ("dry_run", "resume"):
            if parameters[name] and not is_live:
                raise UsageError("needs --live or --record", setting=name)
        _check_judging(parameters, mode="pages" if pages else mode)
        names = (
            "embeddings",
            "judges",
            "judgements",
            "judge_uncertain",
            "repeats",
            "dry_run",
            "resume",
            "baseline",
            "save_baseline",
            "accept",
            "write_scores",
        )
        return EvalRunOptions(
            mode="pages" if pages else mode or "replay",
            pages=pages,
            flags={name: parameters[name] for name in ("provider", "model", "prompt", "budget", "concurrency", "site")},
            require_power=parameters["require_power"],
            outputs=OutputOptions.from_parameters(parameters),
            batch=batch,
            fresh=parameters["fresh"],
            reuses_cassette=reuses_cassette,
            **{name: parameters[name] for name in names},
        )

    @property
    def judge_plan(self) -> JudgePlan:
        """The judges and their judgements."""
        return JudgePlan(self.judges, self.judgements, self.judge_uncertain)

    @property
    def is_live(self) -> bool:
        return self.mode in ("live", "record")

    @property
    def reuse(self) -> Reuse:
        """Which recorded responses the run reuses."""
        if self.reuses_cassette:
            return Reuse.CASSETTE
        continues = self.resume or (self.mode == "record" and not self.fresh)
        return Reuse.UNFINISHED if continues else Reuse.NOTHING


def _check_judging(parameters: Mapping[str, Any], mode: str | None) -> None:
    """Raise UsageError for options about judges without a judge, and for --fresh if the run sends no requests."""
    judges = parameters["judges"]
    if not judges:
        if parameters["judge_uncertain"]:
            raise UsageError("needs --judge", setting="judge_uncertain")
        if parameters["judgements"] > 1:
            raise UsageError("needs --judge", setting="judgements")
    if parameters["fresh"] and (mode is None or (mode == "pages" and not judges)):
        raise UsageError(
            "needs --live, --record, or --pages with --judge, because only they send requests", setting="fresh"
        )
