"""What the commands print is the same for every engine, byte for byte, also with a cluster that runs already."""

import json
import os
import random
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from qtgen.validation.reports import format_names
from qtgen.validation.rules.example import EXAMPLE_PAGE
from support import points_json
from support.extras import run_with_extras
from support.ray_cluster import LOOPBACK_ONLY, wait_until_ended
from support.sites import random_site

pytestmark = [pytest.mark.xdist_group("ray"), pytest.mark.usefixtures("ray_cluster")]

Run = Callable[..., tuple[int, str, str]]
RAY = ("--engine", "ray", "--jobs", "2")


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A site with pages of every kind: valid, with findings, unreadable, empty, and a near-duplicate."""
    pages = [*random_site(60)]
    rng = random.Random(5)
    for path in rng.sample(pages, 20):
        text = path.read_text(encoding="utf-8")
        path.write_text(text.replace("answer:", "answers:") if rng.random() < 0.3 else text.replace("id:", "id: x"))
    Path("site/biology").mkdir(exist_ok=True)
    Path("site/biology/empty.md").touch()
    Path("site/biology/osmosis.md").write_text(EXAMPLE_PAGE, encoding="utf-8")
    Path("site/biology/Osmosis.md").write_text(EXAMPLE_PAGE.replace("id: 7", "id: 8"), encoding="utf-8")
    Path("site/biology/bytes.md").write_bytes(b"---\ntitle: \xff\n---\n")
    return tmp_path / "site"


@pytest.mark.parametrize("name", format_names())
def test_reports_are_the_same_in_every_format(qtgen: Run, site: Path, name: str) -> None:
    arguments = ("validate", "site", "--no-cache", "--select", "QT", "--format", name)
    one, *others = (qtgen(*arguments, *options) for options in (("--jobs", "1"), ("--jobs", "2"), RAY))
    assert one[0] == 1
    assert len(one[1]) > 1_000
    assert others == [one, one]


@pytest.mark.parametrize("options", [("--fix", "--diff"), ("--diff", "--unsafe")])
def test_fixes_are_the_same(qtgen: Run, site: Path, options: tuple[str, ...]) -> None:
    one, ray = (qtgen("validate", "site", *options, *engine) for engine in ((), RAY))
    assert ray == one


def test_workers_leave_the_cache_to_the_driver(qtgen: Run, site: Path) -> None:
    for path in site.rglob("*.md"):
        os.utime(path, (1, 1))
    first, second = (qtgen("validate", "site", "--format", "json", *RAY) for _ in range(2))
    assert first == second
    assert qtgen("validate", "site", "--format", "json", "--jobs", "1") == first


@pytest.mark.parametrize(
    "options",
    [("--check", "--json"), ("--dry-run", "--json"), ("--relink", "--dry-run", "--json"), ("--relink", "--diff")],
)
def test_links_are_the_same(qtgen: Run, options: tuple[str, ...]) -> None:
    pages = [*random_site(60)]
    pages[3].write_text("---\ntitle: [\n---\n\n&nbsp;")
    variants = ((), ("--jobs", "2"), RAY)
    one, *others = (qtgen("link", "site", *options, "--no-cache", *engine) for engine in variants)
    assert len(one[1]) > 500
    assert others == [one, one]


@pytest.mark.parametrize("engine", [("--jobs", "2"), RAY])
def test_links_are_the_same_with_a_full_and_with_a_partial_cache(qtgen: Run, engine: tuple[str, ...]) -> None:
    pages = [*random_site(30)]
    one = qtgen("link", "site", "--relink", "--dry-run", "--json", "--no-cache")
    outcomes = [qtgen("link", "site", "--relink", "--dry-run", "--json", *engine) for _ in range(2)]
    assert outcomes == [one, one]
    changed = pages[0].read_text(encoding="utf-8").replace("answer: >-\n", "answer: >-\n    Entirely new words.\n\n")
    pages[0].write_text(changed, encoding="utf-8")
    expected = qtgen("link", "site", "--relink", "--dry-run", "--json", "--no-cache")
    assert qtgen("link", "site", "--relink", "--dry-run", "--json", *engine) == expected


def test_scores_are_the_same(qtgen: Run) -> None:
    text = json.loads(points_json())["introduction"]
    rows = [
        {"id": number, "question": "What is osmosis?", "reference": text, "candidate": text[: number * 5]}
        for number in range(40)
    ]
    lines = [*map(json.dumps, rows), "not JSON", json.dumps({"id": 41})]
    Path("items.jsonl").write_text("\n".join(lines) + "\n")
    one, ray = (qtgen("eval", "score", "items.jsonl", *engine) for engine in (("--jobs", "1"), RAY))
    assert one[1].count("\n") == 42
    assert ray == one


def test_the_engine_names_its_extra() -> None:
    random_site(1)
    done = run_with_extras((), "validate", "site", "--engine", "ray")
    assert (done.returncode, done.stdout) == (2, "")
    assert "needs the `ray` extra" in done.stderr


# --- a cluster that runs already --------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def cluster() -> Iterator[dict[str, str]]:
    """Start a cluster with a token, and yield the environment of those who may use it."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    folder = tempfile.mkdtemp(prefix="ray-", dir="/tmp")
    token = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(32), "PYTHONPATH": os.pathsep.join(sys.path)}
    plain = {name: value for name, value in os.environ.items() if not name.startswith("RAY_")}
    environ = plain | token | LOOPBACK_ONLY
    command = [sys.executable, "-m", "ray.scripts.scripts", "start", "--head", "--block", "--num-cpus=2"]
    options = [f"--port={port}", "--node-ip-address=127.0.0.1", "--include-dashboard=false", f"--temp-dir={folder}"]
    memory = ["--object-store-memory=80000000", "--disable-usage-stats"]
    with subprocess.Popen(
        [*command, *options, *memory],
        env=environ,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    ) as head:
        try:
            _wait_for(port)
            yield environ | {"RAY_ADDRESS": f"127.0.0.1:{port}"}
        finally:
            head.terminate()
            head.wait()
            left = wait_until_ended(head.pid, 60)
            for pid in left:
                os.kill(pid, signal.SIGKILL)
            shutil.rmtree(folder, ignore_errors=True)


def _wait_for(port: int, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with socket.socket() as client:
            if client.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.2)
    raise AssertionError("the cluster has not started")


def run_with(environ: dict[str, str], *arguments: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "qtgen", *arguments]
    return subprocess.run(command, env=environ, capture_output=True, text=True, timeout=100, check=False)


@pytest.mark.block_network(allowed_hosts=["127.0.0.1"])
@pytest.mark.parametrize(
    "arguments",
    [("validate", "site", "--no-cache", "--format", "json"), ("link", "site", "--relink", "--dry-run", "--json")],
)
def test_a_running_cluster_gives_the_same(cluster: dict[str, str], qtgen: Run, arguments: tuple[str, ...]) -> None:
    random_site(40)
    expected = qtgen(*arguments)
    done = run_with(cluster, *arguments, "--engine", "ray")
    assert (done.returncode, done.stdout, done.stderr) == expected


@pytest.mark.block_network(allowed_hosts=["127.0.0.1"])
def test_a_wrong_token_gives_one_line(cluster: dict[str, str]) -> None:
    random_site(1)
    done = run_with(cluster | {"RAY_AUTH_TOKEN": "0" * 64}, "validate", "site", "--engine", "ray")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.splitlines()[-1].startswith("qtgen: RAY_ADDRESS: Ray cannot be used: ")
