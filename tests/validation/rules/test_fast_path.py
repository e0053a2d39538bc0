r"""The quick tests of rules on pages with real line breaks: they rule out no page that violates a rule.

The layout has a fast reader. So a rule runs on a page only if one of its quick tests does not rule out a violation.
"""

from pathlib import Path

import pytest

from qtgen.page import Page
from qtgen.page.profile import Profile, parse_profile
from qtgen.page.reader import read_as, read_exactly
from qtgen.validation.diagnostics import Diagnostic
from qtgen.validation.fixes import FixPolicy, apply_fixes
from qtgen.validation.rules import PageChecker, PageFile
from qtgen.validation.rules.example import example_site_of
from qtgen.validation.selection import choose_rules

_SITE = """
format = 1
name = "Notes"

[[layout]]
path = "{title|slug}.md"
roles = {question="title", answer="body"}
body = {min=300, max=900, source="model"}
fields = [
  {key="title", style="folded", source="question"},
  {key="teaser", style="folded", source="model", group="answer", min=10, max=100},
  {key="words", style="folded", source="model", group="answer", separator="; ", min=2, max=5},
]

[renderer]
newline = "real"
math = MATH
html = "warn"
"""


def _profile(math: str) -> Profile:
    return parse_profile(_SITE.replace("MATH", math).encode(), Path("site.toml").absolute())


WITH_MATH, WITHOUT_MATH = _profile('["$", "$$"]'), _profile("[]")
PROFILES = {"math": WITH_MATH, "no math": WITHOUT_MATH}


def with_text(profile: Profile, text: str) -> Page:
    """Return the example page with a text between the first and the second paragraph."""
    site = example_site_of(profile)
    page = read_as(site.text.replace("back.\n\n", f"back.\n\n{text}\n\n").encode(), site.layout)
    assert page.canonical
    return page


def checker_of(profile: Profile) -> PageChecker:
    """Return the checker of families 5xx and 6xx."""
    rules = [rule for rule in choose_rules((), (), (), profile=profile) if rule.family in (5, 6)]
    return PageChecker(rules, profile=profile, fixes=True)


def check(page: Page) -> list[Diagnostic]:
    """Return the findings of families 5xx and 6xx, with their fixes."""
    return checker_of(page.layout.profile)(PageFile("what-is-osmosis.md", page))


TEXTS = [
    "Nothing is wrong here.",
    r"Where \( a \neq b \), it moves.",
    "\\[\na = b\n\\]",
    "It costs $5 a litre, or $8 with salt.",
    "It costs 5$ a litre, or 6$ with salt.",
    "Here **bold is not closed.\nAnd more.",
    "**bold\nover lines** is fine",
    "$$\na = b",
    "Text $$ a = b",
    "- item\n\n  $$\n  a\n$$",
    r"Where $\ce{H2O}$ and $a \nosuch b$ are.",
    "$$\n\\frac{1}{2\n$$",
    "One.\nTwo<br>three",
    "One | two\n| a | b |\n|---|---|\n| 1 | 2 | 3 |",
    "| a | b |\n| 1 | 2 |",
    "In H~2~O it moves.",
    "Water moves, because it has to.\n---",
    "##Heading without a space",
    "Text.\n\n    Water moves because of the gradient.",
    "> Text.\n>\n>     Water moves because of the gradient.",
    "1. A\n\nB\n\n1. C\n\nD\n\n1. E\n\nF",
    r"Where \frac{a}{b} > 1 and x^{2}.",
    r"Where $a$ and \alpha and $b$ are.",
    "Text.\n\nHuman: go on",
    "Text.\nAs an AI language model, I know nothing.",
    "```c\nint a;",
    "1. **Gradient**: Water moves towards the side with more solute, because there its own concentration is lower.",
    "Some **heading of far more than nine words that nobody would ever read**: a.\n\n"
    "Some **heading of far more than nine words that nobody would ever read again**: b.",
    'A literal \\n is plain, `\\n` too.\\n1. And "\\n" as well. \\n    x',
    "long " * 150,
    "In summary, osmosis evens out concentrations by moving water instead of solute. " * 3,
]


@pytest.mark.parametrize("profile", PROFILES.values(), ids=PROFILES)
@pytest.mark.parametrize("text", TEXTS)
def test_quick_tests_miss_no_violation(profile: Profile, text: str) -> None:
    page = with_text(profile, text)
    assert check(page) == check(read_exactly(page.text, page.layout))


def test_most_of_the_texts_violate_a_rule() -> None:
    assert sum(bool(check(with_text(WITH_MATH, text))) for text in TEXTS) >= 24


@pytest.mark.parametrize(
    ("code", "before", "after"),
    [
        ("QT502", r"Where \( a \neq b \), it moves.", r"Where $a \neq b$, it moves."),
        ("QT502", "So:\n\n\\[\na = b\n\\]", "So:\n\n$$\na = b\n$$"),
        ("QT503", "It costs $5 a litre, or $8 with salt.", r"It costs \$5 a litre, or \$8 with salt."),
    ],
)
def test_a_fix_of_math_writes_real_line_breaks(code: str, before: str, after: str) -> None:
    page = with_text(WITH_MATH, before)
    found = check(page)
    assert code in {finding.code for finding in found}
    policy = FixPolicy(checker_of(page.layout.profile), unsafe=True)
    file = PageFile("what-is-osmosis.md", page)
    outcome = apply_fixes(file, [finding for finding in found if finding.code == code], policy)
    assert outcome.rejected == ()
    assert outcome.page.text == with_text(WITH_MATH, after).text


@pytest.mark.parametrize(("length", "code"), [(299, "QT605"), (901, "QT606")])
def test_the_body_has_the_limits_of_the_profile(length: int, code: str) -> None:
    site = example_site_of(WITH_MATH)
    body = site.page.text_of("body") or ""
    text = (body * 4)[:length].replace("\n", " ").rstrip()
    page = read_as(site.text.replace(body, text.ljust(length, ".")).encode(), site.layout)
    assert code in {finding.code for finding in check(page)}


def test_items_of_one_text_have_the_separator_of_the_profile() -> None:
    site = example_site_of(WITH_MATH)
    words = site.page.text_of("words") or ""
    page = read_as(site.text.replace(words, "osmosis;membrane; Osmosis").encode(), site.layout)
    [finding] = [found for found in check(page) if found.code == "QT603"]
    assert finding.message == "`words` is malformed; separate different keywords by `; `"
    assert finding.fix is not None
    assert [edit.text for edit in finding.fix.edits] == ["osmosis; membrane"]
