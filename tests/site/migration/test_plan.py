"""Tests of the difference of two profiles: what changes, and which differences pages cannot follow."""

from pathlib import Path

import pytest

from qtgen.errors import SettingsError
from qtgen.page.profile import Profile, parse_profile
from qtgen.site.migration import Change, Migration, migrate_page, plan_migration

FILE = Path("/srv/site/site.toml")
HEAD = """format = 1
name = "Small Site"

[[layout]]
path = "{title|slug}.md"
body = ""
roles = {question="title"}
fields = [
"""


def planned(old: str, new: str, old_slug: str = "", new_slug: str = "") -> Migration:
    """Return the migration between two lists of fields besides the title."""
    return plan_migration(*(_profile(fields, slug) for fields, slug in ((old, old_slug), (new, new_slug))))


def _profile(fields: str, slug: str) -> Profile:
    raw = f'{HEAD}  {{key="title"}},\n{fields}\n]\n{slug}'
    return parse_profile(raw.encode(), FILE)


def result_of(migration: Migration, matter: str, path: str = "/srv/site/a-title.md") -> str:
    """Return what becomes of the front matter of a page, or why it is refused."""
    result = migrate_page(f"---\ntitle: A title\n{matter}---\n".encode(), path, migration)
    if result.refusal:
        return f"{result.refusal.line}: {result.refusal.field}: {result.refusal.reason}"
    return matter if result.after is None else result.after.decode().split("---\n")[1].removeprefix("title: A title\n")


def changes_of(migration: Migration, matter: str) -> list[tuple[str, ...]]:
    result = migrate_page(f"---\ntitle: A title\n{matter}---\n".encode(), "/srv/site/a-title.md", migration)
    return [tuple(part for part in change if part) for change in result.changes]


def error_of(old: str, new: str) -> str:
    with pytest.raises(SettingsError) as caught:
        planned(old, new)
    return str(caught.value)


def test_differences_without_effect_on_pages_are_no_changes() -> None:
    assert planned('{key="a"}', '{key="a"}').is_empty
    assert planned('{key="a"}', '{key="a", max=7, doc="New words.", enum=["x"]}, {key="b", required=false}').is_empty
    assert planned('{key="b", was="a"}', '{key="b", was="a"}').is_empty, "an earlier renaming"
    assert not planned('{key="a", type=["int", "text"]}', '{key="a", type="int"}').is_empty
    assert not planned('{key="a", required=false}', '{key="a", default="x"}').is_empty


@pytest.mark.parametrize(
    ("field", "line"),
    [
        ('{key="b", const=7, type="int"}', "b: 7\n"),
        ('{key="b", const="x y"}', "b: x y\n"),
        ('{key="b", value="{title|slug} of {file.folder}/{file.stem}"}', "b: a-title of site/a-title\n"),
        ('{key="b", default="yes", style="double"}', 'b: "yes"\n'),
        ('{key="b", type="list", style="block", default=["x", "z"]}', "b:\n  - x\n  - z\n"),
        ('{key="b", type="list", default=["x", "z"]}', "b: [x, z]\n"),
        ('{key="b", type=["date", "bool"], default=false}', "b: false\n"),
        ('{key="b", type="date", default="2024-05-06"}', "b: 2024-05-06\n"),
        ('{key="b", type="float", default=1}', "b: 1.0\n"),
        ('{key="b", type="map", indent=4, fields=[{key="c", const="x"}, {key="d", required=false}]}', "b:\n    c: x\n"),
        ('{key="b", required=false, const="x"}', ""),
        ('{key="b", type="map", required=false, fields=[{key="c"}]}', ""),
    ],
)
def test_new_fields_get_their_value(field: str, line: str) -> None:
    migration = planned('{key="a"}', f'{{key="a"}}, {field}')
    assert result_of(migration, "a: 1x\n") == f"a: 1x\n{line}"
    assert result_of(migration, f"a: 1x\n{line}") == f"a: 1x\n{line}"


def test_the_template_of_a_new_field_can_contain_another_new_field() -> None:
    migration = planned('{key="a"}', '{key="c", value="{b}!"}, {key="b", const="x"}, {key="a"}')
    assert result_of(migration, "a: w\n") == "c: x!\nb: x\na: w\n"
    assert changes_of(migration, "a: w\n") == [("added", "b"), ("added", "c")]


