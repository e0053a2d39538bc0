"""What a look-alike site is: a generator of pages, its `site.toml`, and faults to plant."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SitePage:
    """A page of a generated site."""

    path: str
    """Relative to the root of the site."""
    text: str
    """The whole file."""


@dataclass(frozen=True, slots=True)
class PlantedFault:
    """A fault of one page. Every other page, and every other field of this page, is clean."""

    path: str
    line: int
    """1-based, in the changed text. For a missing key, the line of the next key or of the closing `---`."""
    key: str
    """Dotted, without numbers of items: `releases.latest`."""
    kind: str


Generate = Callable[[int, int], list[SitePage]]
"""Takes a seed and the number of pages."""
Plant = Callable[[list[SitePage], int, int], tuple[list[SitePage], list[PlantedFault]]]
"""Takes clean pages, a seed and the number of faults."""


@dataclass(frozen=True, slots=True)
class Lookalike:
    """A kind of site."""

    name: str
    site_toml: str
    """Describes the clean pages exactly."""
    generate: Generate
    plant: Plant
