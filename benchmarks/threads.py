"""Measure the tokens per second of the embedded model for different numbers of threads and ways of waiting.

    python benchmarks/threads.py [SECONDS] [BUSY_LOOPS]

Two requests are in flight, as in `qtgen generate`. The settings alternate. The samples are grouped by the CPU time that
all other processes used at the same time, so the machine need not be idle. Linux only.
"""

import contextlib
import itertools
import json
import os
import statistics
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from qtgen.llm.local import server

TOKENS = 16
SLOTS = 2
PROMPT = "Explain in detail why the sky is blue and the sunset is red. " * 3
SPINNING = {
    "GOMP_SPINCOUNT": "300000",
    "OMP_WAIT_POLICY": "active",
}  # OpenMP's default if there are as many threads as CPUs
VARIANTS: Mapping[str, tuple[int, Mapping[str, str]]] = {
    "1 thread": (1, {}),
    "2 threads, spin (OpenMP's default)": (2, SPINNING),
    "2 threads, spin 100 times (in use)": (2, {}),
    "2 threads, sleep at once": (2, {"GOMP_SPINCOUNT": "0"}),
}


def measure(address: str) -> float:
    """Return the tokens per second of two concurrent requests, including the time for reading the prompt."""
    start = time.perf_counter()
    with ThreadPoolExecutor(SLOTS) as pool:
        tokens = sum(pool.map(_complete, [address] * SLOTS))
    return tokens / (time.perf_counter() - start)


def _complete(address: str) -> int:
    body = {
        "messages": [{"role": "user", "content": PROMPT}],
        "max_tokens": TOKENS,
        "ignore_eos": True,
        "cache_prompt": False,
        "temperature": 0,
    }
    request = urllib.request.Request(
        f"{address}/chat/completions", json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=600) as response:
        return int(json.load(response)["usage"]["completion_tokens"])


@contextlib.contextmanager
def busy_loops(number: int) -> Iterator[None]:
    loops = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(number)]
    try:
        yield
    finally:
        for loop in loops:
            loop.kill()
            loop.wait()


def busy_seconds() -> float:
    """Return the CPU time of all processes since the machine started."""
    fields = Path("/proc/stat").read_text().splitlines()[0].split()[1:]
    user, nice, system, _idle, _wait, irq, soft_irq, *_ = map(int, fields)
    return (user + nice + system + irq + soft_irq) / os.sysconf("SC_CLK_TCK")


def own_seconds() -> float:
    """Return the CPU time of this process and of its children, the servers."""
    ticks = 0
    for file in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            words = file.read_text().rpartition(")")[2].split()
            if os.getpid() in (int(words[1]), int(file.parent.name)):
                ticks += int(words[11]) + int(words[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def sample(address: str) -> tuple[float, float]:
    """Return how many CPUs other processes used during a measurement, and the tokens per second."""
    start, busy, own = time.perf_counter(), busy_seconds(), own_seconds()
    speed = measure(address)
    others = busy_seconds() - busy - (own_seconds() - own)
    return others / (time.perf_counter() - start), speed


def main(seconds: float, loops: int) -> None:
    figures: dict[str, list[tuple[float, float]]] = {name: [] for name in VARIANTS}
    with contextlib.ExitStack() as stack:
        addresses = {}
        for name, (threads, variables) in VARIANTS.items():
            before = dict(os.environ)
            os.environ.update(variables)
            addresses[name] = str(stack.enter_context(server.serve(None, slots=SLOTS, threads=threads)).base_url)
            os.environ.clear()
            os.environ.update(before)
        stack.enter_context(busy_loops(loops))
        end = time.monotonic() + seconds
        for name, address in itertools.cycle(addresses.items()):
            if time.monotonic() > end:
                break
            figures[name].append(sample(address))
    report(figures)


def report(figures: Mapping[str, list[tuple[float, float]]]) -> None:
    for low, high in ((0.0, 0.15), (0.15, 0.75), (0.75, 1.25), (1.25, 99.0)):
        print(f"other processes used {low} to {high} CPUs" if high < 99 else f"other processes used over {low} CPUs")
        for name, values in figures.items():
            speeds = sorted(speed for others, speed in values if low <= others < high)
            if speeds:
                row = (
                    f"median {statistics.median(speeds):5.1f} tokens/s, lowest {speeds[0]:5.1f}, {len(speeds)} samples"
                )
                print(f"  {name:<36} {row}", flush=True)


if __name__ == "__main__":
    main(float(sys.argv[1]) if len(sys.argv) > 1 else 120.0, int(sys.argv[2]) if len(sys.argv) > 2 else 0)
