"""Measure the processor time and the memory of `qtgen eval score` and of replaying a suite.

    python benchmarks/evals.py [PAIRS]

`qtgen eval score` computes all metrics that need no model, in one process on one core. For comparison, a loop computes
what the usual libraries offer: ROUGE (rouge-score, if it is installed), chrF and BLEU (sacrebleu), and the similarity
of each sentence (wordllama). It is slow, so it gets a tenth of the pairs. `qtgen eval run core` replays and scores the
48 pages of the suite `core`. Each is a whole process.

Processor time is the sum over all threads. The ratio of both programs says more than the seconds if the machine is
busy.
"""

import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

from qtgen.evaluation.suites.suite import load_suite
from qtgen.page.profile import default_profile

CORE = Path(__file__).resolve().parents[1] / "evals" / "core"
WORDS = 372  # at least, per text: 385 on average
LOOP = "--loop"


def make_pairs(number: int) -> list[dict[str, str]]:
    """Return pairs of texts made of the core suite's sentences. Half of each candidate is from its reference."""
    rng = random.Random(7)
    answers = [reference.answer for reference in load_suite(CORE, default_profile()).references]
    parts = (part for answer in answers for part in answer.replace("\n", " ").split(". "))
    sentences = [part for part in parts if part[:1].isalpha()]
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


class Cost(NamedTuple):
    """What a process took."""

    wall: float
    processor: float
    mebibytes: float

    def __str__(self) -> str:
        return f"{self.processor:.1f} s of processor time, {self.wall:.1f} s, {self.mebibytes:.0f} MiB"


def main(number: int) -> None:
    pairs = make_pairs(number)
    words = sum(len(pair[role].split()) for pair in pairs for role in ("reference", "candidate")) / (2 * number)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "pairs.jsonl"
        file.write_text("".join(json.dumps(pair) + "\n" for pair in pairs))
        scored = cost_of([sys.executable, "-m", "qtgen", "eval", "score", str(file), "--jobs", "1"])
        print(f"qtgen eval score, {number} pairs of {words:.0f} words, all metrics: {scored}")
        sample = pairs[: max(1, number // 10)]
        file.write_text(json.dumps(sample))
        looped = cost_of([sys.executable, __file__, LOOP, str(file)])
        print(f"loop, {len(sample)} pairs: {looped}")
        ratio = (looped.processor / len(sample)) / (scored.processor / number)
        print(f"processor time per pair, loop / qtgen: {ratio:.1f}")
    with tempfile.TemporaryDirectory() as folder:  # without the baseline, which may be of another scorer
        suite = shutil.copytree(CORE, Path(folder) / "core", ignore=shutil.ignore_patterns("baseline.json"))
        print(f"qtgen eval run core: {cost_of([sys.executable, '-m', 'qtgen', 'eval', 'run', str(suite)])}")


def cost_of(command: list[str]) -> Cost:
    start = time.perf_counter()
    # BLAS threads would only wait for each other: the matrices are small.
    environment = os.environ | {"OPENBLAS_NUM_THREADS": "1"}
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=environment)
    assert process.stderr
    with process.stderr:
        message = process.stderr.read().decode()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in (0, 1):
        raise SystemExit(f"{' '.join(command)}: exit code {process.returncode}\n{message}")
    seconds = usage.ru_utime + usage.ru_stime
    return Cost(time.perf_counter() - start, seconds, usage.ru_maxrss / 1024)


if __name__ == "__main__":
    if sys.argv[1:2] == [LOOP]:
        score_in_a_loop(json.loads(Path(sys.argv[2]).read_text()))
    else:
        main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000)
