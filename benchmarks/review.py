"""Measure the review app on a large site: CPU time of its requests, SQL statements, bytes of HTML, and the index.

    python benchmarks/review.py [FOLDER] [--pages N] [--rounds N]
    python benchmarks/review.py --no-index [FOLDER]

The site has 36,000 generated pages, as `../shared/tools/gen_corpus.py` writes them, with scores, provenance, decisions,
rewrites and five audits. With FOLDER, it is written there and used again. Do not give a folder with pages of your own,
because pages and records are written into it.

Each request goes through the whole app, without a network. The table shows the median of the CPU time of all threads
of this process. With `--no-index`, only the requests are measured.

The index is measured against `qtgen validate` on the same pages. Both run as whole processes with the default number of
workers, and take turns. A cold run starts without `.qtgen/cache`. The table shows the smallest CPU and wall-clock time.
"""

import argparse
import asyncio
import datetime as dt
import json
import random
import re
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Collection, Iterator
from contextlib import chdir
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlencode

from starlette.applications import Starlette

from qtgen.generation.decisions import REASONS, Action, Decision
from qtgen.generation.output import OutputFolder
from qtgen.generation.provenance import group_digests, written_groups
from qtgen.page import Page, default_profile, read
from qtgen.review.web.access import LinkAccess
from qtgen.review.web.app import create_app
from qtgen.review.web.workspace import Workspace, open_workspace
from qtgen.settings import Settings
from qtgen.site.discovery import iter_page_paths

GENERATOR = Path(__file__).resolve().parents[2] / "shared" / "tools" / "gen_corpus.py"
PAGES, ROUNDS, REQUESTS = 36_000, 3, 40
DECISIONS, REWRITES = 5_000, 600
AUDITS = {
    "november": "biology",
    "december": "physics",
    "january": "economics",
    "february": "medicine",
    "march": "sociology",
}
"""The folder of each audit. It has a tenth of the pages."""
READERS = ("Ann", "Ben", "Zoë")
HOST = "127.0.0.1"
STATEMENTS_MAX, BYTES_MAX, INDEX_MAX = 6, 100_000, 1.5


INDEX = """
import sys
from pathlib import Path
from qtgen.generation.output import OutputFolder
from qtgen.review.index.index import IndexSources, ReviewIndex
from qtgen.review.decisions.rewrites import read_rewrites
from qtgen.validation.run import ValidationOptions
from qtgen.validation.selection import choose_rules

site = Path(sys.argv[1])
store = OutputFolder(site)
profile = default_profile()
checks = ValidationOptions(choose_rules(profile=profile), profile=profile)
sources = IndexSources(paths=[site], store=store, checks=checks, project=Path.cwd())
index = ReviewIndex(sources, store.decision_log())
index.set_rewrites(read_rewrites(store, profile))
index.close()
"""
"""Makes the index, or brings it up to date. It imports what the index needs, and not the whole app."""


class Reply(NamedTuple):
    """What a request cost."""

    status: int
    size: int
    milliseconds: float
    statements: int


