"""What is removed from every text of an answer."""

from collections.abc import Callable

import pytest

from qtgen.generation.cleanup import clean_line, restore_latex


@pytest.mark.parametrize("clean", [clean_line, restore_latex])
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Os\u200bmosis\u2060 moves\u00ad water.", "Osmosis moves water."),
        ("An \u202eevil\u202c text\x07", "An evil text"),
        ("\U0001f469\u200d\U0001f52c works; \u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645", None),
        ("$\x08eta$ is lost\ufffd", "$\\beta$ is lost\ufffd"),
    ],
)
def test_invisible_characters_are_removed_where_no_script_needs_them(
    clean: Callable[[object], object], text: str, expected: str | None
) -> None:
    assert clean(text) == (text if expected is None else expected)
