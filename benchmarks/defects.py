"""Measure how far the overall score falls if an answer has a defect, and whether the gate of `core` sees it.

    python benchmarks/defects.py

The first table scores the reference answers of the core suite against themselves, first without a change and then with
each defect. The second table plants the defects in the recorded answers of the suite's baseline, and compares them with
the intact ones as `qtgen eval run` does. A defect is applied to those answers that it changes: not every answer
contains a number, for example.
"""

import random
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from qtgen.evaluation.gate.comparison import compare_reports
from qtgen.evaluation.report import EvalReport, GateResult, Verdict, load_report
from qtgen.evaluation.scoring import Sample, score_samples
from qtgen.evaluation.statistics.paired import mean_interval
from qtgen.evaluation.suites.suite import Reference, Suite, load_suite
from qtgen.page.profile import default_profile

CORE = Path(__file__).resolve().parents[1] / "evals" / "core"
SEED = 5
OFFSET = 7  # references between an answer and the other answer that defects use

Defect = Callable[[str, str, random.Random], str]
"""Returns an answer with a defect, given the answer and one to another question."""


def drop_a_section(answer: str, _: str, _rng: random.Random) -> str:
    paragraphs = [paragraph for paragraph in answer.split("\n\n") if paragraph.strip()]
    longest = max(paragraphs[1:-1] or paragraphs, key=len)
    return "\n\n".join(paragraph for paragraph in paragraphs if paragraph != longest)


def swap_the_subject(_: str, other: str, _rng: random.Random) -> str:
    return other


def negate(answer: str, _: str, _rng: random.Random) -> str:
    """Negate every second "is", "are", "can", "has" and the like."""
    counter = iter(range(10**6))
    return re.sub(
        r"\b(is|are|was|were|can|has|have|will|does|do)\b(?! not)",
        lambda match: f"{match[0]} not" if next(counter) % 2 else match[0],
        answer,
    )


def change_numbers(answer: str, _: str, _rng: random.Random) -> str:
    return re.sub(r"(?<![\w.])\d+(?:\.\d+)?", lambda match: str(round(float(match[0]) * 3 + 7, 1)), answer)


def shuffle(answer: str, _: str, rng: random.Random) -> str:
    sentences = re.split(r"(?<=[.!?])\s+", answer)
    rng.shuffle(sentences)
    return " ".join(sentences)


def pad(answer: str, other: str, _rng: random.Random) -> str:
    return f"{answer}\n\n{other}"


def cut_in_half(answer: str, _: str, _rng: random.Random) -> str:
    return answer[: len(answer) // 2]


def repeat(answer: str, _: str, _rng: random.Random) -> str:
    return f"{answer}\n\n{answer}"


DEFECTS: tuple[Defect, ...] = (
    drop_a_section, swap_the_subject, negate, change_numbers, shuffle, pad, cut_in_half, repeat,
)  # fmt: skip


def scores_of(defect: Defect | None, references: list[Reference]) -> list[float]:
    """Return the overall score of every reference's own answer, with a defect unless it is None."""
    rng = random.Random(SEED)
    samples = []
    for index, reference in enumerate(references):
        other = references[index - OFFSET].answer
        candidate = defect(reference.answer, other, rng) if defect else reference.answer
        samples.append(Sample(reference.id, reference.question.text, (reference.answer,), candidate))
    return [result.score or 0.0 for result in score_samples(samples, [])]


def touched(defect: Defect, references: list[Reference]) -> list[Reference]:
    """Return the references whose answers the defect changes."""
    return [one for one in references if defect(one.answer, "", random.Random(SEED)) != one.answer]


def gate_on(defect: Defect, suite: Suite, baseline: EvalReport) -> GateResult:
    """Return what the suite's gate says if every recorded answer has a defect."""
    rng = random.Random(SEED)
    references = {reference.id: reference for reference in suite.references}
    samples = []
    for index, item in enumerate(baseline.items):
        reference = references[item.id]
        candidate = defect(item.candidate, baseline.items[index - OFFSET].candidate, rng)
        nuggets = reference.nuggets
        samples.append(Sample(item.id, item.question, (reference.answer,), candidate, nuggets.must, nuggets.nice))
    items = [
        replace(item, score=result.score, metrics={**item.metrics, **result.metrics})
        for item, result in zip(baseline.items, score_samples(samples), strict=True)
    ]
    return compare_reports(baseline, replace(baseline, items=tuple(items)), suite.settings.gate, "baseline.json")


def main() -> None:
    suite = load_suite(CORE, default_profile())
    references = list(suite.references)
    print("| defect | answers | unchanged | with the defect | falls by (95%) | fell |\n|---|---|---|---|---|---|")
    for defect in DEFECTS:
        sample = touched(defect, references)
        unchanged, defective = scores_of(None, sample), scores_of(defect, sample)
        falls = [before - after for before, after in zip(unchanged, defective, strict=True)]
        interval = mean_interval(falls, range(len(falls)))
        print(
            f"| {defect.__name__.replace('_', ' ')} | {len(sample)} | {mean(unchanged):.3f} | {mean(defective):.3f} "
            f"| {interval.mean:.3f} ({interval.low:.3f}–{interval.high:.3f}) | {sum(fall > 0 for fall in falls)} |"
        )
    baseline = load_report(suite.baseline)
    print("\n| defect of every recorded answer | verdict | score | metrics that are worse |\n|---|---|---|---|")
    for defect in DEFECTS:
        result = gate_on(defect, suite, baseline)
        of_score = next(comparison for comparison in result.comparisons if comparison.metric == "score")
        worse = [comparison.metric for comparison in result.comparisons if comparison.verdict is Verdict.WORSE]
        name = defect.__name__.replace("_", " ")
        print(f"| {name} | {result.verdict.value} | {of_score.difference:+.3f} | {', '.join(worse)} |")


def mean(values: list[float]) -> float:
    return sum(values) / len(values)


if __name__ == "__main__":
    main()
