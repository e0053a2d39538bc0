"""Several processes on one ledger: each page once, each request once, one budget and one rate limit.

The processes are real ones, with their own folders and clocks, on an SQLite file and on PostgreSQL. The endpoint is the
fast one of ../shared/tools, which a user's checkout does not have; the tests skip then.
"""

import json
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from support.mock_endpoint import MockEndpoint, mock_endpoint
from support.postgresql import empty_database, postgresql_server

pytestmark = [pytest.mark.block_network(allowed_hosts=["127.0.0.1"]), pytest.mark.xdist_group("sharing")]
SLOTS = 8
COUNT = 200
SLOW, FAST = 1_500, 20  # milliseconds for a response
_MACHINE = """
import os, platform, runpy, sys, time

shift, container = float(sys.argv[1]), sys.argv[2]
real_time, real_kill = time.time, os.kill
time.time = lambda: real_time() + shift

from qtgen._util import machine

if container:
    def kill(pid, number):
        if pid != os.getpid():
            raise ProcessLookupError  # the process ids of another container mean nothing here
        real_kill(pid, number)

    platform.node = lambda: "same-name"
    machine._pid_namespace = lambda: container
    os.kill = kill
sys.argv = ["qtgen", *sys.argv[3:]]
runpy.run_module("qtgen", run_name="__main__", alter_sys=True)
"""
Start = Callable[..., "subprocess.Popen[str]"]
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MockEndpoint]:
    with mock_endpoint(tmp_path_factory.mktemp("mock")) as endpoint:
        yield endpoint


@pytest.fixture(scope="module")
def postgresql() -> Iterator[str]:
    with postgresql_server() as server:
        yield server.get_uri()


@pytest.fixture
def mock(server: MockEndpoint, monkeypatch: pytest.MonkeyPatch) -> MockEndpoint:
    server.use(monkeypatch)
    server.behave()
    return server


