"""Measure packing, unpacking and validating a pack, compared with tar and with validating the folder.

    python benchmarks/pack.py [FOLDER]
    python benchmarks/pack.py --memory PAGES

Without FOLDER, the real pages of `../shared` are used, or 5,000 copies of the example page if those are missing. Each
figure is the median CPU time of whole processes over five rounds. The variants take turns in each round, so that a busy
machine slows all of them down alike.

With --memory, it packs, unpacks and validates PAGES copies of the example page, and prints the peak memory of each
step beside that for a tenth of the pages.
"""

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path

from qtgen.validation.rules.example import EXAMPLE_PAGE

ARCHIVE = Path(__file__).resolve().parents[2] / "shared" / "real" / "pages.tar.gz"
ROUNDS = 5
QTGEN = [sys.executable, "-m", "qtgen"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", type=Path)
    parser.add_argument("--memory", type=int, metavar="PAGES")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        work = Path(temporary)
        if arguments.memory:
            compare_memory(work, arguments.memory)
        else:
            compare_speed(work, arguments.folder or pages_of_site(work))


def pages_of_site(work: Path) -> Path:
    """Return a folder of pages: real ones if there are any."""
    if not ARCHIVE.exists():
        return copies(work / "site", 5_000)
    with tarfile.open(ARCHIVE) as tar:
        tar.extractall(work / "site", filter="data")
    return work / "site"


def copies(folder: Path, count: int) -> Path:
    """Write copies of the example page with different ids into folders of 1,000 pages."""
    for number in range(count):
        path = folder / f"subject-{number // 1_000:04}" / f"page-{number:07}.md"
        if number % 1_000 == 0:
            path.parent.mkdir(parents=True)
        path.write_text(EXAMPLE_PAGE.replace("id: 7\n", f"id: {number}\n"), encoding="utf-8")
    return folder


def compare_speed(work: Path, site: Path) -> None:
    """Print pages per second, and sizes."""
    pages = sum(1 for _ in site.rglob("*.md"))
    seconds: dict[str, list[float]] = {}
    for _ in range(ROUNDS):
        for name, command in steps(work, site):
            seconds.setdefault(name, []).append(run(command)[0])
        for name in ("unpacked", "untarred"):
            shutil.rmtree(work / name)
    print(f"{pages:,} pages; median CPU time of {ROUNDS} rounds, whole processes")
    for name, values in seconds.items():
        median = statistics.median(values)
        print(f"{name:28} {median:6.2f} s  {pages / median:8,.0f} pages/s")
    for name in ("pack", "site.tar.gz"):
        path = work / name
        size = sum(file.stat().st_size for file in path.iterdir()) if path.is_dir() else path.stat().st_size
        total = sum(file.stat().st_size for file in site.rglob("*.md"))
        print(f"{name:28} {size / 1e6:6.1f} MB of {total / 1e6:.1f} MB, {total / size:.2f} to 1")


def steps(work: Path, site: Path) -> Iterator[tuple[str, list[str]]]:
    """Yield the name and the command of each step of a round."""
    pack, archive = str(work / "pack"), str(work / "site.tar.gz")
    yield "qtgen pack", [*QTGEN, "pack", str(site), pack, "--force"]
    yield "tar cz", ["tar", "czf", archive, "-C", str(site), "."]
    yield "qtgen unpack", [*QTGEN, "unpack", pack, str(work / "unpacked")]
    (work / "untarred").mkdir()
    yield "tar xz", ["tar", "xzf", archive, "-C", str(work / "untarred")]
    for name, place in (("folder", str(site)), ("pack", pack)):
        yield f"qtgen validate, {name}", [*QTGEN, "validate", place, "--no-cache", "--jobs", "1", "--statistics"]
    for name, place in (("folder", str(site)), ("pack", pack)):
        yield f"qtgen link --check, {name}", [*QTGEN, "link", "--check", place]


def compare_memory(work: Path, pages: int) -> None:
    """Print the peak memory of each step, for a tenth of the pages and for all."""
    peaks: dict[str, list[float]] = {}
    for count in (pages // 10, pages):
        site = copies(work / str(count), count)
        pack = str(work / f"pack-{count}")
        commands = {
            "qtgen pack": [*QTGEN, "pack", str(site), pack],
            "qtgen unpack": [*QTGEN, "unpack", pack, str(work / "unpacked")],
            "qtgen validate, folder": [*QTGEN, "validate", str(site), "--no-cache", "--jobs", "1", "--statistics"],
            "qtgen validate, pack": [*QTGEN, "validate", pack, "--jobs", "1", "--statistics"],
        }
        for name, command in commands.items():
            peaks.setdefault(name, []).append(run(command)[1])
        shutil.rmtree(work / "unpacked")
    print(f"peak MiB for {pages // 10:,} and {pages:,} pages")
    for name, (few, many) in peaks.items():
        print(f"{name:28} {few:6.0f} {many:6.0f}  {(many - few) * 2**20 / (pages * 0.9):6.0f} bytes for each page more")


def run(command: list[str]) -> tuple[float, float]:
    """Run a command. Return its CPU time in seconds and its peak memory in MiB."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in (0, 1):
        raise SystemExit(f"{' '.join(command)} exits with {process.returncode}")
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


if __name__ == "__main__":
    main()
