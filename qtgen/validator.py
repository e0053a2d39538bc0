"""paths -> diagnostics."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from qtgen.corpus import page_paths, read_page
from qtgen.errors import UsageError
from qtgen.records import Diagnostic
from qtgen.rules import REGISTRY, PageFile, Rule, run


@dataclass(frozen=True, slots=True)
class Checked:
    """One file and what was found in it."""

    path: Path
    diagnostics: list[Diagnostic]


def validate(paths: Iterable[Path], rules: Sequence[Rule]) -> Iterator[Checked]:
    """Check every page under `paths`, in order. Raises UsageError where there is nothing to check."""
    for path in page_paths(paths):
        yield Checked(path, check_page(path, rules))


def check_page(path: Path, rules: Sequence[Rule]) -> list[Diagnostic]:
    location = path.absolute().as_posix() if len(path.parts) == 1 else None  # its folder is not part of the name given
    return run(PageFile(path.as_posix(), read_page(path), location), rules)


def choose_rules(select: Sequence[str] = (), ignore: Sequence[str] = ()) -> list[Rule]:
    """The rules whose code begins with one of `select` (none named: all) and with none of `ignore`.

    Raises UsageError for a code that no rule has.
    """
    for prefix in (*select, *ignore):
        if not any(code.startswith(prefix) for code in REGISTRY):
            raise UsageError(f"{prefix}: no rule has this code; `qtgen explain` lists them")
    wanted = tuple(select) or ("QT",)
    return [
        rule
        for code, rule in sorted(REGISTRY.items())
        if code.startswith(wanted) and not code.startswith(tuple(ignore))
    ]
