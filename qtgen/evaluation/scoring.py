"""Scores of candidates against references. A sample that cannot be scored gets an error instead of a 0."""

import math
import multiprocessing
import os
import threading
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qtgen._util.cpus import usable_cpus
from qtgen._util.engines import Engine
from qtgen._util.engines.local import LocalEngine
from qtgen.errors import Failure, ProviderError
from qtgen.evaluation.metrics import METRICS, AnalyzedText, Case, PageFacts, Score, check_metric_names, measure, overall
from qtgen.evaluation.metrics.overall import PARTS
from qtgen.evaluation.plugins import load_plugins, plugin_files

if TYPE_CHECKING:
    from qtgen.embeddings.static import TextEmbedder

MAX_CHARACTERS = 100_000  # of one text; an answer has about 5,000
_CHUNK = 16  # samples that a worker process scores at a time
_PARALLEL_FROM = 64  # samples; fewer are scored faster in this process than workers start


@dataclass(frozen=True, slots=True)
class Sample:
    """A candidate to be scored, as raw texts.

    The best reference comes first; a metric takes the highest value over all of them. `must` and `nice` are nuggets:
    claims that an answer must make or may make. `source` is the text that the answer must be based on, or empty.
    """

    id: Any
    question: str
    references: tuple[str, ...]
    candidate: str
    must: tuple[str, ...] = ()
    nice: tuple[str, ...] = ()
    page: PageFacts | None = None
    source: str = ""


# Without `<unk>` and the like, which the tokenizer would read in threads.
_SHORT_SAMPLE = Sample(None, "Why is the sky blue?", ("Air scatters light.",), "Molecules scatter light.")


@dataclass(frozen=True, slots=True)
class SampleResult:
    """The score of a sample, or None and an error that says why there is none.

    `metrics` holds the values by name, None if a metric does not apply; `notes` says how each value came about.
    """

    id: Any
    score: float | None
    metrics: Mapping[str, float | None] = field(default_factory=dict)
    error: Failure | None = None
    notes: Mapping[str, str] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """Return the JSON object that `eval score` prints."""
        error = asdict(self.error) if self.error else None
        return {"id": self.id, "score": self.score, "metrics": dict(self.metrics), "error": error}


def parse_sample(record: Mapping[str, Any]) -> Sample | SampleResult:
    """Return the sample of a JSON object with `id`, `question`, `reference` (text or list of texts) and `candidate`.

    It may have `context`, the text that the candidate must be based on. An invalid record becomes a result with an
    error.
    """
    sample_id: Any = record.get("id")
    reference = record.get("reference")
    references = [reference] if isinstance(reference, str) else reference
    if not isinstance(references, list) or not all(isinstance(text, str) for text in references):
        return _failed(sample_id, "malformed", "`reference` must be a text or a list of texts")
    references = [text for text in references if text.strip()]
    if not references:
        return _failed(sample_id, "no-reference", "`reference` is empty")
    source = record.get("context") or ""
    for key in ("candidate", "question", "context"):
        if not isinstance(source if key == "context" else record.get(key, ""), str):
            return _failed(sample_id, "malformed", f"`{key}` must be a text")
    if "candidate" not in record:
        return _failed(sample_id, "malformed", "`candidate` is missing")
    return Sample(sample_id, record.get("question", ""), tuple(references), record["candidate"], source=source)


def _failed(sample_id: Any, kind: str, message: str) -> SampleResult:
    return SampleResult(sample_id, None, error=Failure(kind, message))


def score(
    question: str,
    reference: str | Sequence[str],
    candidate: str,
    *,
    must: Sequence[str] = (),
    nice: Sequence[str] = (),
    context: str = "",
    metrics: Collection[str] | None = None,
) -> SampleResult:
    """Score one answer.

    Args:
        question: The question that the texts answer.
        reference: One correct answer, or several with the best first.
        candidate: The answer to score, as Markdown.
        must: Claims that an answer must make, for `must_recall`.
        nice: Claims that an answer may make, for `nice_recall`.
        context: The text that the answer must be based on, for `groundedness`.
        metrics: Metrics to report besides the parts of the overall score. All by default.

    Raises UsageError for an unknown metric. Needs the `evals` extra.
    """
    check_metric_names(metrics or (), METRICS)
    references = [reference] if isinstance(reference, str) else list(reference)
    parsed = parse_sample({"question": question, "reference": references, "candidate": candidate, "context": context})
    sample = replace(parsed, must=tuple(must), nice=tuple(nice)) if isinstance(parsed, Sample) else parsed
    return score_sample(sample, metrics)


def score_sample(
    sample: Sample | SampleResult, metrics: Collection[str] | None = None, embed: "TextEmbedder | None" = None
) -> SampleResult:
    """Score one sample; a result is returned as it is.

    Args:
        sample: What to score.
        metrics: Names of the metrics to measure, all by default. The parts of the overall score are always measured.
        embed: An embedder that replaces the static one. If it raises ProviderError, the sample has no score.

    An empty candidate scores 0, gets the worst value of every metric, and has an error.
    """
    if isinstance(sample, SampleResult):
        return sample
    if problem := _too_large(sample):
        return _failed(sample.id, *problem)
    case = _analyze(sample, embed)
    usable = tuple(reference for reference in case.references if reference.words and reference.is_english())
    if case.candidate.words and not usable:
        return _failed(sample.id, *_no_reference(case.references))
    try:
        scores = measure(
            replace(case, references=usable or case.references),
            None if metrics is None else {*metrics, *PARTS, "confidence"},
        )
    except ProviderError as error:
        return _failed(sample.id, error.kind, str(error))
    return _result(sample.id, scores) if case.candidate.words else _empty_result(sample.id, scores)


