"""A Ray cluster for tests: one for all tests of a process, and what can be seen of a cluster's processes."""

import os
import shutil
import sys
import tempfile
import time
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

OPTIONS = {"num_cpus": 2, "include_dashboard": False, "object_store_memory": 80 << 20}
LOOPBACK_ONLY = {"RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0", "RAY_USAGE_STATS_ENABLED": "0"}
_LISTENS = "0A"


@contextmanager
def running_ray() -> Iterator[None]:
    """Run Ray with two workers, to which this process is connected."""
    paths = os.pathsep.join(sys.path)  # workers import the functions of tests
    os.environ.update(LOOPBACK_ONLY | {"PYTHONPATH": paths})
    folder = tempfile.mkdtemp(prefix="ray-", dir="/tmp")  # the path of a socket must be short
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # those that Ray emits while it starts
        import ray

        ray.init(address="local", **OPTIONS, _temp_dir=folder, log_to_driver=False, logging_level="ERROR")  # type: ignore[arg-type]
    try:
        yield
    finally:
        ray.shutdown()
        shutil.rmtree(folder, ignore_errors=True)


def processes_of_session(session: int) -> list[int]:
    """Return the ids of the living processes of a session."""
    return [pid for pid, fields in _processes().items() if int(fields[3]) == session and fields[0] != "Z"]


def descendants(root: int) -> set[int]:
    """Return the ids of the processes that a process has started, and those that they have started."""
    parents = {pid: int(fields[1]) for pid, fields in _processes().items()}
    found = {root}
    while more := {pid for pid, parent in parents.items() if parent in found} - found:
        found |= more
    return found - {root}


def _processes() -> Mapping[int, list[str]]:
    """Return the fields of /proc/PID/stat after the name, by the id of the process."""
    fields: dict[int, list[str]] = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                fields[int(folder.name)] = (folder / "stat").read_text().rpartition(")")[2].split()
            except OSError:  # it has ended
                continue
    return fields


def listening_addresses(pids: set[int]) -> set[str]:
    """Return the addresses, as /proc/net/tcp has them, on which processes listen."""
    inodes = {inode for pid in pids for inode in _sockets(pid)}
    rows = [line.split() for name in ("tcp", "tcp6") for line in Path("/proc/net", name).read_text().splitlines()[1:]]
    return {row[1].partition(":")[0] for row in rows if row[3] == _LISTENS and row[9] in inodes}


def _sockets(pid: int) -> Iterator[str]:
    try:
        for descriptor in Path(f"/proc/{pid}/fd").iterdir():
            target = str(descriptor.readlink())
            if target.startswith("socket:["):
                yield target.removeprefix("socket:[").removesuffix("]")
    except OSError:  # it has ended, or is another user's
        return


def wait_until_ended(session: int, seconds: float) -> list[int]:
    """Wait until a session has no process, and return those that are left after some time."""
    deadline = time.monotonic() + seconds
    while (left := processes_of_session(session)) and time.monotonic() < deadline:
        time.sleep(0.2)
    return left
