"""What a generated page costs this machine, and how fast pages come, against an endpoint on loopback.

    python benchmarks/generate.py [PAGES]

The endpoint is ../shared/tools/mock_openai.py. Each way runs in a process of its own; processor time and peak memory
are the operating system's figures, less those of a run of one page. The yardstick is `AsyncOpenAI.create` with a
semaphore and the same prompt, which neither renders, checks, writes nor records anything.
"""

import asyncio
import json
import os
import random
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import Any, NamedTuple

MOCK = Path(__file__).resolve().parents[2] / "shared" / "tools" / "mock_openai.py"
SLOTS = 64
FAULTS = "p429=0.05&p500=0.03&pdrop=0.01&ptrunc=0.03&pbad=0.02&prefuse=0.01&tail_p=0.02&tail_ms=500"


class Taken(NamedTuple):
    wall: float
    cpu: float
    mebibytes: float
    said: str


def plain(pages: int) -> None:
    """The yardstick."""
    import openai

    from qtgen.generation.config import library
    from qtgen.generation.types import Question
    from qtgen.settings import Settings

    prompt = library(Settings()).render(Question("What is it?", "Biology"))
    schema: Any = {"type": "json_schema", "json_schema": {"name": "a", "strict": True, "schema": prompt.schema}}

    async def all_of_them() -> None:
        client, slots = openai.AsyncOpenAI(api_key="none"), asyncio.Semaphore(SLOTS)

        async def one(number: int) -> None:
            messages: Any = [{"role": m.role, "content": f"{m.content} {number}"} for m in prompt.messages]
            async with slots:
                await client.chat.completions.create(
                    model="mock", messages=messages, response_format=schema, max_tokens=1200, temperature=0.2
                )

        await asyncio.gather(*(one(number) for number in range(pages)))

    asyncio.run(all_of_them())


def ours(pages: int, slots: int) -> list[str]:
    rng = random.Random(3)
    words = ["".join(rng.choice("bcdfglmnprst") + rng.choice("aeiou") for _ in range(3)) for _ in range(3 * pages)]
    lines = (" ".join(["What is", *words[3 * n : 3 * n + 3], f"{n}?"]) for n in range(pages))
    Path("q.txt").write_text("\n".join(lines))
    options = ["--subject", "Biology", "--model", "mock", "--concurrency", str(slots)]
    return [sys.executable, "-m", "qtgen", "generate", "q.txt", *options]


def taken(command: list[str]) -> Taken:
    begin = time.perf_counter()
    with tempfile.TemporaryFile("w+") as said:
        process = subprocess.Popen(command, stdout=said, stderr=said)
        _, _, usage = os.wait4(process.pid, 0)
        said.seek(0)
        text = said.read()
    return Taken(time.perf_counter() - begin, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, text)


def row(name: str, pages: int, full: Taken, one: Taken) -> float:
    cpu = (full.cpu - one.cpu) / (pages - 1) * 1000
    rate = (pages - 1) / (full.wall - one.wall)
    print(f"| {name} | {rate:,.0f} | {cpu:.2f} | {full.mebibytes:.0f} |")
    return cpu


def fresh(command: list[str]) -> Taken:
    for folder in ("outputs", ".qtgen"):
        subprocess.run(["rm", "-rf", folder], check=True)
    return taken(command)


def main(pages: int) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    address = f"http://127.0.0.1:{port}"
    server = subprocess.Popen([sys.executable, str(MOCK), "--port", str(port)], stdout=subprocess.DEVNULL)
    try:
        time.sleep(1.5)
        os.environ["OPENAI_BASE_URL"] = f"{address}/v1"
        with tempfile.TemporaryDirectory() as folder:
            os.chdir(folder)
            measure(pages, address)
            os.chdir("/")
    finally:
        server.terminate()
        server.wait()


def measure(pages: int, address: str) -> None:
    def endpoint(path: str) -> bytes:
        with urllib.request.urlopen(address + path, timeout=10) as response:
            return bytes(response.read())

    print("| way | pages/s | ms of processor a page | peak MiB |\n|---|---|---|---|")
    endpoint("/_ctl?lat_ms=0")
    me = [sys.executable, __file__, "--plain"]
    yardstick = row("AsyncOpenAI.create, the call alone", pages, taken([*me, str(pages)]), taken([*me, "1"]))
    one = fresh(ours(1, SLOTS))
    cpu = row("qtgen generate, written and recorded", pages, fresh(ours(pages, SLOTS)), one)
    print(f"\n{cpu / yardstick:.2f} of the processor time of the call alone\n")
    for name, behaviour, count, slots in (
        ("200 ms, 256 in flight", "lat_ms=200", pages, 256),
        ("limit of 50 a second, headers promise 500", "rpm=3000&retry_after=1&lie=1", 600, SLOTS),
        ("mixed faults", FAULTS, 600, SLOTS),
    ):
        endpoint(f"/_ctl?{behaviour}")
        full = fresh(ours(count, slots))
        stats = json.loads(endpoint("/_stats"))
        took = f"{count} in {full.wall - one.wall:.1f} s, {full.mebibytes:.0f} MiB"
        counts = f"{stats['ok']} ok, {stats['r429']} refused, {stats['repeats']} twice"
        print(f"{name}: {took}; endpoint: {counts}")
        print("    " + "\n    ".join(full.said.splitlines()[-4:]))


if __name__ == "__main__":
    if sys.argv[1:2] == ["--plain"]:
        plain(int(sys.argv[2]))
    elif MOCK.exists():
        main(int(sys.argv[1]) if len(sys.argv) > 1 else 2_000)
    else:
        sys.exit(f"{MOCK} is not here")
