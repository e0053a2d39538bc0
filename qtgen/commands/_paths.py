"""Arguments and options that are paths, and the handling of paths that cannot be used."""

import errno
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from qtgen.commands._echo import echo
from qtgen.commands._errors import describe, exit_code
from qtgen.errors import DamagedPack, QtgenError, UsageError
from qtgen.site.locations import is_url

_DAMAGE_SHOWN = 20  # damaged parts of packs that are listed; the others are counted


class NonEmptyPath(click.Path):
    """A path that is not empty: an unset variable in `--out "$SITE"` must not mean the current folder."""

    def __init__(
        self, *, file_okay: bool = True, dir_okay: bool = True, readable: bool = True, allow_dash: bool = False
    ) -> None:
        super().__init__(
            path_type=Path, file_okay=file_okay, dir_okay=dir_okay, readable=readable, allow_dash=allow_dash
        )

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the path. Fail if it is an empty text."""
        if value == "":
            self.fail("the path is empty", param, ctx)
        return super().convert(value, param, ctx)


class PagesPath(NonEmptyPath):
    """A path, or the URL of a pack, which stays a text."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return a path, or a URL as a text. Fail if it is an empty text."""
        return value if isinstance(value, str) and is_url(value) else super().convert(value, param, ctx)


class UnusablePaths:
    """The paths of a call that cannot be used. The others are processed, and the call ends with exit code 2.

    If only parts of a pack cannot be used, it ends with exit code 1.

    An instance is called with the error of each such path. It is true if there is one.
    """

    def __init__(self) -> None:
        self._errors: dict[str, QtgenError] = {}
        self._printed = 0

    def __call__(self, error: QtgenError) -> None:
        self._errors.setdefault(str(error), error)  # paths may be listed several times

    def __bool__(self) -> bool:
        return bool(self._errors)

    @property
    def paths(self) -> list[Path]:
        """The paths themselves."""
        return [Path(error.path) for error in self._errors.values() if error.path is not None]

    def exit_code(self, code: int = 0) -> int:
        """Report the paths and the damage on stderr, each once.

        Return the exit code of a call that would end with `code`.
        """
        from qtgen.commands._output import listed  # imported here because it loads the rules, and `--help` must be fast

        errors = [*self._errors.values()][self._printed :]
        paths = [f"qtgen: {describe(error)}" for error in errors if not isinstance(error, DamagedPack)]
        damage = [f"qtgen: {describe(error)}" for error in errors if isinstance(error, DamagedPack)]
        for line in (*paths, *listed(damage, "damaged part", shown=_DAMAGE_SHOWN)):
            echo(line, err=True)
        self._printed = len(self._errors)
        return max([code, *map(exit_code, self._errors.values())])


def existing_paths(
    paths: Sequence[Path], unusable: UnusablePaths, message: str = os.strerror(errno.ENOENT)
) -> tuple[Path, ...]:
    """Return the paths that exist. `-`, which is standard input, does. The others are `unusable`, with `message`."""
    existing = tuple(path for path in paths if str(path) == "-" or path.exists())
    for path in paths:
        if path not in existing:
            unusable(UsageError(message, path=path))
    return existing
