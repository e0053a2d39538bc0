"""Match the fields of two layouts: which ones are the same, were renamed or moved, are gone or new."""

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from qtgen.errors import SettingsError
from qtgen.page.fields import Field, Row, Section
from qtgen.page.layout import Layout
from qtgen.page.profile import FieldSpec, Kind
from qtgen.page.profile_errors import Place, profile_error, suggestion

Groups = Mapping[str, Mapping[int, Row]]
"""The rows of a map by the key of the profile and, for numbered maps, the number."""


@dataclass(frozen=True, slots=True)
class Match:
    """Which fields and maps of two layouts are the same.

    Attributes:
        names: The new path of each former path that has one.
        renamed: The former paths whose own key is another one now.
        removed: The former paths of the removed fields and maps, without the fields in removed maps.
        items: The new keys of the maps of a list by the former ones, by the former path of the list.
        reordered: The paths of the maps whose keys have another order, in the new layout; empty for the top level.
    """

    names: dict[str, str] = field(default_factory=dict)
    renamed: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    items: dict[str, dict[str, str]] = field(default_factory=dict)
    reordered: set[str] = field(default_factory=set)


def match_rows(old: Layout, new: Layout) -> Match:
    """Return which fields and maps of two layouts are the same.

    Raises:
        SettingsError: A change of the new layout cannot be made on pages.
    """
    matcher = _Matcher(new)
    place: Place = ("layout", new.number, "fields")
    matcher.match(old.spec.fields, _grouped(old.rows), new.spec.fields, _grouped(new.rows), place, "")
    return matcher.result


def _grouped(rows: Iterable[Row]) -> Groups:
    groups: dict[str, dict[int, Row]] = {}
    for row in rows:
        groups.setdefault(row.spec.key, {})[row.number if isinstance(row, Section) else 0] = row
    return groups


@lru_cache(maxsize=1024)
def staying(ranks: tuple[int, ...]) -> frozenset[int]:
    """Return the longest ascending series of ranks. These can stay if the others move."""
    tails: list[int] = []
    ends: list[int] = []  # for each rank, the length of the longest ascending run that ends with it
    for rank in ranks:
        length = bisect_left(tails, rank)
        tails[length : length + 1] = [rank]
        ends.append(length)
    kept: list[int] = []
    wanted = len(tails) - 1
    for rank, end in zip(reversed(ranks), reversed(ends), strict=True):
        if end == wanted and (not kept or rank < kept[-1]):
            kept.append(rank)
            wanted -= 1
    return frozenset(kept)


