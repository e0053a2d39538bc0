"""Measure the processor time, memory and speed of `qtgen generate` against an endpoint on this machine.

    python benchmarks/generate.py [PAGES]
    python benchmarks/generate.py --equal COMMIT [PAGES]

The endpoint is `../shared/tools/mock_openai.py`. Each variant is a process of its own. Processor time and peak memory
are those that the operating system reports. The time of a run with one page is subtracted, so PAGES should be several
hundred at least [default: 2000]. The baseline sends the same prompt with `AsyncOpenAI` and a semaphore, without
checking, writing or recording anything. Both variants take turns, and the cheapest of three runs counts. Afterwards,
runs against slow, rate-limited and faulty endpoints show how many requests each of them received.

With --equal, this qtgen and that of another commit write the same pages [default: 500], and whether their requests,
pages, provenance and output are equal is printed. The ids of requests differ, because the endpoint counts them.
"""

import asyncio
import contextlib
import json
import os
import random
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from against import MOCK, ROOT, worktree

CONCURRENCY = 64
ROUNDS = 3
FAULTS = "p429=0.05&p500=0.03&pdrop=0.01&ptrunc=0.03&pbad=0.02&prefuse=0.01&tail_p=0.02&tail_ms=500"
BASELINE = "--baseline"
EQUAL = "--equal"


class Measurement(NamedTuple):
    """A process: seconds on the clock and of the processor, peak memory, and what it printed."""

    seconds: float
    cpu_seconds: float
    mebibytes: float
    output: str


def request_only(pages: int) -> None:
    """Send one request for each page with the openai package."""
    import openai

    from qtgen.generation.config import load_library
    from qtgen.generation.types import Question
    from qtgen.page import default_profile
    from qtgen.settings import Settings

    prompt = load_library(Settings(), default_profile()).render(Question("What is it?", "Biology"))
    schema: Any = {"type": "json_schema", "json_schema": {"name": "a", "strict": True, "schema": prompt.schema}}

    async def send_all() -> None:
        client, slots = openai.AsyncOpenAI(api_key="none"), asyncio.Semaphore(CONCURRENCY)

        async def send(number: int) -> None:
            messages: Any = [{"role": m.role, "content": f"{m.content} {number}"} for m in prompt.messages]
            async with slots:
                await client.chat.completions.create(
                    model="mock", messages=messages, response_format=schema, max_tokens=1200, temperature=0.2
                )

        await asyncio.gather(*(send(number) for number in range(pages)))

    asyncio.run(send_all())


def generate_command(pages: int, concurrency: int) -> list[str]:
    """Write a question file with invented words, and return the command that generates its pages."""
    rng = random.Random(3)
    words = ["".join(rng.choice("bcdfglmnprst") + rng.choice("aeiou") for _ in range(3)) for _ in range(3 * pages)]
    questions = (" ".join(["What is", *words[3 * n : 3 * n + 3], f"{n}?"]) for n in range(pages))
    Path("q.txt").write_text("\n".join(questions))
    options = ["--subject", "Biology", "--model", "mock", "--concurrency", str(concurrency)]
    return [sys.executable, "-m", "qtgen", "generate", "q.txt", *options]


def measure(command: list[str]) -> Measurement:
    start = time.perf_counter()
    with tempfile.TemporaryFile("w+") as stream:
        process = subprocess.Popen(command, stdout=stream, stderr=stream)
        _, _, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - start
        stream.seek(0)
        output = stream.read()
    return Measurement(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, output)


def measure_generate(pages: int, concurrency: int) -> Measurement:
    """Measure a run without pages, ledger or cache of an earlier one."""
    for folder in ("outputs", ".qtgen"):
        shutil.rmtree(folder, ignore_errors=True)
    return measure(generate_command(pages, concurrency))


def print_row(name: str, pages: int, full: Measurement, one_page: Measurement) -> float:
    """Print a row of the table and return the milliseconds of processor time per page."""
    cpu = (full.cpu_seconds - one_page.cpu_seconds) / (pages - 1) * 1000
    rate = (pages - 1) / (full.seconds - one_page.seconds)
    print(f"| {name} | {rate:,.0f} | {cpu:.2f} | {full.mebibytes:.0f} |")
    return cpu


