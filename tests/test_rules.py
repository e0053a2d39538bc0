"""Every rule's examples are its tests, and every place is where an editor would put the caret."""

import pytest

from qtgen.page import read
from qtgen.records import Diagnostic
from qtgen.rules import FAMILIES, REGISTRY, PageFile, Rule, run
from qtgen.rules.describe import describe
from qtgen.rules.example import EXAMPLE_PAGE, EXAMPLE_PATH, apply

RULES = sorted(REGISTRY.values(), key=lambda rule: rule.code)


def check(raw: bytes, path: str = EXAMPLE_PATH) -> list[Diagnostic]:
    return run(PageFile(path, read(raw)), RULES)


def found(raw: bytes, path: str = EXAMPLE_PATH) -> list[tuple[str, int, int]]:
    return [(d.code, d.line, d.column) for d in check(raw, path)]


def changed(old: str, new: str) -> bytes:
    assert old in EXAMPLE_PAGE
    return EXAMPLE_PAGE.replace(old, new).encode()


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.code)
def test_the_bad_example_is_found_and_the_good_one_is_not(rule: Rule) -> None:
    for example, expected in ((rule.bad, True), (rule.good, False)):
        path, raw = apply(example)
        assert any(d.code == rule.code for d in run(PageFile(path, read(raw)), [rule])) is expected


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.code)
def test_a_rule_says_why_and_how_to_mend(rule: Rule) -> None:
    assert "Why it is bad: " in rule.doc
    assert "Fix: " in rule.doc
    assert rule.family in FAMILIES
    assert rule.code in describe(rule)


def test_the_example_page_breaks_no_rule() -> None:
    assert check(EXAMPLE_PAGE.encode()) == []


@pytest.mark.parametrize(
    ("raw", "places"),
    [
        (changed("author: QuickTakes\n", ""), [("QT201", 17, 1)]),
        (changed("score: -1.0\nrelated", "related").replace(b"url: /learn/biology/questions/what-is-osmosis\n", b""), [("QT201", 24, 1)]),
        (changed("  page_description: >-\n    Osmosis is the passage of water through a membrane towards the side that holds more solute.\n", ""), [("QT201", 11, 1)]),
        (changed("auth", "awth"), [("QT202", 17, 1), ("QT201", 18, 1)]),
        (changed("  title: QuickTakes | Biology", "  titel: QuickTakes | Biology"), [("QT201", 11, 1), ("QT202", 12, 3)]),
        (changed("date: 2026-01-31", "date: '2026-01-31'"), [("QT203", 4, 7)]),
        (changed("date: 2026-01-31", "date: 2026-02-30"), [("QT205", 4, 7)]),
        (changed("id: 7\n", "id:\n"), [("QT203", 3, 4)]),
        (changed("score: -1.0", "score: 1.5"), [("QT205", 25, 8)]),
        (changed("score: -1.0", "no_index: yes\nscore: -1.0"), [("QT204", 25, 1)]),
        (changed("related_article1", "related_article6"), [("QT202", 26, 1)]),
        (changed("What is osmosis?\narticle_title", "What is öß𝔘 osmosis: 7?\narticle_title"), [("QT301", 8, 5), ("QT301", 19, 5), ("QT302", 23, 12), ("QT303", 24, 6)]),
        (changed("author: QuickTakes", "author: [a, b]"), [("QT203", 17, 9)]),
        (changed("seo:\n", "seo: nothing\nSEO:\n"), [("QT203", 11, 1), ("QT202", 12, 1)]),
    ],
)  # fmt: skip
def test_places(raw: bytes, places: list[tuple[str, int, int]]) -> None:
    assert found(raw) == places


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b"", "QT108"),
        (b"\x00\x01\x02binary", "QT105"),
        (b"no front matter", "QT102"),
        (b"---\nid: 1\n", "QT102"),
        (b"---\nid: 1\n---\n\xff", "QT105"),
        (EXAMPLE_PAGE.replace("\n", "\r\n").encode(), "QT105"),
        (b"\xef\xbb\xbf" + EXAMPLE_PAGE.encode(), "QT105"),
        (changed("Osmosis moves", "Osmosis\x00moves"), "QT105"),
        (changed("id: 7", "id: 7\nid: 8"), "QT103"),
        (changed("author: QuickTakes", "author: !!python/object:os.system ls"), "QT104"),
        (changed("author: QuickTakes", "author: *x"), "QT104"),
        (changed("author: QuickTakes", "<<: {a: 1}"), "QT104"),
        (b"---\na: &a [x]\nb: &b [*a,*a,*a,*a]\nc: [*b,*b,*b]\n---\n", "QT104"),
        (b"---\na: " + b"[" * 10_000 + b"]" * 10_000 + b"\n---\n", "QT101"),
        (b"---\n" + b"{a: " * 10_000 + b"}" * 10_000 + b"\n---\n", "QT101"),
        (b"---\n- a\n- b\n---\n", "QT101"),
        (b"---\nid: 1\n--- x\nid: 2\n---\n", "QT101"),
        (b"---\nid: " + b"9" * 5_000 + b"\n---\n", "QT101"),
        (b"---\nt: 2024-13-45 25:61:61\n---\n", "QT101"),
        (b"x" * 1_100_000, "QT107"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)  # fmt: skip
def test_bad_files_get_a_verdict(raw: bytes, code: str) -> None:
    assert code in [d.code for d in check(raw)]


def test_a_page_that_was_not_read_to_its_end_is_not_accused_of_what_is_missing() -> None:
    assert {d.code for d in check(changed("author: QuickTakes", "author: &a QuickTakes"))} == {"QT104"}


def test_an_unknown_key_names_the_nearest_known_one() -> None:
    messages = [d.message for d in check(changed("page_keywords", "page_keyword"))]
    assert any("did you mean `page_keywords`?" in message for message in messages)
