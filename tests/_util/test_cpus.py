"""CPUs that a process may use: its affinity, and quotas in both versions of control groups."""

import os
from pathlib import Path

import pytest

from qtgen._util.cpus import usable_cpus


@pytest.fixture(autouse=True)
def _eight_cpus(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)), raising=False)


def system(root: Path, cgroup: str, **files: str) -> Path:
    """Write files below `root`; a name's `__` stands for `/` and its `_DOT_` for `.`."""
    (root / "proc/self").mkdir(parents=True)
    (root / "proc/self/cgroup").write_text(cgroup)
    for name, text in files.items():
        file = root / "sys/fs/cgroup" / name.replace("__", "/").replace("_DOT_", ".")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return root


@pytest.mark.parametrize(
    ("cgroup", "files", "cpus"),
    [
        ("0::/\n", {}, 8),
        ("0::/\n", {"cpu_DOT_max": "max 100000\n"}, 8),
        ("0::/\n", {"cpu_DOT_max": "250000 100000\n"}, 2),
        ("0::/\n", {"cpu_DOT_max": "50000 100000\n"}, 1),
        ("0::/\n", {"cpu_DOT_max": "3200000 100000\n"}, 8),
        ("0::/a/b\n", {"a__cpu_DOT_max": "300000 100000\n", "a__b__cpu_DOT_max": "max 100000\n"}, 3),
        ("0::/not/mounted\n", {"cpu_DOT_max": "400000 100000\n"}, 4),
        ("4:memory:/\n", {"cpu_DOT_max": "100000 100000\n"}, 8),
        (
            "3:cpu,cpuacct:/a\n2:cpuset:/\n",
            {"cpu__a__cpu_DOT_cfs_quota_us": "200000\n", "cpu__a__cpu_DOT_cfs_period_us": "100000\n"},
            2,
        ),
        ("1:cpu:/\n", {"cpu__cpu_DOT_cfs_quota_us": "-1\n", "cpu__cpu_DOT_cfs_period_us": "100000\n"}, 8),
        ("0::/\n", {"cpu_DOT_max": "100000 0\n"}, 8),
        ("0::/\n", {"cpu_DOT_max": ""}, 8),
    ],
)
def test_a_quota_limits_the_cpus(tmp_path: Path, cgroup: str, files: dict[str, str], cpus: int) -> None:
    assert usable_cpus(system(tmp_path, cgroup, **files)) == cpus


def test_affinity_limits_the_cpus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {3}, raising=False)
    assert usable_cpus(system(tmp_path, "0::/\n")) == 1


def test_a_system_without_affinity_and_control_groups(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: 6)
    assert usable_cpus(tmp_path) == 6
