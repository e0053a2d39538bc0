"""Measure how many of a site's own related articles are among the first candidates of qtgen and of other rankings.

    python benchmarks/linking_quality.py [--constants] [--pairs DIR]

The links of 1,000 real pages (`../shared/real`) are hidden, and each ranking orders all pages as candidates for them.
The table shows how many of the hidden links are among the first 5 and the first 20 candidates, with 95% bootstrap
intervals over the pages. Links to pages that are not in the sample cannot be found and do not count.
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
from qtgen.linking.catalog import Catalog
from qtgen.linking.links import links_of
from qtgen.linking.reading import read_catalog
from qtgen.page import decode_answer, default_profile
from qtgen.page.compile import default_layout
from qtgen.site.discovery import iter_batches
from qtgen.site.similarity import WordSets, question_words

REAL = Path(__file__).resolve().parents[2] / "shared" / "real" / "pages.tar.gz"
HIDDEN = 1_000  # pages whose links are hidden
PAIRS = 50  # to be judged by a person
SEED = 20_261_125
FEW, MANY = 5, 20  # candidates that are looked at
RESAMPLES = 2_000  # of the bootstrap

PageNumbers = NDArray[np.int32]
Vectors = NDArray[np.float32]


class Sample(NamedTuple):
    """The pages of a site.

    Args:
        catalog: What is known about all pages.
        texts: The texts of all pages.
        pages: All pages as input of the ranking, without any link.
        hidden: The numbers of the pages whose links are hidden.
        own: The targets of the hidden links of each of these pages.
    """

    catalog: Catalog
    texts: list[PageText]
    pages: PageTable
    hidden: PageNumbers
    own: list[frozenset[int]]


def read_sample(folder: Path) -> Sample:
    texts: list[PageText] = []
    meaning = StaticEmbedder()

    def embed(batch: Sequence[PageText]) -> NDArray[np.float16]:
        texts.extend(batch)
        return meaning(batch).astype(np.float16)

    catalog = read_catalog(iter_batches([folder]), default_profile(), embed=embed)
    links = links_of(catalog.site)
    good = links.good()
    own: dict[int, set[int]] = {}
    for source, target in zip(links.sources[good].tolist(), links.targets[good].tolist(), strict=True):
        own.setdefault(source, set()).add(target)
    linking = np.array(sorted(number for number in own if number not in catalog.problems))
    hidden = np.random.default_rng(SEED).choice(linking, min(HIDDEN, len(linking)), replace=False)
    hidden = np.sort(hidden).astype(np.int32)
    return Sample(catalog, texts, without_links(catalog), hidden, [frozenset(own[page]) for page in hidden.tolist()])


def without_links(catalog: Catalog) -> PageTable:
    """Return all pages as if none had a link yet."""
    codes: dict[str, int] = {}
    linkable = np.array([catalog.is_linkable(number) for number in range(len(catalog))])
    return PageTable(
        meanings=center(np.concatenate(catalog.vectors)),
        subjects=np.array(
            [codes.setdefault(default_layout().slug(subject), len(codes)) for subject in catalog.subjects], np.int32
        ),
        ids=np.array([NO_ID if number is None else number for number in catalog.ids], np.int64),
        questions=WordSets(question_words(title) or frozenset({title}) for title in catalog.titles),
        linkable=linkable,
        needs_inbound=linkable,
        editable=np.ones(len(catalog), bool),
        kept=np.full((len(catalog), catalog.slots), -1, np.int32),
    )


# --- rankings: for each page with hidden links the numbers of MANY candidates, the best first -----------------------


@contextmanager
def constants(**values: float) -> Iterator[None]:
    """Give constants of the ranking other values for a while."""
    before = {name: getattr(candidates, name) for name in values}
    for name, value in values.items():
        setattr(candidates, name, value)
    try:
        yield
    finally:
        for name, value in before.items():
            setattr(candidates, name, value)


def rank_by_qtgen(sample: Sample, near: Any, **values: float) -> PageNumbers:
    with constants(**values):
        return np.concatenate(list(candidates.find_candidates(sample.pages, sample.hidden, near)))[:, :MANY]


def drop_near_duplicates(sample: Sample, ranking: PageNumbers) -> PageNumbers:
    """Return a ranking without near-duplicates of the page or of a better candidate, like that of `qtgen link`."""
    kept = np.full_like(ranking, -1)
    for row, (page, others) in enumerate(zip(sample.hidden.tolist(), ranking.tolist(), strict=True)):
        chosen: list[int] = []
        for other in others:
            if other >= 0 and not any(sample.pages.are_duplicates(known, other) for known in (page, *chosen[:FEW])):
                chosen.append(other)
        kept[row, : len(chosen)] = chosen
    return kept


def rank_by_scores(sample: Sample, scores: Vectors) -> PageNumbers:
    """Return a ranking by scores: one row for each page with hidden links, one column for each page."""
    usable = np.where(sample.pages.linkable, scores, -np.inf)
    usable[np.arange(len(sample.hidden)), sample.hidden] = -np.inf
    return np.argsort(-usable, axis=1, kind="stable")[:, :MANY].astype(np.int32)


def rank_by_cosine(sample: Sample, vectors: Vectors) -> PageNumbers:
    return rank_by_scores(sample, vectors[sample.hidden] @ vectors.T)


def embed_tokens(sample: Sample, part: Callable[[PageText], str]) -> Vectors:
    """Return static embeddings of a part of each page."""
    static = StaticModel()
    batches = [sample.texts[start : start + 500] for start in range(0, len(sample.texts), 500)]
    return np.concatenate([static.embed(static.tokens([part(text) for text in batch])) for batch in batches])


def rank_by_bm25(sample: Sample) -> PageNumbers:
    texts = [f"{text.question}\n{decode_answer(text.answer)}" for text in sample.texts]
    words = bm25s.tokenize(texts, stopwords="en", return_ids=False, show_progress=False)
    index = bm25s.BM25()
    index.index(words, show_progress=False)
    rankings = []  # one by one, because the scores of all pages at once would take much memory
    for page in sample.hidden:
        only_this = sample._replace(hidden=np.array([page]))
        rankings.append(rank_by_scores(only_this, index.get_scores(words[page])[None, :]))
    return np.concatenate(rankings)


def rank_at_random(sample: Sample) -> PageNumbers:
    scores = np.random.default_rng(SEED).random((len(sample.hidden), len(sample.pages)))
    return rank_by_scores(sample, scores.astype(np.float32))


# --- figures --------------------------------------------------------------------------------------------------------


class Report:
    """Prints a table with a row for each ranking."""

    def __init__(self, sample: Sample) -> None:
        self._sample = sample
        self._own = np.array([len(own) for own in sample.own])
        count = len(sample.hidden)
        self._resamples = np.random.default_rng(SEED).multinomial(count, np.full(count, 1 / count), RESAMPLES)
        self._baseline: NDArray[np.intp] | None = None
        print("| ranking | in the first 5 | in the first 20 | pages with one in 5 | first 5 vs. row 1 | same subject |")
        print("|---|---|---|---|---|---|")

    def add_row(self, name: str, ranking: PageNumbers) -> None:
        few, many = self._hits(ranking, FEW), self._hits(ranking, MANY)
        cells = [self._share(few, self._own), self._share(many, self._own), self._share(few > 0, np.ones_like(few))]
        difference = "" if self._baseline is None else self._share(few - self._baseline, self._own, "+.1f")
        self._baseline = few if self._baseline is None else self._baseline
        first = ranking[:, :FEW]
        subjects = self._sample.pages.subjects
        has_same_subject = subjects[first] == subjects[self._sample.hidden][:, None]
        same_subject = f"{100 * has_same_subject[first >= 0].mean():.1f}%"
        print("|", " | ".join([name, *cells, difference, same_subject]), "|", flush=True)

    def _hits(self, ranking: PageNumbers, count: int) -> NDArray[np.intp]:
        first = ranking[:, :count].tolist()
        return np.array([len(own.intersection(row)) for own, row in zip(self._sample.own, first, strict=True)])

    def _share(self, hits: NDArray[Any], total: NDArray[np.intp], form: str = ".1f") -> str:
        low, high = np.quantile(self._resamples @ hits / (self._resamples @ total), [0.025, 0.975])
        return f"{100 * hits.sum() / total.sum():{form}}% ({100 * low:{form}} to {100 * high:{form}})"


def describe(sample: Sample) -> None:
    pages = sample.pages
    links = [(page, target) for page, own in zip(sample.hidden.tolist(), sample.own, strict=True) for target in own]
    sources, targets = np.array(links).T
    distances = np.abs(pages.ids[sources] - pages.ids[targets])
    print(f"{len(pages):,} pages, {pages.linkable.sum():,} may be linked to; links of {len(sample.hidden):,} hidden")
    same_subject = np.mean(pages.subjects[sources] == pages.subjects[targets])
    print(f"{len(links):,} links that can be found; same subject {same_subject:.1%}")
    print(f"ids at most 5, 30, 100 apart: {', '.join(f'{np.mean(distances <= most):.1%}' for most in (5, 30, 100))}")
    near_duplicates = np.mean([pages.are_duplicates(page, target) for page, target in links])
    print(f"near-duplicates of their page, which qtgen never links: {near_duplicates:.1%}")
    chance = 1 / (pages.linkable.sum() - 1)
    print(f"expected at random: {FEW * chance:.3%} and {MANY * chance:.3%}\n")


WITHOUT: dict[str, dict[str, float]] = {
    "without nearness of ids": {"ID_BONUS": 0},
    "without the subject": {"SUBJECT_BONUS": 0},
    "without variety": {"VARIETY_PENALTY": 0},
    "without ids and subject": {"ID_BONUS": 0, "SUBJECT_BONUS": 0},
}
OTHER_VALUES: dict[str, dict[str, float]] = {
    f"{name} {value}": {name: value}
    for name, values in {
        "ID_BONUS": (0.05, 0.15, 0.2, 0.3),
        "SUBJECT_BONUS": (0.025, 0.1, 0.15),
        "VARIETY_PENALTY": (0.05, 0.1, 0.2, 0.3, 0.4),
        "DUPLICATE_COSINE": (0.8, 0.85, 0.88, 0.9),
    }.items()
    for value in values
}


def compare_rankings(sample: Sample, with_other_values: bool) -> PageNumbers:
    """Print the table, and return the candidates that `qtgen link` would choose from."""
    report, near = Report(sample), link_index(sample.pages)
    ranking = rank_by_qtgen(sample, near)
    report.add_row("qtgen's candidates", ranking)
    chosen = drop_near_duplicates(sample, ranking)
    report.add_row("… without near-duplicates, as `qtgen link` chooses", chosen)
    for name, values in (WITHOUT | OTHER_VALUES if with_other_values else WITHOUT).items():
        report.add_row(name, rank_by_qtgen(sample, near, **values))
    report.add_row("cosine of its vectors", rank_by_cosine(sample, sample.pages.vectors))
    for name, part in (("title", lambda text: text.question), ("answer", lambda text: decode_answer(text.answer))):
        vectors = embed_tokens(sample, part)
        report.add_row(f"{name}, by tokens", rank_by_cosine(sample, vectors))
        report.add_row(f"{name}, by tokens, centred", rank_by_cosine(sample, center(vectors.astype(np.float16)).rows))
    report.add_row("BM25 of title and answer", rank_by_bm25(sample))
    report.add_row("random", rank_at_random(sample))
    return chosen


def write_pairs(sample: Sample, ranking: PageNumbers, folder: Path) -> None:
    """Write pairs of a link by qtgen and one by the site to `pairs.txt`, and which one is whose to `key.json`."""
    rng = np.random.default_rng(SEED)
    pairs = []
    for page, own, others in zip(sample.hidden.tolist(), sample.own, ranking[:, :FEW].tolist(), strict=True):
        only_qtgen = [other for other in others if other >= 0 and other not in own]
        only_site = sorted(own.difference(others))
        if only_qtgen and only_site:
            pairs.append((page, only_qtgen[0], only_site[int(rng.integers(len(only_site)))]))
    key, lines = [], []
    for number, index in enumerate(rng.choice(len(pairs), min(PAIRS, len(pairs)), replace=False).tolist(), 1):
        page, *links = pairs[index]
        is_swapped = bool(rng.integers(2))
        key.append("BA"[not is_swapped] + " is qtgen's")
        lines.append(f"{number} PAGE {summary(sample, page)}")
        shown = links[:: -1 if is_swapped else 1]
        lines += [f"  {letter} {summary(sample, link)}" for letter, link in zip("AB", shown, strict=True)]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "pairs.txt").write_text("\n".join(lines))
    (folder / "key.json").write_text(json.dumps(key))


def summary(sample: Sample, page: int) -> str:
    """Return subject, question and the beginning of the answer."""
    text = sample.texts[page]
    return f"[{sample.catalog.subjects[page]}] {text.question} :: {' '.join(decode_answer(text.answer).split())[:160]}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--constants", action="store_true", help="also try other values of the ranking's constants")
    parser.add_argument("--pairs", type=Path, metavar="DIR", help="write 50 pairs of links to judge blindly to DIR")
    options = parser.parse_args()
    if not REAL.exists():
        print(f"{REAL} is missing; the real pages are not part of the project")
        return
    with tempfile.TemporaryDirectory(prefix="qtgen-") as folder:
        with tarfile.open(REAL) as packed:
            packed.extractall(folder, filter="data")
        sample = read_sample(Path(folder))
    describe(sample)
    chosen = compare_rankings(sample, options.constants)
    if options.pairs:
        write_pairs(sample, chosen, options.pairs)


if __name__ == "__main__":
    main()
