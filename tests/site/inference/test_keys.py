"""Orders of keys, required, suspect and numbered keys."""

import pytest

from qtgen.site.inference.findings import Standing
from qtgen.site.inference.keys import out_of_order, rank_keys
from support.inference import fields, finding, inferred, numbered, table


@pytest.mark.parametrize(
    ("sequences", "order"),
    [
        ({("a", "b", "c"): 9, ("c", "a", "b"): 1}, ["a", "b", "c"]),
        ({("a", "c"): 5, ("b", "c"): 5, ("a", "b"): 1}, ["a", "b", "c"]),
        ({("a", "b"): 3, ("b", "c"): 3, ("c", "a"): 1}, ["a", "b", "c"]),
        ({(): 4}, []),
    ],
)
def test_the_order_contradicts_the_fewest_pages(sequences: dict[tuple[str, ...], int], order: list[str]) -> None:
    assert rank_keys(sequences) == order


@pytest.mark.parametrize(
    ("keys", "moved"),
    [
        (("a", "b", "c", "d"), []),
        (("d", "a", "b", "c"), ["d"]),
        (("b", "c", "d", "a"), ["a"]),
        (("d", "c", "b", "a"), ["d", "c", "b"]),
    ],
)
def test_the_fewest_keys_that_must_move(keys: tuple[str, ...], moved: list[str]) -> None:
    rank = {key: number for number, key in enumerate("abcd")}
    assert len(out_of_order(keys, rank)) == len(moved)
    assert len(moved) > 1 or out_of_order(keys, rank) == moved


FRONT = "title: Page {n}\ntag: x\nnote: word {n}"


def test_a_rare_key_is_optional() -> None:
    pages = numbered(40, FRONT)
    pages["pages/page-1.md"] = pages["pages/page-1.md"].replace("note:", "hero: sun\nnote:")
    assert fields(inferred(pages))["hero"] == {"required": False}


def test_a_rare_key_that_resembles_a_missing_one_is_suspect() -> None:
    pages = numbered(300, FRONT)
    pages["pages/page-1.md"] = pages["pages/page-1.md"].replace("title:", "titel:")
    result = inferred(pages)
    assert "titel" not in fields(result)
    assert fields(result)["title"].get("required", True)
    suspect = finding(result, "titel", "key")
    assert (suspect.standing, suspect.statement) == (Standing.SUSPECT, "the key is probably `title`")
    assert finding(result, "title", "required").against[0].path == "title"


def test_a_rare_key_beside_the_one_that_it_resembles_is_optional() -> None:
    pages = numbered(60, FRONT)
    pages["pages/page-1.md"] = pages["pages/page-1.md"].replace("tag:", "tags: y\ntag:")
    assert fields(inferred(pages))["tags"] == {"required": False}


@pytest.mark.parametrize(("missing", "required"), [(0, True), (1, True), (4, True), (5, False)])
def test_a_key_is_required_despite_outliers(missing: int, required: bool) -> None:
    pages = numbered(200, FRONT)
    for number in range(missing):
        path = f"pages/page-{number + 1}.md"
        pages[path] = pages[path].replace("tag: x\n", "")
    result = inferred(pages)
    assert fields(result)["tag"].get("required", True) is required
    assert ("required=true  # 195 agree, 5 disagree" in result.text) is not required


def test_few_pages_prove_nothing() -> None:
    result = inferred(numbered(19, FRONT))
    assert all(row["required"] is False for row in fields(result).values())
    assert not any("const" in row or "value" in row for row in fields(result).values())
    assert '# add: const="x"' in result.text
    assert all("required" not in row for row in fields(inferred(numbered(20, FRONT))).values())


def test_two_orders_in_one_site_are_reported() -> None:
    pages = numbered(60, FRONT) | {
        f"pages/other-{number}.md": f"---\nnote: word {number}\ntitle: Other {number}\ntag: x\n---\n\nText.\n"
        for number in range(25)
    }
    result = inferred(pages)
    found = finding(result, "", "order")
    assert (found.agree, len(found.against)) == (60, 25)
    assert [*fields(result)] == ["title", "tag", "note"]
    assert table(result)["rules"] == {"QT204": "off"}


def test_numbered_maps_are_repeated() -> None:
    maps = "\n".join(f"link{number}:\n    label: To {number}{{n}}" for number in (1, 2, 3))
    rows = fields(inferred(numbered(30, f"title: Page {{n}}\n{maps}")))
    assert rows["link"] == {"type": "map", "indent": 4, "repeat": 3, "required": False}
    assert [*rows] == ["title", "link", "link.label"]


def test_numbered_texts_remain_separate_fields() -> None:
    rows = fields(inferred(numbered(30, "title: Page {n}\nimage1: a{n}\nimage2: b{n}")))
    assert [*rows] == ["title", "image1", "image2"]


@pytest.mark.parametrize("line", ['"a.b": 1', "seo: {}", "body: other {n}"])
def test_keys_that_a_layout_cannot_describe_are_suspect(line: str) -> None:
    result = inferred(numbered(30, f"title: Page {{n}}\n{line}"))
    assert [*fields(result)] == ["title"]
    [suspect] = [found for found in result.findings if found.standing is Standing.SUSPECT]
    assert len(suspect.against) == 30
    assert "cannot describe" in suspect.statement