def test_a_field_that_is_required_now_gets_its_default_or_the_page_is_refused() -> None:
    with_default = planned('{key="a", required=false}', '{key="a", default="x"}')
    assert (result_of(with_default, ""), result_of(with_default, "a: y\n")) == ("a: x\n", "a: y\n")
    without = planned('{key="a", required=false}', '{key="a"}')
    assert result_of(without, "") == "3: a: is missing, and the new layout requires it"
    assert result_of(without, "a: y\n") == "a: y\n"


def test_a_field_of_an_optional_map_is_added_if_the_map_is_present() -> None:
    old = '{key="m", type="map", repeat=3, required=false, indent=2, fields=[{key="a"}]}'
    migration = planned(old, old.replace('{key="a"}', '{key="a"}, {key="b", const="x"}'))
    assert result_of(migration, "") == ""
    assert result_of(migration, "m1:\n  a: y\nm2:\n  a: z\n") == "m1:\n  a: y\n  b: x\nm2:\n  a: z\n  b: x\n"
    assert changes_of(migration, "m1:\n  a: y\nm2:\n  a: z\n") == [("added", "m.b")]


def test_a_changed_constant_reaches_the_templates_that_use_it() -> None:
    migration = planned(
        '{key="a", const="x"}, {key="b", value="{a}-{title}"}', '{key="a", const="v"}, {key="b", value="{a}-{title}"}'
    )
    assert result_of(migration, "a: x\nb: x-A title\n") == "a: v\nb: v-A title\n"
    assert changes_of(migration, "a: x\nb: x-A title\n") == [("constant", "a"), ("template", "b")]
    assert result_of(migration, "a: x\nb: my own\n") == "a: v\nb: my own\n"
    assert result_of(migration, "a: w\nb: w-A title\n") == "3: a: `w` is neither the former constant `x` nor `v`"


def test_a_changed_slug_reaches_the_templates_that_use_it() -> None:
    field = '{key="a", value="/{title|slug}/"}'
    slug = '[slug]\nkeep = "a-z "\nspace = "_"\n'
    migration = planned(field, field, new_slug=slug)
    assert result_of(migration, "a: /a-title/\n") == "a: /a_title/\n"


def test_a_renamed_field_keeps_its_bytes() -> None:
    migration = planned('{key="a"}, {key="c", value="{a}"}', '{key="b", was="a"}, {key="c", value="{b}"}')
    assert result_of(migration, "a:   'x  y' # why\nc: x\n") == "b:   'x  y' # why\nc: x\n"
    assert result_of(migration, '"a": >-\n    x\n    y\nc: x\n') == '"b": >-\n    x\n    y\nc: x\n'
    assert result_of(migration, "a: x\nb: y\nc: x\n") == "3: a: the page already has the new key `b`"


def test_removing_the_last_field_removes_the_map() -> None:
    old = '{key="m", type="map", required=false, fields=[{key="a"}, {key="b", required=false}]}, {key="z"}'
    migration = planned(old, '{key="m", type="map", required=false, fields=[{key="b", required=false}]}, {key="z"}')
    assert result_of(migration, "m:\n  a: x\nz: 1x\n") == "z: 1x\n"
    assert result_of(migration, "m:\n  a: x\n  b: y\nz: 1x\n") == "m:\n  b: y\nz: 1x\n"
    assert result_of(migration, "m:\n  a: x\n  # about b\n  b: y\nz: 1x\n") == "m:\n  # about b\n  b: y\nz: 1x\n"
    assert result_of(migration, "m: # why\n  a: x\nz: 1x\n") == "3: m: a comment in its lines would be lost"
    assert result_of(migration, "m: {a: x, b: y}\nz: 1x\n") == "3: m.a: shares its line with something else"


def test_fewer_numbered_maps_remove_the_last_ones() -> None:
    old = '{key="m", type="map", repeat=3, required=false, fields=[{key="a"}]}'
    migration = planned(old, old.replace("repeat=3", "repeat=1"))
    assert result_of(migration, "m1:\n  a: x\nm2:\n  a: y\n") == "m1:\n  a: x\n"
    assert changes_of(migration, "m1:\n  a: x\nm2:\n  a: y\nm3:\n  a: z\n") == [("removed", "m")]


