"""The documentation of a rule shows its bad example and what qtgen reports for it."""

from pathlib import Path

from qtgen.page.profile import default_profile, load_profile
from qtgen.validation.rules import REGISTRY, rules_of
from qtgen.validation.rules.docs import describe_rule

WORKSHOP = Path(__file__).parents[2] / "fixtures" / "sites" / "workshop" / "site.toml"


def sections(code: str) -> tuple[str, str, str]:
    """Return the blocks of a rule's example: valid, invalid, reported."""
    blocks = describe_rule(REGISTRY[code], default_profile()).split("```")
    return blocks[1].strip(), blocks[3].strip(), blocks[5].strip()


def test_a_page_rule_shows_the_lines_that_change() -> None:
    before, after, reported = sections("QT205")
    assert (before, after) == ("date: 2026-01-31", "date: 2026-02-31")
    assert reported.startswith("outputs/biology/what-is-osmosis.md:4:7: QT205 `date`")


def test_a_rule_about_the_path_shows_the_paths() -> None:
    before, after, reported = sections("QT304")
    assert (before, after) == ("outputs/biology/what-is-osmosis.md", "outputs/physics/what-is-osmosis.md")
    assert reported.startswith("outputs/physics/")


def test_a_rule_about_bytes_shows_their_number() -> None:
    assert sections("QT107")[1].startswith("(1,048,577 bytes: b'x")


def test_a_site_rule_shows_the_lines_of_the_other_page() -> None:
    before, after, reported = sections("QT406")
    assert before == "(nothing)" or "what-is-diffusion.md" in before
    assert "(outputs/biology/what-is-diffusion.md)\nno_index: True" in after
    assert reported.startswith("outputs/biology/what-is-osmosis.md: QT406 ")


def test_a_site_rule_that_names_another_page_shows_its_path() -> None:
    assert "outputs/biology/" in sections("QT410")[2].partition("QT410")[2]


def test_a_very_long_line_is_shortened() -> None:
    assert max(map(len, describe_rule(REGISTRY["QT606"], default_profile()).splitlines())) < 1_000


def test_the_documentation_names_the_fields_and_links_of_the_site() -> None:
    site = load_profile(WORKSHOP)
    texts = {rule.code: describe_rule(rule, site) for rule in rules_of(site)}
    assert "but `published: seven` or" in texts["QT203"]
    assert "that `qtgen schema` shows" in texts["QT203"]
    assert "\n\nThe file's own name is not" in texts["QT302"]
    assert "No page has the `permalink` of a related page." in texts["QT403"]
    assert "an earlier related page has the same `permalink`" in texts["QT408"]


def test_the_documentation_says_nothing_about_formulas_that_the_site_does_not_render() -> None:
    site = load_profile(WORKSHOP)
    for rule in rules_of(site):
        text = describe_rule(rule, site).partition("For example")[0]
        assert "$" not in text, rule.code
        assert "math" not in text, rule.code
        assert "\n\n\n" not in text, rule.code
