"""Measure how many pages qtgen validates per second of processor time, compared with python-frontmatter and pydantic.

    python benchmarks/validate.py [FOLDER]
    python benchmarks/validate.py --texts [FOLDER]

The comparison reads the front matter of the same pages into a pydantic model and applies no rule. Without FOLDER, the
real pages of `../shared` are used, or 5,000 copies of the example page if those are missing. The pages are copied,
because one of them is changed. Each figure is the smallest processor time of five rounds (user and system, with that of
worker processes). The variants take turns in each round, so that a busy machine slows all of them down alike. All
except the one with two processes run in this process.

With --texts, it measures only how much processor time the checks of texts (QT609 to QT612) add to a cold run. Each run
has a new process, because a second run in the same process is faster. The ratio compares the minimum times.

`python benchmarks/against.py COMMIT` compares with another version of qtgen.
"""

import argparse
import datetime as dt
import functools
import itertools
import re
import resource
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import frontmatter
from pydantic import BaseModel

from qtgen.page.profile import default_profile
from qtgen.site.discovery import iter_batches, read_page
from qtgen.validation.cache import Cache
from qtgen.validation.rules import REGISTRY
from qtgen.validation.rules.example import EXAMPLE_PAGE
from qtgen.validation.run import ValidationOptions, ValidationResult
from qtgen.validation.selection import choose_rules

ARCHIVE = Path(__file__).resolve().parents[2] / "shared" / "real" / "pages.tar.gz"
ROUNDS, TEXT_ROUNDS = 5, 10
CACHE_DELAY = 3 * 10**9  # nanoseconds; the cache stores a file only if it has not changed for two seconds
NUMBERS = itertools.count(900_000)


class Seo(BaseModel):
    title: str
    page_description: str
    page_keywords: str


class FrontMatter(BaseModel):
    """What a careful user of the common libraries would write."""

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
    profile = default_profile()
    for run in iter_batches([folder]):
        for path, (size, _) in zip(run.paths(), run.states, strict=True):
            read_page(path, size, profile)


def page_rules(folder: Path) -> None:
    validate(
        folder,
        ValidationOptions(
            [rule for rule in choose_rules(profile=default_profile()) if rule.family != 4],
            jobs=1,
            profile=default_profile(),
        ),
    )


def all_rules(folder: Path) -> None:
    validate(folder, ValidationOptions(choose_rules(profile=default_profile()), jobs=1, profile=default_profile()))


def two_processes(folder: Path) -> None:
    validate(folder, ValidationOptions(choose_rules(profile=default_profile()), jobs=2, profile=default_profile()))


def warm_cache(folder: Path) -> None:
    cache = Cache(folder / ".qtgen" / "cache", "benchmark", folder, time.time_ns() + CACHE_DELAY)
    validate(
        folder,
        ValidationOptions(choose_rules(profile=default_profile()), jobs=1, cache=cache, profile=default_profile()),
    )
    cache.close()


@functools.cache
def first_page(folder: Path) -> Path:
    return min(folder.rglob("*.md"))


def one_score_changed(folder: Path) -> None:
    """Change the score of a page, which other pages do not depend on."""
    change(folder, r"^score: .*", f"score: 0.{next(NUMBERS)}")
    warm_cache(folder)


def one_id_changed(folder: Path) -> None:
    """Change the id of a page, which the rules between pages compare."""
    change(folder, r"^id: .*", f"id: {next(NUMBERS)}")
    warm_cache(folder)


def change(folder: Path, pattern: str, new: str) -> None:
    page = first_page(folder)
    text = page.read_text(encoding="utf-8")
    page.write_text(re.sub(pattern, new, text, count=1, flags=re.MULTILINE), encoding="utf-8")


def validate(folder: Path, options: ValidationOptions) -> None:
    """Produce every diagnostic and discard it."""
    with ValidationResult(iter_batches([folder]), options) as validation:
        for _ in validation:
            pass


def common_libraries(folder: Path) -> None:
    for file in sorted(folder.rglob("*.md")):
        FrontMatter.model_validate(frontmatter.loads(file.read_text(encoding="utf-8")).metadata)


