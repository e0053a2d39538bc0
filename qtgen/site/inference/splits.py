"""Divide the pages of a site into layouts: by folder, or by a key on whose value the other keys depend."""

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

from qtgen.site.inference.findings import MIN_PAGES
from qtgen.site.inference.observe import Node, ObservedPage

_ALWAYS = 0.98
"""The share of pages of a kind that must have a key, or an order of keys, so that the kind is known by it."""
_SEVERAL = 3  # keys that only one of two kinds has
_MOST_LAYOUTS = 8
_MOST_VALUES = 12
_STRAY = 0.02  # the share of pages that may have no kind


@dataclass(frozen=True, slots=True)
class Part:
    """The pages of one layout.

    Attributes:
        pages: Their numbers.
        files: The pattern of their paths.
        when: The key and the value by which they are known.
    """

    pages: list[int]
    files: str = "**/*.md"
    when: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class _Kind:
    """What is typical of the pages of a folder, or with a value of a key."""

    required: frozenset[str]
    absent: frozenset[str]
    order: frozenset[tuple[str, str]]

    def differs(self, other: "_Kind") -> bool:
        """Return whether each has keys that the other one lacks, or one has several, or the keys have another order."""
        own, others = self.required & other.absent, other.required & self.absent
        return bool(own and others) or len(own | others) >= _SEVERAL or self.reverses(other)

    def reverses(self, other: "_Kind") -> bool:
        """Return whether two keys have another order."""
        return any((second, first) in other.order for first, second in self.order)


def split(pages: Sequence[ObservedPage], files: Sequence[str]) -> list[Part]:
    """Return the parts of a site, each with its own layout.

    Args:
        pages: The pages.
        files: Their paths below the root of the site.
    """
    by_folder = _by_folder(pages, files)
    parts = by_folder or [Part(list(range(len(pages))), _shared_pattern(files))]
    return [inner for part in parts for inner in _by_key(pages, part)]


def _shared_pattern(files: Sequence[str]) -> str:
    folders = {file.partition("/")[0] if "/" in file else "" for file in files}
    folder = folders.pop() if len(folders) == 1 else ""
    return f"{folder}/**/*.md" if folder and folder.isprintable() else "**/*.md"


def _by_folder(pages: Sequence[ObservedPage], files: Sequence[str]) -> list[Part]:
    """Return a part for each folder with its own keys, or nothing if all folders are alike."""
    depth = 0
    for depth in range(4):
        if len({_head(file, depth + 1) for file in files}) > 1:
            break
    groups: dict[str, list[int]] = defaultdict(list)
    for number, file in enumerate(files):
        groups[_head(file, depth + 1)].append(number)
    kinds = {folder: _kind(pages, numbers) for folder, numbers in groups.items() if len(numbers) >= MIN_PAGES}
    kinds = _clear(kinds)
    classes = _classes(kinds, lambda kind, other: kind.differs(other))
    if len(classes) < 2:
        return []
    usual = max(classes, key=len)
    others = [folder for kind in classes if kind is not usual for folder in kind]
    if len(others) >= _MOST_LAYOUTS:
        return []
    parts = [Part(groups[folder], f"{folder}/**/*.md" if folder else "*.md") for folder in others]
    rest = [number for folder, numbers in groups.items() if folder not in others for number in numbers]
    only = usual[0] if len(usual) == 1 and len(groups) == len(others) + 1 else None
    return [*parts, Part(sorted(rest), f"{only}/**/*.md" if only else "**/*.md")]


def _head(file: str, depth: int) -> str:
    folder = file.rpartition("/")[0]
    return "/".join(folder.split("/")[:depth])


def _classes(kinds: Mapping[str, _Kind], differs: Callable[[_Kind, _Kind], bool]) -> list[list[str]]:
    """Return the names of the kinds. Kinds that do not differ are together."""
    classes: list[list[str]] = []
    for name, kind in kinds.items():
        alike = next((known for known in classes if not any(differs(kind, kinds[other]) for other in known)), None)
        if alike is None:
            classes.append([name])
        else:
            alike.append(name)
    return classes


