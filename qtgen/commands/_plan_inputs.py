"""The assumptions of `qtgen plan`, from the options, the ledger or the defaults, in this order."""

import datetime as dt
import errno
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from qtgen.commands._estimate import GUESSED_LATENCY
from qtgen.commands._options import open_ledger
from qtgen.commands._output import note, warn
from qtgen.commands._site import profile_of
from qtgen.errors import QuestionFileError, UsageError
from qtgen.generation.config import GenerationConfig, generation_config
from qtgen.generation.places import default_subject
from qtgen.generation.questions import InvalidRow, QuestionFiles
from qtgen.generation.types import Question
from qtgen.llm.endpoint import Endpoint, make_request
from qtgen.llm.estimate import Range, RunEstimate
from qtgen.llm.factory import concurrency, endpoints_for, ledger_url
from qtgen.llm.forecast import BatchService, Quantity, Rates, Scenario
from qtgen.llm.ledger import ModelPace
from qtgen.settings import Settings

_SAMPLE = 2_000  # questions whose requests are rendered; the others are counted
_TYPICAL = Question("What happens to the energy of a ball that bounces and comes to rest?", "Physics")
_MIN_ANSWERS = 20  # number of the last attempts that the forecast is based on
_GUESSED_FAULTY = 0.05
_LATENCY_SPREAD, _TOKEN_SPREAD, _BATCH_SPREAD = 0.4, 0.3, 0.8  # standard deviations of the logarithm
_GUESS_ERROR = 0.4  # relative standard error of a guessed mean
_MAX_SHARE = 0.5  # maximum share of failed attempts; if more failed, something was wrong with the endpoint
_Z = 1.645  # standard deviations on each side of a 90% interval
_TRANSIENT = ("unavailable", "dropped", "timeout", "malformed", "unreachable")


@dataclass(frozen=True, slots=True)
class PlanOptions:
    """The options of one call. None stands for an option that was not given."""

    settings: Settings
    files: tuple[Path, ...]
    pages: int | None
    machines: int
    latency: float | None
    tokens: tuple[float, float] | None
    faulty: float | None
    rejections: float | None
    failures: float | None
    endpoint_rpm: float | None
    endpoint_tpm: float | None
    processor: float | None
    batch_hours: float | None
    seeds: int
    as_json: bool


@dataclass(frozen=True, slots=True)
class Inputs:
    """A scenario, and where its figures come from: `option`, `ledger`, `questions` or `default`."""

    scenario: Scenario
    endpoint: Endpoint
    origins: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Requests:
    """The requests for the pages: how many pages there are, and what the first requests are like."""

    pages: int
    size: float
    sent: Range
    received: Range
    answers: int


def read_inputs(options: PlanOptions) -> Inputs:
    """Return the assumptions of the forecast.

    Raises UsageError, QuestionFileError, PromptError, SettingsError and LedgerError.
    """
    settings = options.settings
    _question_files(options)  # raises UsageError before anything else is read
    endpoint = endpoints_for(settings)[0]
    config = generation_config(settings, dt.datetime.now().astimezone().date(), profile_of(settings))
    history, faulty, pace = _recorded(settings, endpoint, config)
    requests = _read_requests(options, config, endpoint, history)
    origins: dict[str, str] = {}
    latency = _latency(options, pace, origins)
    sent, received = _tokens(options, requests, origins)
    attempts = sum(pace.kinds.values())
    is_known = len(pace.latencies) >= _MIN_ANSWERS

    def share(name: str, given: float | None, recorded: float, default: float) -> float:
        origins[name] = "option" if given is not None else "ledger" if is_known else "default"
        return given if given is not None else min(recorded, _MAX_SHARE) if is_known else default

    rejected = pace.kinds.get("rate-limited", 0) / max(attempts, 1)
    failed = sum(pace.kinds.get(kind, 0) for kind in _TRANSIENT) / max(attempts, 1)
    scenario = Scenario(
        pages=requests.pages,
        latency=latency,
        sent=sent,
        received=received,
        machines=options.machines,
        concurrency=concurrency(settings),
        rpm=settings.rpm,
        tpm=settings.tpm,
        endpoint_rpm=options.endpoint_rpm,
        endpoint_tpm=options.endpoint_tpm,
        request_bytes=requests.size,
        faulty=share("faulty", options.faulty, faulty, _GUESSED_FAULTY),
        rejections=share("rejections", options.rejections, rejected, 0.0),
        failures=share("failures", options.failures, failed, 0.0),
        tries=settings.tries,
        max_repairs=settings.repairs,
        budget=settings.budget,
        rates=_rates(endpoint),
        service=_batch_service(settings, options, origins),
        **({} if options.processor is None else {"processor": options.processor}),
    )
    origins["processor"] = "default" if options.processor is None else "option"
    return Inputs(scenario, endpoint, origins)


def _recorded(
    settings: Settings, endpoint: Endpoint, config: GenerationConfig
) -> tuple[Sequence[tuple[str, int, int, int]], float, ModelPace]:
    """Return what the ledger has recorded of the model: its answers, the share of faulty ones, and its pace.

    A ledger that does not exist is not created.
    """
    file = ledger_url(settings).removeprefix("sqlite:///")
    if "://" not in file and not Path(file).exists():
        note(f"no ledger at {file}; the forecast uses defaults")
        return (), 0.0, ModelPace((), {})
    with open_ledger(settings) as ledger:
        history = ledger.history(endpoint.model, config.template_digests().values())
        return history, ledger.facts(endpoint.model).faulty, ledger.pace(endpoint.model)


