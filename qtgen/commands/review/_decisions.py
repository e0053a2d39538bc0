"""What the commands about decisions share: the output folder, and the lines that are not decisions."""

from qtgen.commands._output import note, warn
from qtgen.generation.decisions import DecisionLog
from qtgen.generation.output import OutputFolder

OTHER_FOLDER = "use --out to choose another folder"
"""The remedy if the output folder does not hold what it should."""


def note_file(store: OutputFolder) -> None:
    """Note which file was read, because the user may have meant another folder."""
    file = store.decisions_file
    note(f"read {file}" if file.exists() else f"{file} does not exist; {OTHER_FOLDER}")


def read_log(store: OutputFolder) -> DecisionLog:
    """Return the decisions. Lines that are none get a warning each."""
    log = store.decision_log()
    warn(log_problems(store, log), "line", " skipped; the other decisions count")
    return log


def log_problems(store: OutputFolder, log: DecisionLog) -> list[str]:
    """Return the lines of the file that are not decisions, with the place of each and why."""
    return [f"{store.decisions_file}:{problem.number}: {problem.message}" for problem in log.problems]
