"""The recordings of one live run of `eval run`: continue them, and publish or keep them when the run ends."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from qtgen._util.text import pluralize
from qtgen.commands._output import note
from qtgen.commands.eval._run_options import EvalRunOptions
from qtgen.errors import BudgetReached, OutputError
from qtgen.evaluation.judging.summary import Judging
from qtgen.evaluation.report import RecordingUse
from qtgen.evaluation.suites.candidates import Candidate
from qtgen.evaluation.suites.recordings import Gaps, Recording, Reuse, partial_path, record_cassette
from qtgen.evaluation.suites.suite import Suite
from qtgen.settings import project_folder


def cassette_of(suite: Suite, mode: str) -> Path:
    """Return the path of the cassette of a live run. With `--live`, it exists only while the run is unfinished."""
    if mode == "record":
        return suite.cassette
    return project_folder() / ".qtgen" / "eval" / f"{suite.name}-live.yaml"


def is_left_by_budget(candidate: Candidate) -> bool:
    """Return whether the budget prevented the generation of this candidate."""
    return candidate.error is not None and candidate.error.kind == BudgetReached.kind


class RunRecordings:
    """The recordings of one run: the responses of the model and of the judges.

    They are published together, because judges score exactly the recorded pages.
    """

    def __init__(self, options: EvalRunOptions) -> None:
        self._options = options
        self._recordings: list[Recording] = []

    @contextmanager
    def open(self, cassette: Path) -> Iterator[Recording]:
        """Record the responses that are received in the block. Raises CassetteError and OutputError."""
        options = self._options
        has_unfinished = partial_path(cassette).exists()
        with record_cassette(cassette, options.reuse) as recording:
            self._recordings.append(recording)
            if options.resume:
                note(
                    f"resuming with {pluralize(recording.loaded, 'recorded response')}"
                    if recording.loaded
                    else "no interrupted run to resume; starting from the beginning"
                )
            elif has_unfinished and options.reuse is Reuse.NOTHING:
                remedy = "" if options.fresh else "; --resume would have used them"
                note(f"the responses of an interrupted run are discarded{remedy}")
            try:
                yield recording
            finally:
                if recording.loaded and not options.resume:
                    self._note_reuse(recording, has_unfinished)

    def finish(
        self, candidates: Sequence[Candidate], use: RecordingUse, judging: Judging | None = None
    ) -> RecordingUse:
        """Publish complete recordings. Otherwise, keep them for the next run, and return the use with the reasons.

        A recording is incomplete if judging ended early.
        """
        reasons = [reason for recording in self._recordings for reason in _reasons(recording.gaps)]
        if left := sum(map(is_left_by_budget, candidates)):
            reasons.append(f"the budget left out {pluralize(left, 'page')}")
        if judging and judging.ended:
            reasons.append(f"judging ended early: {judging.ended.message}")
        if not reasons:
            try:
                self._publish()
            except OutputError as error:
                reasons.append(str(error))
        if not reasons or self._options.mode != "record":
            return use
        option = "--record-missing" if self._options.reuses_cassette else "--record"
        note(f"the suite's recordings are unchanged; {option} continues and sends only the missing requests")
        return replace(use, unpublished=tuple(reasons))

    def _publish(self) -> None:
        for recording in self._recordings:
            if self._options.mode == "live":
                recording.discard()
            elif not recording.is_empty:
                recording.publish()

    def _note_reuse(self, recording: Recording, has_unfinished: bool) -> None:
        is_continued = has_unfinished and self._options.reuse is Reuse.UNFINISHED
        noun = "response" if is_continued else "recorded response"
        place = " of an unfinished recording" if is_continued else ""
        option = "--fresh" if is_continued else "--record"
        count = f"{recording.reused:,} of {pluralize(recording.loaded, noun)}{place}"
        note(f"{count} reused; {option} requests all of them again")


def _reasons(gaps: Gaps) -> Iterator[str]:
    if gaps.unanswered:
        count = pluralize(gaps.unanswered, "request")
        yield f"{count} got no response that can be recorded; remove references that the endpoint keeps rejecting"
    if gaps.unrecordable:
        yield f"{pluralize(gaps.unrecordable, 'response')} did not come over HTTP, so nothing was recorded"
    if gaps.is_restyled:
        yield "the endpoint rejects the answer format; set `answer_format` to the one that it accepts"