def _read_requests(
    options: PlanOptions, config: GenerationConfig, endpoint: Endpoint, history: Sequence[tuple[str, int, int, int]]
) -> _Requests:
    """Render the first requests, of the question files or of a typical question."""
    files = _question_files(options)
    estimate = RunEstimate(history)
    if not files:
        _add(estimate, config, endpoint, [_TYPICAL])
        rows = 1
    else:
        rows = _add_files(estimate, config, endpoint, files, options)
    count = sum(totals.requests for totals in estimate.totals.values())
    size = sum(totals.bytes for totals in estimate.totals.values()) / count
    answers = sum(1 for row in history if row[3])
    sent, received = (total.map(lambda value: value / count) for total in (estimate.sent(), estimate.received()))
    return _Requests(options.pages or rows, size, sent, received, answers)


def _question_files(options: PlanOptions) -> tuple[Path, ...]:
    files = options.files or (() if options.pages else options.settings.questions)
    if not files and not options.pages:
        raise UsageError("the number of pages is unknown", remedy="name a question file, or add --pages 10000")
    return files


def _add(estimate: RunEstimate, config: GenerationConfig, endpoint: Endpoint, questions: Iterable[Question]) -> None:
    for question in questions:
        request = make_request(config.render(question, endpoint.style), endpoint)
        estimate.add(request.key.prompt, request.key.size, request.max_answer_tokens)


def _add_files(
    estimate: RunEstimate, config: GenerationConfig, endpoint: Endpoint, files: Sequence[Path], options: PlanOptions
) -> int:
    """Add the requests of the first questions, and return the number of questions, if it is needed."""
    settings = options.settings
    if missing := [file for file in files if str(file) != "-" and not file.exists()]:
        raise QuestionFileError(os.strerror(errno.ENOENT), path=missing[0])
    invalid = 0
    with ExitStack() as stack:
        source = stack.enter_context(
            QuestionFiles(
                files,
                default_subject(config.layout, settings.subject),
                None,
                sys.stdin.buffer,
                settings.columns,
            )
        )

        def questions() -> Iterator[Question]:
            nonlocal invalid
            for row in source.rows():
                if isinstance(row, InvalidRow):
                    invalid += 1
                else:
                    yield row

        rows = questions()
        sample = [*islice(rows, _SAMPLE)]
        if not sample:
            raise QuestionFileError("no questions", path=", ".join(map(str, files)))
        _add(estimate, config, endpoint, sample)
        total = len(sample) + (0 if options.pages else sum(1 for _ in rows))
    if invalid:
        warn([f"{invalid:,} rows are not valid questions"], "row")
    return total


def _latency(options: PlanOptions, pace: ModelPace, origins: dict[str, str]) -> Quantity:
    if options.latency is not None:
        origins["latency"] = "option"
        return Quantity.around(options.latency, _LATENCY_SPREAD)
    if len(pace.latencies) >= _MIN_ANSWERS:
        origins["latency"] = "ledger"
        return Quantity.observed(pace.latencies)
    origins["latency"] = "default"
    return Quantity.around(GUESSED_LATENCY, _LATENCY_SPREAD, _GUESS_ERROR)


def _tokens(options: PlanOptions, requests: _Requests, origins: dict[str, str]) -> tuple[Quantity, Quantity]:
    if options.tokens is not None:
        origins["tokens"] = "option"
        return Quantity.around(options.tokens[0], 0.0), Quantity.around(options.tokens[1], _TOKEN_SPREAD)
    origins["tokens"] = "ledger" if requests.answers >= _MIN_ANSWERS else "default"
    return _around(requests.sent, 0.1), _around(requests.received, _TOKEN_SPREAD)


def _around(mean: Range, spread: float) -> Quantity:
    return Quantity.around(mean.expected, spread, (mean.high - mean.low) / (2 * _Z * mean.expected))


def _rates(endpoint: Endpoint) -> Rates:
    sent, received = (endpoint.cost(*tokens, 0) for tokens in ((1_000_000, 0), (0, 1_000_000)))
    if sent is None or received is None:
        return Rates()
    return Rates(sent / 1e6, received / 1e6, 1.0 if endpoint.is_free else endpoint.price_batch)


def _batch_service(settings: Settings, options: PlanOptions, origins: dict[str, str]) -> BatchService:
    limits = settings.batch
    service = BatchService(limits.lines, limits.bytes, limits.enqueued_tokens, _seconds(limits.window))
    origins["batch_hours"] = "default" if options.batch_hours is None else "option"
    if options.batch_hours is None:
        return service
    completion = Quantity.around(options.batch_hours * 3600, _BATCH_SPREAD)
    return BatchService(service.lines, service.bytes, service.enqueued_tokens, service.window, completion)


def _seconds(window: str) -> float:
    """Return the seconds of a duration such as `24h`."""
    return float(window[:-1]) * {"s": 1, "m": 60, "h": 3600, "d": 86_400}[window[-1]]
