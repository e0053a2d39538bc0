"""This machine since its last boot, and whether one of its processes is alive."""

import hashlib
import os
import platform
from functools import cache
from pathlib import Path


@cache
def machine_id() -> str:
    """Return a digest of the machine and its last boot, because process ids begin again after a boot."""
    return hashlib.sha256(f"{platform.node()} {_boot_id()}".encode()).hexdigest()[:16]


def _boot_id() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text()
    except OSError:
        return ""


def is_running(pid: int) -> bool:
    """Return whether a process of this machine is alive."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:  # it is another user's process
        return True
    return True
