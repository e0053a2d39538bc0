"""Measure writing and collecting large batches: processor time and memory for 5,000 and 50,000 lines.

    python benchmarks/batch.py [LINES…]             the parts: 5,000 and 50,000 lines by default
    python benchmarks/batch.py --commands LINES     the commands, against the endpoint of the tests
    python benchmarks/batch.py --submit LINES       the same without writing pages

Each step runs in a process of its own, so that its memory can be read. For the parts, the provider is a file on the
disk, so that only qtgen is measured. The commands submit, collect and write pages, three times in turn with a run on a
full ledger.
"""

import asyncio
import itertools
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from qtgen._util.concurrency import Stop
from qtgen.llm.batch.collection import Collector, CollectReport
from qtgen.llm.batch.files import FileLimits
from qtgen.llm.batch.queue import BatchQueue
from qtgen.llm.batch.states import RemoteBatch
from qtgen.llm.batch.submission import new_record
from qtgen.llm.endpoint import Endpoint, make_request
from qtgen.llm.ledger import Ledger, open_writer
from qtgen.llm.responses import ResponseReader
from qtgen.llm.transport.cleaning import Cleaner
from qtgen.llm.types import Message, Prompt

ENDPOINT = Endpoint("openai", "m", "http://llm.example/v1", price_input=1.0, price_output=2.0, price_batch=0.5)
SYSTEM = "You write pages of a site of questions and answers. Follow the schema, and use plain words. " * 24
ANSWER = json.dumps(
    {"introduction": "An answer of usual length. " * 12, "points": ["A point with its reasons. " * 9] * 6}
)
IN_FLIGHT = 128


def prompt(number: int) -> Prompt:
    messages = Message("system", SYSTEM), Message("user", f"What is thing number {number}?")
    schema = {"type": "object", "properties": {name: {"type": "string"} for name in ("introduction", "points")}}
    return Prompt("explain", 1, "points", messages, schema, {"max_tokens": 2_000}, "d" * 16, "w" * 16, "s" * 16)


async def write(folder: Path, lines: int) -> None:
    """Claim requests and write their batch files, and record the batches."""
    ledger = Ledger(str(folder / "ledger.sqlite"))
    queue = BatchQueue(folder / "files", FileLimits(50_000, 200_000_000))
    async with open_writer(ledger, fresh=False) as writer:
        numbers = iter(range(lines))

        async def work() -> None:
            for number in numbers:
                request = make_request(prompt(number), ENDPOINT)
                claim = await writer.try_claim(request.key)
                assert claim.completion is None
                queue.add(ENDPOINT, request, "{}", ENDPOINT.cost(request.key.size, request.max_answer_tokens, 0))

        await asyncio.gather(*(work() for _ in range(IN_FLIGHT)))
        for queued in queue.files():
            ledger.batches.add(new_record(queued, ledger.run), queued.file.digests())
            ledger.batches.update(queued.id, input_file=str(queued.file.path))
            ledger.batches.submitted(queued.id, f"remote-{queued.id}", "in_progress")
    ledger.close()


def answer(folder: Path) -> None:
    """Write the results that a provider would return for each batch file."""
    usage = {"prompt_tokens": 700, "completion_tokens": 600, "total_tokens": 1_300}
    choice = {"index": 0, "message": {"role": "assistant", "content": ANSWER}, "finish_reason": "stop"}
    body = {"id": "c", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice], "usage": usage}
    row = {"id": "b", "custom_id": "", "response": {"status_code": 200, "request_id": "r", "body": body}, "error": None}
    for file in [*(folder / "files").iterdir()]:
        with file.open() as source, file.with_suffix(".out").open("w") as output:
            for line in source:
                row["custom_id"] = json.loads(line)["custom_id"]
                output.write(json.dumps(row) + "\n")


class FileApi:
    """Streams a result file from the disk."""

    async def content(self, name: str) -> AsyncIterator[bytes]:
        with Path(name).open("rb") as file:
            while part := file.read(2**18):
                yield part


