"""Ray: who may use it, what it listens on, and what happens if a worker or the driver dies."""

import os
import pickle
import platform
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from qtgen import __version__
from qtgen._util.engines import ray as module
from qtgen._util.engines.ray import RayEngine
from qtgen._util.engines.task import ANOTHER_VERSION, DONE, NO_FOLDER, run_task
from qtgen._util.machine import machine_id
from qtgen.errors import EngineError, EngineUnusable, FilesNotShared, MissingExtra
from qtgen.validation.rules.example import EXAMPLE_PAGE
from support.engine_work import current_folder, double, kill_always, kill_once
from support.ray_cluster import descendants, listening_addresses, processes_of_session, wait_until_ended

pytestmark = [
    pytest.mark.xdist_group("ray"),
    pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc"),
]
LOOPBACK = {"0100007F", "0000000000000000FFFF00000100007F", "00000000000000000000000001000000"}


@pytest.fixture
def engine(ray_cluster: None) -> Iterator[RayEngine]:
    engine = RayEngine(2, {})
    yield engine
    engine.close()


# --- workers ----------------------------------------------------------------------------------------------------------


def test_a_task_of_a_killed_worker_runs_again(engine: RayEngine, tmp_path: Path) -> None:
    parcels = [(number, (str(tmp_path / f"marker-{number}"),)) for number in range(3)]
    assert list(engine.map(kill_once, parcels)) == [(number, "done") for number in range(3)]


def test_a_task_that_kills_each_worker_ends_the_run_with_one_line(engine: RayEngine) -> None:
    with pytest.raises(EngineError) as caught:
        list(engine.map(kill_always, [(None, ())]))
    assert str(caught.value).startswith("Ray cannot finish the work: ")
    assert "\n" not in str(caught.value)


def test_workers_use_the_folder_of_this_process(engine: RayEngine, tmp_path: Path) -> None:
    assert list(engine.map(current_folder, [(None, ())])) == [(None, str(tmp_path))]


def test_a_worker_without_the_folder_is_reported(
    engine: RayEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    monkeypatch.chdir(folder)
    folder.rmdir()
    monkeypatch.setattr("pathlib.Path.cwd", lambda: folder)
    with pytest.raises(FilesNotShared, match="has no such folder"):
        list(engine.map(double, [(None, (1,))]))


def test_a_worker_with_another_version_is_refused(engine: RayEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "__version__", "0.0.1")
    with pytest.raises(EngineUnusable) as caught:
        list(engine.map(double, [(None, (1,))]))
    python = platform.python_version()
    assert f"has qtgen {__version__} and Python {python}, and this machine has qtgen 0.0.1" in str(caught.value)
    assert str(caught.value).endswith("; install the same versions on all machines")


@pytest.mark.parametrize(
    ("versions", "folder", "status"),
    [
        ((__version__, "2.7.18"), ".", ANOTHER_VERSION),
        (("0.0.1", platform.python_version()), ".", ANOTHER_VERSION),
        ((__version__, platform.python_version()), "nowhere", NO_FOLDER),
        ((__version__, platform.python_version().rpartition(".")[0] + ".99"), ".", DONE),
    ],
)
def test_versions_and_folder_are_compared_before_a_task_is_unpickled(
    versions: tuple[str, str], folder: str, status: str
) -> None:
    task = pickle.dumps((double, [4])) if status == DONE else b"not a pickle"
    assert run_task()(versions, folder, task, [])[0] == status


# --- security ---------------------------------------------------------------------------------------------------------


def test_a_cluster_without_tokens_is_refused() -> None:
    with pytest.raises(
        EngineUnusable, match=r"RAY_AUTH_MODE is not `token`.*start the cluster with RAY_AUTH_MODE=token"
    ):
        RayEngine(2, {"RAY_ADDRESS": "127.0.0.1:6379"})


def test_without_ray_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("qtgen._util.extras._is_installed", lambda name: name != "ray")
    with pytest.raises(MissingExtra, match="needs the `ray` extra"):
        RayEngine(2, {})


def write_pages(folder: Path, count: int) -> None:
    folder.mkdir(parents=True)
    for number in range(count):
        page = EXAMPLE_PAGE.replace("id: 7", f"id: {number}")
        (folder / f"page-{number}.md").write_text(page, encoding="utf-8")


SLOW_RULE = """
import time

from qtgen.validation import Example, Severity, rule

@rule("SLOW001", "slow", Severity.INFO, bad=Example("a", "b"))
def slow(file):
    time.sleep(0.05)
    return ()
"""


def write_slow_site(folder: Path) -> None:
    """Write a site that takes longer to check than a test needs to look at the run."""
    write_pages(folder / "site/biology", 2_000)
    (folder / "slow.py").write_text(SLOW_RULE)
    (folder / "qtgen.toml").write_text('plugins = ["./slow.py"]\n')


def start_validation(*options: str, **environ: str) -> subprocess.Popen[str]:
    """Start `qtgen validate` with Ray in a session of its own."""
    command = [sys.executable, "-m", "qtgen", "validate", "site", "--no-cache", "--engine", "ray", *options]
    plain = {name: value for name, value in os.environ.items() if not name.startswith("RAY_")}
    return subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**plain, "PYTHONPATH": os.pathsep.join(sys.path), **environ},
        start_new_session=True,
    )


