"""What the overall score makes of defects that were planted on purpose.

    python benchmarks/defects.py

Every reference of the suite `core` is its own candidate, once whole and once with each defect.
"""

import random
import re
from collections.abc import Callable
from pathlib import Path

from qtgen.evaluation.scoring import Sample, score_samples
from qtgen.evaluation.stats import mean_interval
from qtgen.evaluation.suites import Reference, load_suite

CORE = Path(__file__).resolve().parents[1] / "evals" / "core"


def paragraphs(text: str) -> list[str]:
    return [part for part in text.split("\n\n") if part.strip()]


def drop_a_section(text: str, _: str, _rng: random.Random) -> str:
    parts = paragraphs(text)
    longest = max(parts[1:-1] or parts, key=len)
    return "\n\n".join(part for part in parts if part != longest)


def swap_the_subject(_: str, other: str, _rng: random.Random) -> str:
    return other


def negate(text: str, _: str, _rng: random.Random) -> str:
    """Every second "is", "are", "can", "has" … becomes its opposite."""
    places = iter(range(10**6))
    return re.sub(
        r"\b(is|are|was|were|can|has|have|will|does|do)\b(?! not)",
        lambda m: f"{m[0]} not" if next(places) % 2 else m[0],
        text,
    )


def change_numbers(text: str, _: str, _rng: random.Random) -> str:
    return re.sub(r"(?<![\w.])\d+(?:\.\d+)?", lambda m: str(round(float(m[0]) * 3 + 7, 1)), text)


def shuffle(text: str, _: str, rng: random.Random) -> str:
    sentences = re.split(r"(?<=[.!?])\s+", text)
    rng.shuffle(sentences)
    return " ".join(sentences)


def pad(text: str, other: str, _rng: random.Random) -> str:
    return f"{text}\n\n{other}"


def cut_in_half(text: str, _: str, _rng: random.Random) -> str:
    return text[: len(text) // 2]


def repeat(text: str, _: str, _rng: random.Random) -> str:
    return f"{text}\n\n{text}"


Defect = Callable[[str, str, random.Random], str]
DEFECTS: tuple[Defect, ...] = (
    drop_a_section, swap_the_subject, negate, change_numbers, shuffle, pad, cut_in_half, repeat,
)  # fmt: skip


def scores_of(defect: Defect | None, references: list[Reference]) -> list[float]:
    """The overall score of every reference's own answer with a defect."""
    rng = random.Random(5)
    items = []
    for number, one in enumerate(references):
        other = references[number - 7].answer  # of another question
        text = defect(one.answer, other, rng) if defect else one.answer
        items.append(Sample(one.id, one.question.text, (one.answer,), text))
    return [result.score or 0.0 for result in score_samples(items, [])]


def touched(defect: Defect, references: list[Reference]) -> list[Reference]:
    """Those that the defect changes: not every answer has a number."""
    return [one for one in references if defect(one.answer, "", random.Random(5)) != one.answer]


def main() -> None:
    references = list(load_suite(CORE).references)
    print("| defect | answers | whole | with the defect | falls by (95%) | fell |\n|---|---|---|---|---|---|")
    for defect in DEFECTS:
        some = touched(defect, references)
        whole, broken = scores_of(None, some), scores_of(defect, some)
        fall = [old - new for old, new in zip(whole, broken, strict=True)]
        shown = mean_interval(fall, range(len(fall)))
        fell = sum(value > 0 for value in fall)
        means = [sum(values) / len(values) for values in (whole, broken)]
        print(
            f"| {defect.__name__.replace('_', ' ')} | {len(some)} | {means[0]:.3f} | {means[1]:.3f} "
            f"| {shown.mean:.3f} ({shown.low:.3f}–{shown.high:.3f}) | {fell} |"
        )


if __name__ == "__main__":
    main()
