"""Measure how the memory of a validation grows with the number of pages.

    python benchmarks/memory.py FOLDER [PAGES…]

FOLDER should hold at least as many pages as the largest of PAGES (by default 25000, 50000 and 100000). Each number of
pages is validated with all rules, in a process of its own. The table shows the peak of its resident memory, and by how
many bytes per page that exceeds the peak for 1,000 pages.
"""

import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from qtgen.page.profile import default_profile
from qtgen.site.discovery import PageBatch, iter_batches
from qtgen.validation.run import ValidationOptions, ValidationResult
from qtgen.validation.selection import choose_rules

BASELINE_PAGES = 1_000
PAGES = ["25000", "50000", "100000"]
IN_THIS_PROCESS = "--in-this-process"


def first_pages(pages: int, folder: Path) -> Iterator[PageBatch]:
    for run in iter_batches([folder]):
        if pages > 0:
            yield PageBatch(run.folder, run.names[:pages], run.states[:pages])
        pages -= len(run.names)


def measure_here(folder: Path, pages: int) -> None:
    """Validate in this process, and print the peak memory in KiB, the number of pages and the seconds."""
    start = time.perf_counter()
    options = ValidationOptions(choose_rules(profile=default_profile()), jobs=1, profile=default_profile())
    with ValidationResult(first_pages(pages, folder), options) as validation:
        for _ in validation:
            pass
        checked = validation.pages
    seconds = time.perf_counter() - start
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, checked, seconds)


def measure(folder: str, pages: str) -> tuple[float, int, float]:
    """Return the figures of `measure_here` from a process of its own."""
    command = [sys.executable, __file__, folder, pages, IN_THIS_PROCESS]
    peak, checked, seconds = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
    return float(peak), int(checked), float(seconds)


def main(folder: str, *numbers: str) -> None:
    baseline, _, _ = measure(folder, str(BASELINE_PAGES))
    print(f"{BASELINE_PAGES:,} pages: {baseline / 1024:.0f} MiB\n")
    print("| pages | peak MiB | additional bytes per page | pages/s |\n|---|---|---|---|")
    for number in numbers or PAGES:
        peak, checked, seconds = measure(folder, number)
        per_page = (peak - baseline) * 1024 / max(checked - BASELINE_PAGES, 1)
        print(f"| {checked:,} | {peak / 1024:.0f} | {per_page:.0f} | {checked / seconds:,.0f} |")


if __name__ == "__main__":
    if sys.argv[-1] == IN_THIS_PROCESS:
        measure_here(Path(sys.argv[1]), int(sys.argv[2]))
    elif len(sys.argv) > 1:
        main(*sys.argv[1:])
    else:
        sys.exit(__doc__)
