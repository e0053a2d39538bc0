"""Migrations of look-alike sites. What the pages must become is worked out with plain operations on their text."""

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import pytest

from qtgen.page.profile import parse_profile
from qtgen.site.migration import Migration, migrate_page, plan_migration
from support.lookalikes import LOOKALIKES, SitePage

ROOT = Path("/srv/site")
PAGES = 60
Edit = Callable[[SitePage], str]


def planned(site_toml: str, *replacements: tuple[str, str]) -> Migration:
    """Return the migration to a `site.toml` with some texts replaced."""
    changed = site_toml
    for old, new in replacements:
        assert old in changed, old
        changed = changed.replace(old, new)
    file = ROOT / "site.toml"
    return plan_migration(parse_profile(site_toml.encode(), file), parse_profile(changed.encode(), file))


def front(text: str, change: Callable[[str], str]) -> str:
    """Return a page with its front matter changed."""
    opening, matter, body = text.split("---\n", 2)
    return f"{opening}---\n{change(matter)}---\n{body}"


def block(matter: str, key: str) -> str:
    """Return the lines of a top-level key, and the comments directly above it."""
    found = re.search(rf"^(?:#.*\n)*{key}:.*\n(?:(?:[ ]+|- ).*\n)*", matter, re.MULTILINE)
    return found[0] if found else ""


def moved(matter: str, key: str, after: str) -> str:
    """Return the front matter with the lines of a key behind those of another one."""
    lines = block(matter, key)
    rest = matter.replace(lines, "", 1)
    anchor = block(rest, after)
    return rest.replace(anchor, anchor + lines, 1)


def key_renamed(matter: str, old: str, new: str) -> str:
    return re.sub(rf"^([ ]*){old}:", rf"\1{new}:", matter, flags=re.MULTILINE)


class Case(NamedTuple):
    """A change of a site's layout, and what it does to the text of a page."""

    site: str
    replacements: Sequence[tuple[str, str]]
    expected: Callable[[str], str]


_RANK = '  {key="rank", type="int", min=1, max=9, default=5},\n'
_ADDED = '{key="added", type="date", source="today"}'
_VERSIONS = (
    '  {key="versions", type="list", style="block", min=1, max=3, enum=["cloud", "server", "3.9", "3.10"], '
    'default=["cloud"]},\n'
)
_REVIEWED = '  {key="reviewed", type="date", source="today"},\n'
_LEVEL = '  {key="level", enum=["first", "second"], default="first"},\n'
_MINUTES = '  {key="minutes", type="int", min=5, max=90, default=15},\n'
_SINCE = '{key="stability", enum=["stable", "beta", "frozen"], default="beta"},\n'

