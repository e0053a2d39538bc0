"""How the memory of a check grows with the number of pages.

    python benchmarks/memory.py FOLDER [PAGES …]

FOLDER holds pages, the more the better; each count is checked in a process of its own, all rules on, and the peak of
its resident memory compared with that of 1,000 pages.
"""

import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from qtgen.site.discovery import PageBatch, iter_batches
from qtgen.validation.run import ValidationOptions, ValidationResult
from qtgen.validation.selection import choose_rules

BASE = 1_000
COUNTS = ["25000", "50000", "100000"]


def first(pages: int, folder: Path) -> Iterator[PageBatch]:
    for run in iter_batches([folder]):
        if pages > 0:
            yield PageBatch(run.folder, run.names[:pages], run.states[:pages])
        pages -= len(run.names)


def measure(folder: Path, pages: int) -> None:
    """Print the peak in KiB and the seconds of one check."""
    begin = time.perf_counter()
    with ValidationResult(first(pages, folder), ValidationOptions(choose_rules(), jobs=1)) as validation:
        for _ in validation:
            pass
        checked = validation.pages
    taken = time.perf_counter() - begin
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, checked, taken)


def measured(folder: str, pages: str) -> tuple[float, int, float]:
    command = [sys.executable, __file__, folder, pages, "--here"]
    peak, checked, taken = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
    return float(peak), int(checked), float(taken)


def main() -> None:
    folder, *counts = sys.argv[1:]
    base, _, _ = measured(folder, str(BASE))
    print(f"{BASE:,} pages: {base / 1024:.0f} MiB\n")
    print("| pages | peak MiB | bytes a page more | pages/s |\n|---|---|---|---|")
    for count in counts or COUNTS:
        peak, checked, taken = measured(folder, count)
        more = (peak - base) * 1024 / max(checked - BASE, 1)
        print(f"| {checked:,} | {peak / 1024:.0f} | {more:.0f} | {checked / taken:,.0f} |")


if __name__ == "__main__":
    if sys.argv[-1:] == ["--here"]:
        measure(Path(sys.argv[1]), int(sys.argv[2]))
    elif len(sys.argv) > 1:
        main()
    else:
        sys.exit(__doc__)
