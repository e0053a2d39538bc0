"""Facts of pages whose layout is not the one that ships with qtgen."""

from array import array
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qtgen.page import Layout, Page, Profile, Style, Value, default_profile, emit, layouts_of, read_text
from qtgen.page.profile import parse_profile
from qtgen.site.entries import fact_fields, links_on, page_key
from qtgen.site.index import NO_ID, NOT_COPIED, WIDTH, SiteIndex, digest, page_facts
from support.locations import location_of

HEAD = 'format = 1\nname = "Notes"\n[[layout]]\npath = "{name|slug}.md"\nbody = ""\n'
LINK = '{key="address", ref="permalink"}'
ROLES = 'roles = {key="permalink", question="name", id="number", subject="topic"}\n'
FIELDS = '{key="permalink"}, {key="name", style="folded"}, {key="topic"}'
NUMBER = '{key="number", type="int"}'


def profile_of(roles: str, *fields: str, rest: str = "") -> Profile:
    text = f"{HEAD}{roles}fields = [{', '.join(fields)}]\n{rest}"
    return parse_profile(text.encode(), Path("site.toml").absolute())


def numbered(*fields: str, repeat: int = 3, most: int = 3) -> Profile:
    """Return a profile whose pages have numbered links with these fields."""
    inner = ", ".join(fields)
    links = f'{{key="further", type="map", repeat={repeat}, required=false, fields=[{inner}]}}'
    return profile_of(ROLES, NUMBER, FIELDS, links, rest=f'[links]\nfield = "further"\nmax = {most}\n')


def layout_of(profile: Profile) -> Layout:
    return layouts_of(profile)[0]


def facts(text: str, profile: Profile) -> list[list[int]]:
    """Return the numbers of each entry of a page."""
    numbers = array("Q", page_facts(read_text(text, layout_of(profile)))).tolist()
    return [numbers[start : start + WIDTH] for start in range(0, len(numbers), WIDTH)]


KEYS = profile_of(
    'roles = {key="number", question="name"}\n',
    NUMBER,
    '{key="name"}',
    '{key="see", type="list", ref="number", required=false}',
    rest='[links]\nfield = "see"\nmax = 4\n',
)
MAPS = profile_of(
    ROLES,
    NUMBER,
    FIELDS,
    '{key="day", type="date"}',
    '{key="see", type="list", required=false, fields=[{key="dated", copy="day"}, {key="text", copy="name"}, '
    '{key="to", ref="permalink"}]}',
    rest='[links]\nfield = "see"\nmax = 4\n',
)


def test_keys_can_be_numbers() -> None:
    rows = facts("---\nnumber: 20\nname: Tea\nsee: [8, x, true, 8]\n---\n", KEYS)
    assert [row[0] for row in rows] == [digest("20"), digest("8"), digest("x"), digest("8")]
    assert [row[3] & 7 for row in rows] == [0, 1, 2, 4], "an item that is no key has no facts, and keeps its number"
    assert {(row[1], row[2]) for row in rows[1:]} == {(NOT_COPIED, NOT_COPIED)}
    assert page_key(read_text("---\nnumber: 20\nname: Tea\n---\n", layout_of(KEYS))) == "20"


def test_a_page_without_a_key_of_the_right_type_has_no_facts() -> None:
    assert facts("---\nnumber: 2.5\nname: Tea\n---\n", KEYS) == [[0] * WIDTH]
    assert facts("---\nnumber: true\nname: Tea\n---\n", KEYS) == [[0] * WIDTH]
    assert facts("---\nnumber: 1\nname: 5\n---\n", KEYS) == [[0] * WIDTH]
    assert facts("---\nnumber: 1\npermalink: 5\nname: Tea\n---\n", MAPS) == [[0] * WIDTH]


def test_links_agree_with_a_target_if_their_copies_do() -> None:
    target = "---\nnumber: 3\npermalink: /a\nname: Tea\ntopic: T\nday: 2024-01-02\n---\n"
    link = "---\nnumber: 4\npermalink: /b\nname: Jam\ntopic: T\nday: 2024-01-03\nsee:\n- to: /a\n  text: Tea\n  dated: {}\n---\n"
    (own,) = facts(target, MAPS)
    same, other = (facts(link.format(day), MAPS)[1] for day in ("2024-01-02", "2024-01-09"))
    assert (same[0], same[1], same[2]) == (own[0], own[1], NOT_COPIED)
    assert other[1] != own[1]


def test_only_seven_links_have_a_number() -> None:
    rows = facts(f"---\nnumber: 1\nname: Tea\nsee: {[*range(2, 15)]}\n---\n", KEYS)
    assert [row[3] & 7 for row in rows] == [*range(8)]


