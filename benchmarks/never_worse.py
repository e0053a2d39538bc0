"""Measure how often the comparison by metrics rejects a new answer, by how good people found that answer.

    python benchmarks/never_worse.py

The data is a set of pairs of answers that two annotators compared (RAGChecker, in `../shared/data`). Each pair is used
in both directions: one answer is the old one, the other is the new one. Three further kinds of new answer are made
from each pair: the answer to another question, the first half of the old answer, and the old answer itself.
"""

import json
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from qtgen.regeneration.compare import answer_objections

DATA = Path(__file__).resolve().parents[2] / "shared" / "data" / "meta_ragchecker_pairs.dev.jsonl"
OFFSET = 7  # rows between a question and the other question whose answer is tried


class Replacement(NamedTuple):
    """A new answer for an old one. `kind` says how good it is."""

    kind: str
    question: str
    old: str
    new: str


def main() -> int:
    if not DATA.exists():
        print(f"{DATA} is missing; the data is not part of the project")
        return 0
    total: Counter[str] = Counter()
    rejected: Counter[str] = Counter()
    for replacement in replacements():
        objection = next(answer_objections(replacement.question, replacement.old, replacement.new), None)
        total[replacement.kind] += 1
        rejected[replacement.kind] += objection is not None
    for kind, count in total.items():
        print(f"{kind:<34} {rejected[kind]:>4} of {count:>4} rejected ({rejected[kind] / count:.0%})")
    return 0


def replacements() -> Iterator[Replacement]:
    rows = [json.loads(line) for line in DATA.read_text().splitlines()]
    rows = [row for row in rows if row["answer_a"].strip() and row["answer_b"].strip()]
    for number, row in enumerate(rows):
        question, old, new = row["question"], row["answer_a"], row["answer_b"]
        preference = sum(row["human"]["overall"])
        yield Replacement(describe(preference), question, old, new)
        yield Replacement(describe(-preference), question, new, old)
        other: dict[str, Any] = rows[(number + OFFSET) % len(rows)]
        yield Replacement("another question's answer", question, old, other["answer_b"])
        yield Replacement("the first half of the old one", question, old, old[: len(old) // 2])
        yield Replacement("the old one itself", question, old, old)


def describe(preference: int) -> str:
    """Return what people said, by the sum of two marks from -2 (the old answer) to 2 (the new answer)."""
    if abs(preference) < 2:
        return "people see little difference"
    much = "much " if abs(preference) > 2 else ""
    return f"people: the new one is {much}{'better' if preference > 0 else 'worse'}"


if __name__ == "__main__":
    sys.exit(main())
