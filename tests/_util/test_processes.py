"""Tests of work that is shared between processes."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from qtgen._util.processes import map_in_processes


def double(number: int) -> int:
    return number * 2


def fail(number: int) -> int:
    if number == 3:
        raise ValueError("fatal")
    return number


def process_id(_: int) -> int:
    return os.getpid()


@pytest.mark.parametrize("spawn", [False, True])
def test_results_come_in_the_order_of_the_tasks_with_their_labels(spawn: bool) -> None:
    tasks = ((f"task {number}", (number,)) for number in range(20))
    results = list(map_in_processes(double, tasks, 2, spawn=spawn))
    assert results == [(f"task {number}", number * 2) for number in range(20)]


def test_the_function_runs_in_other_processes() -> None:
    identifiers = {identifier for _, identifier in map_in_processes(process_id, ((None, (n,)) for n in range(9)), 1)}
    assert len(identifiers) == 1
    assert os.getpid() not in identifiers


def test_tasks_are_read_only_a_few_ahead() -> None:
    read = 0

    def tasks() -> Iterator[tuple[int, tuple[int]]]:
        nonlocal read
        for number in range(50):
            read += 1
            yield number, (number,)

    for done, _ in enumerate(map_in_processes(double, tasks(), 1), 1):
        assert read - done <= 3


def test_an_exception_in_a_process_is_raised_here() -> None:
    results = map_in_processes(fail, ((None, (number,)) for number in range(9)), 2)
    assert [next(results) for _ in range(3)] == [(None, 0), (None, 1), (None, 2)]
    with pytest.raises(ValueError, match="fatal"):
        next(results)


_PARENT = """
import os, sys, time
from qtgen._util.processes import map_in_processes

def report(number):
    print(os.getpid(), flush=True)
    time.sleep(60)

if __name__ == "__main__":
    list(map_in_processes(report, [(None, (1,))], 1))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_a_process_ends_with_its_parent(tmp_path: Path) -> None:
    script = tmp_path / "parent.py"
    script.write_text(_PARENT)
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE, text=True, env=environ) as parent:
        assert parent.stdout is not None
        worker = Path("/proc") / parent.stdout.readline().strip()
        assert worker.exists()
        parent.kill()
        parent.wait()
        deadline = time.monotonic() + 30
        while worker.exists() and "zombie" not in (worker / "status").read_text() and time.monotonic() < deadline:
            time.sleep(0.01)
        assert not worker.exists() or "zombie" in (worker / "status").read_text()
