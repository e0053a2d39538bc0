"""The option `--engine`: which workers check, link and score pages."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from qtgen._util.engines import Engine

RAY = "ray"


def engine_option(option: Callable[..., Callable[[Any], Any]] = click.option) -> Callable[[Any], Any]:
    """Return the decorator that adds `--engine`.

    Args:
        option: The function that adds an option to a command: `click.option`, or one for a group of options.
    """
    return option(
        "--engine",
        type=click.Choice(["local", RAY]),
        default="local",
        help="Use local processes, or Ray on this machine or on the cluster at RAY_ADDRESS.  [default: local]",
    )


@contextmanager
def open_engine(name: str, jobs: int | None, *, spawn: bool = False) -> "Iterator[Engine | None]":
    """Open the engine that the option selects. None lets the library choose local processes.

    Args:
        name: The value of the option.
        jobs: The number of workers. The default of Ray is the number of CPUs.
        spawn: Use `jobs` new local processes, for a library that does not choose them itself.

    Raises:
        MissingExtra: The engine needs an extra.
        EngineUnusable: The environment variables describe an engine that cannot be used.
    """
    engine = _engine(name, jobs, spawn)
    try:
        yield engine
    finally:
        if engine is not None:
            engine.close()


def _engine(name: str, jobs: int | None, spawn: bool) -> "Engine | None":
    if name == RAY:
        from qtgen._util.cpus import usable_cpus
        from qtgen._util.engines.ray import RayEngine

        return RayEngine(jobs or usable_cpus())
    if spawn and jobs and jobs > 1:
        from qtgen._util.engines.local import LocalEngine

        return LocalEngine(jobs, spawn=True)
    return None
