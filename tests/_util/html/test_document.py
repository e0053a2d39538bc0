"""The shell of reports: its policy, its style, and its tables that sort and filter."""

import itertools
import re
from pathlib import Path

from qtgen._util.html import FOLDER, asset, content_security_policy, document_environment, render_document

STYLE = asset(FOLDER, "document.css")
TEMPLATE = """{% extends "document.html.j2" %}
{% block title %}{{ text }}{% endblock %}
{% block main %}<p>{{ text }}</p>{% endblock %}
"""


def document(folder: Path, text: str, styles: list[str], scripts: list[str]) -> str:
    (folder / "page.html.j2").write_text(TEMPLATE)
    template = document_environment(folder).get_template("page.html.j2")
    return render_document(template, styles, scripts, text=text)


def test_the_policy_has_the_hashes_of_the_style_and_the_script(tmp_path: Path) -> None:
    text = document(tmp_path, "x", ["p { color: red }"], ["'own';"])
    style, script = (re.findall(rf"<{tag}>(.*?)</{tag}>", text, re.DOTALL) for tag in ("style", "script"))
    assert len(style) == len(script) == 1
    assert style[0].endswith("p { color: red }")
    assert script[0].endswith("'own';")
    assert content_security_policy(script[0], style[0]).replace("'", "&#39;") in text


def test_text_is_escaped_and_can_be_encoded(tmp_path: Path) -> None:
    text = document(tmp_path, "</title><b>\ud800", [], [])
    assert "<b>" not in text
    assert "&lt;b&gt;?" in text.encode().decode()


def test_the_style_and_the_script_load_nothing() -> None:
    assert not re.search(r"https?://|url\(|@import|innerHTML|eval\(", STYLE + asset(FOLDER, "document.js"))


def test_the_style_defines_the_custom_properties_of_the_design() -> None:
    names = ["text", "muted", "surface", "raised", "border", "accent", "good", "bad", "warn", "radius", "space"]
    assert all(f"--{name}:" in STYLE for name in names)


def test_colours_have_enough_contrast() -> None:
    """WCAG 2.2, 1.4.3: a contrast ratio of 4.5 for text, in the light and in the dark theme."""
    themes = [dict(re.findall(r"--([\w-]+): (#\w{6});", block)) for block in STYLE.split("prefers-color-scheme: dark")]
    assert len(themes) == 2
    for theme in themes:
        inks = ("text", "muted", "bad", "good", "warn", "even", "accent")
        for ink, ground in itertools.product(inks, ("surface", "raised")):
            assert contrast(theme[ink], theme[ground]) >= 4.5, (ink, ground)
        for ground in ("ins", "del", "fill"):
            assert contrast(theme["text"], theme[ground]) >= 4.5, ground
        for ink, ground in (("bad", "bad-fill"), ("warn", "warn-fill")):
            assert contrast(theme[ink], theme[ground]) >= 4.5, ground


def contrast(first: str, second: str) -> float:
    high, low = sorted((luminance(first), luminance(second)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
