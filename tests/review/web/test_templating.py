"""The filters of the templates."""

import pytest

from qtgen.review.web.templating import day, percent, shown


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("plain & <b>", "plain &amp; &lt;b&gt;"),
        ("a\nb\tc", "a\nb\tc"),
        ("a\u202eb", 'a<span class="invisible" title="right-to-left override">U+202E</span>b'),
        ("\x1b[1m", '<span class="invisible" title="control character">U+001B</span>[1m'),
        ("a\u200bb", 'a<span class="invisible" title="zero width space">U+200B</span>b'),
        ("👩\u200d🔬 \u00e9", "👩\u200d🔬 \u00e9"),
        (7, "7"),
    ],
)
def test_characters_that_readers_do_not_see_are_shown(text: object, html: str) -> None:
    assert shown(text) == html


def test_days_and_shares() -> None:
    assert day("2026-11-27T09:30:00.000Z") == "2026-11-27 09:30"
    assert day("yesterday") == "yesterday"
    assert percent(0.125) == "12%"
    assert percent(None) == "–"