class _Matcher:
    def __init__(self, new: Layout) -> None:
        self._new = new
        self.result = Match()

    def match(
        self,
        old_specs: Sequence[FieldSpec],
        old: Groups,
        new_specs: Sequence[FieldSpec],
        new: Groups,
        place: Place,
        section: str,
    ) -> None:
        """Match the keys of a map, or of the top level."""
        former = {
            spec.key: self._former_key(spec, old_specs, new_specs, (*place, number))
            for number, spec in enumerate(new_specs)
        }
        for number, spec in enumerate(new_specs):
            key = former[spec.key]
            if key is None:
                self._check_new(new[spec.key].values(), (*place, number))
            else:
                self._match_group(old[key], new[spec.key], (*place, number))
        kept = [key for key in former.values() if key is not None]
        ranks = [spec.key for spec in old_specs if spec.key in kept]
        if kept != ranks:
            self.result.reordered.add(section)
        gone = [row.path for key, rows in old.items() if key not in kept for row in rows.values()]
        self.result.removed.extend(gone)

    def _former_key(
        self, spec: FieldSpec, old: Sequence[FieldSpec], new: Sequence[FieldSpec], place: Place
    ) -> str | None:
        """Return the key that a field had in the former layout, or None if it is new."""
        keys = {other.key: other for other in old}
        if spec.was is None or (spec.key in keys and keys[spec.key].was == spec.was):
            return spec.key if spec.key in keys else None  # the renaming is an earlier one
        if spec.was not in keys:
            if spec.key in keys:
                return spec.key
            remedy = suggestion(spec.was, [*keys]) or "write a former key of the same map, or remove `was`"
            raise self._fail((*place, "was"), f"the former layout has no field `{spec.was}` here", remedy)
        two_steps = "migrate in two steps, with another key in between"
        if spec.key in keys:
            message = f"the former layout has `{spec.key}` too, so qtgen could not distinguish changed pages"
            raise self._fail((*place, "was"), message, two_steps)
        others = [other for other in new if other is not spec and spec.was in (other.key, other.was)]
        if others:
            message = f"`{others[0].key}` has this name too, so qtgen could not distinguish changed pages"
            raise self._fail((*place, "was"), message, two_steps)
        return spec.was

    def _fail(self, place: Place, message: str, remedy: str) -> SettingsError:
        return profile_error(self._new.profile.raw, self._new.profile.path, place, message, remedy)

    def _check_new(self, rows: Iterable[Row], place: Place) -> None:
        """Raise SettingsError if pages must have a new field without a value."""
        for row in rows:
            if not row.required:
                continue
            if isinstance(row, Field):
                self._check_value(row.spec, row.path, place)
            else:
                for inner in row.fields:
                    number = row.spec.fields.index(inner.spec)
                    self._check_new([inner], (*place, "fields", number))

    def _check_value(self, spec: FieldSpec, path: str, place: Place) -> None:
        if spec.const is None and spec.value is None and spec.default is None:
            message = f"is new and required, but `{path}` has no value for existing pages"
            remedy = "add `const`, `value` or `default`, or write required = false"
            raise self._fail((*place, "key"), message, remedy)

    def _match_group(self, old: Mapping[int, Row], new: Mapping[int, Row], place: Place) -> None:
        if (0 in old) != (0 in new):
            raise self._form_error(place, "repeat", next(iter(new.values())).spec.key)
        for number, row in new.items():
            if number in old:
                self._match_row(old[number], row, place)
        self.result.removed.extend(row.path for number, row in old.items() if number not in new)

    def _form_error(self, place: Place, key: str, path: str) -> SettingsError:
        message = f"`{path}` has another form in the former layout, and its values cannot be converted"
        return self._fail((*place, key), message, "use a new key, and move the values with a program of your own")

    def _match_row(self, old: Row, new: Row, place: Place) -> None:
        self.result.names[old.path] = new.path
        if old.spec.key != new.spec.key:
            self.result.renamed.append(old.path)
        if isinstance(old, Section) and isinstance(new, Section):
            specs, inner = old.spec.fields, _grouped(old.fields)
            self.match(specs, inner, new.spec.fields, _grouped(new.fields), (*place, "fields"), new.path)
        elif isinstance(old, Section) or isinstance(new, Section) or bool(old.spec.fields) != bool(new.spec.fields):
            raise self._form_error(place, "type", new.path)
        elif new.spec.fields:
            self._match_items(old, new, place)

    def _match_items(self, old: Field, new: Field, place: Place) -> None:
        """Match the keys of the maps of a list. Only their names can change."""
        before = {spec.key: spec for spec in old.spec.fields}
        keys: dict[str, str] = {}
        for number, spec in enumerate(new.spec.fields):
            here = (*place, "fields", number)
            former = self._former_key(spec, old.spec.fields, new.spec.fields, here)
            if former is not None:
                keys[former] = spec.key
                if spec.const != before[former].const or (Kind.LIST in spec.kinds and spec.fields):
                    raise self._form_error(here, "key", f"{new.path}.{spec.key}")
            elif spec.required is not False:
                message = f"is new and required in the maps of the list `{new.path}`; qtgen cannot add it to pages"
                raise self._fail((*here, "key"), message, "write required = false")
        if gone := [key for key in before if key not in keys]:
            message = (
                f"the maps of the list `{new.path}` no longer contain `{gone[0]}`; qtgen cannot remove it from pages"
            )
            raise self._fail((*place, "fields"), message, f"keep `{gone[0]}` with required = false")
        if changed := {former: key for former, key in keys.items() if former != key}:
            self.result.items[old.path] = changed