def test_the_role_hidden_determines_whether_a_page_is_hidden() -> None:
    roles = 'roles = {key="number", question="name", hidden="secret"}\n'
    profile = profile_of(roles, NUMBER, '{key="name"}', '{key="secret", type="bool", required=false}')
    site = SiteIndex()
    for value in ("true", "false"):
        site.add([page_facts(read_text(f"---\nnumber: 1\nname: Tea\nsecret: {value}\n---\n", layout_of(profile)))])
    assert [site.is_hidden(row) for row in (0, 1)] == [True, False]


@pytest.mark.parametrize("text", ["no page", "---\nfurther1: {}\n---\n", "---\nfurther1: []\nfurther2: x\n---\n"])
def test_a_page_can_have_no_links(text: str) -> None:
    profile = numbered(LINK)
    assert list(links_on(read_text(text, layout_of(profile)))) == []


COPIES = ['{key="label", copy="name"}', '{key="nr", type="int", copy="number"}', '{key="about", copy="topic"}', LINK]
ORDERS = st.permutations(COPIES)
TEXTS = st.text(alphabet="abc é∇?", min_size=1, max_size=30).filter(lambda text: text == text.strip())


def values_with_link(title: str, label: str, number: int) -> dict[str, Value]:
    link: dict[str, Value] = {"label": label, "nr": number, "about": "S", "address": "/there"}
    page: dict[str, Value] = {"number": number, "permalink": "/here", "name": title, "topic": "T"}
    return page | {f"further1.{key}": value for key, value in link.items()}


def place_on(page: Page, path: str) -> tuple[int, int, int, int]:
    span = page.span(path)
    return (*page.position(span.start), *page.position(span.end))


@given(ORDERS, TEXTS, TEXTS, st.integers(-(10**17), 10**17), st.sets(st.sampled_from(["name", "permalink", "topic"])))
def test_places_are_known_in_any_order_of_the_fields(
    order: list[str], title: str, label: str, number: int, unusual: set[str]
) -> None:
    profile = numbered(*order)
    layout = layout_of(profile)
    values = values_with_link(title, label, number)
    paths = {path for path in layout.fields if path in values}
    values = {path: values[path] for path in layout.fields if path in paths}
    odd = {*unusual, *(f"further1.{key}" for key, of in (("label", "name"), ("address", "topic")) if of in unusual)}
    plain = frozenset(path for path in odd if layout.fields[path].folded)
    made = read_text(emit(values, layout, Style(plain, frozenset(odd - plain))), layout)
    assert made.canonical
    site = SiteIndex()
    site.add([page_facts(made)])
    for path in ("permalink", "number"):
        assert location_of(site, 0, path, profile) == place_on(made, path)
    for key in ("address", "nr", "label"):
        assert location_of(site, 1, key, profile) == place_on(made, f"further1.{key}")
    assert location_of(site, 0, "name", profile) is None, "its length is known, but not its line"
    assert location_of(site, 1, "about", profile) is None
    assert location_of(site, 0, "topic", profile) is None


def canonical_index(profile: Profile) -> SiteIndex:
    layout = layout_of(profile)
    given = values_with_link("Tea", "Jam", 5)
    page = read_text(emit({path: given[path] for path in layout.fields if path in given}, layout), layout)
    assert page.canonical
    site = SiteIndex()
    site.add([page_facts(page)])
    return site


def test_places_are_unknown_if_links_copy_other_fields() -> None:
    profile = numbered(COPIES[0], LINK)
    site = canonical_index(profile)
    assert len(site.urls) == 2
    assert [location_of(site, row, key, profile) for row, key in ((0, "permalink"), (1, "address"))] == [None, None]


def test_places_are_unknown_if_a_site_has_several_layouts() -> None:
    profile = numbered(*COPIES)
    site = canonical_index(profile)
    assert location_of(site, 0, "permalink", profile) is not None
    text = profile.raw.decode()
    second = text[text.index("[[layout]]") : text.index("[links]")]
    both = parse_profile(text.replace("[links]", f"{second}[links]").encode(), profile.path)
    assert location_of(site, 0, "permalink", both) is None


def test_the_place_of_an_id_far_below_is_unknown() -> None:
    profile = profile_of(ROLES, FIELDS, NUMBER)
    site = canonical_index(profile)
    assert location_of(site, 0, "permalink", profile) == (2, 12, 2, 17)
    assert location_of(site, 0, "number", profile) is None


def test_the_default_layout_has_places_for_all_entries() -> None:
    entries = fact_fields(layout_of(default_profile())).entries
    assert [entry.number for entry in entries] == [0, 1, 2, 3, 4, 5]
    assert entries[5].key == "related_article5.url"
    assert NO_ID != NOT_COPIED
