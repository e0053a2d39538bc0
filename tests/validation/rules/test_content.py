"""Family 6xx, readers and search engines."""

import pytest

from qtgen.page.profile import default_profile
from qtgen.site.discovery import batches_for_paths
from qtgen.validation.autofix import fix_pages
from qtgen.validation.rules import REGISTRY
from qtgen.validation.rules.example import EXAMPLE_PATH
from qtgen.validation.run import ValidationOptions
from support.validation import check, codes_of, example_with

_KEYWORDS = "osmosis, membrane, solute, water, diffusion"


@pytest.mark.parametrize(
    "keywords",
    [
        "osmosis, membrane\u00a0, solute, water, diffusion",
        "osmosis, membrane, solute,\u3000water, diffusion",
        "osmosis, membrane, solute, water, diffusion, Osmosis",
    ],
)
def test_the_fix_of_keywords_keeps_the_first_spelling_and_single_spaces(keywords: str) -> None:
    raw = example_with(_KEYWORDS, keywords)
    assert codes_of(raw) == ["QT603"]
    options = ValidationOptions([REGISTRY["QT603"]], overlay={EXAMPLE_PATH: raw}, profile=default_profile())
    fixed = next(fix_pages(batches_for_paths([EXAMPLE_PATH]), options))
    assert f"    {_KEYWORDS}\n".encode() in fixed.after


@pytest.mark.parametrize(
    ("keywords", "message"),
    [
        ("osmosis", "`seo.page_keywords` has 1 keyword; write 5 to 20"),
        ("a, b", "`seo.page_keywords` has 2 keywords; write 5 to 20"),
    ],
)
def test_too_few_keywords_are_counted(keywords: str, message: str) -> None:
    assert [finding.message for finding in check(example_with(_KEYWORDS, keywords))] == [message]


@pytest.mark.parametrize(
    ("second", "is_reported"),
    [
        ("2. **Gradient**: Its own concentration is lower towards the side with more solute, so water moves there.", True),
        ("2. **Gradient**: Sugar and salt cannot follow, whatever happens elsewhere in those cells.", False),
        (r"## Next\n\n2. **Gradient**: Its own concentration is lower towards the side with more solute, so it moves.", False),
    ],
)  # fmt: skip
def test_a_heading_is_repeated_only_within_a_list_and_with_similar_words(second: str, is_reported: bool) -> None:
    point = "2. **Membrane**: The pores let water pass and hold back larger particles such as sugar and most ions."
    assert ("QT607" in codes_of(example_with(point, second))) is is_reported
