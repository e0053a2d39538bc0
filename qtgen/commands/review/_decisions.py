"""What the commands about decisions share: the output folder, and the lines that are no decisions."""

from pathlib import Path

from qtgen.commands._options import folder, settings_from
from qtgen.commands._output import warn
from qtgen.generation.decisions import DecisionLog
from qtgen.generation.output import OutputFolder

out_type = folder


def open_store(out: Path | None) -> OutputFolder:
    """Return the output folder that the option or the settings name."""
    return OutputFolder(settings_from({"out": out}).out)


def read_log(store: OutputFolder) -> DecisionLog:
    """Return the decisions. Lines that are none get a warning each."""
    log = store.decision_log()
    lines = [f"{store.decisions_file}:{problem.number}: {problem.message}" for problem in log.problems]
    warn(lines, "line", " skipped; the other decisions count")
    return log
