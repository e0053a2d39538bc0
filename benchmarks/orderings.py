"""Measure how often the overall score ranks a correct answer above a wrong one.

    python benchmarks/orderings.py [--all] [FILE…]

The answers are those of `tests/fixtures/orderings.toml`, with known quality, and of
`../shared/cases/evals/orderings.jsonl` if it exists. FILE replaces both. A file has JSON lines with `id`
("question/kind"), `question`, `reference`, `candidate` and, optionally, `split`.

A pair consists of a correct and a wrong answer to the same question. The order is right if the correct answer has the
higher score. `--all` prints every pair in the wrong order instead of the worst 25.
"""

import argparse
import sys
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from qtgen.evaluation.scoring import Sample, score_samples  # noqa: E402
from support.orderings import CORRECT, KINDS, UNRANKED, WRONG, Row, read_rows, rows  # noqa: E402
from support.ranking import OTHER_WORDS_ABOVE, Pair, pairs, share_right  # noqa: E402

SHARED = ROOT.parent / "shared" / "cases" / "evals" / "orderings.jsonl"
WORST = 25
Scores = Mapping[Row, float]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--all", action="store_true", help="print every pair in the wrong order")
    parser.add_argument("files", nargs="*", type=Path, metavar="FILE")
    options = parser.parse_args()
    if missing := [str(path) for path in options.files if not path.is_file()]:
        parser.error(f"no such file: {', '.join(missing)}")
    scores = score_rows(read(options.files))
    splits = sorted({row.split for row in scores})
    print_means(scores, splits)
    print_shares("Correct above wrong", pairs(scores), WRONG, splits)
    print_shares("Correct above kinds without a rank", pairs(scores, CORRECT, UNRANKED), UNRANKED, splits)
    print_shares(
        "Other words above",
        pairs(scores, ["otherwords"], OTHER_WORDS_ABOVE),
        OTHER_WORDS_ABOVE,
        splits,
        by_better=False,
    )
    print_shares("Other words above soup", pairs(scores, ["otherwords"], ["soup"]), ["soup"], splits, by_better=False)
    print_wrong(pairs(scores), None if options.all else WORST)


def read(files: Sequence[Path]) -> list[Row]:
    if files:
        return [row for path in files for row in read_rows(path, split=path.stem)]
    return [*rows(), *(read_rows(SHARED, split="shared") if SHARED.exists() else [])]


def score_rows(candidates: Sequence[Row]) -> dict[Row, float]:
    """Return the overall score of each candidate. One that cannot be scored has 0."""
    samples = [Sample(row.id, row.question, (row.reference,), row.candidate) for row in candidates]
    results = score_samples(samples, [])
    return {row: result.score or 0.0 for row, result in zip(candidates, results, strict=True)}


def print_means(scores: Scores, splits: Sequence[str]) -> None:
    """Print the mean score of each kind of candidate, highest first."""
    means = {kind: [mean_score(scores, kind, [split]) for split in splits] for kind in KINDS}
    overall = {kind: mean_score(scores, kind, splits) for kind in KINDS}
    print(f"\n## Mean score\n\n| kind | {' | '.join(splits)} | all |\n|---|{'---|' * (len(splits) + 1)}")
    for kind in sorted(KINDS, key=lambda kind: -overall[kind]):
        label = f"**{kind}**" if kind in CORRECT else kind
        print(f"| {label} | {' | '.join(f'{mean:.3f}' for mean in (*means[kind], overall[kind]))} |")


def mean_score(scores: Scores, kind: str, splits: Collection[str]) -> float:
    values = [score for row, score in scores.items() if row.kind == kind and row.split in splits]
    return sum(values) / len(values) if values else float("nan")


def print_shares(
    title: str, found: Sequence[Pair], worse: Sequence[str], splits: Sequence[str], *, by_better: bool = True
) -> None:
    """Print the share of pairs in the right order: by kind of the worse candidate, and in total."""
    columns = [*splits, "all", *(CORRECT if by_better else [])]
    print(f"\n## {title}\n\n| kind | {' | '.join(columns)} | pairs |\n|---|{'---|' * (len(columns) + 1)}")
    for kind in [*worse, None]:
        of_kind = [pair for pair in found if kind in (None, pair.worse.kind)]
        subsets = [
            *([pair for pair in of_kind if pair.better.split == split] for split in splits),
            of_kind,
            *([pair for pair in of_kind if pair.better.kind == better] for better in columns[len(splits) + 1 :]),
        ]
        cells = " | ".join(f"{share_right(subset):.1%}" if subset else "–" for subset in subsets)
        print(f"| {kind or '**total**'} | {cells} | {len(of_kind)} |")


def print_wrong(found: Sequence[Pair], limit: int | None) -> None:
    """Print the pairs in the wrong order, with the lowest margin first."""
    wrong = sorted((pair for pair in found if not pair.is_right), key=lambda pair: pair.margin)
    print(f"\n## Wrong order\n\n{len(wrong)} of {len(found)} pairs", end="")
    print(f", the worst {limit}" if limit is not None and len(wrong) > limit else "", end="\n\n")
    print("| split | question | correct | score | wrong | score |\n|---|---|---|---|---|---|")
    for pair in wrong[:limit]:
        cells = (f"{pair.better.kind} | {pair.scores[0]:.3f}", f"{pair.worse.kind} | {pair.scores[1]:.3f}")
        print(f"| {pair.better.split} | {pair.better.topic} | {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