def _kind(pages: Sequence[ObservedPage], numbers: Sequence[int]) -> _Kind:
    counts: Counter[str] = Counter()
    sequences = Counter(pages[number].root.keys for number in numbers)
    before: Counter[tuple[str, str]] = Counter()
    for keys, count in sequences.items():
        counts.update(dict.fromkeys(map(_base, keys), count))
        before.update(dict.fromkeys(combinations(keys, 2), count))
    least, most = _ALWAYS * len(numbers), (1 - _ALWAYS) * len(numbers)
    return _Kind(
        frozenset(key for key, count in counts.items() if count >= least),
        frozenset(key for key in map(_base, _all_keys(pages)) if counts[key] <= most),
        frozenset(pair for pair, count in before.items() if count >= least),
    )


def _base(key: str) -> str:
    """Return a key without its number, because a page can have more or fewer of numbered keys."""
    return key.rstrip("0123456789") or key


def _clear(kinds: Mapping[str, _Kind]) -> dict[str, _Kind]:
    """Return the kinds without the keys that only a part of the pages of some kind has: they depend on other things."""
    mixed = {
        key
        for kind in kinds.values()
        for other in kinds.values()
        for key in kind.required | kind.absent
        if key not in other.required and key not in other.absent
    }
    return {name: _Kind(kind.required - mixed, kind.absent - mixed, kind.order) for name, kind in kinds.items()}


def _all_keys(pages: Sequence[ObservedPage]) -> set[str]:
    return {key for keys in {page.root.keys for page in pages} for key in keys}


def _by_key(pages: Sequence[ObservedPage], part: Part) -> list[Part]:
    """Return a part for each value of a key on which the other keys depend; the part itself if there is no such key."""
    best: list[Part] = []
    best_score = 0
    for key in _possible_keys(pages, part.pages):
        groups: dict[str, list[int]] = defaultdict(list)
        strays: list[int] = []
        for number in part.pages:
            value = pages[number].root.get(key)
            (groups[value] if isinstance(value, str) else strays).append(number)
        large = {value: numbers for value, numbers in groups.items() if len(numbers) >= MIN_PAGES}
        strays += [number for value, numbers in groups.items() if value not in large for number in numbers]
        kinds = {value: _kind(pages, numbers) for value, numbers in large.items()}
        score = _score(_clear(kinds))
        if score > best_score and len(strays) <= _STRAY * len(part.pages):
            best_score = score
            best = [Part(numbers, part.files, (key, value)) for value, numbers in large.items()]
            best[0].pages.extend(strays)
    return best or [part]


def _possible_keys(pages: Sequence[ObservedPage], numbers: Sequence[int]) -> list[str]:
    """Return the keys that nearly all pages have, with few values."""
    counts: Counter[str] = Counter()
    values: dict[str, Counter[str]] = defaultdict(Counter)
    for number in numbers:
        root: Node = pages[number].root
        for key, value in zip(root.keys, root.values, strict=True):
            if isinstance(value, str) and len(values[key]) <= 10 * _MOST_VALUES:
                counts[key] += 1
                values[key][value] += 1
    large = {key: sum(count >= MIN_PAGES for count in found.values()) for key, found in values.items()}
    return [key for key, count in counts.items() if count >= _ALWAYS * len(numbers) and 1 < large[key] <= _MOST_LAYOUTS]


def _score(kinds: Mapping[str, _Kind]) -> int:
    """Return how many keys belong to only some of the kinds; 0 unless all kinds but one have keys of their own."""
    own = {
        value: {key for key in kind.required if any(key in other.absent for other in kinds.values())}
        for value, kind in kinds.items()
    }
    if len(kinds) < 2 or sum(bool(keys) for keys in own.values()) < max(2, len(kinds) - 1):
        return 0
    return sum(map(len, own.values()))
