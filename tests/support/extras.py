"""Run the command line as if only some of the optional dependencies were installed."""

import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterable
from functools import cache
from importlib.metadata import PackageNotFoundError, distribution, packages_distributions

from packaging.requirements import Requirement

from support import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]

# Hides modules: importing one fails, and looking for one finds nothing, as if it were not installed.
HIDE = """
import json, sys
from importlib.machinery import BuiltinImporter, FrozenImporter, PathFinder
hidden = frozenset(json.loads(sys.argv.pop(1)))
class Installed(PathFinder):
    @classmethod
    def find_spec(cls, name, path=None, target=None):
        return None if name.partition(".")[0] in hidden else super().find_spec(name, path, target)
sys.meta_path[:] = [BuiltinImporter, FrozenImporter, Installed]
from qtgen.cli import main
main()
"""


def run_with_extras(extras: Iterable[str], *arguments: object) -> subprocess.CompletedProcess[str]:
    """Run a command line in which only the base install and some extras can be imported."""
    hidden = json.dumps(sorted(hidden_modules(tuple(extras))))
    return subprocess.run(
        [sys.executable, "-c", HIDE, hidden, *map(str, arguments)], capture_output=True, text=True, check=False
    )


@cache
def hidden_modules(extras: tuple[str, ...]) -> frozenset[str]:
    """Return the installed top-level modules that neither the base install nor the extras bring along."""
    kept = _closure([*PROJECT["dependencies"], *(f"qtgen[{extra}]" for extra in extras)])
    return frozenset(
        module
        for module, names in packages_distributions().items()
        if module != "qtgen" and not kept & {_normalized(name) for name in names}
    )


def _closure(requirements: Iterable[str]) -> set[str]:
    """Return the names of all distributions that the requirements lead to on this machine."""
    pending, done = [Requirement(text) for text in requirements], set()
    names = set()
    while pending:
        requirement = pending.pop()
        key = (_normalized(requirement.name), frozenset(requirement.extras))
        if key in done:
            continue
        done.add(key)
        names.add(key[0])
        for required in map(Requirement, _requires(*key)):
            environments = [{"extra": extra} for extra in ("", *requirement.extras)]
            if not required.marker or any(required.marker.evaluate(environment) for environment in environments):
                pending.append(required)
    return names


def _requires(name: str, extras: frozenset[str]) -> list[str]:
    if name == "qtgen":  # as pyproject.toml says now, whatever was installed
        return [text for extra in extras for text in PROJECT["optional-dependencies"][extra]]
    try:
        return distribution(name).requires or []
    except PackageNotFoundError:
        return []


def _normalized(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
