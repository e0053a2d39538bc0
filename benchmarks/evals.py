"""Measure how many pairs per second `qtgen eval score` scores, compared with a loop over the usual libraries.

    python benchmarks/evals.py [PAIRS]

qtgen computes all metrics that need no model. The loop computes ROUGE (rouge-score, if it is installed), chrF and BLEU
(sacrebleu), and the similarity of each sentence (wordllama). It is slow, so it gets a tenth of the pairs. Each runs as
a whole process; the memory is the peak of one process.
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
WORDS = 365  # per text; with the last sentence, texts have 385 words on average
LOOP = "--loop"


def make_pairs(number: int) -> list[dict[str, str]]:
    """Return pairs of texts made of the core suite's sentences. Half of each candidate is from its reference."""
    rng = random.Random(7)
    answers = [reference.answer for reference in load_suite(CORE).references]
    sentences = [sentence for answer in answers for sentence in answer.replace("\n", " ").split(". ")]
    pairs = []
    for index in range(number):
        reference = make_text(rng, sentences)
        candidate = reference[: len(reference) // 2] + make_text(rng, sentences)[: len(reference) // 2]
        pairs.append({"id": str(index), "question": "Why?", "reference": reference, "candidate": candidate})
    return pairs


def make_text(rng: random.Random, sentences: list[str]) -> str:
    text = ""
    while len(text.split()) < WORDS:
        text += rng.choice(sentences) + ". "
    return text


def score_in_a_loop(pairs: list[dict[str, str]]) -> None:
    """Score pairs as one would with the usual libraries."""
    import wordllama
    from sacrebleu import sentence_bleu, sentence_chrf

    try:
        from rouge_score.rouge_scorer import RougeScorer

        rouge = RougeScorer(["rouge1", "rouge2", "rougeL"], use_stemmer=True)
    except ImportError:
        rouge = None
    model = wordllama.WordLlama.load(cache_dir=Path(wordllama.__file__).parent, disable_download=True)
    for pair in pairs:
        reference, candidate = pair["reference"], pair["candidate"]
        if rouge:
            rouge.score(reference, candidate)
        sentence_chrf(candidate, [reference])
        sentence_bleu(candidate, [reference])
        for sentence in candidate.split(". "):
            max(model.similarity(sentence or " ", other or " ") for other in reference.split(". "))


def main(number: int) -> None:
    pairs = make_pairs(number)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "pairs.jsonl"
        file.write_text("".join(json.dumps(pair) + "\n" for pair in pairs))
        seconds = seconds_of([sys.executable, "-m", "qtgen", "eval", "score", str(file)])
        rate = number / seconds
        peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
        print(f"qtgen eval score, {number} pairs, all metrics: {seconds:.1f} s ({rate:.0f} pairs/s), {peak:.0f} MiB")
        sample = pairs[: max(1, number // 10)]
        file.write_text(json.dumps(sample))
        seconds = seconds_of([sys.executable, __file__, LOOP, str(file)])
        loop_rate = len(sample) / seconds
        print(f"loop, {len(sample)} pairs: {seconds:.1f} s ({loop_rate:.1f} pairs/s)")
        print(f"speed-up: {rate / loop_rate:.1f}")


def seconds_of(command: list[str]) -> float:
    start = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return time.perf_counter() - start


if __name__ == "__main__":
    if sys.argv[1:2] == [LOOP]:
        score_in_a_loop(json.loads(Path(sys.argv[2]).read_text()))
    else:
        main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000)
