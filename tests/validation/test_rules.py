"""Every rule's examples are its tests, and every place is where an editor would put the caret."""

import pytest

from qtgen.page import read
from qtgen.site.discovery import PageBatch, batches_for_paths
from qtgen.validation.autofix import fix
from qtgen.validation.diagnostics import Diagnostic
from qtgen.validation.rules import FAMILIES, REGISTRY, Example, PageFile, Rule, SiteRule, run
from qtgen.validation.rules.docs import describe
from qtgen.validation.rules.example import EXAMPLE_PAGE, EXAMPLE_PATH, apply, example_site
from qtgen.validation.run import ValidationOptions, ValidationResult

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
        assert any(d.code == rule.code for d in found_in(example, rule)) is expected


def found_in(example: Example, rule: Rule) -> list[Diagnostic]:
    """What one rule finds in an example: a page, or for a site rule the example site."""
    pages = example_site(example) if isinstance(rule, SiteRule) else [apply(example)]
    entries = batches_for_paths(path for path, _ in pages)
    with ValidationResult(entries, ValidationOptions([rule], overlay=dict(pages), fixes=True)) as validation:
        return [diagnostic for checked in validation for diagnostic in checked.diagnostics]


@pytest.mark.parametrize("rule", [rule for rule in RULES if rule.fix], ids=lambda rule: rule.code)
def test_the_fix_mends_the_bad_example_and_breaks_nothing(rule: Rule) -> None:
    pages = example_site(rule.bad) if isinstance(rule, SiteRule) else [apply(rule.bad)]
    entries = batches_for_paths(path for path, _ in pages)
    check = ValidationOptions(RULES, overlay=dict(pages))
    before = codes(entries, check)
    mended = {fixed.path: fixed.after for fixed in fix(entries, check, unsafe=rule.fix == "unsafe")}
    after = codes(entries, ValidationOptions(RULES, overlay=dict(pages) | mended))
    assert rule.code in before
    assert rule.code not in after
    assert after <= before | {"QT409"}
    assert all(diagnostic.fix for diagnostic in found_in(rule.bad, rule))
    again = ValidationOptions(RULES, overlay=dict(pages) | mended)
    assert list(fix(entries, again, unsafe=rule.fix == "unsafe")) == []


def codes(entries: list[PageBatch], check: ValidationOptions) -> set[str]:
    with ValidationResult(entries, check) as validation:
        return {diagnostic.code for checked in validation for diagnostic in checked.diagnostics}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.code)
def test_a_rule_says_why_and_how_to_mend(rule: Rule) -> None:
    assert "Why it is bad: " in rule.doc
    assert "Fix: " in rule.doc
    assert rule.family in FAMILIES
    assert rule.code in describe(rule)


def test_the_example_site_breaks_no_rule() -> None:
    pages = dict(example_site(Example()))
    assert codes(batches_for_paths(pages), ValidationOptions(RULES, overlay=pages)) == set()


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
        (changed("score: -1.0", "no_index: yes\nscore: -1.0"), [("QT204", 25, 1), ("QT505", 25, 1)]),
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


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        ("Im sorry, but I can't help with that.", "QT604"),
        ("The\u00a0question is unclear.", "QT604"),
        ("As\u00a0an AI I am unable to say.", "QT604"),
        ("ı am sorry, this is too much.", "QT604"),
        ('\\n{"foo": 1}', "QT608"),
        ("See [x](javascrıpt:void).", "QT507"),
        ("Open\\n\\n$$$$\\n**x** y\\n$$$", "QT506"),
    ],
)
def test_signs_see_what_the_rules_see(answer: str, code: str) -> None:
    """RE2 knows other spaces and other small letters than Python does."""
    raw = changed("Osmosis moves", f"{answer} Osmosis moves")
    assert code in {d.code for d in check(raw)}


@pytest.mark.parametrize(
    "keywords",
    [
        "osmosis, membrane\u00a0, solute, water, diffusion",
        "osmosis, membrane, solute,\u3000water, diffusion",
        "osmosis, membrane, solute, water, diffusion, Osmosis",
    ],
)
def test_keywords_with_odd_spaces_or_capitals(keywords: str) -> None:
    raw = changed("osmosis, membrane, solute, water, diffusion", keywords)
    assert [d.code for d in check(raw)] == ["QT603"]
    mended = next(
        fix(batches_for_paths([EXAMPLE_PATH]), ValidationOptions([REGISTRY["QT603"]], overlay={EXAMPLE_PATH: raw}))
    )
    assert b"    osmosis, membrane, solute, water, diffusion\n" in mended.after, "the first of two stays where it is"