@pytest.fixture(params=["sqlite", "postgresql"])
def ledger(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[str]:
    """The ledger that all processes of a test use."""
    url = str(tmp_path / "ledger.sqlite") if request.param == "sqlite" else request.getfixturevalue("postgresql")
    monkeypatch.setenv("QTGEN_LEDGER", url)
    yield url
    if request.param == "postgresql":
        empty_database(url)


@pytest.fixture
def start() -> Iterator[Start]:
    """Start a process that writes to its own folder unless told otherwise. It is killed if it is left over."""
    processes = []

    def run(
        name: str, *options: str, command: str = "generate", out: str = "", shift: float = 0.0, container: str = ""
    ) -> "subprocess.Popen[str]":
        arguments = [command, *options, "--json", "--concurrency", str(SLOTS), "--out", out or name]
        process = subprocess.Popen(
            [sys.executable, "-c", _MACHINE, str(shift), container, *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        processes.append(process)
        return process

    yield run
    for process in processes:
        if process.poll() is None:
            process.kill()
            process.communicate()


def questions(count: int = COUNT) -> None:
    rng = random.Random(5)
    words = ["".join(rng.choice("bdfgklmnprst") + rng.choice("aeiou") for _ in range(3)) for _ in range(4 * count)]
    lines = (f"What is {words[4 * n]} {words[4 * n + 1]} {words[4 * n + 2]} {n}?" for n in range(count))
    Path("q.txt").write_text("\n".join(lines))


def wait_for(condition: Callable[[], bool]) -> None:
    for _ in range(1200):
        if condition():
            return
        time.sleep(0.05)
    pytest.fail("it did not happen within 60 s")


def finish(*processes: "subprocess.Popen[str]", codes: tuple[int, ...] = (0,)) -> list[list[dict[str, Any]]]:
    """Wait for processes to end, and return the JSON lines of each."""
    results = []
    for process in processes:
        out, err = process.communicate(timeout=120)
        assert process.returncode in codes, err
        results.append([json.loads(line) for line in out.splitlines()])
    return results


def pages(*folders: str) -> list[Path]:
    return sorted(path for folder in folders for path in Path(folder).glob("biology/*.md"))


def owners(results: list[list[dict[str, Any]]]) -> list[list[str]]:
    """Return for each row what the processes report, except `elsewhere`."""
    rows = zip(*results, strict=True)
    return [[line["status"] for line in row if line["status"] != "elsewhere"] for row in rows]


def paid_twice(mock: MockEndpoint, before: int) -> int:
    return sum(times - 1 for times in Counter(mock.answered()[before:]).values())


def provenance(folder: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in Path(f"{folder}/.qtgen/provenance.jsonl").read_text().splitlines()]


def wait_until_all_have_blocks(url: str, count: int) -> None:
    """Wait until as many processes have leased a block."""
    address = url.replace("postgresql:", "postgresql+psycopg:", 1) if "://" in url else f"sqlite:///{url}"
    engine = sa.create_engine(address, poolclass=sa.NullPool)

    def have_blocks() -> bool:
        with engine.connect() as connection:
            if "leases" not in sa.inspect(connection).get_table_names():
                return False
            return bool(connection.scalar(sa.text("SELECT count(DISTINCT run) FROM leases")) == count)

    wait_for(have_blocks)


@pytest.mark.parametrize("count", [2, 3])
def test_each_page_is_written_once_and_each_request_paid_once(
    ledger: str, mock: MockEndpoint, start: Start, count: int
) -> None:
    questions()
    before = len(mock.answered())
    mock.behave(lat_ms=SLOW)
    names = "abc"[:count]
    processes = [start(name, "q.txt", "--share") for name in names]
    wait_until_all_have_blocks(ledger, count)
    mock.behave(lat_ms=FAST)
    results = finish(*processes)
    assert owners(results) == [["written"]] * COUNT
    assert len(pages(*names)) == len({page.name for page in pages(*names)}) == COUNT
    assert all(pages(name) for name in names), [Counter(line["status"] for line in lines) for lines in results]
    assert (len(mock.answered()) - before, paid_twice(mock, before)) == (COUNT, 0)
    ids = [line["id"] for name in names for line in provenance(name)]
    assert len(set(ids)) == len(ids) == COUNT


@pytest.mark.parametrize("ledger", ["postgresql", "sqlite"], indirect=True)
def test_clocks_that_are_wrong_by_an_hour_change_nothing(ledger: str, mock: MockEndpoint, start: Start) -> None:
    """The processes share their folder too."""
    questions()
    before = len(mock.answered())
    mock.behave(lat_ms=SLOW)
    processes = [start("", "q.txt", "--share", out="all", shift=shift) for shift in (-3600, 3600)]
    wait_until_all_have_blocks(ledger, 2)
    mock.behave(lat_ms=FAST)
    results = finish(*processes)
    assert owners(results) == [["written"]] * COUNT
    assert (len(mock.answered()) - before, paid_twice(mock, before)) == (COUNT, 0)
    urls = [line["url"] for line in provenance("all")]
    assert len(set(urls)) == len(urls) == len(pages("all")) == COUNT


@pytest.mark.parametrize("ledger", ["postgresql"], indirect=True)
def test_containers_with_the_same_host_name_are_two_machines(ledger: str, mock: MockEndpoint, start: Start) -> None:
    questions(128)
    before = len(mock.answered())
    mock.behave(lat_ms=SLOW)
    processes = [start(name, "q.txt", "--share", container=name) for name in "ab"]
    wait_until_all_have_blocks(ledger, 2)
    mock.behave(lat_ms=FAST)
    assert owners(finish(*processes)) == [["written"]] * 128
    assert paid_twice(mock, before) == 0


@pytest.mark.parametrize("options", [(), ("--fresh",)], ids=["resume", "fresh"])
def test_the_blocks_of_a_killed_process_are_finished_by_the_other(
    ledger: str, mock: MockEndpoint, start: Start, options: tuple[str, ...]
) -> None:
    questions()
    before = len(mock.answered())
    mock.behave(lat_ms=SLOW)
    victim, heir = [start(name, "q.txt", "--share", *options) for name in "ab"]
    wait_until_all_have_blocks(ledger, 2)
    mock.behave(lat_ms=100)
    wait_for(lambda: len(pages("a")) >= 20)
    victim.send_signal(signal.SIGKILL)
    victim.communicate(timeout=30)
    mock.behave(lat_ms=FAST)
    (lines,) = finish(heir)
    statuses = Counter(line["status"] for line in lines)
    assert statuses.keys() <= {"written", "elsewhere"}
    assert {page.name for page in pages("a", "b")} == {page.name for page in pages("a")} | {
        Path(line["path"]).name for line in lines if line["path"]
    }
    assert len({page.name for page in pages("a", "b")}) == COUNT, "nothing is lost"
    assert statuses["elsewhere"] % 64 == 0, "only whole blocks were finished by the killed process"
    assert paid_twice(mock, before) <= 2 * SLOTS, "at most what was in flight"


def test_a_process_that_does_not_finish_the_block_of_a_killed_one_says_so(
    ledger: str, mock: MockEndpoint, start: Start
) -> None:
    questions(128)
    mock.behave(lat_ms=SLOW)
    victim, heir = [start(name, "q.txt", "--share") for name in "ab"]
    wait_until_all_have_blocks(ledger, 2)
    victim.send_signal(signal.SIGKILL)
    victim.communicate(timeout=30)
    mock.behave(lat_ms=FAST)
    wait_for(lambda: len(pages("b")) >= 64)
    mock.behave(lat_ms=SLOW)
    wait_for(lambda: mock.stats()["inflight"] > 0)
    heir.send_signal(signal.SIGINT)
    out, err = heir.communicate(timeout=60)
    assert heir.returncode == 130, err
    statuses = Counter(json.loads(line)["status"] for line in out.splitlines())
    assert statuses == {"written": len(pages("b")), "skipped": 128 - len(pages("b"))}, "nobody has the rows elsewhere"
    assert f"interrupted with {statuses['skipped']} of 128 questions left" in err


def test_an_interrupted_process_leaves_its_rows_to_the_others(ledger: str, mock: MockEndpoint, start: Start) -> None:
    questions()
    before = len(mock.answered())
    mock.behave(lat_ms=SLOW)
    first, second = [start(name, "q.txt", "--share") for name in "ab"]
    wait_until_all_have_blocks(ledger, 2)
    first.send_signal(signal.SIGINT)
    out, err = first.communicate(timeout=60)
    assert first.returncode == 130, err
    lines = [json.loads(line) for line in out.splitlines()]
    statuses = Counter(line["status"] for line in lines)
    assert (len(lines), statuses["written"]) == (COUNT, len(pages("a")))
    assert statuses["written"] <= SLOTS, "what was in flight"
    assert statuses["elsewhere"] >= 64, "rows of the other process are not called interrupted"
    assert f"interrupted with {statuses['skipped']} of {COUNT} questions left" in err
    mock.behave(lat_ms=FAST)
    finish(second)
    assert len({page.name for page in pages("a", "b")}) == COUNT
    assert paid_twice(mock, before) == 0


@pytest.mark.usefixtures("ledger")
def test_processes_keep_to_one_budget(mock: MockEndpoint, start: Start, qtgen: Run) -> None:
    questions()
    Path("qtgen.toml").write_text('[prices."mock"]\ninput = 10.0\noutput = 20.0\n')
    mock.behave(lat_ms=FAST)
    processes = [start(name, "q.txt", "--share", "--budget", "1.5") for name in "ab"]
    results = finish(*processes, codes=(0, 1))
    assert {process.returncode for process in processes} == {1}
    spent = sum(row["cost_usd"] for row in json.loads(qtgen("costs", "--json")[1]))
    assert 1.0 < spent <= 1.5
    assert {status for row in owners(results) for status in row} == {"written", "skipped"}
    assert len(pages("a", "b")) == sum("written" in row for row in owners(results))
    assert finish(start("c", "q.txt", "--share", "--budget", "1.5"), codes=(1,)), "a later run has a budget of its own"
    assert sum(row["cost_usd"] for row in json.loads(qtgen("costs", "--json")[1])) > 1.5


def test_a_budget_that_a_killed_process_had_set_aside_is_not_spent_again(
    ledger: str, mock: MockEndpoint, start: Start, qtgen: Run
) -> None:
    questions(200)
    Path("qtgen.toml").write_text('[prices."mock"]\ninput = 10.0\noutput = 20.0\n')
    mock.behave(lat_ms=SLOW)
    victim, heir = [start(name, "q.txt", "--share", "--budget", "1.5") for name in "ab"]
    wait_until_all_have_blocks(ledger, 2)
    wait_for(lambda: mock.stats()["inflight"] > SLOTS)
    victim.send_signal(signal.SIGKILL)
    victim.communicate(timeout=30)
    mock.behave(lat_ms=FAST)
    finish(heir, codes=(1,))
    answered = mock.stats()
    # What was in flight at the kill was answered and billed, although no run has recorded it.
    billed = (answered["prompt_tokens"] * 10 + answered["completion_tokens"] * 20) / 1e6
    assert billed <= 1.5


@pytest.mark.usefixtures("ledger")
def test_different_budgets_are_refused(mock: MockEndpoint, start: Start, qtgen: Run) -> None:
    questions(20)
    Path("qtgen.toml").write_text('[prices."mock"]\ninput = 10.0\noutput = 20.0\n')
    mock.behave(lat_ms=3000)  # the first process is still at work when the others begin
    first = start("a", "q.txt", "--budget", "5")
    wait_for(lambda: mock.stats()["inflight"] > 0)
    code, out, err = qtgen("generate", "q.txt", "--budget", "6", "--out", "b")
    assert (code, out, pages("b")) == (2, "", [])
    assert "--budget: another process is at work on the same list with a budget of $5.00; give all" in err
    assert qtgen("generate", "q.txt", "--out", "b")[0] == 2
    mock.behave()
    finish(first)


@pytest.mark.usefixtures("ledger")
def test_processes_keep_to_one_rate_limit(mock: MockEndpoint, start: Start) -> None:
    questions(128)
    per_minute = 1_800
    processes = [start(name, "q.txt", "--share", "--rpm", str(per_minute)) for name in "ab"]
    finish(*processes)
    stats = mock.stats()
    assert (stats["ok"], stats["repeats"]) == (128, 0)
    one_second = per_minute / 60
    assert stats["ok"] <= stats["span"] * per_minute / 60 + 2 * one_second


def test_a_process_that_comes_too_late_reports_everything_elsewhere(
    ledger: str, mock: MockEndpoint, start: Start, qtgen: Run
) -> None:
    questions(64)
    mock.behave(lat_ms=SLOW)
    first = start("a", "q.txt", "--share")
    wait_until_all_have_blocks(ledger, 1)
    code, out, err = qtgen("generate", "q.txt", "--share", "--json", "--out", "b")
    assert code == 0, err
    assert "tokens" not in err, "nothing was sent"
    assert {json.loads(line)["status"] for line in out.splitlines()} == {"elsewhere"}
    assert "sharing the questions with 1 other process\n" in err
    assert "\n64 elsewhere in " in err
    Path("other.txt").write_text("What is osmosis?\n")
    mock.behave()
    code, _, err = qtgen("generate", "other.txt", "--share", "--out", "c")
    assert (code, len(pages("c"))) == (0, 1)
    assert "sharing the questions with no other process so far\n" in err
    assert "not sharing with 1 other process on this ledger, because the questions, prompts, models or " in err
    finish(first)
    assert qtgen("generate", "q.txt", "--share", "--out", "a")[0] == 0
    assert len(pages("a")) == 64


def test_each_stale_page_is_rewritten_by_one_process(ledger: str, mock: MockEndpoint, start: Start, qtgen: Run) -> None:
    questions(150)
    assert qtgen("generate", "q.txt", "--out", "site")[0] == 0
    before = len(mock.answered())
    mock.behave(lat_ms=SLOW)
    again = ("site", "--because", "model-changed", "--model", "newer", "--share")
    processes = [start("", *again, command="regenerate", out="site") for _ in range(2)]
    wait_until_all_have_blocks(ledger, 2)
    mock.behave(lat_ms=FAST)
    results = finish(*processes)
    reported = Counter(line["path"] for lines in results for line in lines if line["status"] != "elsewhere")
    assert (len(reported), set(reported.values())) == (150, {1})
    assert all(any(line["status"] == "elsewhere" for line in lines) for lines in results)
    statuses = Counter(line["status"] for lines in results for line in lines)
    assert paid_twice(mock, before) == 0
    rewrites = [line["url"] for line in provenance("site") if line.get("replaced_digests")]
    assert len(set(rewrites)) == len(rewrites) == statuses["written"]
    assert qtgen("regenerate", "site", "--share", "--limit", "5", "--out", "site")[0] == 2