def wait_for_workers(run: "subprocess.Popen[str]", seconds: float = 90) -> set[int]:
    """Wait until the workers of a run check pages, and return all processes that the run has started."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = descendants(run.pid)
        if any(b"ray::run" in _command_line(pid) for pid in found):
            return found
        assert run.poll() is None, run.communicate()
        time.sleep(0.1)
    raise AssertionError("no worker has started")


def _command_line(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def test_ray_listens_on_loopback_only_and_ends_with_a_killed_driver(tmp_path: Path) -> None:
    write_slow_site(tmp_path)
    with start_validation("--jobs", "1") as run:
        try:
            processes = wait_for_workers(run)
            addresses = listening_addresses(processes | {run.pid})
            environment = Path(f"/proc/{max(processes)}/environ").read_bytes()
        finally:
            os.kill(run.pid, signal.SIGKILL)
        run.communicate()
    assert addresses, "the test sees the sockets"
    assert addresses <= LOOPBACK
    assert b"RAY_USAGE_STATS_ENABLED=0" in environment
    assert b"RAY_AUTH_MODE=token" in environment
    assert wait_until_ended(run.pid, 120) == []


def test_an_interrupted_run_ends_its_workers(tmp_path: Path) -> None:
    write_slow_site(tmp_path)
    with start_validation("--jobs", "1") as run:
        wait_for_workers(run)
        run.send_signal(signal.SIGINT)
        _, err = run.communicate(timeout=60)
    assert (run.returncode, err.strip()) == (130, "qtgen: interrupted")
    assert wait_until_ended(run.pid, 60) == processes_of_session(run.pid) == []


@pytest.mark.block_network(allowed_hosts=["127.0.0.1"])
@pytest.mark.parametrize("address", ["127.0.0.1:1", "ray://127.0.0.1:1"])
def test_a_cluster_that_is_away_gives_one_line(address: str) -> None:
    engine = RayEngine(2, {"RAY_ADDRESS": address, "RAY_AUTH_MODE": "token"})
    with pytest.raises(EngineUnusable, match=r"^RAY_ADDRESS: nothing answers at 127.0.0.1:1 .*; check the address"):
        list(engine.map(double, [(None, (1,))]))


# --- folders ----------------------------------------------------------------------------------------------------------


def test_folders_of_processes_that_were_killed_are_removed(monkeypatch: pytest.MonkeyPatch) -> None:
    with subprocess.Popen(["true"]) as ended:
        ended.wait()
    parent = Path(tempfile.mkdtemp(dir="/tmp"))
    monkeypatch.setattr(tempfile, "tempdir", str(parent))
    monkeypatch.setattr(module, "_LONGEST_PARENT", 100)
    prefix = f"qtgen-ray-{machine_id()[:6]}-"
    left, living = parent / f"{prefix}{ended.pid}-x", parent / f"{prefix}{os.getppid()}-x"
    left.mkdir()
    living.mkdir()
    try:
        own = module._private_folder()
        assert sorted(parent.iterdir()) == sorted([own, living])
        assert own.stat().st_mode & 0o777 == 0o700
    finally:
        shutil.rmtree(parent)