@contextlib.contextmanager
def endpoint(*options: str) -> Iterator[str]:
    """Start the endpoint, and let qtgen in a new folder use it. Yield its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    address = f"http://127.0.0.1:{port}"
    command = [sys.executable, str(MOCK), "--port", str(port), *options]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        for _ in range(100):
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                break
            time.sleep(0.1)
        os.environ["OPENAI_BASE_URL"] = f"{address}/v1"
        os.environ["QTGEN_IGNORE"] = "QT609,QT610"  # the answers are random words
        with tempfile.TemporaryDirectory() as folder:
            os.chdir(folder)
            yield address
            os.chdir("/")
    finally:
        server.terminate()
        server.wait()


class Results(NamedTuple):
    """What a run has sent, written and printed."""

    requests: list[str]
    pages: dict[str, bytes]
    provenance: list[str]
    output: list[str]


def run_checkout(checkout: Path, pages: int) -> Results:
    """Generate pages with the qtgen of a checkout."""
    log = Path("requests.jsonl")
    before = len(log.read_text().splitlines())
    for folder in ("outputs", ".qtgen"):
        shutil.rmtree(folder, ignore_errors=True)
    command = [*generate_command(pages, CONCURRENCY), "--json", "--quiet"]
    environment = {**os.environ, "PYTHONPATH": str(checkout)}
    output = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True).stdout
    made = [json.loads(line) for line in Path("outputs/.qtgen/provenance.jsonl").read_text().splitlines()]
    return Results(
        sorted(json.loads(line)["body"] for line in log.read_text().splitlines()[before:]),
        {str(path): path.read_bytes() for path in Path("outputs").rglob("*.md")},
        sorted(json.dumps({**record, "request_id": None}) for record in made),
        output.splitlines(),
    )


def compare(commit: str, pages: int) -> bool:
    """Print what is equal in this qtgen and in that of another commit. Return whether everything is."""
    with tempfile.TemporaryDirectory() as temporary, worktree(commit, Path(temporary)) as other:
        log = Path(temporary, "requests.jsonl")
        with endpoint("--log", str(log)):
            Path("requests.jsonl").symlink_to(log)
            theirs, ours = run_checkout(other, pages), run_checkout(ROOT, pages)
    for name, old, new in zip(Results._fields, theirs, ours, strict=True):
        print(f"{name}: {len(new):,}, {'equal' if old == new else 'different'}")
    return theirs == ours and len(ours.pages) == pages


def print_measurements(pages: int, address: str) -> None:
    def control(path: str) -> bytes:
        with urllib.request.urlopen(address + path, timeout=10) as response:
            return bytes(response.read())

    print("| variant | pages/s | processor time per page (ms) | peak MiB |\n|---|---|---|---|")
    control("/_ctl?lat_ms=0")
    baseline = [sys.executable, __file__, BASELINE]
    rounds = [
        (
            measure([*baseline, "1"]),
            measure([*baseline, str(pages)]),
            measure_generate(1, CONCURRENCY),
            measure_generate(pages, CONCURRENCY),
        )
        for _ in range(ROUNDS)
    ]
    one_request, requests, one_page, all_pages = (
        min(runs, key=lambda run: run.cpu_seconds) for runs in zip(*rounds, strict=True)
    )
    baseline_cpu = print_row("AsyncOpenAI.create, requests only", pages, requests, one_request)
    cpu = print_row("qtgen generate", pages, all_pages, one_page)
    print(f"\n{cpu / baseline_cpu:.2f} times the processor time of the requests alone\n")
    for name, behaviour, count, concurrency in (
        ("200 ms latency, concurrency 256", "lat_ms=200", pages, 256),
        (
            "rate limit of 50 per second, headers promise 500",
            "rpm=3000&retry_after=1&lie=1",
            min(pages, 600),
            CONCURRENCY,
        ),
        ("mixed faults", FAULTS, min(pages, 600), CONCURRENCY),
    ):
        control(f"/_ctl?{behaviour}")
        full = measure_generate(count, concurrency)
        stats = json.loads(control("/_stats"))
        print(f"{name}: {count} pages in {full.seconds - one_page.seconds:.1f} s, {full.mebibytes:.0f} MiB")
        print(f"    endpoint: {stats['ok']} answered, {stats['r429']} rejected, {stats['repeats']} sent twice")
        print("    " + "\n    ".join(full.output.splitlines()[-4:]))


if __name__ == "__main__":
    if sys.argv[1:2] == [BASELINE]:
        request_only(int(sys.argv[2]))
    elif not MOCK.exists():
        sys.exit(f"{MOCK} is missing")
    elif sys.argv[1:2] == [EQUAL]:
        sys.exit(not compare(sys.argv[2], int(sys.argv[3]) if len(sys.argv) > 3 else 500))
    else:
        with endpoint() as its_address:
            print_measurements(int(sys.argv[1]) if len(sys.argv) > 1 else 2_000, its_address)