def test_fields_move_only_from_their_former_place() -> None:
    migration = planned('{key="a"}, {key="b"}, {key="c"}', '{key="c"}, {key="a"}, {key="b"}')
    assert result_of(migration, "a: 1x\n\n# on b\nb: 2x\n# on c\nc: |-\n  3x\n\n  4x\n") == (
        "# on c\nc: |-\n  3x\n\n  4x\na: 1x\n\n# on b\nb: 2x\n"
    )
    assert result_of(migration, "c: 3x\na: 1x\nb: 2x\n") == "c: 3x\na: 1x\nb: 2x\n"
    assert result_of(migration, "b: 2x\na: 1x\nc: 3x\n") == ("4: a: is neither in its former nor in its new place")


def test_a_lost_type_refuses_the_pages_that_have_it() -> None:
    migration = planned('{key="a", type=["int", "text"]}', '{key="a", type="int"}')
    assert (result_of(migration, "a: 7\n"), result_of(migration, "a: x\n")) == (
        "a: 7\n",
        "3: a: `x` does not have the type that the new layout requires",
    )


def test_another_text_after_the_front_matter() -> None:
    old, new = (_raw_with_body(body) for body in ("\\n&nbsp;", ""))
    migration = plan_migration(*(parse_profile(raw, FILE) for raw in (old, new)))
    page = b"---\ntitle: A title\n---\n"
    path = "/srv/site/a-title.md"
    result = migrate_page(page + b"\n&nbsp;", path, migration)
    assert (result.after, result.changes) == (page, (Change("constant", "body"),))
    assert migrate_page(page, path, migration).after is None
    refusal = migrate_page(page + b"words\n", path, migration).refusal
    assert refusal is not None
    assert refusal.reason == "the text after the front matter is not the `body` of the former layout"


def _raw_with_body(body: str) -> bytes:
    return (HEAD.replace('body = ""', f'body = "{body}"') + '{key="title"}]\n').encode()


@pytest.mark.parametrize(
    ("matter", "line", "reason"),
    [
        ("a: x\r\n", 3, "carriage return U+000D"),
        ("a: x\na: y\n", 4, "the key `a` is here a second time"),
        ("a: &x y\n", 3, "anchor `&x` is not allowed in front matter"),
        ("a: [\n", 4, "while parsing a flow"),
    ],
)
def test_pages_with_a_problem_are_refused(matter: str, line: int, reason: str) -> None:
    migration = planned('{key="a"}', '{key="b", was="a"}')
    refusal = migrate_page(f"---\ntitle: A title\n{matter}---\n".encode(), "/srv/site/x.md", migration).refusal
    assert refusal is not None
    assert refusal.line == line
    assert refusal.reason.startswith(reason)


def test_a_fault_that_a_page_had_before_stays() -> None:
    migration = planned('{key="a"}', '{key="a"}, {key="b", const="x"}')
    result = migrate_page(b"---\ntitle: A title\na: 7\nother: 1\n---\n", "/srv/site/a-title.md", migration)
    assert result.after == b"---\ntitle: A title\na: 7\nb: x\nother: 1\n---\n"
    assert not result.conforms


