"""Plant faults in clean pages, one for each page."""

import random
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from .lines import Entry, entries, find, next_key, raw_value, with_value
from .types import Plant, PlantedFault, SitePage

Edit = Callable[[list[str], random.Random, Sequence[SitePage]], int | None]
"""Changes the lines of a page in place. Returns the index of the faulty line, or None if the page cannot have the fault."""


@dataclass(frozen=True, slots=True)
class Fault:
    """A way to spoil a page."""

    kind: str
    key: str
    edit: Edit = field(repr=False)
    only: str = ""
    """A regular expression that a page must match."""
    never: str = "(?!)"
    """A regular expression that a page must not match."""

    def spoil(self, page: SitePage, rng: random.Random, donors: Sequence[SitePage]) -> tuple[SitePage, int] | None:
        """Return the page with the fault, and the line of the fault. None if the page cannot have it."""
        if not re.search(self.only, page.text, re.M) or re.search(self.never, page.text, re.M):
            return None
        lines = page.text.split("\n")
        index = self.edit(lines, rng, donors)
        text = "\n".join(lines)
        return None if index is None or text == page.text else (SitePage(page.path, text), index + 1)


def missing(key: str, *, only: str = "", kind: str = "missing-key") -> Fault:
    """Remove a key with its value."""

    def edit(lines: list[str], rng: random.Random, donors: Sequence[SitePage]) -> int | None:
        entry = _pick(lines, key, rng)
        if entry is None:
            return None
        del lines[entry.first : entry.end]
        return next_key(lines, entry.first)

    return Fault(kind, key, edit, only)


def misspelled(key: str, wrong: str) -> Fault:
    """Write a key differently."""
    parent, _, name = key.rpartition(".")

    def edit(lines: list[str], rng: random.Random, donors: Sequence[SitePage]) -> int | None:
        entry = _pick(lines, key, rng)
        if entry is None:
            return None
        lines[entry.first] = lines[entry.first].replace(f"{name}:", f"{wrong}:", 1)
        return entry.first

    return Fault("misspelled-key", f"{parent}.{wrong}" if parent else wrong, edit)


def value(kind: str, key: str, *values: str, only: str = "", never: str = "(?!)") -> Fault:
    """Write one of these values, as YAML, instead of the value of a key."""
    return changed(kind, key, lambda old, rng: rng.choice(values), only=only, never=never)


def changed(
    kind: str, key: str, change: Callable[[str, random.Random], str | None], *, only: str = "", never: str = "(?!)"
) -> Fault:
    """Write what `change` makes of the raw value of a key. None if it can make nothing of it."""

    def edit(lines: list[str], rng: random.Random, donors: Sequence[SitePage]) -> int | None:
        entry = _pick(lines, key, rng)
        new = None if entry is None else change(raw_value(lines[entry.first]), rng)
        if entry is None or new is None:
            return None
        lines[entry.first : entry.end] = [with_value(lines[entry.first], new)]
        return entry.first

    return Fault(kind, key, edit, only, never)


def item(kind: str, key: str, *values: str, only: str = "") -> Fault:
    """Write one of these values instead of an item of a list, or instead of a part of a text with commas."""

    def edit(lines: list[str], rng: random.Random, donors: Sequence[SitePage]) -> int | None:
        entry = _pick(lines, key, rng)
        if entry is None:
            return None
        new = rng.choice(values)
        if entry.end > entry.first + 1:
            index = rng.randrange(entry.first + 1, entry.end)
            lines[index] = re.sub(r"- .*", lambda _: f"- {new}", lines[index])
            return index
        opening, inner, closing = re.fullmatch(r'([\["]?)(.*?)([\]"]?)', raw_value(lines[entry.first])).groups()  # type: ignore[union-attr]
        parts = [*inner.split(", ")[:-1], new]
        lines[entry.first] = with_value(lines[entry.first], f"{opening}{', '.join(parts)}{closing}")
        return entry.first

    return Fault(kind, key, edit, only)


def copied(key: str) -> Fault:
    """Copy the value of another page."""

    def edit(lines: list[str], rng: random.Random, donors: Sequence[SitePage]) -> int | None:
        entry = _pick(lines, key, rng)
        donor = donors[0].text.split("\n")
        source = _pick(donor, key, rng)
        if entry is None or source is None:
            return None
        lines[entry.first : entry.end] = donor[source.first : source.end]
        return entry.first

    return Fault("duplicate-value", key, edit)


def moved(key: str, before: str) -> Fault:
    """Move a key in front of another."""

    def edit(lines: list[str], rng: random.Random, donors: Sequence[SitePage]) -> int | None:
        entry = _pick(lines, key, rng)
        target = _pick(lines, before, rng)
        if entry is None or target is None or entry.first == target.first:
            return None
        block = lines[entry.first : entry.end]
        del lines[entry.first : entry.end]
        index = target.first - (len(block) if target.first > entry.first else 0)
        lines[index:index] = block
        return index

    return Fault("out-of-order", key, edit)


def added(kind: str, key: str, text: str, before: str, *, never: str) -> Fault:
    """Add a key in front of another. An empty `before` is the closing `---`."""

    def edit(lines: list[str], rng: random.Random, donors: Sequence[SitePage]) -> int | None:
        target = _pick(lines, before, rng) if before else None
        index = target.first if target else lines.index("---", 1)
        lines.insert(index, f"{key}: {text}")
        return index

    return Fault(kind, key, edit, never=never)


def planter(faults: Sequence[Fault]) -> Plant:
    """Return a function that plants these faults in turn, each on a page of its own."""

    def plant(pages: list[SitePage], seed: int, count: int) -> tuple[list[SitePage], list[PlantedFault]]:
        rng = random.Random(f"faults {seed}")
        free = rng.sample(range(len(pages)), len(pages))
        order = rng.sample(faults, len(faults))
        spoiled, planted = list(pages), []
        for turn in range(count):
            fault = order[turn % len(order)]
            index, page, line = _place(fault, pages, free, rng)
            spoiled[index] = page
            planted.append(PlantedFault(page.path, line, fault.key, fault.kind))
        return spoiled, planted

    return plant


def _place(fault: Fault, pages: Sequence[SitePage], free: list[int], rng: random.Random) -> tuple[int, SitePage, int]:
    """Take a page out of `free`, and the page that a value is copied from. Raises ValueError if no page is suitable."""
    donor = free[-1] if fault.kind == "duplicate-value" else None
    for index in free:
        if index == donor:
            continue
        spoiled = fault.spoil(pages[index], rng, [pages[donor]] if donor is not None else [])
        if spoiled is not None:
            free[:] = [other for other in free if other not in (index, donor)]
            return index, *spoiled
    raise ValueError(f"no page is left for the fault {fault.kind} of {fault.key}; generate more pages")


def _pick(lines: Sequence[str], key: str, rng: random.Random) -> Entry | None:
    """Return one of the places of a key."""
    found = find(entries(lines), key)
    return rng.choice(found) if found else None
