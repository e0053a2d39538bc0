"""The function that a Ray worker executes. Ray sends it by value, so it runs with any version of qtgen."""

from collections.abc import Callable
from typing import Any, NamedTuple

DONE, ANOTHER_VERSION, NO_FOLDER = "done", "another version", "no folder"


class Versions(NamedTuple):
    """The versions that must be equal on all machines."""

    qtgen: str
    python: str


def run_task() -> "Callable[[tuple[str, str], str, bytes, list[Any]], tuple[str, Any]]":
    """Return the function that runs a task. Ray sends a nested function by value, and others by name."""

    def run(versions: tuple[str, str], folder: str, task: bytes, references: list[Any]) -> tuple[str, Any]:
        """Compare the versions, enter the driver's folder, and call the task's function.

        Returns:
            A status and the result. If the versions differ, the result is the name of this host and its versions. If
            the folder does not exist, it is the name of this host.
        """
        import os
        import platform

        try:
            from qtgen import __version__ as installed
        except ImportError:
            installed = "none"
        python = platform.python_version()
        if installed != versions[0] or python.split(".")[:2] != versions[1].split(".")[:2]:
            return "another version", (platform.node(), {"qtgen": installed, "Python": python})
        try:
            os.chdir(folder)
        except OSError:
            return "no folder", platform.node()
        from qtgen._util.engines.ray import call

        return "done", call(task, references)

    return run
