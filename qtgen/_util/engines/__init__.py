"""Run divided work: in processes of this machine, or in the workers of a Ray cluster.

The functions of `qtgen` that divide work take an `Engine`, and do not depend on which one it is.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Protocol, TypeVar

V = TypeVar("V")
K = TypeVar("K")
R = TypeVar("R")
V_co = TypeVar("V_co", covariant=True)


class Shared(Protocol[V_co]):
    """A value that all workers can read."""

    def get(self) -> V_co:
        """Return the value. A worker gets the same object each time, and must not change it."""


class Engine(Protocol):
    """Runs functions in workers.

    Attributes:
        reads_files: Whether the workers certainly see the same files as this process.
    """

    reads_files: bool

    def share(self, value: V) -> Shared[V]:
        """Return a handle of a value, which can be an argument for workers. The value is stored once per machine."""

    def map(self, work: Callable[..., R], parcels: Iterable[tuple[K, tuple[Any, ...]]]) -> Iterator[tuple[K, R]]:
        """Yield each parcel's label and the function's result, in the order of the parcels.

        The engine reads `parcels` only a few parcels ahead of the results. Raises what `work` raises.

        Args:
            work: A function of a module, called with a parcel's arguments in a worker.
            parcels: Pairs of a label, which stays in this process, and the arguments, which must be picklable. An
                argument can be the result of `share`.
        """

    def close(self) -> None:
        """End the workers and delete the shared values."""


class ThisProcess:
    """An engine without workers: it does the work itself."""

    reads_files = True

    def share(self, value: V) -> Shared[V]:
        """Return a handle of the value itself."""
        return _Here(value)

    def map(self, work: Callable[..., R], parcels: Iterable[tuple[K, tuple[Any, ...]]]) -> Iterator[tuple[K, R]]:
        """Yield each parcel's label and the function's result."""
        return ((label, work(*arguments)) for label, arguments in parcels)

    def close(self) -> None:
        """Do nothing."""


class _Here(Shared[V]):
    """A value of this process."""

    def __init__(self, value: V) -> None:
        self._value = value

    def get(self) -> V:
        return self._value
