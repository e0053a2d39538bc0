"""Markdown rendered on the server: as the site does, and safe whatever the Markdown is."""

import re
import subprocess
import sys
from collections.abc import Mapping

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from qtgen._util.preview import preview_css, render_markdown
from qtgen._util.preview.formulas import _ATTRIBUTES, _ELEMENTS
from qtgen.page import decode_answer
from support.html_outline import OutlineParser, outline
from support.markdown_pieces import PIECES
from support.oracle import needs_renderer, render, sample_answers

CASES = [
    ("# Title *x*", "<h1>Title <em>x</em></h1>"),
    ("a ~~b~~ ~c~", "<p>a <s>b</s> <s>c</s></p>"),
    ("3. a\n4. b", '<ol start="3">\n<li>a\n</li>\n<li>b\n</li>\n</ol>'),
    (
        "- [x] a",
        '<ul class="contains-task-list">\n<li class="task-list-item"><input type="checkbox" disabled checked aria-label="done"> a\n</li>\n</ul>',
    ),
    (
        "|a|b|\n|:-:|-:|\n|1|2|",
        '<div class="table"><table>\n<thead>\n<tr>\n<th class="center">a</th>\n<th class="right">b</th>\n</tr>\n</thead>\n'
        '<tbody>\n<tr>\n<td class="center">1</td>\n<td class="right">2</td>\n</tr>\n</tbody>\n</table></div>',
    ),
    ("```py\nx < 1\n```", "<pre><code>x &lt; 1\n</code></pre>"),
    ("a <b>x</b>", "<p>a &lt;b&gt;x&lt;/b&gt;</p>"),
    ("<script>alert(1)</script>", "&lt;script&gt;alert(1)&lt;/script&gt;"),
    ("[x](javascript:alert(1))", '<p><a title="javascript:alert(1)">x</a></p>'),
    ("[x](/a 't')", '<p><a title="/a">x</a></p>'),
    ("www.a.org", '<p><a title="http://www.a.org">www.a.org</a></p>'),
    (
        "![a **b**](http://x/y.png)",
        '<p><span class="image"><span class="alt">a b</span> <span class="address">http://x/y.png</span></span></p>',
    ),
    ("a\u202eb", '<p>a<span class="unseen" title="right-to-left override">U+202E</span>b</p>'),
    ("a\x1bb", '<p>a<span class="unseen" title="control character">U+001B</span>b</p>'),
    ("$5 and $10", '<p><math display="inline"><mrow><mn>5</mn><mi>a</mi><mi>n</mi><mi>d</mi></mrow></math>10</p>'),
    ("\\$5 and $10", "<p>$5 and $10</p>"),
    ("$\\nosuch$", '<p><code class="tex" title="approximate preview: shown as TeX">\\nosuch</code></p>'),
    ("$\\frac{1}$", '<p><code class="tex" title="approximate preview: shown as TeX">\\frac{1}</code></p>'),
    (
        "x[^1]\n\n[^1]: y",
        '<p>x<sup>1</sup></p>\n<section class="footnotes"><ol>\n<li>\n<p>y</p>\n</li>\n</ol></section>',
    ),
]


@pytest.mark.parametrize(("markdown", "html"), CASES)
def test_markdown_is_shown_as_the_site_shows_it(markdown: str, html: str) -> None:
    assert render_markdown(markdown, math=True).strip() == html


MARKED = [
    ("a bold c", "bold", "<p>a <ins>bold</ins> c</p>"),
    ("a **bold** c", "**bold** c", "<p>a <strong><ins>bold</ins></strong><ins> c</ins></p>"),
    ("a `x y` c", "y", "<p>a <code>x <ins>y</ins></code> c</p>"),
    ("a &amp; c", "&", "<p>a <ins>&amp;</ins> c</p>"),
    ("## Head", "Head", "<h2><ins>Head</ins></h2>"),
    ("- a\n- b", "b", "<ul>\n<li>a\n</li>\n<li><ins>b</ins>\n</li>\n</ul>"),
    ("1. 1", "1", "<ol>\n<li>1\n</li>\n</ol>"),
    ("> a\n> b", "b", "<blockquote>\n<p>a\n<ins>b</ins></p>\n</blockquote>"),
    ("```\nx\n  y\n```", "y", "<pre><code>x\n  <ins>y</ins>\n</code></pre>"),
    (
        "see http://a.org/b now",
        "http://a.org/b",
        '<p>see <a title="http://a.org/b"><ins>http://a.org/b</ins></a> now</p>',
    ),
    ("\U0001f600 a b", "b", "<p>\U0001f600 a <ins>b</ins></p>"),
    ("a\r\n\r\nb", "b", "<p>a</p>\n<p><ins>b</ins></p>"),
]


