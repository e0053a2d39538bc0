"""Measure how well the grounding check separates the right source from a wrong one, and sample its findings.

    python benchmarks/grounding.py separation
    python benchmarks/grounding.py sample [SEED] [SIZE]

`../shared/data` contains answers of language models. The references of RAGChecker, SQuALITY and K-QA serve as sources.
The fourth set uses the first and last paragraphs of a page of `../shared/real` as the answer and the others as its
source. A swapped source belongs to another question of the same domain, story or subject.

`sample` prints findings to judge by hand. They come from other pairs: answers of RAGChecker with another model's answer
as the source, answers of LiveQA with their references, and pages. Each finding is printed with the parts of the source
that show whether it is true.
"""

import json
import random
import re
import sys
import tarfile
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from scipy.stats import rankdata

from qtgen.embeddings.sentences import sentence_similarity
from qtgen.generation.grounding import Item, Kind, check
from qtgen.page import decode_answer, read_text
from qtgen.page.compile import default_layout

SHARED = Path(__file__).resolve().parents[2] / "shared"
_PAGES_PER_SUBJECT = 12
_EXCELLENT = 4  # the best grade of LiveQA
_ENOUGH = 240  # of the 300 points that SQuALITY's raters can give for correctness


class Pair(NamedTuple):
    """An answer, the source that belongs to it, and one that does not."""

    dataset: str
    question: str
    answer: str
    source: str
    swapped: str


def main() -> None:
    """Run the measurement that the command line names."""
    command, *numbers = sys.argv[1:] or ["separation"]
    if command == "separation":
        print_separation([*ragchecker(), *squality(), *kqa(), *pages(random.Random(1))])
    else:
        seed, size = [*map(int, numbers), *(1, 100)[len(numbers) :]]
        pairs = [*other_answers(), *liveqa(), *pages(random.Random(seed))]
        print_sample(pairs, random.Random(seed), size)


def _rows(name: str) -> list[Any]:
    return [json.loads(line) for line in (SHARED / "data" / name).read_text(encoding="utf-8").splitlines()]


def _with_next(rows: Sequence[Any], group: str) -> Iterator[tuple[Any, Any]]:
    """Yield each row with another one of the same group."""
    groups = defaultdict(list)
    for row in rows:
        groups[row[group]].append(row)
    for members in groups.values():
        yield from zip(members, members[1:] + members[:1], strict=True)


def ragchecker() -> Iterator[Pair]:
    """Yield both answers to each question of RAGChecker."""
    for row, other in _with_next(_rows("meta_ragchecker_pairs.dev.jsonl"), "domain"):
        for answer in (row["answer_a"], row["answer_b"]):
            if answer.strip():
                yield Pair("RAGChecker", row["question"], answer, row["reference"], other["reference"])


def squality() -> Iterator[Pair]:
    """Yield the answers of SQuALITY that raters found correct, with all references as their source."""
    rows = _rows("meta_squality_ratings.dev.jsonl")
    for row in rows:
        other = random.Random(row["id"]).choice([other for other in rows if other["cluster"] != row["cluster"]])
        sources = ["\n\n".join(each["references"]) for each in (row, other)]
        for candidate in row["candidates"]:
            if sum(candidate["correctness"]) >= _ENOUGH:
                yield Pair("SQuALITY", row["question"], candidate["answer"], sources[0], sources[1])


def kqa() -> Iterator[Pair]:
    """Yield the judged answers of K-QA, with the physicians' answer as their source."""
    references = {row["question"]: row["answer"] for row in _rows("ref_kqa.dev.jsonl")}
    rows = [row for row in _rows("meta_kqa_claims.dev.jsonl") if row["question"] in references]
    for row, other in zip(rows, rows[3:] + rows[:3], strict=True):
        answer = re.sub(r"(?<=[a-z.?!])n(?=[A-Z])", "\n", row["answer"])  # the data contains `n` for lost line breaks
        yield Pair("K-QA", row["question"], answer, references[row["question"]], references[other["question"]])


def other_answers() -> Iterator[Pair]:
    """Yield the first answer to each question of RAGChecker, with the second one as its source."""
    for row, other in _with_next(_rows("meta_ragchecker_pairs.dev.jsonl"), "domain"):
        if row["answer_a"].strip() and row["answer_b"].strip():
            yield Pair("RAGChecker", row["question"], row["answer_a"], row["answer_b"], other["answer_b"])


def liveqa() -> Iterator[Pair]:
    """Yield the answers of LiveQA that were judged to be excellent, with all references as their source."""
    rows = _rows("meta_liveqa_references.dev.jsonl")
    references = {row["cluster"]: "\n\n".join(row["references"]) for row in rows}
    for row in _rows("meta_liveqa_medquad.dev.jsonl"):
        if row["judgement"] >= _EXCELLENT and row["cluster"] in references:
            yield Pair("LiveQA", row["question"], row["answer"], references[row["cluster"]], "")


