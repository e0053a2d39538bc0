"""Reading, splicing and emitting pages of other sites, whose layouts are profiles."""

import difflib
import json
from pathlib import Path

import pytest
import yaml

from qtgen.errors import SpliceError
from qtgen.page import Page, Value, emit, layouts_of, read, read_as, read_text, splice
from qtgen.page.layout import Layout
from qtgen.page.profile import BODY_FIELD, Profile, parse_profile
from support.lookalikes import LOOKALIKES, Lookalike
from support.lookalikes.conformance import values_of

ROOT = Path("/site")
PAGES = 60
each_site = pytest.mark.parametrize("site", LOOKALIKES.values(), ids=LOOKALIKES)


def profile_of(site: Lookalike) -> Profile:
    return parse_profile(site.site_toml.encode(), ROOT / "site.toml")


def pages_of(site: Lookalike, seed: int = 1, count: int = PAGES) -> list[Page]:
    profile = profile_of(site)
    return [read(page.text.encode(), profile, str(ROOT / page.path)) for page in site.generate(seed, count)]


def changed_lines(before: str, after: str) -> set[int]:
    """Return the 1-based lines of `before` that `after` does not have unchanged."""
    matcher = difflib.SequenceMatcher(None, before.splitlines(True), after.splitlines(True), autojunk=False)
    return {line + 1 for tag, start, end, _, _ in matcher.get_opcodes() if tag != "equal" for line in range(start, end)}


def other_value(page: Page, path: str) -> Value:
    """Return a new value for a field, of the type that it has."""
    value = page.values[path]
    match value:
        case bool():
            return not value
        case int() | float():
            return value + 1
        case str():
            return "Another text: with a colon"
        case list():
            return [*value, *value[:1]]
    return value


@each_site
def test_a_page_is_read_with_its_layout_to_the_values_of_pyyaml(site: Lookalike) -> None:
    for source, page in zip(site.generate(1, PAGES), pages_of(site), strict=True):
        assert not page.problems
        assert page.data() == values_of(source)
        assert page.layout.page_path(page.values) == source.path
        assert not [path for path in page.layout.required_paths(frozenset(page.sections())) if path not in page.values
                    and path not in page.sections()]  # fmt: skip


@each_site
def test_every_value_and_item_has_its_place(site: Lookalike) -> None:
    for page in pages_of(site):
        for path, (start, end) in page.spans.items():
            written = page.text[start:end]
            if path == BODY_FIELD:
                assert written == page.values[path] == written.strip()
                continue
            expected = _at(page, path)
            if isinstance(expected, str) and "\n" not in written:
                assert written == expected or yaml.safe_load(f"x: {written}")["x"] == expected, path
            elif isinstance(expected, list) and written.startswith("["):
                assert yaml.safe_load(written) == expected
            assert expected is not None, path


def _at(page: Page, path: str) -> object:
    """Return the value or item at a path."""
    if path in page.values:
        return page.values[path]
    outer, _, key = path.rpartition(".")
    container = _at(page, outer)
    if isinstance(container, list):
        return container[int(key)]
    return container.get(key) if isinstance(container, dict) else None


@each_site
def test_splicing_nothing_changes_nothing(site: Lookalike) -> None:
    for page in pages_of(site):
        assert splice(page, {}) == page.text
        assert splice(page, dict(page.values)) == page.text


@each_site
def test_a_change_touches_only_the_lines_of_its_field(site: Lookalike) -> None:
    refused = done = 0
    for page in pages_of(site):
        discriminating = page.layout.spec.when
        for path in page.values:
            if path in discriminating or path == BODY_FIELD:
                continue
            value = other_value(page, path)
            try:
                after = splice(page, {path: value})
            except SpliceError as error:
                refused += 1
                assert "comment" in str(error), str(error)  # noqa: PT017 - both outcomes are right
                continue
            done += 1
            own = {page.position(page.key_span(path).start).line}
            start, end = page.span(path)
            own |= set(range(page.position(start).line, page.position(end).line + 1))
            assert changed_lines(page.text, after) <= own, path
            assert read_as(after.encode(), page.layout).values[path] == value
    assert done > 100
    assert refused == 0 or site.name in ("products", "documents"), "only these sites have comments"


