"""Choose rules: by code or name, and by path."""

import os
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import lru_cache
from pathlib import Path

from qtgen.errors import UsageError
from qtgen.page.profile import Profile
from qtgen.validation.rules import REGISTRY, Rule, rules_of


@dataclass(frozen=True, slots=True)
class PathRules:
    """The rules for files whose path matches a pattern.

    The path is relative to the project's folder. `*` matches any characters, including `/`.
    """

    pattern: str
    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()


def choose_rules(
    select: Sequence[str] = (), ignore: Sequence[str] = (), requested: Collection[str] = (), *, profile: Profile
) -> list[Rule]:
    """Return the rules of a site that are selected and not ignored, sorted by code.

    A rule that runs only on request must be selected by its full code or its name.

    Args:
        select: Codes, prefixes of codes, or names. By default, all rules.
        ignore: The same, for the rules to leave out.
        requested: Codes of rules that run only on request and that the settings request.
        profile: The site. Rules that do not apply to it, or that it turns off, are left out.

    Raises UsageError for a code or name that no rule has, and SettingsError for such a code in the profile.
    """
    _check_codes(profile)
    selected, ignored = resolve_codes(select), resolve_codes(ignore)
    return [
        rule
        for rule in rules_of(profile)
        if rule.code.startswith(selected or ("",))
        and not rule.code.startswith(ignored)
        and (not rule.on_request or rule.code in selected or rule.code in requested)
    ]


def _check_codes(profile: Profile) -> None:
    for code in profile.file.rules:
        if code not in REGISTRY:
            from qtgen.page.profile_errors import profile_error

            by_name = {rule.name: code for code, rule in REGISTRY.items()}
            remedy = _suggestion(code, by_name)
            raise profile_error(profile.raw, profile.path, ("rules", code), f"no rule has the code `{code}`", remedy)


def resolve_codes(words: Sequence[str]) -> tuple[str, ...]:
    """Return codes and prefixes of codes for words that are codes, prefixes or names, in any case.

    Raises UsageError for a word that no rule has.
    """
    by_name = {rule.name: code for code, rule in REGISTRY.items()}
    codes = tuple(by_name.get(word.lower(), word.upper()) for word in words)
    for word, prefix in zip(words, codes, strict=True):
        if not any(code.startswith(prefix) for code in REGISTRY):
            raise UsageError(f"no rule has the code or name `{word}`", remedy=_suggestion(word, by_name))
    return codes


def _suggestion(word: str, names: Collection[str]) -> str:
    from difflib import get_close_matches  # rarely needed, and slow to import

    near = get_close_matches(word.upper(), REGISTRY, n=1, cutoff=0.75) or get_close_matches(word.lower(), names, n=1)
    if near:
        return f"did you mean `{near[0]}`?"
    prefixes = sorted({code[:-3] for code in REGISTRY})
    return f"codes begin with {' or '.join(prefixes)}"


def codes_by_path(rules: Sequence[Rule], by_path: Sequence[PathRules], root: Path) -> Callable[[str], frozenset[str]]:
    """Return a function from a path to the codes of the rules that apply there.

    Args:
        root: The folder that the patterns of `by_path` are relative to.
    """
    everywhere = frozenset(rule.code for rule in rules)
    if not by_path:
        return lambda _: everywhere

    @lru_cache(maxsize=64)  # pages come folder by folder
    def from_root(folder: str) -> str:
        return os.path.relpath(folder or ".", root).replace(os.sep, "/")

    def codes(path: str) -> frozenset[str]:
        folder, _, name = path.rpartition("/")
        relative = f"{from_root(folder)}/{name}".removeprefix("./")
        applicable = everywhere
        for path_rules in by_path:
            if fnmatchcase(relative, path_rules.pattern):
                if path_rules.select:
                    applicable = frozenset(code for code in applicable if code.startswith(path_rules.select))
                applicable = frozenset(code for code in applicable if not code.startswith(path_rules.ignore))
        return applicable

    return codes
