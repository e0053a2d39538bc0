"""How many of a site's own related articles qtgen's ranking finds again, against other ways to rank.

    python benchmarks/linking_quality.py [--constants] [--pairs DIR]

Of 1,000 real pages the links are hidden. What is counted: the site's own choices among the first 5 and 20. Links that
lead out of the sample cannot return and are left out. --constants: also other values of the constants; --pairs: also
50 pairs to be judged without knowing which is whose.
"""

import argparse
import json
import tarfile
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import bm25s
import numpy as np
from numpy.typing import NDArray

from qtgen.embeddings.pages import PageText, StaticEmbedder, center
from qtgen.embeddings.static import StaticModel
from qtgen.linking import candidates
from qtgen.linking.assign import link_index
from qtgen.linking.candidates import NO_ID, PageTable
from qtgen.linking.catalog import Catalog, read_catalog
from qtgen.linking.links import links_of
from qtgen.page import decode_answer, slug
from qtgen.page.fields import RELATED_MAX
from qtgen.site.discovery import iter_batches
from qtgen.site.similarity import WordSets, question_words

REAL = Path(__file__).resolve().parents[2] / "shared" / "real" / "pages.tar.gz"
HIDDEN, PAIRS, SEED = 1_000, 50, 20_261_125
FEW, MANY = 5, 20
DRAWS = 2_000  # of the bootstrap

Numbers = NDArray[np.int32]
Vectors = NDArray[np.float32]


class Sample(NamedTuple):
    """rows: the pages whose links are hidden; own: the targets of each inside the sample."""

    known: Catalog
    texts: list[PageText]
    pages: PageTable
    rows: Numbers
    own: list[frozenset[int]]


def read(folder: Path) -> Sample:
    texts: list[PageText] = []
    meaning = StaticEmbedder()

    def embed(some: Sequence[PageText]) -> NDArray[np.float16]:
        texts.extend(some)
        return meaning(some).astype(np.float16)

    known = read_catalog(iter_batches([folder]), embed=embed)
    links = links_of(known.site)
    good = links.good()
    own: dict[int, set[int]] = {}
    for source, target in zip(links.sources[good].tolist(), links.targets[good].tolist(), strict=True):
        own.setdefault(source, set()).add(target)
    pool = np.array(sorted(number for number in own if number not in known.problems))
    rows = np.sort(np.random.default_rng(SEED).choice(pool, min(HIDDEN, len(pool)), replace=False)).astype(np.int32)
    return Sample(known, texts, columns(known), rows, [frozenset(own[row]) for row in rows.tolist()])


def columns(known: Catalog) -> PageTable:
    """All pages with all places free: no link of the site is seen."""
    codes: dict[str, int] = {}
    every = range(len(known))
    linkable = np.array([known.is_linkable(number) for number in every])
    return PageTable(
        meanings=center(np.concatenate(known.vectors)),
        subjects=np.array([codes.setdefault(slug(subject), len(codes)) for subject in known.subjects], np.int32),
        ids=np.array([NO_ID if number is None else number for number in known.ids], np.int64),
        questions=WordSets(question_words(title) or frozenset({title}) for title in known.titles),
        linkable=linkable,
        needs_inbound=linkable,
        editable=np.ones(len(known), bool),
        kept=np.full((len(known), RELATED_MAX), -1, np.int32),
    )


# --- ways to rank: (pages, MANY) numbers of pages, the best first ---------------------------------------------------


@contextmanager
def constants(**values: float) -> Iterator[None]:
    before = {name: getattr(candidates, name) for name in values}
    for name, value in values.items():
        setattr(candidates, name, value)
    try:
        yield
    finally:
        for name, value in before.items():
            setattr(candidates, name, value)


def ours(sample: Sample, near: Any, **values: float) -> Numbers:
    with constants(**values):
        return np.concatenate(list(candidates.find_candidates(sample.pages, sample.rows, near)))[:, :MANY]


def chosen(sample: Sample, order: Numbers) -> Numbers:
    """The order without near-duplicates, as `qtgen link` goes through it."""
    found = np.full_like(order, -1)
    for place, (row, others) in enumerate(zip(sample.rows.tolist(), order.tolist(), strict=True)):
        taken: list[int] = []
        for other in others:
            if other >= 0 and not any(sample.pages.are_duplicates(one, other) for one in (row, *taken[:FEW])):
                taken.append(other)
        found[place, : len(taken)] = taken
    return found