NEW_REQUIRED = (
    "is new and required, but `{path}` has no value for existing pages; add `const`, `value` or `default`, or "
    "write required = false"
)
TWO_STEPS = "so qtgen could not distinguish changed pages; migrate in two steps, with another key in between"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            '{key="a"}',
            '{key="a"},\n{key="b"}',
            f"site.toml:11: `layout[0].fields[2].key`: {NEW_REQUIRED.format(path='b')}",
        ),
        (
            '{key="a"}',
            '{key="a"},\n{key="m", type="map", fields=[\n{key="c"}]}',
            f"site.toml:12: `layout[0].fields[2].fields[0].key`: {NEW_REQUIRED.format(path='m.c')}",
        ),
        ('{key="alpha"}', '{key="b", was="alpa"}', "the former layout has no field `alpa` here; did you mean `alpha`?"),
        ('{key="a"}, {key="b"}', '{key="a", was="b"}, {key="b", was="a"}', f"has `a` too, {TWO_STEPS}"),
        ('{key="a"}', '{key="b", was="a"}, {key="a", const="x"}', f"`a` has this name too, {TWO_STEPS}"),
        ('{key="a"}', '{key="b", was="a"}, {key="c", was="a"}', f"`c` has this name too, {TWO_STEPS}"),
        ('{key="a"}', '{key="a", type="map", fields=[{key="b"}]}', "has another form in the former layout"),
        (
            '{key="a", type="map", fields=[{key="b"}]}',
            '{key="a", type="map", repeat=2, fields=[{key="b"}]}',
            "has another form in the former layout",
        ),
        (
            '{key="a", type="list", fields=[{key="b"}]}',
            '{key="a", type="list", fields=[{key="b"}, {key="c"}]}',
            "is new and required in the maps of the list `a`; qtgen cannot add it to pages; write required = false",
        ),
        (
            '{key="a", type="list", fields=[{key="b"}, {key="c"}]}',
            '{key="a", type="list", fields=[{key="b"}]}',
            "the maps of the list `a` no longer contain `c`; qtgen cannot remove it from pages; keep `c` with required = false",
        ),
    ],
)
def test_a_change_that_is_impossible_on_pages_is_refused_with_its_line(old: str, new: str, message: str) -> None:
    error = error_of(old, new)
    assert message in error
    assert error.startswith("/srv/site/site.toml:")


LAYOUT = """[[layout]]
name = "{name}"
files = "{files}"
path = "{title|slug}.md"
body = ""
roles = {question="title"}
fields = [{key="kind", const="{kind}"}, {key="title"}]
when = {kind="{kind}"}
"""


def site(*layouts: tuple[str, str, str]) -> bytes:
    """Return a site.toml with layouts, each by name, files and kind."""
    text = 'format = 1\nname = "Small Site"\n'
    for name, files, kind in layouts:
        text += LAYOUT.replace("{name}", name).replace("{files}", files).replace("{kind}", kind)
    return text.encode()


def test_layouts_are_paired_by_name_by_pages_or_by_number() -> None:
    def pairs(old: bytes, new: bytes) -> dict[int, int]:
        migration = plan_migration(parse_profile(old, FILE), parse_profile(new, FILE))
        return {number: change.new.number for number, change in migration.changes.items()}

    every = "**/*.md"
    named = site(("A", every, "a"), ("B", every, "b"))
    assert pairs(named, site(("B", every, "b2"), ("A", every, "a2"))) == {0: 1, 1: 0}
    unnamed = site(("Page", every, "a"), ("Page", every, "b"))
    assert pairs(unnamed, site(("Page", every, "b"), ("Page", every, "a"))) == {0: 1, 1: 0}
    assert pairs(unnamed, site(("Page", every, "a"), ("Page", every, "c"))) == {0: 0, 1: 1}
    assert pairs(unnamed, site(("Page", every, "a"))) == {0: 0}


def test_layouts_that_swap_their_conditions_are_refused() -> None:
    every = "**/*.md"
    old, new = site(("A", every, "a"), ("B", every, "b")), site(("A", every, "b"), ("B", every, "a"))
    with pytest.raises(SettingsError, match="is what chose layout 2 before"):
        plan_migration(parse_profile(old, FILE), parse_profile(new, FILE))


def test_a_page_without_a_layout_or_with_another_one_is_refused() -> None:
    every = "**/*.md"
    old = parse_profile(site(("A", every, "a"), ("B", every, "b")), FILE)
    page = b"---\nkind: b\ntitle: A title\n---\n"
    gone = plan_migration(old, parse_profile(site(("A", every, "a")), FILE))
    refusal = migrate_page(page, "/srv/site/a-title.md", gone).refusal
    assert refusal is not None
    assert refusal.reason == "the new site.toml has no layout for this page"
    elsewhere = plan_migration(old, parse_profile(site(("A", every, "a"), ("B", "b/*.md", "b2")), FILE))
    refusal = migrate_page(page, "/srv/site/a-title.md", elsewhere).refusal
    assert refusal is not None
    assert refusal.reason == "the new site.toml reads it with its layout 1, not 2; correct `files` or `when`"