@each_site
def test_the_body_is_replaced_and_nothing_else(site: Lookalike) -> None:
    body = "New text.\n\n\tA tab, a literal \\n and a line\n\n---\n\nas in Markdown."
    for page in pages_of(site)[:10]:
        after = read_text(splice(page, {BODY_FIELD: body}), page.layout)
        assert after.values == {**page.values, BODY_FIELD: body}
        assert after.text.partition("\n---\n")[0] == page.text.partition("\n---\n")[0]


@each_site
def test_optional_fields_are_removed_and_come_back_in_their_place(site: Lookalike) -> None:
    for page in pages_of(site):
        for path in page.values:
            row = page.layout.fields.get(path)
            if row is None or row.required or row.section:
                continue
            try:
                without = splice(page, {path: None})
            except SpliceError as error:
                assert "comment" in str(error)  # noqa: PT017 - both outcomes are right
                continue
            again = read_as(
                splice(read_as(without.encode(), page.layout), {path: page.values[path]}).encode(), page.layout
            )
            assert again.values == page.values
            assert list(again.values) == list(page.values)


@each_site
def test_emitted_pages_are_read_back(site: Lookalike) -> None:
    for page in pages_of(site):
        text = emit(page.values, page.layout)
        again = read_text(text, page.layout)
        assert not again.problems
        assert again.values == page.values
        assert splice(again, {}) == text


def test_a_comment_inside_a_list_is_not_lost() -> None:
    site = LOOKALIKES["workshop"]
    page = pages_of(site)[0]
    text = splice(page, {"see_also": ["/a/"]}).replace("  - /a/\n", "  - /a/ # the best one\n")
    with pytest.raises(SpliceError, match="comment"):
        splice(read_as(text.encode(), page.layout), {"see_also": ["/b/"]})


def test_quotes_of_a_value_are_kept() -> None:
    layout = layouts_of(profile_of(LOOKALIKES["workshop"]))[0]
    page = read_text("---\ntitle: 'Old'\nsummary: Old\n---\n\nBody\n", layout)
    assert splice(page, {"title": "It's new", "summary": "on"}) == (
        "---\ntitle: 'It''s new'\nsummary: \"on\"\n---\n\nBody\n"
    )


def layout_of(fields: str, **options: str) -> Layout:
    """Return the layout with these fields besides a title."""
    more = "".join(f"{key} = {value}\n" for key, value in options.items())
    text = (
        'format = 1\nname = "Site"\n[[layout]]\npath = "{title|slug}.md"\nroles = {question="title"}\n'
        f'{more}fields = [{{key="title"}}, {fields}]\n'
    )
    return layouts_of(parse_profile(text.encode(), ROOT / "site.toml"))[0]


def page_with(lines: str, layout: Layout) -> Page:
    return read_text(f"---\ntitle: x\n{lines}---\n\nText.\n", layout)


LISTS = layout_of(
    '{key="s", required=false}, {key="tags", type="list", required=false}, {key="releases", type="list", '
    'required=false, fields=[{key="cycle"}, {key="lts", type="bool", required=false}]}, {key="v", type="map", '
    'required=false, fields=[{key="a"}]}, {key="z", required=false}'
)


@pytest.mark.parametrize(
    ("lines", "path"),
    [
        ("s: >- # c\n  text\n", "s"),
        ("s: text # c\n", "s"),
        ("s:\n  # c\n  text\n", "s"),
        ("s: # c\n  text\n", "s"),
        ("tags: # c\n  - a\n", "tags"),
        ("tags:\n  # c\n  - a\n", "tags"),
        ("tags:\n  - a # c\n  - b\n", "tags"),
        ("tags: [a, # c\n  b]\n", "tags"),
        ("releases:\n  - cycle: '1' # c\n    lts: true\n", "releases"),
        ("releases:\n  - cycle: '1'\n    # c\n    lts: true\n", "releases"),
        ("releases:\n  # c\n  - cycle: '1'\n", "releases"),
        ("v: # c\n  a: b\n", "v"),
        ("v:\n  a: b # c\n", "v"),
    ],
)
def test_a_change_that_would_lose_a_comment_is_refused(lines: str, path: str) -> None:
    page = page_with(lines + "z: after\n", LISTS)
    assert not page.problems
    with pytest.raises(SpliceError, match="comment"):
        splice(page, {path: None})
    assert splice(page, {"z": "other"}) == page.text.replace("after", "other")