def write_site(site: Path, pages: int) -> None:
    """Write the pages with scores, and what people and models left behind about them."""
    subprocess.run([sys.executable, GENERATOR, site, str(pages), "--variation"], check=True, capture_output=True)
    rng = random.Random(19)
    store = OutputFolder(site)
    paths = [*iter_page_paths([site])]
    store.provenance_file.parent.mkdir(exist_ok=True)
    with store.provenance_file.open("w", encoding="utf-8") as provenance:
        for path in paths:
            raw = Path(path).read_bytes()
            if rng.random() < 0.7:
                raw = re.sub(rb"score: -1.0", b"score: %.3f" % rng.random(), raw)
                Path(path).write_bytes(raw)
            line = {"url": read(raw, default_profile(), "").values["url"], "date": f"2026-11-{rng.randint(1, 26):02}"}
            provenance.write(json.dumps({**line, "asked_model": rng.choice(("small", "large"))}) + "\n")
    chosen = rng.sample(paths, min(len(paths) // 4, DECISIONS))
    decisions = sorted((decision_about(path, rng) for path in chosen), key=lambda one: one.at)
    store.decisions_file.write_text("".join(one.line() + "\n" for one in decisions), encoding="utf-8")
    for name, part in AUDITS.items():
        arguments = [name, str(site / "learn" / part), "--out", str(site), "--tolerance", "0.02"]
        command = [sys.executable, "-m", "qtgen", "review", "plan", *arguments]
        subprocess.run(command, check=True, capture_output=True)
    for number, path in enumerate(rng.sample(paths, min(len(paths) // 8, REWRITES))):
        (store.keep_taken if number % 2 else store.keep_rejected)(
            path, rewrite_of(read(Path(path).read_bytes(), default_profile(), ""), path)
        )


def decision_about(path: str, rng: random.Random) -> Decision:
    page = read(Path(path).read_bytes(), default_profile(), "")
    action = Action(rng.choice(["approve"] * 6 + ["reject", "send-back", "skip"]))
    moment = dt.datetime(2026, 11, 1, tzinfo=dt.UTC) + dt.timedelta(minutes=rng.randrange(36_000))
    return Decision(
        id=str(uuid.UUID(int=rng.getrandbits(128))),
        at=moment.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        who=rng.choice(READERS),
        action=action,
        url=str(page.values["url"]),
        texts=group_digests(page, written_groups(page.layout)),
        reasons=(rng.choice([*REASONS]),) if action is Action.REJECT else (),
        note="The second example is wrong." if action is Action.SEND_BACK else "",
    )


def rewrite_of(page: Page, path: str) -> str:
    """Return the record of a rewrite that changes every ninth word of the answer."""
    old = str(page.values["answer"])
    words = old.split(" ")
    words[4::9] = ["rewritten"] * len(words[4::9])
    fields = {"answer": {"old": old, "new": " ".join(words)}}
    record = {"path": path, "url": page.values["url"], "reasons": ["score"], "why": "it says less", "fields": fields}
    compared = {"by": "metrics", "judges": [], "verdict": "old", "measures": {"information": 0.5}}
    return json.dumps({**record, "compared": compared, "made": {"date": "2026-11-27"}, "key": "benchmark"})


class Client:
    """Sends requests to the app as a browser of a reader does, without a network."""

    def __init__(self, workspace: Workspace) -> None:
        access = LinkAccess("Ann", b"benchmark")
        self._workspace = workspace
        self._app: Starlette = create_app(workspace, access, [HOST])
        headers = {"host": HOST, "cookie": access.cookie.partition(";")[0], "sec-fetch-site": "same-origin"}
        headers["content-type"] = "application/json"
        self._headers = [(name.encode(), value.encode()) for name, value in headers.items()]

    async def send(self, method: str, path: str, query: str = "", body: bytes = b"") -> Reply:
        """Send a request, and return what it cost."""
        started: list[int] = []
        size = 0
        scope = {
            "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": method, "scheme": "http",
            "path": path, "raw_path": path.encode(), "query_string": query.encode(), "root_path": "",
            "headers": [*self._headers, (b"content-length", str(len(body)).encode())],
            "client": (HOST, 1), "server": (HOST, 80),
        }  # fmt: skip

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: Any) -> None:
            nonlocal size
            if message["type"] == "http.response.start":
                started.append(message["status"])
            size += len(message.get("body", b""))

        statements, start = self._workspace.index.statements, time.process_time()
        await self._app(scope, receive, send)
        milliseconds = (time.process_time() - start) * 1_000
        return Reply(started[0], size, milliseconds, self._workspace.index.statements - statements)


class Measured(NamedTuple):
    """A kind of request: the addresses that take turns, and the limit of its median."""

    name: str
    addresses: list[tuple[str, str]]
    limit: float | None = None


def screens(workspace: Workspace) -> Iterator[Measured]:
    """Yield the screens to measure."""
    rng = random.Random(5)
    urls = [url for (url,) in workspace.index.rows("SELECT url FROM pages WHERE problem = ''")]
    kept = [url for (url,) in workspace.index.rows("SELECT url FROM pages WHERE rewrite = 'kept' AND is_judged = 0")]
    some = rng.sample(urls, min(REQUESTS, len(urls)))
    words = [rng.choice(url.rpartition("/")[2].split("-")) for url in some]

    def pages(**query: str) -> tuple[str, str]:
        return "/pages", urlencode(query)

    def reviews(some_urls: list[str], **query: str) -> list[tuple[str, str]]:
        return [("/review", urlencode({"url": url, **query})) for url in some_urls]

    yield Measured("first list page", [pages()], 20)
    yield Measured("search", [pages(q=word) for word in [*words, "what is", "zzzz"]], 80)
    yield Measured("list, by findings", [pages(sort="-findings")])
    yield Measured("list, by score", [pages(sort="score"), pages(sort="-score")])
    yield Measured("list, filtered", [pages(subject="Biology", rule="QT603"), pages(state="approved", reviewer="Ann")])
    yield Measured("list, last part", [pages(offset=str(len(urls) // 50 * 50))])
    yield Measured("list of a queue", [pages(queue=name) for name in ("rewrites", "flagged", "next", "mine")])
    yield Measured("list of an audit", [pages(queue="audit:november")])
    yield Measured("overview", [("/", "")])
    yield Measured("history", [("/history", ""), ("/history", "who=Ben")])
    yield Measured("review screen", reviews(some), 60)
    yield Measured("review screen in `next`", reviews(some, queue="next"), 60)
    audit = workspace.queues.urls("audit:november", "Ann")
    yield Measured("review screen in an audit", reviews([*audit][:REQUESTS], queue="audit:november"), 60)
    yield Measured("review screen of a rewrite", reviews(kept[:REQUESTS], queue="rewrites"), 60)


async def measure_screens(workspace: Workspace) -> None:
    client = Client(workspace)
    print("\n| request | CPU ms | limit | SQL statements | kB of HTML |\n|---|---|---|---|---|")
    for name, addresses, limit in screens(workspace):
        if (await client.send("GET", *addresses[0])).status == 404:
            print(f"| {name} | not served |  |  |  |")
            continue
        replies = [await client.send("GET", *addresses[number % len(addresses)]) for number in range(REQUESTS)]
        assert {reply.status for reply in replies} == {200}, (name, {reply.status for reply in replies})
        print_row(name, replies, limit)
    replies = [reply async for reply in decisions(client, workspace)]
    print_row("decision", replies, 15)


async def decisions(client: Client, workspace: Workspace) -> Any:
    """Approve pages of the queue `next`, one after the other."""
    for _ in range(REQUESTS):
        url = workspace.queues.first("next", "Ann")
        page = workspace.index.page(url or "")
        assert page is not None
        body = {"id": str(uuid.uuid4()), "action": "approve", "url": page.url, "queue": "next", "seconds": 9}
        reply = await client.send(
            "POST", "/api/decisions", "", json.dumps({**body, "file_digest": page.file_digest}).encode()
        )
        assert reply.status == 200, reply
        yield reply


def print_row(name: str, replies: list[Reply], limit: float | None) -> None:
    milliseconds = statistics.median(reply.milliseconds for reply in replies)
    statements, size = max(reply.statements for reply in replies), max(reply.size for reply in replies)
    marks = [
        f"{value}{' (too much)' if most is not None and number > most else ''}"
        for value, number, most in (
            (f"{milliseconds:.1f}", milliseconds, limit),
            (str(statements), statements, STATEMENTS_MAX),
            (f"{size / 1000:.0f}", size, BYTES_MAX),
        )
    ]
    print(f"| {name} | {marks[0]} | {limit or ''} | {marks[1]} | {marks[2]} |", flush=True)


class Cost(NamedTuple):
    """CPU and wall-clock seconds of a process with its children."""

    cpu: float
    wall: float


def run(*command: str | Path, codes: Collection[int] = (0,)) -> Cost:
    """Run a Python program in the current folder, which must end with one of the exit codes."""
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    code = subprocess.run([sys.executable, *command], check=False, stdout=subprocess.DEVNULL).returncode
    assert code in codes, (command, code)
    wall, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    return Cost(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, wall)


def measure_index(site: Path, rounds: int) -> None:
    """Compare the index with the validation of the same pages."""
    programs: dict[str, Callable[[], Cost]] = {
        "validate": lambda: run("-m", "qtgen", "validate", site, "--statistics", "--quiet", codes=(0, 1)),
        "index": lambda: run("-c", INDEX, site),
    }
    print("\n| pages | CPU s, validate | CPU s, index | ratio | wall s, validate | wall s, index | ratio | limit |")
    print("|---|---|---|---|---|---|---|---|")
    for kind, times in (("cold", max(1, rounds - 2)), ("warm", rounds)):
        costs: dict[str, list[Cost]] = {name: [] for name in programs}
        for _ in range(times):
            for name, program in programs.items():
                if kind == "cold":
                    shutil.rmtree(".qtgen/cache", ignore_errors=True)
                costs[name].append(program())
        pairs = [[min(cost[part] for cost in costs[name]) for name in programs] for part in (0, 1)]
        figures = " | ".join(f"{one:.2f} | {other:.2f} | {other / one:.2f}" for one, other in pairs)
        print(f"| {kind} | {figures} | {INDEX_MAX} |", flush=True)


def open_site(site: Path) -> Workspace:
    return open_workspace([site], Settings(out=site), default_profile())


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure the review app.")
    parser.add_argument("--pages", type=int, default=PAGES, help="number of pages")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="number of warm runs of the index")
    parser.add_argument("--no-index", action="store_true", help="only the requests")
    parser.add_argument("folder", type=Path, nargs="?", metavar="FOLDER", help="where the site is, or is written")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.folder or Path(temporary)
        folder.mkdir(exist_ok=True)
        with chdir(folder):
            site = Path("site")
            if not site.exists():
                write_site(site, options.pages)
                time.sleep(3)  # the caches store a file once it is two seconds old
            if not options.no_index:
                measure_index(site, options.rounds)
            workspace = open_site(site)
            print(f"\n{workspace.index.facets.pages:,} pages, {len(workspace.log):,} decisions")
            asyncio.run(measure_screens(workspace))
            workspace.close()


if __name__ == "__main__":
    main()
