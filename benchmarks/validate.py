"""How fast a site is checked, beside python-frontmatter + pydantic reading the same pages without any rule.

    python benchmarks/validate.py [FOLDER]

FOLDER holds pages; without it, the real pages of ../shared are unpacked, and where they are absent the example page is
copied 5,000 times. Each figure is the median of five rounds, the ways in turn, in one process but for the last; the
ratio is of one run, so a noisy machine hurts less.
"""

import datetime as dt
import statistics
import sys
import tarfile
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import frontmatter
from pydantic import BaseModel

from qtgen.site.discovery import iter_batches, read_page
from qtgen.validation.cache import Cache
from qtgen.validation.rules.example import EXAMPLE_PAGE
from qtgen.validation.run import ValidationOptions, ValidationResult
from qtgen.validation.selection import choose_rules

ARCHIVE = Path(__file__).resolve().parents[2] / "shared" / "real" / "pages.tar.gz"
ROUNDS = 5


class Seo(BaseModel):
    title: str
    page_description: str
    page_keywords: str


class FrontMatter(BaseModel):
    """The yardstick: what a careful user of the common libraries would write."""

    id: int
    date: dt.date
    title: str
    article_title: str
    seo: Seo
    author: str
    question: str
    answer: str
    subject: str
    file_name: str
    url: str
    score: float | None = None


def read_only(folder: Path) -> None:
    for run in iter_batches([folder]):
        for path, (size, _) in zip(run.paths(), run.states, strict=True):
            read_page(path, size)


def page_rules(folder: Path) -> None:
    drain(folder, ValidationOptions([rule for rule in choose_rules() if rule.family != 4], jobs=1))


def all_rules(folder: Path) -> None:
    drain(folder, ValidationOptions(choose_rules(), jobs=1))


def two_processes(folder: Path) -> None:
    drain(folder, ValidationOptions(choose_rules(), jobs=2))


def warm(folder: Path) -> None:
    cache = Cache(folder / ".qtgen" / "cache", "benchmark", folder, time.time_ns())
    drain(folder, ValidationOptions(choose_rules(), jobs=1, cache=cache))
    cache.close()


def drain(folder: Path, check: ValidationOptions) -> None:
    """Every diagnostic, made and thrown away."""
    with ValidationResult(iter_batches([folder]), check) as validation:
        for _ in validation:
            pass


def common_libraries(folder: Path) -> None:
    for file in sorted(folder.rglob("*.md")):
        FrontMatter.model_validate(frontmatter.loads(file.read_text(encoding="utf-8")).metadata)


def seconds(work: Callable[[Path], None], folder: Path) -> float:
    begin = time.perf_counter()
    work(folder)
    return time.perf_counter() - begin


WAYS: dict[str, Callable[[Path], None]] = {
    "python-frontmatter + pydantic, no rules": common_libraries,
    "qtgen, reading only": read_only,
    "qtgen, rules of single pages": page_rules,
    "qtgen, all rules": all_rules,
    "qtgen, all rules, warm cache": warm,
    "qtgen, all rules, two processes": two_processes,
}


def fill(folder: Path) -> None:
    if ARCHIVE.exists():
        with tarfile.open(ARCHIVE) as tar:
            tar.extractall(folder, filter="data")
    else:
        for number in range(5_000):
            (folder / f"{number}.md").write_text(EXAMPLE_PAGE, encoding="utf-8")


def main() -> None:
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(sys.argv[1] if len(sys.argv) > 1 else temporary)
        if len(sys.argv) < 2:
            fill(folder)
        pages = sum(len(run.names) for run in iter_batches([folder]))
        time.sleep(3)  # a file is kept in the cache once it is two seconds old
        warm(folder)
        times: dict[str, list[float]] = {name: [] for name in WAYS}
        for _ in range(ROUNDS):
            for name, work in WAYS.items():
                times[name].append(seconds(work, folder))
    yardstick = statistics.median(next(iter(times.values())))
    print(f"{pages:,} pages, median of {ROUNDS} rounds")
    print("| way | pages/s | times as fast |\n|---|---|---|")
    for name, taken in times.items():
        median = statistics.median(taken)
        print(f"| {name} | {pages / median:,.0f} | {yardstick / median:.1f} |")


if __name__ == "__main__":
    main()