def _too_large(sample: Sample) -> tuple[str, str] | None:
    for role, text in (("candidate", sample.candidate), *(("reference", text) for text in sample.references)):
        if len(text) > MAX_CHARACTERS:
            return "too-large", f"the {role} has {len(text):,} characters; the limit is {MAX_CHARACTERS:,}"
    return None


def _no_reference(references: Sequence[AnalyzedText]) -> tuple[str, str]:
    if not any(reference.words for reference in references):
        return "no-reference", "no reference contains a word"
    return "language", "no reference is English, the only language that the metrics support"


def _analyze(sample: Sample, embed: "TextEmbedder | None") -> Case:
    groups = (sample.references, sample.must, sample.nice)
    references, must, nice = (tuple(AnalyzedText(text, embed) for text in texts) for texts in groups)
    question, candidate = AnalyzedText(sample.question, embed), AnalyzedText(sample.candidate, embed)
    return Case(question, references, candidate, must, nice, sample.page, sample.source)


def _empty_result(sample_id: Any, scores: Mapping[str, Score]) -> SampleResult:
    """Return the worst values: without any text there are no contradictions, which would look like a good answer."""
    metrics = {
        name: None if score.value is None else METRICS[name].worst(score.value) for name, score in scores.items()
    }
    return SampleResult(sample_id, 0.0, metrics, Failure("empty-candidate", "the candidate contains no word"))


def _result(sample_id: Any, scores: Mapping[str, Score]) -> SampleResult:
    """Return the rounded values. A value that is not a finite number is a fault of its metric: it becomes an error."""
    scores = {"score": overall(scores), **scores}
    values = {name: _rounded(score.value) for name, score in scores.items()}
    broken = [name for name, score in scores.items() if score.value is not None and values[name] is None]
    error = Failure("not-a-number", f"not a finite number: {', '.join(broken)}") if broken else None
    notes = {name: score.note for name, score in scores.items() if score.note}
    return SampleResult(sample_id, values.pop("score"), values, error, notes)


def _rounded(value: float | None) -> float | None:
    """Round to five decimals: further ones depend on the machine, and a gate must not see them."""
    return None if value is None or not math.isfinite(value) else round(value, 5)


def score_samples(
    samples: Iterable[Sample | SampleResult],
    metrics: Collection[str] | None = None,
    jobs: int | None = None,
    embed: "TextEmbedder | None" = None,
    engine: Engine | None = None,
) -> Iterator[SampleResult]:
    """Yield the results in the order of the samples.

    Args:
        samples: What to score; read as far as there is work for the processes.
        metrics: As for `score_sample`.
        jobs: Number of worker processes, by default the number of CPUs. With `embed` always one.
        embed: As for `score_sample`.
        engine: Where to score samples, instead of in worker processes of this machine. With `embed` it is not used.
    """
    remaining = iter(samples)
    first = list(islice(remaining, _PARALLEL_FROM))
    jobs = 1 if embed else jobs or usable_cpus()
    everything = chain(first, remaining)
    if embed or (engine is None and (jobs == 1 or len(first) < _PARALLEL_FROM)):
        yield from (score_sample(sample, metrics, embed) for sample in everything)
        return
    if engine is None and _may_fork():
        score_sample(_SHORT_SAMPLE, metrics)  # loads the libraries and word lists that the processes inherit
    files = plugin_files()
    chunks = ((None, (chunk, metrics, files)) for chunk in iter(lambda: list(islice(everything, _CHUNK)), []))
    for _, results in (engine or LocalEngine(jobs)).map(score_shard, chunks):
        yield from results


def _may_fork() -> bool:
    """Return whether processes inherit what a metric loads, and no threads, which a fork would break.

    A library for linear algebra has threads, and so may a plugin.
    """
    is_forked = multiprocessing.get_context().get_start_method() == "fork"
    has_plugins = any(not known.is_builtin for known in METRICS.values())
    return is_forked and not has_plugins and os.environ.get("OPENBLAS_NUM_THREADS") == "1" and _count_threads() == 1


def _count_threads() -> int:
    """Return the number of threads of this process. Where the system does not tell, it is that of Python's threads."""
    try:
        return len(os.listdir("/proc/self/task"))  # noqa: PTH208 - there is no such folder outside Linux
    except OSError:
        return threading.active_count()


def score_shard(
    samples: list[Sample | SampleResult], metrics: Collection[str] | None, files: tuple[Path, ...]
) -> list[SampleResult]:
    """Score samples in a worker."""
    load_plugins(files)  # a worker that was not forked knows the built-in metrics only
    return [score_sample(sample, metrics) for sample in samples]
