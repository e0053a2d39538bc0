"""The checker of pages by column finds on each page what the checker of single pages finds there."""

import random
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from importlib import resources
from itertools import chain
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qtgen.page.columns import columns_of, has_columns
from qtgen.page.compile import layouts_of
from qtgen.page.profile import Profile, default_profile, parse_profile
from qtgen.page.reader import read_as
from qtgen.page.sentences import has_repeats
from qtgen.page.splicer import splice
from qtgen.validation.diagnostics import Severity
from qtgen.validation.findings import Findings, findings_of
from qtgen.validation.rules import Example, Finding, PageChecker, PageFile, PageRule, Rule, rules_of
from qtgen.validation.rules.column_checker import ColumnChecker
from qtgen.validation.rules.example import EXAMPLE_PAGE, EXAMPLE_PATH, apply_example, example_site_of
from qtgen.validation.rules.file_columns import FileColumns
from qtgen.validation.rules.prose_tests import is_plain_prose, rows_with_incoherent_prose
from qtgen.validation.rules.settings import DEFAULT_SETTINGS, BannedPhrase, RuleSettings
from support.renamed_site import rename_site_toml

OTHER_SITE = """
format = 1
name = "Notes"
slug = {keep="a-z0-9 ", space="-", collapse=true}

[[layout]]
path = "notes/{kind|slug}/{title|slug}.md"
body = "\\n"
roles = {question="title", answer="text", subject="kind", score="rank"}
fields = [
  {key="form", const="note"},
  {key="title", style="folded", source="question"},
  {key="heading", value="{kind}: {title}", required=false},
  {key="kind", enum=["Water", "Salt and sugar", "Other"]},
  {key="rank", type="float", min=0, max=1, required=false},
  {key="day", type="date", required=false},
  {key="words", source="model", separator="; ", min=2, max=5},
  {key="teaser", style="folded", source="model", group="answer", min=30, max=100, required=false},
  {key="hint", pattern="[A-Z].*", required=false, only_when={kind="Water"}},
  {key="text", style="folded", source="model", min=300, max=2000},
]

[renderer]
newline = "\\\\n"
math = ["$", "$$"]
html = "warn"
"""
PIECES = [
    r"\n\n1. A\n\nB\n\n1. C\n\nD\n\n1) E", r"\n1. F", "1. ", " important to note ", "the the of of", "**a** **a**",
    r"\n\n2. **Membrane**: Water", r"\n\n3. **Membrane**: Water", "$5 or $6", r"\(x^2\)", r"$\frac{1}{2$", "`a\\n`",
    "’", "\u200b", "é", "中文", "\U0001f600", "\u00a0", "  ", " ,", ", ", ";", ",", ".", "\\", "\\n", "*", "**", "|", "<b>",
    "In summary, osmosis evens out concentrations by moving water.", "Physics", "osmosis", "?", "0", "1", "-", "A", "con",
    r"\n\n**A b c d e f g h i j**: x\n***k l m n o p q r s t u**: y\n# **The cell has a wall and a pore and a core** **",
]  # fmt: skip


def profile_of(text: str) -> Profile:
    return parse_profile(text.encode(), Path("site.toml").absolute())


@cache
def profiles() -> dict[str, Profile]:
    shipped = (resources.files("qtgen.page") / "default_site.toml").read_text(encoding="utf-8")
    renamed, other = profile_of(rename_site_toml(shipped)), profile_of(OTHER_SITE)
    return {"default": default_profile(), "renamed": renamed, "other": other}


@cache
def examples(name: str) -> list[tuple[str, bytes, RuleSettings]]:
    """Return the examples of all page rules, as files, with the settings that they need."""
    site = example_site_of(profiles()[name])
    page_rules = [rule for rule in rules_of(site.profile) if isinstance(rule, PageRule)]
    resolved = [
        example(site) if callable(example) else example for rule in page_rules for example in (rule.bad, rule.good)
    ]
    return [(*apply_example(example, site), example.settings) for example in resolved]


