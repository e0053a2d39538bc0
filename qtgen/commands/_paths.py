"""The type of arguments and options that are paths."""

from pathlib import Path
from typing import Any

import click


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