@pytest.mark.parametrize(("markdown", "part", "html"), MARKED)
def test_a_mark_is_shown_where_it_is(markdown: str, part: str, html: str) -> None:
    start = markdown.index(part)
    assert render_markdown(markdown, [(start, start + len(part), "ins")], math=True).strip() == html


@pytest.mark.parametrize("markdown", ["a $x + y$ b", "a\n\n$$\nx + y\n$$\n", "|a|\n|-|\n|b \\| $x + y$|"])
def test_a_formula_is_marked_as_a_whole(markdown: str) -> None:
    place = markdown.index("+")
    html = render_markdown(markdown, [(place, place + 1, "del")], math=True)
    marked = re.search(r"<del>(.*?)</del>", html, re.DOTALL)
    assert marked is not None
    assert marked[1].count("<math") == 1
    assert marked[1].count("</math>") == 1


def test_a_mark_of_another_kind_is_an_error() -> None:
    with pytest.raises(ValueError, match="unknown kind"):
        render_markdown("a", [(0, 1, "script")], math=True)


def test_a_long_text_is_shown_as_its_source() -> None:
    html = render_markdown("**a** " * 50_000, [(0, 5, "ins")], math=True)
    assert html.startswith('<pre class="source"><ins>**a**</ins> **a**')


@pytest.mark.parametrize("text", ["[" * 20_000, ">" * 50_000, "http:" * 10_000, "$ $$ " * 10_000, "- " * 25_000])
def test_deep_and_repeated_marks_are_rendered(text: str) -> None:
    assert render_markdown(text, math=True)


_ALLOWED = _ELEMENTS | {
    *("p", "h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "li", "blockquote", "pre", "code", "em", "strong", "s", "a"),
    *("span", "sup", "hr", "br", "input", "table", "thead", "tbody", "tr", "th", "td", "div", "section", "ins", "del"),
}


@given(st.lists(st.sampled_from(PIECES), max_size=40).map("".join), st.lists(st.integers(0, 120), max_size=12))
@example("[^1]\n\n[^1]: [^1]", [0, 5])
@example("|a\\|\\||\n|-|\n|\\|b|", [1, 3, 12, 14])
def test_html_is_safe_and_marks_change_no_text(markdown: str, offsets: list[int]) -> None:
    bounds = sorted({min(offset, len(markdown)) for offset in offsets})
    marks = [(start, end, "ins") for start, end in zip(bounds[::2], bounds[1::2], strict=False)]
    plain, marked = (
        OutlineParser(render_markdown(markdown, math=True)),
        OutlineParser(render_markdown(markdown, marks, math=True)),
    )
    assert marked.text == plain.text
    assert marked.names <= _ALLOWED
    names = {name for _, name, _ in marked.attributes}
    assert names <= _ATTRIBUTES | {"class", "title", "start", "type", "disabled", "checked", "aria-label"}
    assert not re.search("[\u202e\x00\x1b\ud800]", marked.text)


@pytest.mark.usefixtures("_site")
def test_real_answers_have_the_elements_and_texts_of_the_site(real_pages: Mapping[str, bytes]) -> None:
    answers = list(sample_answers(real_pages).values())
    differing = [
        answer
        for answer, site in zip(answers, render(answers), strict=True)
        if outline(render_markdown(decode_answer(answer), math=True)) != outline(site["html"])
    ]
    assert len(differing) <= len(answers) // 100, differing[:3]


@pytest.fixture
def _site(request: pytest.FixtureRequest) -> None:
    """Skip unless the site's renderer is installed."""
    for mark in needs_renderer:
        if mark.args[0]:
            pytest.skip(mark.kwargs["reason"])


def test_numpy_is_not_needed() -> None:
    code = "import sys; from qtgen._util.preview import render_markdown; render_markdown('$x$', math=True); print('numpy' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


def test_every_class_has_a_style() -> None:
    markdown = "\n\n".join(source for source, _ in CASES)
    classes = {
        name
        for tag, key, value in OutlineParser(render_markdown(markdown, math=True)).attributes
        if key == "class" and value
        for name in value.split()
    }
    unstyled = {name for name in classes if f".{name}" not in preview_css()}
    assert unstyled <= {"task-list-item", "tex", "alt"}
