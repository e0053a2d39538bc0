"""Run work in the workers of Ray: of the cluster at RAY_ADDRESS, or of a cluster that ends with this process.

A cluster of this process listens on the loopback interface only, and requires a token. A task contains its function and
its arguments as bytes. A worker unpickles them only after it has compared its versions with those of this process,
because it could misread objects of another version.
"""

import os
import platform
import secrets
import shutil
import socket
import sys
import tempfile
import warnings
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, MutableMapping
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from qtgen import __version__
from qtgen._util.engines import K, R, Shared, V
from qtgen._util.engines.local import SharedFiles
from qtgen._util.engines.task import ANOTHER_VERSION, NO_FOLDER, Versions, run_task
from qtgen._util.extras import require
from qtgen._util.machine import is_running, machine_id
from qtgen.errors import EngineError, EngineUnusable, FilesNotShared

ADDRESS, AUTHENTICATION = "RAY_ADDRESS", "RAY_AUTH_MODE"
_TASKS_PER_CPU = 3  # in flight
_CONNECT_SECONDS = 10.0
_KEPT = 4  # shared values that a worker keeps loaded
_LONGEST_PARENT = 9  # bytes; the path of a socket has at most 107, of which the names below take 98
_LOCAL_ENVIRONMENT = {
    # Ray reads it when it is imported. Without it, Ray listens on all interfaces, even if the node has another address.
    "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",
    "RAY_USAGE_STATS_ENABLED": "0",
}
_QUIET: dict[str, Any] = {"log_to_driver": False, "configure_logging": False, "logging_level": "ERROR"}


class RayEngine:
    """An engine with the workers of Ray, which starts when there is work.

    If this process is connected to Ray already, that connection is used and stays open.

    Args:
        jobs: The number of workers that a cluster of this process has.
        environ: The environment variables. `RAY_ADDRESS` is the address of a running cluster.

    Raises:
        MissingExtra: Ray is not installed.
        EngineUnusable: The cluster does not require a token.
    """

    def __init__(self, jobs: int, environ: MutableMapping[str, str] = os.environ) -> None:
        require("the engine Ray", "ray", "ray")
        self._jobs, self._environ = jobs, environ
        self._address = environ.get(ADDRESS, "")
        self.reads_files = not self._address
        if self._address and environ.get(AUTHENTICATION) != "token":
            raise EngineUnusable(
                f"{AUTHENTICATION} is not `token`, and anyone who reaches a cluster without tokens can run code on it",
                path=ADDRESS,
                remedy=f"start the cluster with {AUTHENTICATION}=token, and set it here too",
            )
        self._files = SharedFiles()
        self._ray: Any = None
        self._owns_connection = False
        self._folder: Path | None = None
        self._remote: Any = None
        self._in_flight = 0

    def share(self, value: V) -> Shared[V]:
        """Put a value into the object store, which keeps one copy per machine.

        A cluster of this process reads the value from a file, because the store's memory would count as memory of this
        process.
        """
        return _Stored(self._started().put(value)) if self._address else self._files.add(value)

    def map(self, work: Callable[..., R], parcels: Iterable[tuple[K, tuple[Any, ...]]]) -> Iterator[tuple[K, R]]:
        """Yield each parcel's label and the function's result, in the order of the parcels.

        Ray runs a task again if its worker dies. It gives up after a few attempts.

        Raises:
            EngineError: A task cannot be finished.
            EngineUnusable: A worker has another version, or Ray cannot start.
        """
        pending: deque[tuple[K, Any]] = deque()
        for label, arguments in parcels:
            pending.append((label, self._submit(work, arguments)))
            if len(pending) > self._in_flight:
                yield self._result(*pending.popleft())
        while pending:
            yield self._result(*pending.popleft())

    def _submit(self, work: Callable[..., Any], arguments: tuple[Any, ...]) -> Any:
        ray = self._started()
        # References to stored objects must travel beside the bytes, or Ray would delete the objects too early.
        references = [argument.reference for argument in arguments if isinstance(argument, _Stored)]
        marks = iter(range(len(references)))
        plain = [_Reference(next(marks)) if isinstance(argument, _Stored) else argument for argument in arguments]
        versions = Versions(__version__, platform.python_version())
        return self._remote.remote(tuple(versions), str(Path.cwd()), ray.cloudpickle.dumps((work, plain)), references)

    def _result(self, label: K, reference: Any) -> tuple[K, Any]:
        try:
            status, value = self._ray.get(reference)
        except self._ray.exceptions.RayTaskError as error:
            cause = error.cause
            raise (cause if isinstance(cause, Exception) else EngineError(str(error))) from None
        except self._ray.exceptions.RayError as error:
            raise EngineError(
                f"Ray cannot finish the work: {_first_line(error)}",
                remedy="check the memory of the machines and Ray's logs, or use the local engine",
            ) from None
        if status == ANOTHER_VERSION:
            raise _another_version(*value)
        if status == NO_FOLDER:
            raise FilesNotShared(f"the worker on {value} has no such folder", path=Path.cwd())
        return label, value

    def _started(self) -> Any:
        if self._ray is None:
            self._ray = self._connect()
            self._remote = self._ray.remote(max_retries=3)(run_task())
            cpus = int(self._ray.cluster_resources().get("CPU", 1))
            self._in_flight = _TASKS_PER_CPU * max(1, cpus)
        return self._ray

    def _connect(self) -> Any:
        if self._address:
            _check_answers(self._address)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # those that Ray emits while it starts
            options: dict[str, Any] = {"address": self._address} if self._address else self._local_options()
            import ray  # reads the environment

            if ray.is_initialized():
                return ray
            self._owns_connection = True
            try:
                ray.init(**options, **_QUIET)
            except (ConnectionError, RuntimeError, ValueError, OSError, ray.exceptions.RayError) as error:
                self.close()
                raise EngineUnusable(
                    f"Ray cannot be used: {_first_line(error)}",
                    path=ADDRESS if self._address else None,
                    remedy="check the address and the token of the cluster" if self._address else None,
                ) from None
        return ray

    def _local_options(self) -> dict[str, Any]:
        """Prepare the environment for a cluster of this process, and return the options that start it."""
        if "ray" not in sys.modules:
            token = {AUTHENTICATION: "token", "RAY_AUTH_TOKEN": secrets.token_hex(32)}
            self._environ.update(_LOCAL_ENVIRONMENT | token)
        self._folder = _private_folder()
        return {
            "address": "local",
            "num_cpus": self._jobs,
            "include_dashboard": False,
            "_temp_dir": str(self._folder),
        }

    def close(self) -> None:
        """Disconnect from Ray, and end a cluster of this process."""
        if self._owns_connection:
            import ray

            with suppress(Exception):  # an error was reported already, or does no harm now
                ray.shutdown()
            self._owns_connection = False
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None
        self._files.close()
        self._ray = None


