"""Evaluate the suites of one call, even if some of them cannot be evaluated."""

import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from qtgen.commands._echo import echo
from qtgen.commands._errors import describe, exit_code
from qtgen.commands.eval._outputs import ReportWriter
from qtgen.errors import Failure, Interrupted, QtgenError, UsageError
from qtgen.settings import project_folder


def evaluate_suites(folders: Sequence[Path], writer: ReportWriter, evaluate: Callable[[Path], int]) -> int:
    """Evaluate suites one after the other, and return the highest exit code.

    A suite that cannot be evaluated is an error in every format of the report, and does not stop the others. After an
    interruption, the remaining suites are errors too. Raises the error of a single suite, and Interrupted.
    """
    codes = []
    for position, folder in enumerate(folders):
        try:
            codes.append(_evaluate(folder, evaluate))
        except Interrupted as error:
            for left in folders[position:]:
                _refuse(writer, left, error)
            writer.finish()
            raise
        except QtgenError as error:
            _refuse(writer, folder, error)
            if len(folders) == 1:
                writer.finish()
                raise
            echo(f"qtgen: {describe(error, sys.argv[1:])}", err=True)
            codes.append(exit_code(error))
    writer.finish()
    return max(codes, default=0)


def _evaluate(folder: Path, evaluate: Callable[[Path], int]) -> int:
    if not folder.exists():
        known = sorted(path.parent.name for path in (project_folder() / "evals").glob("*/suite.toml"))
        remedy = f"choose from {', '.join(known)}" if known else None
        raise UsageError("no such suite", path=folder, remedy=remedy)
    return evaluate(folder)


def _refuse(writer: ReportWriter, folder: Path, error: QtgenError) -> None:
    writer.refuse(folder.resolve().name, Failure(error.kind, describe(error)))
