"""Measure how much processor time the engines need, and how the memory of the driver grows with the number of pages.

    python benchmarks/engines.py time FOLDER [--rounds 3] [--commands validate,link]
    python benchmarks/engines.py memory FOLDER [--pages 200000] [--commands validate,link]

`time` runs each command with two local worker processes, and with Ray and two workers. The engines take turns. The
figure is the processor time of all processes of a run, those of Ray included. Linux only: it reads /proc.

`memory` compares the peak of the resident memory of the driver for 1,000 pages and for all. The workers are not
counted. FOLDER should be a folder of at least that many pages, as `../shared/tools/gen_corpus.py` writes it.
"""

import argparse
import os
import statistics
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from qtgen._util.engines import Engine
from qtgen._util.engines.local import LocalEngine
from qtgen.page.profile import default_profile
from qtgen.site.discovery import PageBatch, iter_batches

TICKS = os.sysconf("SC_CLK_TCK")
WORKERS = 2
BASELINE_PAGES = 1_000
COMMANDS = {
    "validate": ["validate", ".", "--no-cache", "--statistics", "--quiet", "--jobs", str(WORKERS)],
    "link": ["link", ".", "--check", "--quiet", "--jobs", str(WORKERS)],
    "link --dry-run": ["link", ".", "--relink", "--dry-run", "--json", "--no-cache", "--quiet", "--jobs", str(WORKERS)],
}


# --- processor time ---------------------------------------------------------------------------------------------------


def session_times(session: int) -> Iterator[tuple[int, int]]:
    """Yield the id and the processor time, in ticks, of each process of a session."""
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                fields = (folder / "stat").read_text().rpartition(")")[2].split()
            except OSError:  # the process has ended
                continue
            if int(fields[3]) == session:
                yield int(folder.name), int(fields[11]) + int(fields[12])


def processor_seconds(arguments: Sequence[str], folder: Path) -> float:
    """Return the processor time of a run, with all processes that it starts."""
    command = [sys.executable, "-m", "qtgen", *arguments]
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, start_new_session=True) as run:
        times: dict[int, int] = {}
        ended = threading.Event()

        def watch() -> None:
            while not ended.wait(0.05):
                times.update(session_times(run.pid))

        watcher = threading.Thread(target=watch)
        watcher.start()
        code = os.waitid(os.P_PID, run.pid, os.WEXITED | os.WNOWAIT)
        ended.set()
        watcher.join()
        times.update(session_times(run.pid))
    if code is None or code.si_status > 1:
        sys.exit(f"{' '.join(arguments)}: exit code {run.returncode}")
    return sum(times.values()) / TICKS


def measure_time(folder: Path, commands: Sequence[str], rounds: int) -> None:
    print(f"| command | local, {WORKERS} processes | Ray, {WORKERS} workers | ratio |\n|---|---|---|---|")
    for name in commands:
        times: dict[str, list[float]] = {"local": [], "ray": []}
        for _ in range(rounds):
            for engine, seconds in times.items():
                seconds.append(processor_seconds([*COMMANDS[name], "--engine", engine], folder))
        local, ray = (statistics.median(seconds) for seconds in times.values())
        print(f"| {name} | {local:.1f} s | {ray:.1f} s | {ray / local:.2f} |", flush=True)


# --- memory -----------------------------------------------------------------------------------------------------------


def first_pages(pages: int, folder: Path) -> Iterator[PageBatch]:
    for batch in iter_batches([folder]):
        if pages > 0:
            yield PageBatch(batch.folder, batch.names[:pages], batch.states[:pages])
        pages -= len(batch.names)


def validate(batches: Iterator[PageBatch], engine: Engine) -> int:
    from qtgen.validation.run import ValidationOptions, ValidationResult
    from qtgen.validation.selection import choose_rules

    with ValidationResult(
        batches, ValidationOptions(choose_rules(profile=default_profile()), engine=engine, profile=default_profile())
    ) as result:
        for _ in result:
            pass
        return result.pages


def link(batches: Iterator[PageBatch], engine: Engine) -> int:
    os.environ["OPENBLAS_NUM_THREADS"] = "1"
    from qtgen.embeddings.cache import VectorCache
    from qtgen.embeddings.pages import StaticEmbedder
    from qtgen.linking import LinkPlan, existing_links, preview_edits, read_catalog, report_of

    catalog = read_catalog(batches, default_profile(), embed=VectorCache(StaticEmbedder(), None), engine=engine)
    plan = LinkPlan(existing_links(catalog), relink=True, engine=engine)
    results = [result for result, _ in preview_edits(plan.edits())]
    report_of(plan, results, [], [], written=False)
    return len(catalog)


RUNS: dict[str, Callable[[Iterator[PageBatch], Engine], int]] = {"validate": validate, "link": link}


def measure_here(command: str, folder: Path, pages: int) -> None:
    """Run in this process, and print its peak memory in KiB and the number of pages."""
    engine = LocalEngine(WORKERS, spawn=True)
    done = RUNS[command](first_pages(pages, folder), engine)
    engine.close()
    peak = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
    print(peak.split()[1], done)


def measure_memory(folder: Path, commands: Sequence[str], pages: int) -> None:
    print("| command | pages | peak MiB | additional bytes per page |\n|---|---|---|---|")
    for name in commands:
        (baseline, few), (peak, many) = (run_apart(name, folder, count) for count in (BASELINE_PAGES, pages))
        per_page = (peak - baseline) * 1024 / (many - few)
        print(f"| {name} | {many:,} | {peak / 1024:.0f} | {per_page:,.0f} |", flush=True)


def run_apart(command: str, folder: Path, pages: int) -> tuple[int, int]:
    """Return the figures of `measure_here` from a process of its own."""
    arguments = [sys.executable, __file__, "here", str(folder), "--commands", command, "--pages", str(pages)]
    peak, done = subprocess.run(arguments, check=True, capture_output=True, text=True).stdout.split()
    return int(peak), int(done)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["time", "memory", "here"])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--commands", default="validate,link")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--pages", type=int, default=200_000)
    options = parser.parse_args()
    commands = options.commands.split(",")
    if options.what == "here":
        measure_here(commands[0], options.folder, options.pages)
    elif options.what == "memory":
        measure_memory(options.folder, commands, options.pages)
    else:
        measure_time(options.folder, commands, options.rounds)


if __name__ == "__main__":
    main()
