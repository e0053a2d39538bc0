"""KaTeX's tables: functions, environments, symbols and macros, read from `commands.json` on first use."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Final, Literal, NamedTuple

import msgspec

Mode = Literal["math", "text"]

ATOM_FAMILIES: Final = frozenset(("bin", "close", "inner", "open", "punct", "rel"))
"""The groups of symbols that become nodes of the type `atom`."""


class Function(NamedTuple):
    """How KaTeX reads a function.

    Args:
        type: The type of node that it makes.
        required: The number of required arguments.
        optional: The number of optional arguments, which come first.
        argument_types: The types of the first arguments. A missing one is read in the current mode.
        flags: `a` allowed as an argument, `t` in text mode, `m` in math mode; `i` infix, `p` primitive.
    """

    type: str
    required: int
    optional: int
    argument_types: list[str]
    flags: str


class Environment(NamedTuple):
    """How KaTeX reads the arguments of an environment. See `Function`."""

    required: int
    optional: int
    argument_types: list[str]


class Tables(msgspec.Struct, frozen=True):
    """What one version of KaTeX knows."""

    version: str
    functions: dict[str, Function]
    environments: dict[str, Environment]
    symbols: dict[Mode, dict[str, list[str]]]
    macros: dict[str, str | None]
    ams: dict[Mode, frozenset[str]]
    delimiters: frozenset[str]
    unicode_scripts: dict[str, str]
    accents: dict[str, dict[Mode, str]]
    accented: dict[str, str]
    implicit: frozenset[str]
    dots: dict[str, str]
    space_after_dots: frozenset[str]
    units: frozenset[str]
    plain: frozenset[str]
    scripts_without_braces: frozenset[str]


@cache
def load_tables() -> Tables:
    """Return KaTeX's tables."""
    return msgspec.json.decode((Path(__file__).parent / "commands.json").read_bytes(), type=Tables)


@cache
def symbol_groups(mode: Mode) -> Mapping[str, str]:
    """Return the group of each symbol of a mode: `\\alpha` is a `mathord` in math mode."""
    groups = load_tables().symbols[mode]
    return {name: group for group, names in groups.items() for name in names}


def is_defined_by_katex(name: str) -> bool:
    """Return whether KaTeX itself gives a command a meaning."""
    tables = load_tables()
    return (
        name in tables.macros
        or name in tables.functions
        or name in symbol_groups("math")
        or name in symbol_groups("text")
        or name in tables.implicit
    )