def seconds(variant: Callable[[Path], None], folder: Path) -> float:
    start = processor_time()
    variant(folder)
    return processor_time() - start


def processor_time() -> float:
    """Return the processor seconds of this process and of the worker processes that have ended."""
    workers = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + workers.ru_utime + workers.ru_stime


VARIANTS: dict[str, Callable[[Path], None]] = {
    "python-frontmatter + pydantic, no rules": common_libraries,
    "qtgen, reading only": read_only,
    "qtgen, page rules": page_rules,
    "qtgen, all rules": all_rules,
    "qtgen, all rules, warm cache": warm_cache,
    "qtgen, all rules, warm cache, the score of one page changed": one_score_changed,
    "qtgen, all rules, warm cache, the id of one page changed": one_id_changed,
    "qtgen, all rules, two processes": two_processes,
}


TEXT_RULES = {
    "without QT609 to QT612": {"QT609", "QT610", "QT611", "QT612"},
    "QT609 alone": {"QT610", "QT611", "QT612"},
    "QT610 alone": {"QT609", "QT611", "QT612"},
    "by default": {"QT611"},
    "with QT611 too": set(),
}
"""The rules to skip, by variant."""


def run_without(variant: str, folder: Path) -> None:
    """Print the processor seconds of a cold run."""
    for code in TEXT_RULES[variant]:
        del REGISTRY[code]
    options = ValidationOptions(
        choose_rules(requested=["QT611"], profile=default_profile()), jobs=1, profile=default_profile()
    )
    start = time.process_time()
    validate(folder, options)
    print(time.process_time() - start)


def compare_text_rules(folder: Path, pages: int) -> None:
    """Print the CPU time of the checks of texts."""
    times: dict[str, list[float]] = {variant: [] for variant in TEXT_RULES}
    for _ in range(TEXT_ROUNDS):
        for variant, seconds_of in times.items():
            command = [sys.executable, __file__, "--variant", variant, str(folder)]
            seconds_of.append(float(subprocess.run(command, check=True, capture_output=True, text=True).stdout))
    baseline = min(times["without QT609 to QT612"])
    print(f"{pages:,} pages, smallest of {TEXT_ROUNDS} rounds")
    print("| rules | µs per page | ratio |\n|---|---|---|")
    for variant, seconds_of in times.items():
        print(f"| {variant} | {min(seconds_of) / pages * 1e6:.0f} | {min(seconds_of) / baseline:.2f} |")


def fill(folder: Path) -> None:
    """Put the real pages into a new folder, or copies of the example page."""
    folder.mkdir()
    if ARCHIVE.exists():
        with tarfile.open(ARCHIVE) as tar:
            tar.extractall(folder, filter="data")
    else:
        for number in range(5_000):
            (folder / f"{number}.md").write_text(EXAMPLE_PAGE, encoding="utf-8")


def main() -> None:
    if sys.argv[1:2] == ["--variant"]:
        run_without(sys.argv[2], Path(sys.argv[3]))
        return
    parser = argparse.ArgumentParser(description="Measure how fast qtgen validates.")
    parser.add_argument("--texts", action="store_true", help="only the checks of texts")
    parser.add_argument("folder", type=Path, nargs="?", metavar="FOLDER", help="pages [default: the real pages]")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary, "pages")
        if options.folder:
            shutil.copytree(options.folder, folder)
        else:
            fill(folder)
        pages = sum(len(run.names) for run in iter_batches([folder]))
        if options.texts:
            compare_text_rules(folder, pages)
            return
        one_id_changed(folder)
        times: dict[str, list[float]] = {name: [] for name in VARIANTS}
        for _ in range(ROUNDS):
            for name, variant in VARIANTS.items():
                times[name].append(seconds(variant, folder))
    smallest = {name: min(rounds) for name, rounds in times.items()}
    baseline = next(iter(smallest.values()))
    print(f"{pages:,} pages, smallest processor time of {ROUNDS} rounds")
    print("| variant | pages per second | speed-up |\n|---|---|---|")
    for name, least in smallest.items():
        print(f"| {name} | {pages / least:,.0f} | {baseline / least:.1f} |")


if __name__ == "__main__":
    main()
