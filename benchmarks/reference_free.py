"""Measure how many good and bad pages the checks without a reference flag.

    python benchmarks/reference_free.py

Good pages are the live pages in `../shared`. The subjects are divided into two halves. The thresholds of `CHECKS`
were chosen on the pages of the first half. False alarms are counted on the second half. Bad pages are made from the
second half:

- swaps: the answer, or all texts, of another page, of any subject or of the same one
- heaps: the words of the answer in a random order, in the whole answer or line by line
- soups: the content words of the answer in a random order
- demo: unacceptable pages of a small model
"""

import random
import tarfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from qtgen.page import default_profile, read
from qtgen.validation.english import FUNCTION_WORDS
from qtgen.validation.text_quality import (
    ABOUT_THE_QUESTION,
    CHECKS,
    STRIKES,
    SUPPORTING,
    Check,
    TextQuality,
    measure_page,
)

SHARED = Path(__file__).resolve().parents[2] / "shared"
ARCHIVE = SHARED / "real" / "pages.tar.gz"
CASES = SHARED / "cases" / "evals"
BAD_PAGES = 500
SEED = 15
FRESH_SEED = 20261126  # of a division that was not used to choose thresholds


class Texts(NamedTuple):
    """The texts of a page that are judged."""

    subject: str
    question: str
    description: str
    keywords: str
    answer: str


def texts_of(raw: bytes) -> Texts:
    text = read(raw, default_profile(), "").text_of
    paths = ("subject", "title", "seo.page_description", "seo.page_keywords", "answer")
    return Texts(*(text(path) or "" for path in paths))


def live_pages() -> Iterator[Texts]:
    with tarfile.open(ARCHIVE) as tar:
        for member in tar:
            if member.name.endswith(".md") and (file := tar.extractfile(member)):
                yield texts_of(file.read())


def halves(pages: Sequence[Texts]) -> tuple[list[Texts], list[Texts]]:
    """Divide pages by subject: every second subject in alphabetical order."""
    subjects = sorted({page.subject for page in pages})
    chosen = set(subjects[::2])
    return [page for page in pages if page.subject in chosen], [page for page in pages if page.subject not in chosen]


def another(page: Texts, pages: Sequence[Texts], *, same_subject: bool) -> Texts:
    while True:
        other = random.choice(pages)
        if other.question != page.question and (not same_subject or other.subject == page.subject):
            return other


def shuffled(words: Sequence[str]) -> str:
    return " ".join(random.sample(words, len(words)))


def heap(answer: str) -> str:
    return shuffled(answer.replace("\\n", " ").split())


def heap_by_line(answer: str) -> str:
    return "\\n".join(shuffled(line.split(" ")) for line in answer.split("\\n"))


def soup(answer: str) -> str:
    words = [word.strip("*.,:;()") for word in answer.replace("\\n", " ").split()]
    return shuffled([word for word in words if word.isalpha() and word.lower() not in FUNCTION_WORDS])


def bad_pages(pages: Sequence[Texts]) -> dict[str, list[Texts]]:
    sample = random.sample(pages, BAD_PAGES)

    def with_answer(make: Callable[[Texts], str]) -> list[Texts]:
        return [page._replace(answer=make(page)) for page in sample]

    def with_texts(*, same_subject: bool) -> list[Texts]:
        others = [another(page, pages, same_subject=same_subject) for page in sample]
        return [other._replace(question=page.question) for page, other in zip(sample, others, strict=True)]

    return {
        "swap, answer": with_answer(lambda page: another(page, pages, same_subject=False).answer),
        "swap, answer, subject": with_answer(lambda page: another(page, pages, same_subject=True).answer),
        "swap, all texts": with_texts(same_subject=False),
        "swap, all texts, subject": with_texts(same_subject=True),
        "heap": with_answer(lambda page: heap(page.answer)),
        "heap by line": with_answer(lambda page: heap_by_line(page.answer)),
        "soup": with_answer(lambda page: soup(page.answer)),
        **{
            f"cases, {name}": [texts_of(file.read_bytes()) for file in sorted((CASES / path).rglob("*.md"))]
            for name, path in {
                "demo": "nonsense-validates/demo",
                "off topic": "nonsense-validates/off",
                "true": "all-pages-false-pass/extra",
                "paraphrase": "all-pages-false-pass/paraphrase",
                "soup": "all-pages-false-pass/soup",
            }.items()
        },
    }