@pytest.mark.parametrize("value", ["a # b", "'# in quotes'", '"#"'])
def test_a_number_sign_in_a_value_is_no_comment(value: str) -> None:
    quoted = f"'{value}'" if value.startswith("a") else value
    page = page_with(f"tags:\n  - {quoted}\nz: '#'\n", LISTS)
    assert "tags" not in splice(page, {"tags": None})


def test_a_comment_after_a_list_belongs_to_what_follows() -> None:
    page = page_with("tags:\n  - a\n# about z\nz: b\n", LISTS)
    assert splice(page, {"tags": ["c"]}) == page.text.replace("- a", "- c")
    assert splice(page, {"tags": None}) == page.text.replace("tags:\n  - a\n", "")


def test_a_list_keeps_its_style() -> None:
    page = page_with("tags: [a, b]\n", LISTS)
    assert "tags: [c]\n" in splice(page, {"tags": ["c"]})
    page = page_with("tags:\n  - a\n", LISTS)
    assert "tags:\n  - c\n" in splice(page, {"tags": ["c"]})


HOSTILE_KEYS = [
    "@type",
    "a: b",
    "#c",
    "- x",
    "&a",
    "*a",
    "!t",
    "<<",
    "x #y",
    '"q',
    "[x",
    "? k",
    "{z",
    "key ",
    "on",
    "404",
    "é",
]


@pytest.mark.parametrize("key", HOSTILE_KEYS)
def test_a_key_that_needs_quotes_gets_them(key: str) -> None:
    layout = layout_of(f"{{key={json.dumps(key, ensure_ascii=False)}}}")
    text = emit({"title": "x", key: "value", BODY_FIELD: "Text."}, layout)
    assert yaml.load(text.split("---\n")[1], yaml.BaseLoader) == {"title": "x", key: "value"}
    page = read_text(text, layout)
    assert page.values[key] == "value"
    assert not page.problems
    bare = read_text(f"---\ntitle: x\n{key}: value\n---\n\nText.\n", layout)
    assert not bare.canonical or yaml.safe_load(bare.text.split("---\n")[1]) == {"title": "x", key: "value"}
    added = splice(read_text("---\ntitle: x\n---\n\nText.\n", layout), {key: "value"})
    assert read_text(added, layout).values[key] == "value"


def test_the_layout_is_chosen_by_the_place_of_the_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    layouts = "".join(
        f'[[layout]]\nname = "{name}"\nfiles = "{name}/*.md"\npath = "{name}/{{title|slug}}.md"\n'
        'roles = {question="title"}\nfields = [{key="title"}]\n'
        for name in ("articles", "products")
    )
    profile = parse_profile(f'format = 1\nname = "Site"\n{layouts}'.encode(), tmp_path / "site.toml")
    for name in ("articles", "products"):
        (tmp_path / name).mkdir()
    raw = b"---\ntitle: x\n---\n"

    def chosen(path: str) -> str:
        return read(raw, profile, path).layout.spec.name

    monkeypatch.chdir(tmp_path / "articles")
    assert (chosen("x.md"), chosen("../products/x.md"), chosen("./x.md")) == ("articles", "products", "articles")
    monkeypatch.chdir(tmp_path / "products")
    assert (chosen("x.md"), chosen("../articles/x.md")) == ("products", "articles")
    assert chosen(str(tmp_path / "articles" / "x.md")) == "articles"


def test_a_body_stays_where_it_begins() -> None:
    page = read_text("---\ntitle: x\n---\nText.\n", LISTS)
    assert splice(page, {BODY_FIELD: "New."}) == "---\ntitle: x\n---\nNew.\n"
    empty = read_text("---\ntitle: x\n---\n", LISTS)
    assert splice(empty, {BODY_FIELD: "New."}) == "---\ntitle: x\n---\n\nNew.\n"
