"""Which rules hold: those that were asked for, and by path."""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import lru_cache
from pathlib import Path

from qtgen.errors import UsageError
from qtgen.validation.rules import REGISTRY, Rule


@dataclass(frozen=True, slots=True)
class PathRules:
    """Which rules hold for files whose path, from the project's folder, matches a pattern; `*` stands for any
    characters, `/` too."""

    pattern: str
    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()


def choose_rules(select: Sequence[str] = (), ignore: Sequence[str] = ()) -> list[Rule]:
    """The rules whose code begins with one of `select` (none named: all) and with none of `ignore`.

    A rule that runs on request only must be selected by its whole code. Raises UsageError for a code that no rule has.
    """
    select, ignore = known_codes(select), known_codes(ignore)
    wanted = select or ("QT",)
    return [
        rule
        for code, rule in sorted(REGISTRY.items())
        if code.startswith(wanted) and not code.startswith(ignore) and (not rule.on_request or code in select)
    ]


def known_codes(words: Sequence[str]) -> tuple[str, ...]:
    """Codes or their beginnings, in any case, and names, as codes. Raises UsageError for one that no rule has."""
    by_name = {rule.name: code for code, rule in REGISTRY.items()}
    codes = tuple(by_name.get(word.lower(), word.upper()) for word in words)
    for word, prefix in zip(words, codes, strict=True):
        if not any(code.startswith(prefix) for code in REGISTRY):
            raise UsageError(f"{word}: no rule has this code; `qtgen explain` lists them")
    return codes


def codes_for(rules: Sequence[Rule], by_path: Sequence[PathRules], root: Path) -> Callable[[str], frozenset[str]]:
    """path -> codes of the rules that hold there. root: where the patterns' paths begin."""
    everywhere = frozenset(rule.code for rule in rules)
    if not by_path:
        return lambda _: everywhere

    @lru_cache(maxsize=64)  # pages come folder by folder
    def from_root(folder: str) -> str:
        return os.path.relpath(folder or ".", root).replace(os.sep, "/")

    def codes(path: str) -> frozenset[str]:
        folder, _, name = path.rpartition("/")
        place = f"{from_root(folder)}/{name}".removeprefix("./")
        held = everywhere
        for rules_of in by_path:
            if fnmatchcase(place, rules_of.pattern):
                if rules_of.select:
                    held = frozenset(code for code in held if code.startswith(rules_of.select))
                held = frozenset(code for code in held if not (rules_of.ignore and code.startswith(rules_of.ignore)))
        return held

    return codes
