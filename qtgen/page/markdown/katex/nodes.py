"""What the parser knows of a parsed part of a formula: as much as errors depend on."""

from functools import lru_cache
from typing import NamedTuple

from qtgen.page.markdown.katex.tables import ATOM_FAMILIES, Mode, symbol_groups

SYMBOL_TYPES = frozenset(("atom", "accent-token", "mathord", "op-token", "spacing", "textord"))


class Node(NamedTuple):
    """A node of the parse tree.

    Args:
        type: KaTeX's name of the type.
        text: The text of a symbol, size or environment name.
        body: The nodes in a group.
        family: The group of an atom: `open`, `rel` …
    """

    type: str
    text: str = ""
    body: tuple["Node", ...] = ()
    family: str = ""

    @property
    def is_symbol(self) -> bool:
        """Whether this is a single character or a command that stands for one."""
        return self.type in SYMBOL_TYPES


INTERNAL = Node("internal")
"""A node that KaTeX drops: a definition or `\\relax`."""


@lru_cache(maxsize=4096)
def symbol_node(mode: Mode, text: str) -> Node | None:
    """Return the node of a symbol, or None if the mode does not have it."""
    group = symbol_groups(mode).get(text)
    if group is None:
        return None
    return Node("atom", text, family=group) if group in ATOM_FAMILIES else Node(group, text)