def check(
    profile: Profile,
    pages: Sequence[tuple[str, bytes]],
    settings: RuleSettings = DEFAULT_SETTINGS,
    rules: Sequence[Rule] | None = None,
) -> Findings:
    """Check that both checkers find the same on the pages that columns hold, and return it."""
    [layout] = layouts_of(profile)
    assert has_columns(layout)
    rules = rules_of(profile) if rules is None else rules
    columns = columns_of([raw for _, raw in pages], layout)
    held = [pages[number] for number in columns.numbers.tolist()]
    paths = [path for path, _ in held]
    places = [None if path.count("/") > 1 else f"/srv/site/here/{path}" for path in paths]
    found = ColumnChecker(rules, profile=profile)(FileColumns(columns, paths, places, settings))
    one_by_one = PageChecker(rules, profile=profile, settings=settings)
    files = [PageFile(path, read_as(raw, layout), place) for (path, raw), place in zip(held, places, strict=True)]
    assert shown(found, paths) == shown(findings_of(one_by_one(file) for file in files), paths)
    return found


def shown(findings: Findings, paths: Sequence[str]) -> list[object]:
    return list(findings.diagnostics(paths, lambda _: frozenset(kind.code for kind in findings.table)))


@pytest.mark.parametrize("name", profiles())
def test_examples_have_the_same_findings(name: str) -> None:
    profile = profiles()[name]
    by_settings: dict[RuleSettings, list[tuple[str, bytes]]] = {}
    for path, raw, settings in examples(name):
        by_settings.setdefault(settings, []).append((path, raw))
    codes = {kind.code for settings, pages in by_settings.items() for kind in check(profile, pages, settings).table}
    of_canonical_pages = {
        rule.code for rule in rules_of(profile) if isinstance(rule, PageRule) and not rule.noncanonical_only
    }
    assert len(codes) > 0.8 * len(of_canonical_pages)


def mutated(rng: random.Random, name: str) -> tuple[str, bytes]:
    """Return an example with lines of other examples, and with pieces of text in its lines."""
    path, raw, _ = rng.choice(examples(name))
    lines = raw.decode("utf-8", "replace").split("\n")
    for _ in range(rng.randrange(4)):
        place = rng.randrange(len(lines))
        other = rng.choice(examples(name))[1].decode("utf-8", "replace").split("\n")
        kind = rng.randrange(5)
        if kind == 0 and len(other) == len(lines):
            lines[place] = other[place]
        elif kind == 1:
            words = lines[place].split(" ")
            words[rng.randrange(len(words))] = rng.choice(PIECES).strip() or "x"
            lines[place] = " ".join(words)
        elif kind == 2:
            place = max(range(len(lines)), key=lambda number: len(lines[number]))  # the answer
            sentences = lines[place].split(". ")
            sentences.insert(rng.randrange(len(sentences) + 1), rng.choice([*sentences, *PIECES]))
            lines[place] = ". ".join(sentences)
        else:
            offset = rng.randrange(len(lines[place]) + 1)
            lines[place] = lines[place][:offset] + rng.choice(PIECES) + lines[place][offset:]
    if rng.random() < 0.2:
        path = path.replace(rng.choice(["biology", "what", "/", ".md"]), rng.choice(["Con", "a", "/b/", "."]))
    return path, "\n".join(lines).encode()


@pytest.mark.parametrize("name", profiles())
def test_mutated_pages_have_the_same_findings(name: str) -> None:
    rng = random.Random(22)
    pages = [mutated(rng, name) for _ in range(400)]
    assert check(profiles()[name], pages).page_count > 100


@given(st.integers(0, 2**32), st.sampled_from(["default", "renamed", "other"]), st.booleans())
def test_any_pages_have_the_same_findings(seed: int, name: str, has_settings: bool) -> None:
    rng = random.Random(seed)
    settings = RuleSettings((BannedPhrase("osmosis"), BannedPhrase("water", "brine")), 1, True)
    pages = [mutated(rng, name) for _ in range(rng.randrange(6))]
    check(profiles()[name], pages, settings if has_settings else DEFAULT_SETTINGS)


