"""Infer the keys of a level: which there are, in what order, which are required, numbered, or probably misspelled."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from difflib import SequenceMatcher
from functools import cache
from itertools import combinations
from typing import TypeAlias

from qtgen.page.profile import BODY_FIELD
from qtgen.site.inference.drafts import Draft, LayoutDraft, Member, Value
from qtgen.site.inference.findings import MIN_PAGES, Place, Standing, standing_with_outliers
from qtgen.site.inference.kinds import decide_kinds
from qtgen.site.inference.observe import Items, Node

Keys: TypeAlias = tuple[str, ...]

_NUMBERED = re.compile(r"(.*?\D)([1-9]\d?)")
_INDESCRIBABLE = "a layout cannot describe {}; rename or remove it"
_RARE = 0.01  # the share of maps with a key that is suspect if it resembles another key
_RARE_COUNT = 5
_TIMES = 10  # how much more often the key that it resembles must occur
_ALIKE = 0.75  # how similar two such keys are


def infer_fields(layout: LayoutDraft, members: Sequence[Member], path: str, *, in_list: bool) -> list[Draft]:
    """Return the fields of the maps of a level, and of the maps in them, in order.

    Args:
        layout: Gets the findings.
        members: The maps.
        path: The dotted path of the maps; empty for the front matter.
        in_list: Whether a page can have several of them.
    """
    sequences = Counter(member.node.keys for member in members)
    counts: Counter[str] = Counter()
    for keys, count in sequences.items():
        counts.update(dict.fromkeys(keys, count))
    suspects = _suspects(sequences, counts)
    bases = _bases(members, counts)
    impossible = {key for key in counts if not _is_possible(key, layout, path)} | _empty_maps(members)
    names = {key: bases.get(key, key) for key in counts if key not in suspects and key not in impossible}
    order = rank_keys(_renamed(sequences, names))
    prefix = f"{path}." if path else ""
    _report_suspects(layout, members, prefix, suspects)
    _report_impossible(layout, members, prefix, impossible)
    _report_order(layout, members, path, names, order)
    present = _present(members, names)
    drafts = [_draft(layout, members, prefix, key, present[key], bases, in_list) for key in order]
    empty = [draft for draft in drafts if draft.settings.get("type") == "map" and not draft.fields]
    for draft in empty:
        against = [Place(*value[:2], draft.key) for value in draft.values]
        layout.report(draft.path, "key", _INDESCRIBABLE.format("an empty map"), 0, against, Standing.SUSPECT)
    return [draft for draft in drafts if draft not in empty]


def _is_possible(key: str, layout: LayoutDraft, path: str) -> bool:
    """Return whether a profile can have a key. `body` is the text after the front matter if pages differ in it."""
    is_body = key == BODY_FIELD and not path and "body" not in layout.settings
    return _has_name(key) and not is_body


def _has_name(key: str) -> bool:
    return bool(key.strip()) and "." not in key and "․" not in key


def _empty_maps(members: Sequence[Member]) -> set[str]:
    """Return the keys that have only maps without a key that a profile can have."""
    empty: set[str] = set()
    filled: set[str] = set()
    for _, _, node in members:
        for key, value in zip(node.keys, node.values, strict=True):
            if isinstance(value, Node) and not any(map(_has_name, value.keys)):
                empty.add(key)
            else:
                filled.add(key)
    return empty - filled


def _present(members: Sequence[Member], names: Mapping[str, str]) -> dict[str, list[Value]]:
    present: dict[str, list[Value]] = defaultdict(list)
    for page, prefix, node in members:
        for key, value in zip(node.keys, node.values, strict=True):
            name = names.get(key)
            if name is not None:
                present[name].append(Value(page, f"{prefix}{key}", value))
    return present


def _draft(
    layout: LayoutDraft,
    members: Sequence[Member],
    prefix: str,
    key: str,
    values: list[Value],
    bases: Mapping[str, str],
    in_list: bool,
) -> Draft:
    numbers = [int(name[len(key) :]) for name, base in bases.items() if base == key]
    draft = Draft(key, f"{prefix}{key}", values, len(members), in_list)
    decide_kinds(layout, draft)
    if numbers:
        draft.settings["repeat"] = max(numbers)
        draft.settings["required"] = False
    else:
        _decide_required(layout, draft, members, prefix)
    is_inner_list = in_list or bool(numbers)
    if draft.settings.get("type") == "map":
        inner = [Member(page, f"{at}.", node) for page, at, node in values if isinstance(node, Node)]
        draft.fields = infer_fields(layout, inner, draft.path, in_list=is_inner_list)
    elif draft.settings.get("type") == "list":
        draft.fields = _fields_of_items(layout, draft)
    return draft


def _fields_of_items(layout: LayoutDraft, draft: Draft) -> list[Draft]:
    """Return the fields of the maps of a list; none if the items are no maps."""
    inner = []
    others = 0
    for page, at, value in draft.values:
        for number, item in enumerate(value.items if isinstance(value, Items) else ()):
            if isinstance(item, Node):
                inner.append(Member(page, f"{at}.{number}.", item))
            else:
                others += 1
    return infer_fields(layout, inner, draft.path, in_list=True) if len(inner) > others else []


def _decide_required(layout: LayoutDraft, draft: Draft, members: Sequence[Member], prefix: str) -> None:
    agree, missing = len(draft.values), draft.of - len(draft.values)
    standing = standing_with_outliers(agree, missing)
    if standing is not Standing.ASSERTED:
        draft.settings["required"] = False
    if standing is None or (standing is Standing.CANDIDATE and agree < MIN_PAGES <= draft.of):
        return
    against = []
    if missing:
        against = [Place(page, f"{at}{draft.key}") for page, at, node in members if draft.key not in node.keys]
    layout.report(draft.path, "required", "on every page" if not prefix else "in every map", agree, against, standing)
    if standing is Standing.CANDIDATE:
        draft.candidates.append(({"required": True}, agree, missing))


# --- the order ---------------------------------------------------------------------------------------------------


def _renamed(sequences: Mapping[Keys, int], names: Mapping[str, str]) -> Counter[Keys]:
    renamed: Counter[Keys] = Counter()
    for keys, count in sequences.items():
        renamed[tuple(dict.fromkeys(names[key] for key in keys if key in names))] += count
    return renamed


def rank_keys(sequences: Mapping[Keys, int]) -> list[str]:
    """Return the keys in the order that contradicts the fewest pages, pair by pair.

    Args:
        sequences: Orders of keys, with the number of pages that have them.
    """
    before: Counter[tuple[str, str]] = Counter()
    position: dict[str, float] = defaultdict(float)
    weight: Counter[str] = Counter()
    for keys, count in sequences.items():
        for number, key in enumerate(keys):
            position[key] += count * number / len(keys)
            weight[key] += count
        for pair in combinations(keys, 2):
            before[pair] += count
    remaining = sorted(weight, key=lambda key: (position[key] / weight[key], key))
    order = []
    while remaining:
        contradictions = {
            key: sum(max(0, before[other, key] - before[key, other]) for other in remaining) for key in remaining
        }
        key = min(remaining, key=contradictions.__getitem__)  # the first one of those with the fewest
        order.append(key)
        remaining.remove(key)
    return order


def out_of_order(keys: Keys, rank: Mapping[str, int]) -> list[str]:
    """Return the fewest keys that must move so that the others are in order."""
    trails: list[Keys] = []
    for key in keys:
        longest = max((trail for trail in trails if rank[trail[-1]] < rank[key]), key=len, default=())
        trails.append((*longest, key))
    kept = max(trails, key=len, default=())
    return [key for key in keys if key not in kept]


def _report_order(
    layout: LayoutDraft, members: Sequence[Member], path: str, names: Mapping[str, str], order: Sequence[str]
) -> None:
    rank = {key: number for number, key in enumerate(order)}
    against = []
    moved: dict[Keys, list[str]] = {}
    for page, prefix, node in members:
        if node.keys not in moved:
            known = tuple(dict.fromkeys(names[key] for key in node.keys if key in names))
            moved[node.keys] = out_of_order(known, rank) if len(known) > 1 else []
        if names_moved := moved[node.keys]:
            key = next(key for key in node.keys if names.get(key) == names_moved[0])
            against.append(Place(page, f"{prefix}{key}"))
    standing = standing_with_outliers(len(members) - len(against), len(against))
    if standing is not Standing.ASSERTED and against:
        layout.order_is_asserted = False
        if standing is None:
            standing = Standing.CANDIDATE  # two orders in one site are always worth a line
    layout.report(path, "order", ", ".join(order), len(members) - len(against), against, standing)


# --- keys that are suspect, impossible or numbered ---------------------------------------------------------------


def _suspects(sequences: Mapping[Keys, int], counts: Mapping[str, int]) -> dict[str, str]:
    """Return the rare keys that resemble a key which their maps do not have, with that key."""
    total = sum(sequences.values())
    rare = [key for key, count in counts.items() if count <= max(_RARE_COUNT, _RARE * total)]
    suspects = {}
    for key in rare:
        together = {other for keys in sequences if key in keys for other in keys}
        usual = (other for other, count in counts.items() if count >= _TIMES * counts[key] and other not in together)
        alike = max(usual, key=lambda other: _similarity(key, other), default=None)
        if alike is not None and _similarity(key, alike) >= _ALIKE:
            suspects[key] = alike
    return suspects


@cache
def _similarity(key: str, other: str) -> float:
    plain, plain_other = (re.sub(r"[-_ ]", "", name).lower() for name in (key, other))
    if plain == plain_other:
        return 1.0
    if _NUMBERED.fullmatch(key) and _NUMBERED.fullmatch(other):
        return 0.0  # numbers of a series, not a mistake
    return SequenceMatcher(None, plain, plain_other).ratio()


def _report_suspects(layout: LayoutDraft, members: Sequence[Member], prefix: str, suspects: Mapping[str, str]) -> None:
    for key, alike in suspects.items():
        against = [Place(page, f"{at}{key}", key) for page, at, node in members if key in node.keys]
        statement = f"the key is probably `{alike}`"
        layout.report(f"{prefix}{key}", "key", statement, 0, against, Standing.SUSPECT)


def _report_impossible(layout: LayoutDraft, members: Sequence[Member], prefix: str, impossible: Iterable[str]) -> None:
    for key in sorted(impossible):
        against = [Place(page, f"{at}{key}", key) for page, at, node in members if key in node.keys]
        what = "an empty map" if _has_name(key) and key != BODY_FIELD else "a key with this name"
        layout.report(f"{prefix}{key}", "key", _INDESCRIBABLE.format(what), 0, against, Standing.SUSPECT)


def _bases(members: Sequence[Member], counts: Mapping[str, int]) -> dict[str, str]:
    """Return the keys of numbered maps with their key without the number."""
    series: dict[str, set[str]] = defaultdict(set)
    for key in counts:
        if match := _NUMBERED.fullmatch(key):
            series[match[1]].add(key)
    numbered = {key: base for base, keys in series.items() if f"{base}1" in keys and base not in counts for key in keys}
    if not numbered:
        return {}
    no_maps = {
        numbered[key]
        for _, _, node in members
        for key, value in zip(node.keys, node.values, strict=True)
        if key in numbered and not isinstance(value, Node)
    }
    return {key: base for key, base in numbered.items() if base not in no_maps}