def ranked(sample: Sample, scores: Vectors) -> Numbers:
    """scores: (rows, pages)."""
    usable = np.where(sample.pages.linkable, scores, -np.inf)
    usable[np.arange(len(sample.rows)), sample.rows] = -np.inf
    return np.argsort(-usable, axis=1, kind="stable")[:, :MANY].astype(np.int32)


def by_cosine(sample: Sample, vectors: Vectors) -> Numbers:
    return ranked(sample, vectors[sample.rows] @ vectors.T)


def by_tokens(sample: Sample, part: Callable[[PageText], str]) -> Vectors:
    static = StaticModel()
    batches = [sample.texts[at : at + 500] for at in range(0, len(sample.texts), 500)]
    return np.concatenate([static.embed(static.tokens([part(text) for text in some])) for some in batches])


def by_bm25(sample: Sample) -> Numbers:
    texts = [f"{text.question}\n{decode_answer(text.answer)}" for text in sample.texts]
    words = bm25s.tokenize(texts, stopwords="en", return_ids=False, show_progress=False)
    index = bm25s.BM25()
    index.index(words, show_progress=False)
    return np.concatenate([ranked_one(sample, at, index.get_scores(words[row])) for at, row in enumerate(sample.rows)])


def ranked_one(sample: Sample, at: int, scores: Vectors) -> Numbers:
    return ranked(sample._replace(rows=sample.rows[at : at + 1]), scores[None, :])


def at_random(sample: Sample) -> Numbers:
    return ranked(sample, np.random.default_rng(SEED).random((len(sample.rows), len(sample.pages))).astype(np.float32))


# --- figures --------------------------------------------------------------------------------------------------------


class Report:
    """A row a way to rank; intervals are of a bootstrap over the pages."""

    def __init__(self, sample: Sample) -> None:
        self._sample = sample
        self._own = np.array([len(own) for own in sample.own])
        count = len(sample.rows)
        self._weights = np.random.default_rng(SEED).multinomial(count, np.full(count, 1 / count), DRAWS)
        self._first: NDArray[np.intp] | None = None
        print("| ranking | in the first 5 | in the first 20 | pages with one in 5 | 5 less first row | same subject |")
        print("|---|---|---|---|---|---|")

    def row(self, name: str, order: Numbers) -> None:
        few, many = self._hits(order, FEW), self._hits(order, MANY)
        cells = [self._share(few, self._own), self._share(many, self._own), self._share(few > 0, np.ones_like(few))]
        less = "" if self._first is None else self._share(few - self._first, self._own, "+.1f")
        self._first = few if self._first is None else self._first
        first = order[:, :FEW]
        same = self._sample.pages.subjects[first] == self._sample.pages.subjects[self._sample.rows][:, None]
        print("|", " | ".join([name, *cells, less, f"{100 * same[first >= 0].mean():.1f}%"]), "|", flush=True)

    def _hits(self, order: Numbers, count: int) -> NDArray[np.intp]:
        some = order[:, :count].tolist()
        return np.array([len(own.intersection(row)) for own, row in zip(self._sample.own, some, strict=True)])

    def _share(self, hits: NDArray[Any], of: NDArray[np.intp], form: str = ".1f") -> str:
        low, high = np.quantile(self._weights @ hits / (self._weights @ of), [0.025, 0.975])
        return f"{100 * hits.sum() / of.sum():{form}}% ({100 * low:{form}} to {100 * high:{form}})"


def describe(sample: Sample) -> None:
    pages, own = sample.pages, [(row, o) for row, of in zip(sample.rows.tolist(), sample.own, strict=True) for o in of]
    source, target = np.array(own).T
    apart = np.abs(pages.ids[source] - pages.ids[target])
    near = np.mean([pages.are_duplicates(one, other) for one, other in own])
    print(f"{len(pages):,} pages, {pages.linkable.sum():,} may be named; links of {len(sample.rows):,} hidden")
    same = np.mean(pages.subjects[source] == pages.subjects[target])
    print(f"{len(own):,} own choices that can return; same subject {same:.1%}")
    print(f"ids at most 5, 30, 100 apart: {', '.join(f'{np.mean(apart <= most):.1%}' for most in (5, 30, 100))}")
    print(f"near-duplicates of their page, which qtgen never names: {near:.1%}")
    chance = 1 / (pages.linkable.sum() - 1)
    print(f"expected at random: {FEW * chance:.3%} and {MANY * chance:.3%}\n")