PARTS = st.one_of(
    st.integers(9, 11).map(lambda words: f"**{' '.join('abcdefghijk'[:words])}**"),
    st.integers(9, 11).map(lambda words: f"1. **{' '.join('Abcdefghijk'[:words])}** x"),
    st.sampled_from(["x" * 30, "x" * 31, "- " + "x" * 31, "é" * 16, "x"]),
)
ANSWERS = st.lists(st.tuples(PARTS, st.sampled_from([r"\n", ".", ". ", "**", ""])), min_size=1, max_size=8).map(
    lambda parts: "".join(chain.from_iterable(parts))
)
FUNCTION_WORDS = "The cell has a wall, and the water is in it. "


@given(
    st.lists(ANSWERS, min_size=1, max_size=6),
    st.sampled_from([FUNCTION_WORDS, ""]),
    st.sampled_from(["folded", "plain"]),
)
def test_answers_that_may_be_incoherent_are_selected(answers: list[str], start: str, style: str) -> None:
    profile = profile_of(OTHER_SITE.replace('key="text", style="folded"', f'key="text", style="{style}"'))
    [layout] = layouts_of(profile)
    site = example_site_of(profile)
    pages = [splice(site.page, {"text": (start + answer).strip(" ") or "A"}).encode() for answer in answers]
    columns = columns_of(pages, layout)
    files = FileColumns(columns, ["a.md"] * len(columns), [None] * len(columns))
    repeats = {row for row, answer in enumerate(files.answers) if has_repeats(answer)}
    assert repeats <= {*files.rows_with_repeated_sentences()}
    incoherent = {row for row, answer in enumerate(files.answers) if not is_plain_prose(answer)}
    assert incoherent <= {*rows_with_incoherent_prose(files)}


def test_columns_of_no_page_have_no_repeated_sentences() -> None:
    [layout] = layouts_of(default_profile())
    columns = columns_of([b"---\na. " + b"x " * 40 + b"\n---\n"], layout)
    assert FileColumns(columns, [], []).rows_with_repeated_sentences() == []


@pytest.mark.parametrize(("name", "is_reported"), [("Os\u200bmosis", True), ("Osmosis\u2019", False)])
def test_only_invisible_characters_in_a_title_are_reported(name: str, is_reported: bool) -> None:
    page = EXAMPLE_PAGE.replace("    What is osmosis?", f"    What is {name}?", 1)
    found = check(default_profile(), [(EXAMPLE_PATH, page.encode())])
    assert found.page_count == 1
    assert ("QT109" in {found.table[kind].code for kind in found.kinds}) == is_reported


def test_real_pages_have_the_same_findings(real_pages: Mapping[str, bytes]) -> None:
    pages = [(f"site/{path}", raw) for path, raw in real_pages.items()]
    check(default_profile(), pages[::8])
    check(default_profile(), pages[1::40], RuleSettings((BannedPhrase("the role of"),), compare_sentences=True))


def a_rule(**tests: object) -> PageRule:
    def check(file: PageFile) -> Iterator[Finding]:
        for number in range(len(file.page.text) // 20):
            yield Finding(f"found in {file.page.style}", file.page.span("title")._replace(start=number, end=number))

    return PageRule("ACME201", "a-rule", Severity.WARNING, check, Example(), Example(), **tests)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "tests",
    [
        {},
        {"noncanonical_only": True},
        {"skip_if": lambda file: "solute" in file.page.text},
        {"patterns": ("Membrane", "solute")},
        {"skip_if": lambda file: "solute" in file.page.text, "patterns": ("[*]a[*]",)},
        {"skip_if": lambda file: False, "may_break": lambda files: range(len(files))},
    ],
)
def test_rules_of_plugins_need_no_test_of_columns(tests: dict[str, object]) -> None:
    rng = random.Random(1)
    pages = [mutated(rng, "default") for _ in range(30)]
    check(default_profile(), pages, rules=[a_rule(**tests), *rules_of(default_profile())])


def test_no_pages_have_no_findings() -> None:
    assert check(default_profile(), []).page_count == 0
