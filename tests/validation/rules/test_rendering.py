"""Family 5xx: code, maths, money, bold and HTML, and what looks like them."""

import pytest

from qtgen.validation.diagnostics import Severity
from support.validation import check, codes_of, example_with


def codes_with(text: str) -> list[str]:
    return [code for code in codes_of(example_with("Osmosis moves", f"{text} Osmosis moves")) if code.startswith("QT5")]


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        (r"As `$a \neq b$` shows.", ["QT504"]),  # the site breaks the line in code too
        (r"As $a \neq b$ shows.", ["QT501"]),
        (r"As \(a \nu b\) shows.", ["QT502", "QT501"]),
        (r"One.\n\nu is the speed.", []),  # a line break and a word
        (r"In `\(a\)` code.", []),
        (r"Split \(a\n\nb\) by a paragraph.", []),
        (r"Display \[a = c\n\nb\] may span paragraphs.", ["QT502"]),
        ("From $5 a litre to $8 with salt.", ["QT503"]),
        ("From $5x$ to $8$.", []),
        (r"An open\n\n```\nfence.", ["QT506"]),
        (r"An open\n\n$$\nformula.", ["QT506"]),
        (r"A formula\n\n$$a\n\n**Bold** text\n$$\n\nafter.", ["QT506"]),
        ("Two **open marks.", ["QT506"]),
        ("Powers: 2 ** 3.", []),
        (r"Comment:\n```\n# it's\nnot a string's\n```\n", []),
        (r"Docstring:\n```\nx = \"\"\"a\nb\"\"\"\n```\n".replace('\\"', '"'), []),
        ("A <b>tag</b>.", ["QT507", "QT507"]),
        ("A [link](javascript:alert).", ["QT507"]),
    ],
)
def test_what_the_site_would_render_wrongly(text: str, codes: list[str]) -> None:
    assert codes_with(text) == codes


@pytest.mark.parametrize(
    ("html", "severity"),
    [("<b>", Severity.WARNING), ("<script>", Severity.ERROR), ('<a onclick="x">', Severity.ERROR)],
)
def test_dangerous_html_is_an_error(html: str, severity: Severity) -> None:
    (finding,) = [found for found in check(example_with("Osmosis moves", f"A {html} tag.")) if found.code == "QT507"]
    assert finding.severity is severity


def test_a_long_tag_is_shortened_in_the_message() -> None:
    html = f'<a title="{"x" * 60}">'
    (finding,) = [found for found in check(example_with("Osmosis moves", html)) if found.code == "QT507"]
    assert finding.message == f"the site shows the HTML `{html[:40]}…` as text; write markdown"


def test_further_pairs_of_a_page_are_counted_in_the_first_finding() -> None:
    raw = example_with("Osmosis moves", r"Where \(a\), \(b\) and \[c\], osmosis moves")
    (finding,) = [found for found in check(raw) if found.code == "QT502"]
    assert finding.message == r"the site does not render math in `\(…\)`; write `$…$` (2 more on this page)"


def test_a_command_without_a_unicode_character_has_no_fix() -> None:
    raw = example_with("Osmosis moves", r"Where $\not\approx$, osmosis moves")
    assert [(found.code, found.fixable) for found in check(raw) if found.code == "QT501"] == [("QT501", False)]