CASES = {
    "a constant at the end": Case(
        "short_keys",
        [(_ADDED, f'{_ADDED}, {{key="no", const="on"}}')],
        lambda matter: matter + 'no: "on"\n',
    ),
    "a removed key": Case("short_keys", [(_RANK, "")], lambda matter: re.sub(r"rank:.*\n", "", matter)),
    "a changed constant keeps its quotes": Case(
        "short_keys",
        [('const="yes"', 'const="no"')],
        lambda matter: re.sub(r"^live: (['\"])yes\1", r"live: \1no\1", matter, flags=re.MULTILINE),
    ),
    "a key of two layouts": Case(
        "proposals",
        [
            ('{key="status",', '{key="state", was="status",'),
            (
                'required_when={status="Withdrawn"}, only_when={status=',
                'required_when={state="Withdrawn"}, only_when={state=',
            ),
        ],
        lambda matter: key_renamed(matter, "status", "state"),
    ),
    "a list moves with its items": Case(
        "help_pages",
        [(_VERSIONS, ""), (_REVIEWED, _REVIEWED + _VERSIONS)],
        lambda matter: moved(matter, "versions", "reviewed"),
    ),
    "a list of another name": Case(
        "help_pages",
        [('{key="topics"', '{key="areas", was="topics"')],
        lambda matter: key_renamed(matter, "topics", "areas"),
    ),
    "a changed template": Case(
        "help_pages",
        [('value="/{file.folder}/{file.stem}/"', 'value="/help/{language}/{file.stem}/"')],
        lambda matter: re.sub(r"^permalink: /", "permalink: /help/", matter, flags=re.MULTILINE),
    ),
    "a key two maps deep": Case(
        "reference",
        [('{key="released", type="date"', '{key="day", was="released", type="date"')],
        lambda matter: key_renamed(matter, "released", "day"),
    ),
    "a map and a key inside it": Case(
        "reference",
        [
            ('{key="since", type="map"', '{key="from", was="since", type="map"'),
            ('{key="version", pattern', '{key="number", was="version", pattern'),
        ],
        lambda matter: key_renamed(key_renamed(matter, "since", "from"), "version", "number"),
    ),
    "a new key between two maps": Case(
        "reference",
        [(f"    {_SINCE}", f'    {{key="audience", const="everybody"}},\n    {_SINCE}')],
        lambda matter: matter.replace("  stability:", "  audience: everybody\n  stability:"),
    ),
    "a key moves inside a map": Case(
        "reference",
        [
            (f"    {_SINCE}", ""),
            ('{key="since", type="map"', f'{_SINCE.strip()}\n    {{key="since", type="map"'),
        ],
        lambda matter: re.sub(r"^(  since:\n(?:    .*\n)+)(  stability:.*\n)", r"\2\1", matter, flags=re.MULTILINE),
    ),
    "a key with a comment behind its value": Case(
        "products",
        [
            (
                '{key="eol", type=["bool", "date"], default=false}',
                '{key="ended", was="eol", type=["bool", "date"], default=false}',
            )
        ],
        lambda matter: re.sub(r"^eol:", "ended:", matter, flags=re.MULTILINE),
    ),
    "a key in the maps of a list": Case(
        "products",
        [('{key="latest"', '{key="newest", was="latest"')],
        lambda matter: key_renamed(matter, "latest", "newest"),
    ),
    "a number as a constant": Case(
        "products",
        [('{key="data_version", type="int", const=2}', '{key="data_version", type="int", const=3}')],
        lambda matter: matter.replace("data_version: 2\n", "data_version: 3\n"),
    ),
    "the key that chooses the layout": Case(
        "documents",
        [('{key="kind", const', '{key="sort", was="kind", const'), ("when = {kind=", "when = {sort=")],
        lambda matter: key_renamed(matter, "kind", "sort"),
    ),
    "a key of one kind of pages moves": Case(
        "documents",
        [(_LEVEL + _MINUTES, _MINUTES + _LEVEL)],
        lambda matter: moved(matter, "level", "minutes") if "\nlevel:" in matter else matter,
    ),
    "the constant that chooses the layout": Case(
        "documents",
        [('const="guide"', 'const="manual"'), ('when = {kind="guide"}', 'when = {kind="manual"}')],
        lambda matter: re.sub(r"^kind: *(['\"]?)guide", r"kind: \1manual", matter, flags=re.MULTILINE),
    ),
    "several changes at once": Case(
        "workshop",
        [
            ('{key="vessel"', '{key="boat", was="vessel"'),
            ('{key="length_m", type="float"', '{key="metres", was="length_m", type="float"'),
            ('{key="hull"', '{key="masts", type="int", default=1},\n    {key="hull"'),
            ('  {key="topic", source="subject", enum=["Engines", "Rigging"]},\n', ""),
            ('  {key="summary"', '  {key="topic", source="subject", enum=["Engines", "Rigging"]},\n  {key="summary"'),
        ],
        lambda matter: re.sub(
            r"^(  metres:.*\n)",
            r"\1  masts: 1\n",
            key_renamed(key_renamed(moved(matter, "topic", "permalink"), "vessel", "boat"), "length_m", "metres"),
            flags=re.MULTILINE,
        ),
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_a_changed_layout_changes_only_its_lines(name: str) -> None:
    case = CASES[name]
    lookalike = LOOKALIKES[case.site]
    migration = planned(lookalike.site_toml, *case.replacements)
    changed = 0
    for page in lookalike.generate(21, PAGES):
        path = (ROOT / page.path).as_posix()
        result = migrate_page(page.text.encode(), path, migration)
        expected = front(page.text, case.expected)
        assert result.refusal is None, page.path
        assert (page.text if result.after is None else result.after.decode()) == expected
        assert result.conforms
        changed += expected != page.text
        again = migrate_page(expected.encode(), path, migration)
        assert (again.after, again.refusal, again.changes) == (None, None, ())
    assert changed > 0


def test_exactly_the_pages_whose_comment_would_be_lost_are_refused() -> None:
    lookalike = LOOKALIKES["products"]
    migration = planned(lookalike.site_toml, ('  {key="eol", type=["bool", "date"], default=false},\n', ""))
    refused = set()
    for page in lookalike.generate(22, PAGES):
        result = migrate_page(page.text.encode(), (ROOT / page.path).as_posix(), migration)
        has_comment = re.search(r"^eol:.*#", page.text, re.MULTILINE)
        assert bool(result.refusal) == bool(has_comment)
        if result.refusal:
            refused.add(result.refusal.reason)
            assert page.text.split("\n")[result.refusal.line - 1].startswith("eol:")
        else:
            assert result.after == front(page.text, lambda matter: re.sub(r"(?m)^eol:.*\n", "", matter)).encode()
    assert refused == {"a comment in its lines would be lost"}