def _check_answers(address: str) -> None:
    """Raise EngineUnusable if nothing listens at an address. Ray itself would try for minutes."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if not port.isdigit():
        return  # for example `auto`
    try:
        socket.create_connection((host.strip("[]"), int(port)), _CONNECT_SECONDS).close()
    except (OSError, OverflowError) as error:
        raise EngineUnusable(
            f"nothing answers at {host}:{port} ({getattr(error, 'strerror', None) or error})",
            path=ADDRESS,
            remedy="check the address, and whether the cluster runs",
        ) from None


def _private_folder() -> Path:
    """Return a new folder for the files and sockets of Ray, after removing those of processes that were killed."""
    prefix = f"qtgen-ray-{machine_id()[:6]}-"
    parent = Path(tempfile.gettempdir())
    if len(os.fsencode(parent)) > _LONGEST_PARENT:
        parent = Path("/tmp")  # noqa: S108 - the folder in it is private
    for folder in parent.glob(f"{prefix}*"):
        pid = folder.name.removeprefix(prefix).partition("-")[0]
        if pid.isdigit() and not is_running(int(pid)):
            shutil.rmtree(folder, ignore_errors=True)
    return Path(tempfile.mkdtemp(prefix=f"{prefix}{os.getpid()}-", dir=parent))


class _Reference(NamedTuple):
    """The place of a stored value among the references of a task."""

    number: int


class _Stored(Shared[V]):
    """A value in the object store of Ray."""

    def __init__(self, reference: Any) -> None:
        self.reference = reference

    def get(self) -> V:
        value: V = _load(self.reference)
        return value


@lru_cache(maxsize=_KEPT)
def _load(reference: Any) -> Any:
    import ray

    return ray.get(reference)


def call(task: bytes, references: list[Any]) -> Any:
    """Call the function of a task, in a worker."""
    import ray

    work, plain = ray.cloudpickle.loads(task)
    return work(*(_Stored(references[part.number]) if isinstance(part, _Reference) else part for part in plain))


def _another_version(host: str, versions: Mapping[str, str]) -> EngineUnusable:
    own = Versions(__version__, platform.python_version())
    has = " and ".join(f"{name} {version}" for name, version in versions.items())
    return EngineUnusable(
        f"the worker on {host} has {has}, and this machine has qtgen {own.qtgen} and Python {own.python}",
        remedy="install the same versions on all machines",
    )


def _first_line(error: BaseException) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0].rstrip(".") if lines else type(error).__name__