OFF: dict[str, dict[str, float]] = {
    "without nearness of ids": {"ID_BONUS": 0},
    "without the subject": {"SUBJECT_BONUS": 0},
    "without variety": {"VARIETY_PENALTY": 0},
    "without ids and subject": {"ID_BONUS": 0, "SUBJECT_BONUS": 0},
}
OTHERS: dict[str, dict[str, float]] = {
    f"{name} {value}": {name: value}
    for name, values in {
        "ID_BONUS": (0.05, 0.15, 0.2, 0.3),
        "SUBJECT_BONUS": (0.025, 0.1, 0.15),
        "VARIETY_PENALTY": (0.05, 0.1, 0.2, 0.3, 0.4),
        "DUPLICATE_COSINE": (0.8, 0.85, 0.88, 0.9),
    }.items()
    for value in values
}


def compare(sample: Sample, more: bool) -> Numbers:
    report, near = Report(sample), link_index(sample.pages)
    order = ours(sample, near)
    report.row("qtgen's candidates", order)
    own = chosen(sample, order)
    report.row("… without near-duplicates, as it names them", own)
    for name, values in (OFF | OTHERS if more else OFF).items():
        report.row(name, ours(sample, near, **values))
    report.row("plain cosine of its vectors", by_cosine(sample, sample.pages.vectors))
    for name, part in (("title", lambda text: text.question), ("answer", lambda text: decode_answer(text.answer))):
        vectors = by_tokens(sample, part)
        report.row(f"{name}, by tokens", by_cosine(sample, vectors))
        report.row(f"{name}, by tokens, centred", by_cosine(sample, center(vectors.astype(np.float16)).rows))
    report.row("BM25 of title and answer", by_bm25(sample))
    report.row("random, one draw", at_random(sample))
    return own


def write_pairs(sample: Sample, order: Numbers, folder: Path) -> None:
    """`pairs.txt` to judge, and which is whose in `key.json`."""
    rng = np.random.default_rng(SEED)
    found = []
    for row, own, others in zip(sample.rows.tolist(), sample.own, order[:, :FEW].tolist(), strict=True):
        mine = [other for other in others if other >= 0 and other not in own]
        theirs = sorted(own.difference(others))
        if mine and theirs:
            found.append((row, mine[0], theirs[int(rng.integers(len(theirs)))]))
    key, lines = [], []
    for number, at in enumerate(rng.choice(len(found), min(PAIRS, len(found)), replace=False).tolist(), 1):
        page, *both = found[at]
        swapped = bool(rng.integers(2))
        key.append("BA"[not swapped] + " is qtgen's")
        lines.append(f"{number} PAGE {beginning(sample, page)}")
        lines += [
            f"  {name} {beginning(sample, one)}" for name, one in zip("AB", both[:: -1 if swapped else 1], strict=True)
        ]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "pairs.txt").write_text("\n".join(lines))
    (folder / "key.json").write_text(json.dumps(key))


def beginning(sample: Sample, number: int) -> str:
    text = sample.texts[number]
    return f"[{sample.known.subjects[number]}] {text.question} :: {' '.join(decode_answer(text.answer).split())[:160]}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--constants", action="store_true")
    parser.add_argument("--pairs", type=Path)
    asked = parser.parse_args()
    if not REAL.exists():
        print(f"the real pages are not here ({REAL}): nothing is measured")
        return
    with tempfile.TemporaryDirectory(prefix="qtgen-") as folder:
        with tarfile.open(REAL) as packed:
            packed.extractall(folder, filter="data")
        sample = read(Path(folder))
    describe(sample)
    order = compare(sample, asked.constants)
    if asked.pairs:
        write_pairs(sample, order, asked.pairs)


if __name__ == "__main__":
    main()
