"""Measure the tokens per second of the embedded model by its number of threads and how they wait for each other.

    python benchmarks/threads.py [ROUNDS]

Two requests are in flight, as in `qtgen generate`. The settings alternate within each round, first on the machine as it
is, then beside one and two busy loops. Other load on the machine changes all figures, so stop it first.
"""

import contextlib
import json
import os
import statistics
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor

from qtgen.llm.local import server

TOKENS = 32
SLOTS = 2
PROMPT = "Explain in detail why the sky is blue and the sunset is red. " * 12
SPINNING = {"GOMP_SPINCOUNT": "300000", "OMP_WAIT_POLICY": "active"}  # OpenMP's default on as many threads as CPUs
VARIANTS: Mapping[str, tuple[int, Mapping[str, str]]] = {
    "1 thread": (1, {}),
    "2 threads, spin (OpenMP's default)": (2, SPINNING),
    "2 threads, spin 1000 times": (2, {"GOMP_SPINCOUNT": "1000"}),
    "2 threads, spin 100 times (in use)": (2, {}),
    "2 threads, sleep at once": (2, {"GOMP_SPINCOUNT": "0"}),
}


def measure(address: str) -> float:
    """Return the tokens per second of two requests at a time, including the time for reading the prompt."""
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


def main(rounds: int) -> None:
    with contextlib.ExitStack() as stack:
        addresses = {}
        for name, (threads, variables) in VARIANTS.items():
            before = dict(os.environ)
            os.environ.update(variables)
            addresses[name] = stack.enter_context(server.serve(None, slots=SLOTS, threads=threads)).base_url
            os.environ.clear()
            os.environ.update(before)
        for loops in (0, 1, 2):
            figures: dict[str, list[float]] = {name: [] for name in addresses}
            with busy_loops(loops):
                for _ in range(rounds):
                    for name, address in addresses.items():
                        figures[name].append(measure(str(address)))
            print(f"{loops} busy loops, load {os.getloadavg()[0]:.1f}")
            for name, values in figures.items():
                row = " ".join(f"{value:5.1f}" for value in values)
                print(f"  {name:<36} median {statistics.median(values):5.1f} tokens/s  ({row})", flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 5)