async def collect(folder: Path) -> None:
    """Record the results of all batches in the ledger."""
    ledger = Ledger(str(folder / "ledger.sqlite"))
    reader = ResponseReader(ENDPOINT.in_batches(), Cleaner([]))
    collector = Collector(ledger.batches, lambda _: (ENDPOINT.in_batches(), reader), lambda *_: None)
    api: Any = FileApi()
    for record in ledger.batches.records():
        output = str(Path(str(record.input_file)).with_suffix(".out"))
        remote = RemoteBatch("remote", "completed", output_file=output, completed=record.requests)
        report = CollectReport()
        await collector.collect(record, remote, api, 1, Stop(), report)
        assert report.answered == record.requests, report
    ledger.close()


def step(name: str, folder: Path, lines: int) -> None:
    started = time.process_time()
    if name == "write":
        asyncio.run(write(folder, lines))
    elif name == "answer":
        answer(folder)
    else:
        asyncio.run(collect(folder))
    megabytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"seconds": time.process_time() - started, "megabytes": megabytes}))


def measure(lines: int) -> None:
    with tempfile.TemporaryDirectory() as name:
        for stage in ("write", "answer", "collect"):
            command = [sys.executable, __file__, "--step", stage, name, str(lines)]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode:
                raise SystemExit(done.stderr)
            figures = json.loads(done.stdout)
            if stage != "answer":
                each = figures["seconds"] / lines * 1e6
                print(
                    f"{lines:>7,} lines  {stage:<8} {figures['seconds']:6.1f} s of processor ({each:,.0f} µs a line)"
                    f"  {figures['megabytes']:,.0f} MB"
                )


def timed(command: list[str], folder: Path, environment: dict[str, str]) -> tuple[float, float]:
    """Run a command and return its seconds of processor time and its megabytes."""
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(command, cwd=folder, env=environment, stdout=log, stderr=log)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit((folder / "log").read_text()[-2_000:])
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def measure_commands(lines: int, rounds: int) -> None:
    root = Path(__file__).resolve().parents[1]
    tests = os.pathsep.join([str(root), str(root / "tests")])
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        words = map("".join, itertools.product("bdfgklmnprst", "aeiou", "bdfgklmnprst", "aeiou", "lmnrst", "aeiou"))
        (folder / "q.txt").write_text("".join(f"What is {word}?\n" for word in itertools.islice(words, lines)))
        server = subprocess.Popen(
            [sys.executable, "-m", "support.batch_endpoint", str(folder / "provider")],
            env={**os.environ, "PYTHONPATH": tests},
            stdout=subprocess.PIPE,
            text=True,
        )
        assert server.stdout
        environment = {
            **os.environ,
            "PYTHONPATH": str(root),
            "OPENAI_BASE_URL": server.stdout.readline().strip(),
            "QTGEN_MODEL": "m",
            "QTGEN_SUBJECT": "Physics",
            "QTGEN_IGNORE": "QT6",
            "QTGEN_TIMEOUT": "600",
        }
        qtgen = [sys.executable, "-m", "qtgen"]
        try:
            rows = [
                ("submit", ["generate", "q.txt", "--batch", "--no-wait"]),
                ("collect", ["batch", "collect", "--wait"]),
            ]
            for number in range(rounds):
                rows.append(("write pages", ["generate", "q.txt", "--batch", "--out", f"batch{number}"]))
                rows.append(("on a full ledger", ["generate", "q.txt", "--out", f"live{number}"]))
            for title, arguments in rows:
                seconds, megabytes = timed([*qtgen, *arguments], folder, environment)
                print(f"{lines:>7,} lines  {title:<17} {seconds:6.1f} s of processor  {megabytes:,.0f} MB", flush=True)
        finally:
            server.terminate()
            server.wait()


def main() -> None:
    if sys.argv[1:2] in (["--commands"], ["--submit"]):
        measure_commands(int(sys.argv[2]), 3 if sys.argv[1] == "--commands" else 0)
        return
    if sys.argv[1:2] == ["--step"]:
        step(sys.argv[2], Path(sys.argv[3]), int(sys.argv[4]))
        return
    for lines in map(int, sys.argv[1:] or ("5000", "50000")):
        measure(lines)


if __name__ == "__main__":
    main()
