"""Where process ids of this process are valid, and whether one of its neighbors is alive."""

import hashlib
import os
import platform
from functools import cache
from pathlib import Path


@cache
def machine_id() -> str:
    """Return a digest of the machine, its last boot and this process's namespace of process ids.

    Process ids begin again after a boot, and each container can have its own, even if the containers share a host name.
    """
    return hashlib.sha256(f"{platform.node()} {_boot_id()} {_pid_namespace()}".encode()).hexdigest()[:16]


def _boot_id() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text()
    except OSError:
        return ""


def _pid_namespace() -> str:
    try:
        return str(Path("/proc/self/ns/pid").readlink())
    except OSError:
        return ""


def is_running(pid: int) -> bool:
    """Return whether a process with this id, of the same `machine_id`, is alive."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:  # it is another user's process
        return True
    return True
