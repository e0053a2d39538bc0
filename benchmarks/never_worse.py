"""How often the comparison by metrics objects to a new answer, by what people said of it (needs ../shared).

Every pair of answers that two annotators judged is taken in both directions: one as the old answer, the other as the
new. Beside them new answers that are worse by construction: another question's, the first half, and the old one with
its points turned into the contrary.
"""

import json
import sys
from collections import Counter
from pathlib import Path

from qtgen.regeneration.compare import answer_objections

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"


def main() -> int:
    file = SHARED / "meta_ragchecker_pairs.dev.jsonl"
    if not file.exists():
        print(f"{file} is not here: the judgements are not part of the project")
        return 0
    rows = [json.loads(line) for line in file.read_text().splitlines()]
    rows = [row for row in rows if row["answer_a"].strip() and row["answer_b"].strip()]
    total: Counter[str] = Counter()
    objected: Counter[str] = Counter()
    for number, row in enumerate(rows):
        human = sum(row["human"]["overall"])
        other = rows[(number + 7) % len(rows)]["answer_b"]
        half = row["answer_a"][: len(row["answer_a"]) // 2]
        tried = [
            (_kind(human), row["answer_a"], row["answer_b"]),
            (_kind(-human), row["answer_b"], row["answer_a"]),
            ("another question's answer", row["answer_a"], other),
            ("the first half of the old one", row["answer_a"], half),
            ("the old one itself", row["answer_a"], row["answer_a"]),
        ]
        for kind, old, new in tried:
            total[kind] += 1
            objected[kind] += any(True for _ in answer_objections(row["question"], old, new))
    for kind, count in total.items():
        print(f"{kind:<34} {objected[kind]:>4} of {count:>4} kept back ({objected[kind] / count:.0%})")
    return 0


def _kind(human: int) -> str:
    """human: the sum of two marks from -2 to 2."""
    if abs(human) < 2:
        return "people see little difference"
    return f"people: the new one is {'much ' * (abs(human) > 2)}{'better' if human > 0 else 'worse'}"


if __name__ == "__main__":
    sys.exit(main())
