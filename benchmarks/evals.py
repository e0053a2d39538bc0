"""How fast pairs are scored: all offline metrics of this package, beside the usual libraries in a loop.

    python benchmarks/evals.py [PAIRS]

The loop is rouge-score (`pip install rouge-score`, else left out), sacrebleu's chrF and BLEU, and wordllama sentence by
sentence; it takes a tenth of the pairs, for it is slow. Both run in processes of their own; peak memory is the highest
of one process.
"""

import json
import random
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from qtgen.evaluation.suites import load_suite

CORE = Path(__file__).resolve().parents[1] / "evals" / "core"
WORDS = 400


def pairs(number: int) -> list[dict[str, str]]:
    """Texts of about 400 words, put together of the suite's sentences; a candidate has half of its reference's."""
    rng = random.Random(7)
    sentences = [part for one in load_suite(CORE).references for part in one.answer.replace("\n", " ").split(". ")]
    made = []
    for place in range(number):
        reference = text_of(rng, sentences)
        candidate = reference[: len(reference) // 2] + text_of(rng, sentences)[: len(reference) // 2]
        made.append({"id": str(place), "question": "Why?", "reference": reference, "candidate": candidate})
    return made


def text_of(rng: random.Random, sentences: list[str]) -> str:
    text = ""
    while len(text.split()) < WORDS:
        text += rng.choice(sentences) + ". "
    return text


def loop(rows: list[dict[str, str]]) -> None:
    """What one would write with the usual libraries."""
    import wordllama
    from sacrebleu import sentence_bleu, sentence_chrf

    try:
        from rouge_score.rouge_scorer import RougeScorer

        scorer = RougeScorer(["rouge1", "rouge2", "rougeL"], use_stemmer=True)
    except ImportError:
        scorer = None
    model = wordllama.WordLlama.load(cache_dir=Path(wordllama.__file__).parent, disable_download=True)
    for row in rows:
        reference, candidate = row["reference"], row["candidate"]
        if scorer:
            scorer.score(reference, candidate)
        sentence_chrf(candidate, [reference])
        sentence_bleu(candidate, [reference])
        for sentence in candidate.split(". "):
            max(model.similarity(sentence or " ", other or " ") for other in reference.split(". "))


def main(number: int) -> None:
    rows = pairs(number)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "pairs.jsonl"
        file.write_text("".join(json.dumps(row) + "\n" for row in rows))
        command = [sys.executable, "-m", "qtgen", "eval", "score", str(file)]
        ours = timed(command)
        rate = f"{number / ours:.0f} pairs/s"
        print(f"qtgen eval score, {number} pairs, all metrics: {ours:.1f} s ({rate}), {peak():.0f} MiB")
        some = rows[: max(1, number // 10)]
        file.write_text(json.dumps(some))
        theirs = timed([sys.executable, __file__, "--loop", str(file)])
        print(f"the loop, {len(some)} pairs: {theirs:.1f} s ({len(some) / theirs:.1f} pairs/s)")
        print(f"ratio: {(number / ours) / (len(some) / theirs):.1f}")


def timed(command: list[str]) -> float:
    begin = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return time.perf_counter() - begin


def peak() -> float:
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024


if __name__ == "__main__":
    if sys.argv[1:2] == ["--loop"]:
        loop(json.loads(Path(sys.argv[2]).read_text()))
    else:
        main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000)