def pages(rng: random.Random) -> Iterator[Pair]:
    """Yield the first and last paragraphs of real pages, with the paragraphs between as their source."""
    by_subject = defaultdict(list)
    with tarfile.open(SHARED / "real" / "pages.tar.gz") as archive:
        for member in archive:
            file = archive.extractfile(member) if member.name.endswith(".md") else None
            if file:
                by_subject[member.name.split("/")[-2]].append(file.read().decode())
    for _, texts in sorted(by_subject.items()):
        chosen = [
            read_text(text, default_layout()) for text in rng.sample(texts, min(2 * _PAGES_PER_SUBJECT, len(texts)))
        ]
        answers = [(page.text_of("question") or "", decode_answer(page.text_of("answer") or "")) for page in chosen]
        split = [(question, [part for part in answer.split("\n\n") if part.strip()]) for question, answer in answers]
        usable = [(question, parts) for question, parts in split if len(parts) > 4]
        for (question, parts), (_, others) in zip(usable, usable[1:] + usable[:1], strict=True):
            middle, swapped = "\n\n".join(parts[1:-1]), "\n\n".join(others[1:-1])
            yield Pair("pages", question, f"{parts[0]}\n\n{parts[-1]}", middle, swapped)


def print_separation(pairs: Sequence[Pair]) -> None:
    """Print how well support separates the right source from a swapped one, for sentences and for answers."""
    columns = "AUC: sentences  answers  supported: right  swapped  items: right/swapped"
    print(f"dataset      answers  method              {columns}")
    for dataset, similarity in [
        (name, each) for name in dict.fromkeys(p.dataset for p in pairs) for each in (None, sentence_similarity)
    ]:
        values: dict[tuple[str, str], list[Any]] = defaultdict(list)
        for pair in (pair for pair in pairs if pair.dataset == dataset):
            for side, source in (("right", pair.source), ("swapped", pair.swapped)):
                report = check(pair.answer, source, pair.question, similarity=similarity)
                if report.supported is None:
                    continue
                values[side, "sentences"] += [_score(sentence) for sentence in report.sentences]
                values[side, "supported"] += [sentence.is_supported for sentence in report.sentences]
                values[side, "answers"].append(report.supported)
                values[side, "items"].append(len(report.items))
        print(
            f"{dataset:<12} {len(values['right', 'answers']):>7}  {report.method:<18} "
            f"{_auc(values['right', 'sentences'], values['swapped', 'sentences']):>13.3f} "
            f"{_auc(values['right', 'answers'], values['swapped', 'answers']):>12.3f} "
            f"{np.mean(values['right', 'supported']):>17.3f} {np.mean(values['swapped', 'supported']):>8.3f} "
            f"{np.mean(values['right', 'items']):>13.2f} {np.mean(values['swapped', 'items']):>8.2f}"
        )
        bar = np.quantile(values["swapped", "sentences"], 0.97)
        low = [np.mean(np.array(values[side, "answers"]) < 0.2) for side in ("right", "swapped")]
        print(f"{'':<21} threshold for 3% of swapped: {bar:.2f}; answers under 0.2: {low[0]:.3f}, swapped {low[1]:.3f}")


def _score(sentence: Any) -> float:
    return sentence.support if sentence.similarity is None else (sentence.support + sentence.similarity) / 2


def _auc(right: Sequence[float], swapped: Sequence[float]) -> float:
    ranks = rankdata([*right, *swapped])[: len(right)].sum()
    return (ranks - len(right) * (len(right) + 1) / 2) / (len(right) * len(swapped))


def print_sample(pairs: Sequence[Pair], rng: random.Random, size: int) -> None:
    """Print `size` findings, with the parts of the source that resemble them."""
    findings = [(pair, item) for pair in pairs for item in check(pair.answer, pair.source, pair.question).items]
    print(len(pairs), "answers;", len(findings), "findings:", dict(Counter(item.kind.value for _, item in findings)))
    by_kind = defaultdict(list)
    for pair, item in findings:
        by_kind[item.kind].append((pair, item))
    share = size // len(by_kind)
    drawn = [finding for _, each in sorted(by_kind.items()) for finding in rng.sample(each, min(share, len(each)))]
    rest = [finding for finding in findings if finding not in drawn]
    drawn += rng.sample(rest, min(size - len(drawn), len(rest)))
    for number, (pair, item) in enumerate(drawn, 1):
        before, after = (
            pair.answer[max(0, item.offset - 110) : item.offset],
            pair.answer[item.offset + item.length :][:60],
        )
        print(f"\n{number}. {pair.dataset} {item.kind.upper()} {item.text!r} {item.detail}")
        print(f"   Q: {pair.question[:150]}")
        print("   A:", " ".join(f"{before}[[{item.text}]]{after}".split()))
        print("   S:", evidence(item, pair.source))


def evidence(item: Item, source: str) -> str:
    """Return the parts of a source that resemble an item: its figures, its names, or the words of a quotation."""
    if item.kind in (Kind.FIGURE, Kind.DATE, Kind.UNIT):
        words = (
            "one|two|three|four|five|six|seven|eight|nine|ten|half|third|twenty|hundred|thousand|million|century|dozen"
        )
        number = rf"\d|\b(?:{words})\b"
        places = [match.start() for match in re.finditer(number, source, re.IGNORECASE)]
        pieces = [" ".join(source[max(0, place - 12) : place + 22].split()) for place in places]
        return " | ".join(dict.fromkeys(pieces))[:700] or "(no figures)"
    if item.kind is Kind.NAME:
        names = re.findall(r"\b[A-Z][\w.'’-]*(?: [A-Z][\w.'’-]*)*", source)
        longer = [word for word in re.findall(r"\w+", item.text) if len(word) > 3]
        like = [
            source[max(0, m.start() - 25) : m.end() + 25]
            for word in longer
            for m in [re.search(re.escape(word[:4]), source, re.IGNORECASE)]
            if m
        ]
        return f"{', '.join(dict.fromkeys(names))[:450]} ## {' | '.join(like)[:150]}"
    return " ".join(source.split())[:900]


if __name__ == "__main__":
    main()
