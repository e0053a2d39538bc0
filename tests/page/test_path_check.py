"""Which paths of pages are safe, whatever the pages have."""

import pytest

from qtgen.page.path_check import path_fault, slug_fault, unsafe_character
from qtgen.page.profile import FieldSpec, Kind, Slug
from qtgen.page.template import parse_template


@pytest.mark.parametrize(
    "pattern",
    [
        "[a-z]+",
        r"[0-9]+\.[0-9]+",
        r"v\d{1,3}",
        "(?P<letter>[A-Z])-[0-9]{4}",
        "(?i:[a-z]+)|x",
        "[[:alpha:]]+",
        r"\p{Greek}+",
        r"\Qa-b\E",
        r"[^/\\<>:\"|?*\x00-\x1f.]+",
        "a|b",
        "^x$",
        r"\bx",
    ],
)
def test_a_pattern_of_safe_names_is_accepted(pattern: str) -> None:
    assert unsafe_character(pattern) is None


@pytest.mark.parametrize(
    ("pattern", "char"),
    [
        ("a/b", "/"),
        (".*", ".."),
        ("x.*", "/"),
        ("[+-9]x", "/"),
        ("x[^a]", "/"),
        (r"x\S", "/"),
        (r"x\W", "/"),
        (r"x\x2f", "/"),
        (r"x\x{2F}", "/"),
        (r"x\057", "/"),
        ("x[[:punct:]]", "/"),
        (r"x\pP", "/"),
        (r"x\Q/\E", "/"),
        (r"x\\y", "\\"),
        ("[]/]", "/"),
        ("a:b", ":"),
        (r"x\?", "?"),
        (r"x\n", "\\n"),
        ("(?:ab|[.]{2})", ".."),
    ],
)
def test_a_pattern_of_unsafe_names_is_not(pattern: str, char: str) -> None:
    assert unsafe_character(pattern) == char


@pytest.mark.parametrize(
    ("path", "spec"),
    [
        ("{a}.md", FieldSpec(key="a", type=Kind.INT)),
        ("{a}.md", FieldSpec(key="a", type=(Kind.DATE, Kind.INT))),
        ("{a}/x.md", FieldSpec(key="a", const="drafts")),
        ("{a}-x.md", FieldSpec(key="a", enum=("con", "aux"))),
        ("{a}.md", FieldSpec(key="a", enum=("x", ".."))),
        ("{a}/x.md", FieldSpec(key="a", type=(Kind.TEXT, Kind.DATE), pattern="[a-z]+")),
        ("{a|slug}/x.md", FieldSpec(key="a")),
        ("{file.folder}/{file.stem}.md", FieldSpec(key="a")),
    ],
)
def test_a_safe_path_is_accepted(path: str, spec: FieldSpec) -> None:
    assert path_fault(parse_template(path), {"a": spec}) is None


@pytest.mark.parametrize(
    ("path", "spec", "words"),
    [
        ("{a}/x.md", FieldSpec(key="a", const="aux"), "can be `aux`, and `aux` is the name of a device"),
        ("{a}/x.md", FieldSpec(key="a", enum=("x", "..")), "`..` is no name of a folder"),
        ("{a|lower}.md", FieldSpec(key="a"), "can contain any character"),
        ("{body}.md", FieldSpec(key="a"), "can contain any character"),
        ("./x/{a|slug}.md", FieldSpec(key="a"), "`.` is no name of a folder"),
        ("x./{a|slug}.md", FieldSpec(key="a"), "ends in a dot or a space"),
    ],
)
def test_an_unsafe_path_is_not(path: str, spec: FieldSpec, words: str) -> None:
    fault = path_fault(parse_template(path), {"a": spec})
    assert fault is not None
    assert words in fault[0]


@pytest.mark.parametrize("keep", ["a-z0-9 -", "a-z0-9 _-", r"\w -", "a-z0-9 ", r"\d\-", "a-z^&~", "é"])
def test_a_slug_of_safe_characters_is_accepted(keep: str) -> None:
    assert slug_fault(Slug(keep=keep)) is None
