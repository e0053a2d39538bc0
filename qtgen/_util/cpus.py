"""The number of CPUs that this process may use. In a container it is often smaller than the machine's number."""

import os
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

_ROOT = Path("/")


def usable_cpus(root: Path = _ROOT) -> int:
    """Return how many CPUs the process's affinity and the quotas of its control groups allow, at least 1.

    A quota of 2.5 CPUs counts as 2, because threads beyond the quota are only suspended more often.

    Args:
        root: The folder that contains `proc` and `sys`.
    """
    cpus = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, int(min([cpus, *_quotas(root)])))


def _quotas(root: Path) -> Iterator[float]:
    """Yield the quota in CPUs of each control group that contains this process, in either version of control groups.

    Inside a container, the paths in `/proc/self/cgroup` need not exist. The container's own group is then mounted as
    the root of all groups, which the walk over the parents reaches too.
    """
    for line in _read(root / "proc/self/cgroup").splitlines():
        _, controllers, group = line.split(":", 2)
        folder, names = root / "sys/fs/cgroup", ["cpu.max"]
        if "cpu" in controllers.split(","):
            folder, names = folder / "cpu", ["cpu.cfs_quota_us", "cpu.cfs_period_us"]
        elif controllers:
            continue
        path = PurePosixPath(group.lstrip("/"))
        for parent in (path, *path.parents):
            quota, *period = " ".join(_read(folder / parent / name) for name in names).split() or [""]
            if quota.isdigit() and period and int(period[0]):  # "max" and "-1" mean no quota
                yield int(quota) / int(period[0])


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
