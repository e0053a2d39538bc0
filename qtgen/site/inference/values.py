"""Infer candidates about values: enums, unique values, ranges, separators and conditions."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence

from qtgen.page.profile import Kind
from qtgen.site.inference.columns import Column, Columns
from qtgen.site.inference.drafts import Draft, LayoutDraft, Value, frequencies, kind_of, length_of
from qtgen.site.inference.findings import MAX_DOUBTS, MIN_PAGES, Place, shown, standing_of
from qtgen.site.inference.observe import Items, LongText, Observed

_SEPARATORS = (",", ";", " |")
_MOST_VALUES = 60  # of an enum
_LEAST_SHARE = 0.002  # of the values that an enum has
_LEAST_COUNT = 3
_LONGEST_VALUE = 60
_LONGEST_WORD = 40  # the mean length of an item of a separated text
_DISTINCT = 0.95


def decide_separator(layout: LayoutDraft, draft: Draft) -> None:
    """Set the separator of the items of a text, if nearly all its values have several short items."""
    texts = [value.value for value in draft.values if isinstance(value.value, str)]
    if not draft.is_text or draft.settings.keys() & {"const", "value"} or len(texts) < MIN_PAGES:
        return
    for separator in _SEPARATORS:
        having = [text for text in texts if separator in text]
        items = [item for text in having for item in text.split(separator)]
        mean = sum(map(len, items)) / len(items) if items else 0
        is_list = len(having) >= _DISTINCT * len(texts) and len(items) >= 3 * len(having) and mean <= _LONGEST_WORD
        if is_list and not any(item.rstrip().endswith((".", "?", "!")) for item in items[:200]):
            spaced = f"{separator} "
            against = [Place(*value[:2]) for value in draft.values if spaced not in str(value.value)]
            if 2 * len(against) > len(texts):
                spaced, against = separator, []
            draft.settings["separator"] = spaced
            agree = len(texts) - len(against)
            layout.report(draft.path, "separator", repr(spaced), agree, against, standing_of(agree, len(against)))
            return


def items_of(draft: Draft) -> list[Value]:
    """Return the single values of a field: the items of its lists, and the parts of its separated texts."""
    separator = draft.settings.get("separator")
    if separator is None and draft.is_text:
        separator = _likely_separator(draft)
    found = []
    for page, path, value in draft.values:
        if isinstance(value, Items):
            found += [Value(page, f"{path}.{number}", item) for number, item in enumerate(value.items)]
        elif separator and isinstance(value, str):
            found += [Value(page, path, part) for part in value.split(separator)]
        else:
            found.append(Value(page, path, value))
    return found


def _likely_separator(draft: Draft) -> str | None:
    """Return `, ` if it separates values that also occur alone."""
    texts = Counter(value.value for value in draft.values if isinstance(value.value, str))
    parts: Counter[str] = Counter()
    for text, count in texts.items():
        if ", " in text:
            parts.update(dict.fromkeys(set(text.split(", ")), count))
    total = parts.total()
    known = sum(count for part, count in parts.items() if count > 1 or part in texts)
    return ", " if total and known >= 0.8 * total else None


def counts_of_texts(layouts: Iterable[LayoutDraft]) -> dict[str, Counter[Observed]]:
    """Return how often each text occurs on the site, by the path of its field."""
    counts: dict[str, Counter[Observed]] = defaultdict(Counter)
    for layout in layouts:
        for draft in layout.walk():
            if draft.is_text and not draft.in_list:
                counts[draft.path].update(value.value for value in draft.values if length_of(value.value))
    return counts


def propose_values(layout: LayoutDraft, draft: Draft, site: Mapping[str, Counter[Observed]]) -> None:
    """Propose an enum, unique values or a range for a field.

    Args:
        layout: Gets the findings.
        draft: The field.
        site: How often each text occurs on the site, by the path of its field.
    """
    if (
        draft.fields
        or any("ref" in setting for setting, _, _ in draft.candidates)
        or draft.settings.keys() & {"const", "value", "copy", "ref"}
    ):
        return
    if draft.kinds in ((Kind.INT,), (Kind.FLOAT,)):
        _propose_range(layout, draft)
        return
    if draft.settings.get("source") == "subject":
        draft.settings["known"] = _known(draft)
    elif draft.settings.get("source") == "model":
        _propose_sizes(layout, draft)
    if not _propose_enum(layout, draft) and draft.is_text and not draft.in_list:
        _propose_unique(layout, draft, site[draft.path])


def _propose_range(layout: LayoutDraft, draft: Draft) -> None:
    numbers = [value.value for value in draft.values if kind_of(value.value) in (Kind.INT, Kind.FLOAT)]
    if len(numbers) >= MIN_PAGES and draft.path != layout.roles.get("id"):
        setting = {"min": min(numbers), "max": max(numbers)}  # type: ignore[type-var]  # they are numbers
        layout.propose(draft, "range", setting, len(numbers), [])


def _propose_sizes(layout: LayoutDraft, draft: Draft) -> None:
    """Propose the fewest and the most characters, or items, of the fields that a model writes."""
    separator = draft.settings.get("separator")
    sizes = [
        len(value.value.items)
        if isinstance(value.value, Items)
        else len(value.value.split(separator))
        if separator and isinstance(value.value, str)
        else length_of(value.value)
        for value in draft.values
    ]
    if len(sizes) >= MIN_PAGES:
        layout.propose(draft, "size", {"min": min(sizes), "max": max(sizes)}, len(sizes), [])


def _known(draft: Draft) -> list[Observed]:
    """Return the values that a field has on several pages, in order."""
    counts = frequencies(draft.values)
    return sorted((value for (_, value), count in counts.items() if count >= _LEAST_COUNT and _is_word(value)), key=str)


def _propose_enum(layout: LayoutDraft, draft: Draft) -> bool:
    """Propose frequent values as an enum. Return whether there are any."""
    items = items_of(draft)
    counts = frequencies(items)
    total = counts.total()
    least = max(_LEAST_COUNT, _LEAST_SHARE * total)
    usual = {key for key, count in counts.items() if count >= least and _is_word(key[1])}
    if not 1 < len(usual) <= _MOST_VALUES or total < MIN_PAGES:
        return False
    against = [
        Place(item.page, item.path, shown(item.value))
        for item in items
        if _hashable(item.value) and (kind_of(item.value), item.value) not in usual
    ]
    words = [value for _, value in sorted(usual, key=lambda key: (-counts[key], str(key[1])))]
    return layout.propose(draft, "enum", {"enum": words}, total - len(against), against)


def _hashable(value: Observed) -> bool:
    return isinstance(value, str | int | float | LongText | type(None)) or hasattr(value, "isoformat")


def _is_word(value: Observed) -> bool:
    return isinstance(value, str) and 0 < len(value) <= _LONGEST_VALUE


def _propose_unique(layout: LayoutDraft, draft: Draft, site: Counter[Observed]) -> None:
    if site.total() < MIN_PAGES or len(site) < _DISTINCT * site.total():
        return
    texts = [value for value in draft.values if length_of(value.value)]
    against = [Place(*value[:2], shown(value.value)) for value in texts if site[value.value] > 1]
    layout.propose(draft, "unique", {"unique": True}, len(texts) - len(against), against)


# --- conditions ----------------------------------------------------------------------------------------------------

_LEAST_CASE = 0.01  # the share of pages with the value of a condition
_TOGETHER = 0.7  # how often a field and a value occur together, on the pages with one of them
_DOUBTS = 0.2  # the share of exceptions then
_MOST_CASES = 12  # different values of a field in a condition
_RARELY = 0.7  # a condition that holds on more of the pages proves little


def propose_conditions(layout: LayoutDraft, columns: Columns) -> None:
    """Propose a value of another field as the condition of an optional field."""
    cases = {path: groups for path, column in columns.columns.items() if (groups := _cases(column))}
    rows = {page: row for row, page in enumerate(columns.pages)}
    for draft in layout.fields:
        if draft.is_required or len(draft.values) < _LEAST_COUNT or "repeat" in draft.settings:
            continue
        present = {rows[value.page] for value in draft.values}
        found = _best_condition(present, cases, draft.path)
        if found is not None:
            name, value = found
            _propose_condition(layout, draft, columns, present, found, cases[name][value])


def _cases(column: Column) -> Mapping[Observed, set[int]]:
    """Return the rows of each value of a column with few values."""
    groups: dict[Observed, set[int]] = defaultdict(set)
    for row, value in enumerate(column):
        if isinstance(value, str | bool):
            groups[value].add(row)
            if len(groups) > 10 * _MOST_CASES:
                return {}
    least = max(_LEAST_COUNT, _LEAST_CASE * len(column))
    kept = {value: rows for value, rows in groups.items() if len(rows) >= least}
    return kept if 1 < len(kept) <= _MOST_CASES else {}


_Condition = tuple[str, Observed]


def _best_condition(
    present: set[int], cases: Mapping[str, Mapping[Observed, set[int]]], path: str
) -> _Condition | None:
    best, best_score = None, 0.0
    for name, groups in cases.items():
        total = sum(map(len, groups.values()))
        for value, rows in groups.items():
            inside = len(present & rows)
            if name == path or len(rows) > _RARELY * total or inside < (1 - _DOUBTS) * len(present):
                continue
            score = inside / len(present | rows)
            if score > best_score:
                best, best_score = (name, value), score
    return best


def _propose_condition(
    layout: LayoutDraft,
    draft: Draft,
    columns: Columns,
    present: set[int],
    condition: _Condition,
    rows: set[int],
) -> None:
    outside, without = _places(columns, present - rows, draft.path), _places(columns, rows - present, draft.path)
    setting = dict([condition])
    share = _DOUBTS if len(present & rows) >= _TOGETHER * len(present | rows) else MAX_DOUBTS
    if len(present) >= MIN_PAGES or share == _DOUBTS:
        agree = len(present) - len(outside)
        layout.propose(draft, "only_when", {"only_when": setting}, agree, outside, share)
    if share == _DOUBTS:
        agree = len(rows) - len(without)
        layout.propose(draft, "required_when", {"required_when": setting}, agree, without, share)


def _places(columns: Columns, rows: Iterable[int], path: str) -> list[Place]:
    pages: Sequence[int] = columns.pages
    return [Place(pages[row], path) for row in sorted(rows)]