def measure_all(pages: Sequence[Texts]) -> list[TextQuality]:
    return [measure_page(*page[1:], math=True) for page in pages]


def share(found: int, total: int) -> str:
    return f"{100 * found / total:.2f}%" if total else "-"


def fresh_bars(pages: Sequence[Texts]) -> tuple[list[Check], list[Texts]]:
    """Return thresholds at fixed quantiles of a random half of the subjects, and the pages of the other half.

    The shipped thresholds were adjusted while the results of the held-out pages were visible. These were not.
    """
    subjects = sorted({page.subject for page in pages})
    random.Random(FRESH_SEED).shuffle(subjects)
    chosen = set(subjects[: len(subjects) // 2])
    values = measure_all([page for page in pages if page.subject in chosen])
    bars = []
    for check in CHECKS:
        in_order = sorted((getattr(quality, check.name) for quality in values), reverse=True)
        bar, largest = in_order[len(in_order) // 1_000], in_order[0]
        bars.append(check._replace(bar=bar, alone=max(2 * bar, largest) if check.alone < float("inf") else check.alone))
    return bars, [page for page in pages if page.subject not in chosen]


def is_flagged(quality: TextQuality, checks: Sequence[Check]) -> bool:
    """Return what `TextQuality.is_flagged` returns, with other thresholds."""
    for family in ("topic", "coherence"):
        strikes = {
            check.name: (getattr(quality, check.name) > check.bar) + (getattr(quality, check.name) > check.alone)
            for check in checks
            if check.family == family
        }
        found = {name for name, count in strikes.items() if count}
        is_relevant = found & ABOUT_THE_QUESTION if family == "topic" else found - SUPPORTING
        if sum(strikes.values()) >= STRIKES and is_relevant:
            return True
    return False


def print_fresh_division(pages: Sequence[Texts]) -> None:
    """Print how many pages are flagged with the thresholds of a new division."""
    bars, held_out = fresh_bars(pages)
    random.seed(FRESH_SEED)
    print("\n| pages of a new division | number | flagged |\n|---|---|---|")
    for name, texts in {"live, held out": held_out, **bad_pages(held_out)}.items():
        count = sum(is_flagged(quality, bars) for quality in measure_all(texts))
        print(f"| {name} | {len(texts):,} | {share(count, len(texts))} |")


def main() -> None:
    random.seed(SEED)
    pages = [*live_pages()]
    first, second = halves(pages)
    bad = {name: measure_all(pages) for name, pages in bad_pages(second).items()}
    choosing, held_out = measure_all(first), measure_all(second)
    print(f"{len(first):,} pages to choose the thresholds, {len(second):,} held out\n")
    print("| check | 1% of the first half | 0.1% | largest | loose | bar | alone | held out | caught |")
    print("|---|---|---|---|---|---|---|---|---|")
    for check in CHECKS:
        values = sorted((getattr(quality, check.name) for quality in choosing), reverse=True)
        one, tenth = values[len(values) // 100], values[len(values) // 1000]
        alarms = sum(getattr(quality, check.name) > check.bar for quality in held_out)
        caught = {
            name: 100 * sum(getattr(quality, check.name) > check.bar for quality in qualities) // len(qualities)
            for name, qualities in bad.items()
        }
        best = ", ".join(f"{name} {percent}%" for name, percent in caught.items() if percent >= 10)
        bars = f"{check.loose} | {check.bar} | {check.alone}"
        print(f"| {check.name} | {one:.3f} | {tenth:.3f} | {values[0]:.3f} | {bars} | {alarms} | {best} |")
    print("\n| pages | number | off topic | incoherent | flagged | flagged at `loose` |\n|---|---|---|---|---|---|")
    for name, qualities in {"live, first half": choosing, "live, held out": held_out, **bad}.items():
        counts = [
            sum(quality.is_off_topic() for quality in qualities),
            sum(quality.is_incoherent() for quality in qualities),
            sum(quality.is_flagged() for quality in qualities),
            sum(quality.is_flagged(loose=True) for quality in qualities),
        ]
        print(f"| {name} | {len(qualities):,} | {' | '.join(share(count, len(qualities)) for count in counts)} |")
    print_fresh_division(pages)


if __name__ == "__main__":
    main()
