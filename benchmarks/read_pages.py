"""How fast pages are read, in one process: qtgen beside python-frontmatter + pydantic, on the same pages, in turn.

    python benchmarks/read_pages.py [FOLDER]

FOLDER holds pages; without it, the real pages of ../shared are unpacked, and where they are absent the example page is
copied 5,000 times. Each figure is the median of five rounds; the ratio is of one run, so a noisy machine hurts less.
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

from qtgen.page import read
from qtgen.rules.example import EXAMPLE_PAGE
from qtgen.validator import choose_rules, validate

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


def scan_only(files: list[Path]) -> None:
    for file in files:
        read(file.read_bytes())


def all_rules(files: list[Path]) -> None:
    for _ in validate(files, choose_rules()):
        pass


def common_libraries(files: list[Path]) -> None:
    for file in files:
        FrontMatter.model_validate(frontmatter.loads(file.read_text(encoding="utf-8")).metadata)


def seconds(work: Callable[[list[Path]], None], files: list[Path]) -> float:
    begin = time.perf_counter()
    work(files)
    return time.perf_counter() - begin


def unpacked(folder: Path) -> list[Path]:
    if ARCHIVE.exists():
        with tarfile.open(ARCHIVE) as tar:
            tar.extractall(folder, filter="data")
    else:
        for number in range(5_000):
            (folder / f"{number}.md").write_text(EXAMPLE_PAGE, encoding="utf-8")
    return sorted(folder.rglob("*.md"))


def main() -> None:
    with tempfile.TemporaryDirectory() as temporary:
        files = sorted(Path(sys.argv[1]).rglob("*.md")) if len(sys.argv) > 1 else unpacked(Path(temporary))
        ways = {"qtgen, read": scan_only, "qtgen, all rules": all_rules, "frontmatter + pydantic": common_libraries}
        times: dict[str, list[float]] = {name: [] for name in ways}
        for _ in range(ROUNDS):
            for name, work in ways.items():
                times[name].append(seconds(work, files))
    yardstick = statistics.median(times["frontmatter + pydantic"])
    print(f"{len(files):,} pages, one process, median of {ROUNDS} rounds")
    print("| way | pages/s | times as fast |\n|---|---|---|")
    for name, taken in times.items():
        median = statistics.median(taken)
        print(f"| {name} | {len(files) / median:,.0f} | {yardstick / median:.1f} |")


if __name__ == "__main__":
    main()
