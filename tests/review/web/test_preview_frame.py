"""The preview frame in Chromium: it shows what the site shows, and a hostile text neither runs nor sends anything."""

import re
from collections.abc import Iterator, Mapping
from html.parser import HTMLParser
from random import Random
from typing import TYPE_CHECKING

import pytest

from qtgen.page import decode_answer
from qtgen.review.comparison.changes import merged
from support.browser import OpenPage
from support.changed_texts import change, shown
from support.html_outline import VOID
from support.markdown_pieces import PIECES
from support.oracle import needs_renderer, render, sample_answers
from support.preview_frame import PreviewFrame, frame_server, needs_bundle

if TYPE_CHECKING:
    from playwright.sync_api import Dialog

pytestmark = needs_bundle

_PAGES = 500


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with frame_server() as address:
        yield address


@pytest.fixture
def frame(open_page: OpenPage, address: str) -> PreviewFrame:
    return PreviewFrame(open_page(), address)


class _Tree(HTMLParser):
    """HTML as lines, in which the spelling of attributes and styles does not matter."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.lines: list[str] = []
        self._is_image = 0
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        if "style" in values:
            values["style"] = ";".join(sorted(_declarations(values["style"])))
            if not values["style"]:
                del values["style"]
        if "data-address" in values:  # the site's links have it as `href`
            values["href"] = values.pop("data-address")
            values.pop("title")
        if tag == "a":
            values.pop("title", None)
        if tag == "input":
            values.pop("aria-label", None)
        written = "".join(f" {name}={value!r}" for name, value in sorted(values.items()) if value not in ("", "true"))
        flags = "".join(f" {name}" for name, value in sorted(values.items()) if value in ("", "true"))
        self.lines.append(f"<{'del' if tag == 's' else tag}{written}{flags}>")

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            self.lines.append(f"</{'del' if tag == 's' else tag}>")

    def handle_data(self, data: str) -> None:
        if self.lines and not self.lines[-1].startswith("<"):
            self.lines[-1] += data
        else:
            self.lines.append(data.replace("<", "&lt;"))


def _declarations(style: str) -> Iterator[str]:
    """Yield the declarations of a style as Chromium writes them. It leaves out a negative height, which is invalid."""
    for declaration in style.split(";"):
        name, _, value = declaration.partition(":")
        if name.strip() and not (name.strip() == "height" and value.strip().startswith("-")):
            yield f"{name.strip()}:{_value(value.strip())}"


def _value(value: str) -> str:
    if match := re.fullmatch(r"#([0-9a-f]{2})([0-9a-f]{2})([0-9a-f]{2})", value):
        return f"rgb({', '.join(str(int(part, 16)) for part in match.groups())})"
    return re.sub(r"-?\d*\.?\d+(?:e-?\d+)?", lambda match: f"{float(match[0]):.4g}", value)


@pytest.mark.usefixtures("_site")
def test_the_frame_shows_real_pages_as_the_site_does(frame: PreviewFrame, real_pages: Mapping[str, bytes]) -> None:
    answers = list(sample_answers(real_pages, _PAGES).values())
    rendered = frame.html_of([(decode_answer(answer), []) for answer in answers])
    for answer, html, site in zip(answers, rendered, render(answers), strict=True):
        assert _Tree(html).lines == _Tree(site["html"]).lines, answer
    assert len(rendered) == _PAGES


@pytest.fixture
def _site() -> None:
    """Skip unless the site's renderer is installed."""
    for mark in needs_renderer:
        if mark.args[0]:
            pytest.skip(mark.kwargs["reason"])


MARKED = [
    ("a bold c", "bold", "<p>a <ins>bold</ins> c</p>"),
    ("\U0001f600 a b", "b", "<p>\U0001f600 a <ins>b</ins></p>"),
    ("a **b c** d", "**b c** d", "<p>a <strong><ins>b c</ins></strong><ins> d</ins></p>"),
    ("a \\* &amp; c", "c", "<p>a * &amp; <ins>c</ins></p>"),
    ("a &amp; c", "&amp;", "<p>a <ins>&amp;</ins> c</p>"),
    ("a `x y` c", "y", "<p>a <code>x <ins>y</ins></code> c</p>"),
    ("> a\n> b", "b", "<blockquote>\n<p>a\n<ins>b</ins></p>\n</blockquote>"),
    ("~~a~~ b", "b", "<p><s>a</s> <ins>b</ins></p>"),
    ("```py\np\n  y\n```", "p\n", '<pre><code class="language-py"><ins>p\n</ins>  y\n</code></pre>'),
    ("<i>a</i>", "a", "<p>&lt;i&gt;<ins>a</ins>&lt;/i&gt;</p>"),
]


@pytest.mark.parametrize(("markdown", "part", "html"), MARKED)
def test_marks_are_shown(frame: PreviewFrame, markdown: str, part: str, html: str) -> None:
    start = markdown.rindex(part)
    frame.show(markdown, [(start, start + len(part), "ins")])
    assert frame.html() == html


def test_a_merged_text_without_one_version_reads_as_the_other(
    frame: PreviewFrame, real_pages: Mapping[str, bytes]
) -> None:
    random = Random(5)
    answers = [decode_answer(answer) for answer in sample_answers(real_pages, _PAGES).values()]
    pairs = [(old, change(old, random, answers)) for old in answers[:60]]
    both = frame.html_of([merged(old, new) for old, new in pairs])
    old_html = frame.html_of([(old, []) for old, _ in pairs])
    new_html = frame.html_of([(new, []) for _, new in pairs])
    assert [shown(html, "ins") for html in both] == [shown(html) for html in old_html]
    assert [shown(html, "del") for html in both] == [shown(html) for html in new_html]


def test_marks_change_no_text(frame: PreviewFrame) -> None:
    random = Random(7)
    texts = ["x" + "".join(random.choices(PIECES, k=random.randrange(1, 40))) for _ in range(200)]
    bounds = [sorted(random.sample(range(len(text) + 1), min(6, len(text)))) for text in texts]
    marks = [list(zip(some[::2], some[1::2], random.choices(["ins", "del"], k=3), strict=False)) for some in bounds]
    plain = frame.html_of([(text, []) for text in texts])
    marked = frame.html_of(list(zip(texts, marks, strict=True)))
    for text, before, after in zip(texts, plain, marked, strict=True):
        assert shown(after) == shown(before), text


def test_a_formula_is_marked_as_a_whole(frame: PreviewFrame) -> None:
    markdown = "so $a + b$ and\n\n$$\nc + d\n$$\n"
    frame.show(markdown, [(6, 7, "del"), (markdown.index("d\n"), len(markdown) - 4, "ins")])
    assert frame.frame.locator("del > .katex").count() == 1
    assert frame.frame.locator("ins > .katex-display > .katex").count() == 1


def test_the_frame_reports_its_height_and_follows_the_theme(frame: PreviewFrame) -> None:
    short = frame.show("a")
    tall = frame.show("a\n\n" * 50, dark=True)
    assert short["type"] == tall["type"] == "shown"
    assert tall["height"] > 20 * short["height"] / 10
    assert frame.frame.evaluate("getComputedStyle(document.documentElement).backgroundColor") == "rgb(28, 32, 39)"


HOSTILE = {
    "script": "<script>parent.document.title = 'run'; fetch('http://out.invalid/')</script>",
    "attributes": '<img src=x onerror="alert(1)"><svg onload=alert(1)><body onload=alert(1)>',
    "iframe": "<iframe src='http://out.invalid/' srcdoc='<script>alert(1)</script>'></iframe>",
    "style": "<style>@import 'http://out.invalid/'; * { background: url(http://out.invalid/) }</style>",
    "meta": "<meta http-equiv=refresh content='0; url=http://out.invalid/'><base href='http://out.invalid/'>",
    "form": "<form action='http://out.invalid/'><button autofocus>x</button></form>",
    "links": "[a](javascript:alert(1)) [b](http://out.invalid/) [c](data:text/html,<script>alert(1)</script>)",
    "autolinks": "<javascript:alert(1)> http://out.invalid/ www.out.invalid a@out.invalid <http://out.invalid/>",
    "references": "[a][b]\n\n[b]: javascript:alert(1) 'title'\n\nx[^1]\n\n[^1]: [y](javascript:alert(1))",
    "images": "![a](http://out.invalid/a.png) ![b](//out.invalid/b.png) ![c](data:image/svg+xml,<svg/onload=alert(1)>)",
    "href": r"$\href{javascript:alert(1)}{x}$ $\url{http://out.invalid/}$",
    "includegraphics": r"$\includegraphics[height=1em]{http://out.invalid/a.png}$",
    "html in math": r"$\htmlStyle{background: url(http://out.invalid/)}{x}$ $\htmlId{x}{y}$ $\text{<img src=x onerror=alert(1)>}$",
    "macros": r"$\def\a{\a\a}\a$ $\rule{9999999em}{9999999em}$ $\kern99999em x$",
    "direction": 'a\u202eb\u2066c `\u202ed` [\u202ee](/\u202ef) ![\u202eg](/x) $\u202eh$ $\\text{\\char"202E}$',
    "controls": "a\x00b\x1b[31mc\x7f\ufeff\u200b\U000e0041",
    "entities": "&#x202e; &#0; &#x1b; &lt;script&gt; &#60;script&#62;",
    "nested quotes": ">" * 1_000 + " a",
    "nested lists": "".join("  " * depth + "- a\n" for depth in range(300)),
    "nested brackets": "[" * 500 + "a" + "](b)" * 500,
    "nested emphasis": "*a **b " * 200 + "c** d*" * 200,
    "nested braces": "$" + "{" * 1_000 + "x" + "}" * 1_000 + "$",
    "prototype": "[__proto__]: x\n\n[__proto__] [constructor][constructor] ![__proto__](x)\n\n[^__proto__]\n\n[^__proto__]: a",
}


def test_hostile_texts_neither_run_nor_send_anything(open_page: OpenPage, address: str) -> None:
    page = open_page()
    dialogs: list[str] = []

    def dismiss(dialog: "Dialog") -> None:
        dialogs.append(dialog.message)
        dialog.dismiss()

    page.on("dialog", dismiss)
    frame = PreviewFrame(page, address)
    frame.show("$x$ $\\mathbf{x}$ $\\int$ `x`")
    page.wait_for_load_state("networkidle")
    requests: list[str] = []
    page.context.on("request", lambda request: requests.append(request.url))
    for name, markdown in HOSTILE.items():
        assert frame.show(markdown, [(0, len(markdown), "ins")])["type"] == "shown", name
        attributes = frame.frame.evaluate(
            "[...document.querySelectorAll('#preview *')].flatMap((node) => [...node.attributes].map(({name}) => name))"
        )
        assert not {"href", "src", "srcset", "action", "srcdoc", "autofocus"} & set(attributes), name
        assert not [attribute for attribute in attributes if attribute.startswith("on")], name
        elements = "script, iframe, style, img, svg image, object, embed, form, meta, base, button"
        assert frame.frame.locator(f"#preview :is({elements})").count() == 0, name
        text = frame.frame.evaluate("document.getElementById('preview').textContent")
        assert not re.search("[\u202a-\u202e\u2066-\u2069\x00\x1b]", text), name
    for link in frame.frame.locator("#preview a").all()[:5]:
        link.click(force=True)
    assert [url for url in requests if not url.startswith(f"{address}static/preview/fonts/")] == []
    assert dialogs == []
    assert page.title() == "Host"
    assert [item.url for item in page.frames] == [address, f"{address}preview"]


def test_links_do_not_navigate(frame: PreviewFrame, address: str) -> None:
    frame.show("[a](http://out.invalid/) [b](#x) [c](/y) <http://out.invalid/z>")
    for link in frame.frame.locator("#preview a").all():
        link.click(modifiers=["Control"])
        link.click(button="middle")
        link.click()
    assert frame.frame.url == f"{address}preview"
    assert len(frame.page.context.pages) == 1
    assert frame.frame.locator("#preview a").first.get_attribute("title") == "http://out.invalid/"


def test_the_frame_cannot_reach_the_page_or_the_network(open_page: OpenPage, address: str) -> None:
    frame = PreviewFrame(open_page(may_violate=True), address)
    requests: list[str] = []
    frame.page.context.on("request", lambda request: requests.append(request.url))
    assert frame.frame.evaluate("origin") == "null"
    reached = frame.frame.evaluate(
        """async (address) => {
            const attempts = {
                parent: () => parent.document.title,
                cookie: () => document.cookie,
                storage: () => localStorage.length,
                database: () => indexedDB.open('a'),
            }
            const reached = []
            for (const [name, attempt] of Object.entries(attempts)) {
                try { attempt(); reached.push(name) } catch {}
            }
            await fetch(address).then(() => reached.push('fetch'), () => {})
            await fetch(address, {mode: 'no-cors'}).then(() => reached.push('fetch without CORS'), () => {})
            if (navigator.sendBeacon(address, 'x')) reached.push('beacon')
            open(address)
            return reached
        }""",
        f"{address}reached",
    )
    frame.frame.evaluate("location.href = 'http://out.invalid/reached'")
    assert set(reached) <= {"beacon"}, "Chromium queues a beacon before it checks the policy"
    frame.page.wait_for_timeout(200)
    assert not [url for url in requests if url.endswith("/reached")]
    assert len(frame.page.context.pages) == 1


def test_messages_of_others_are_ignored(frame: PreviewFrame) -> None:
    frame.show("before")
    frame.frame.evaluate("window.postMessage({type: 'show', id: 'x', markdown: 'other'}, '*')")
    frame.page.evaluate("frame.contentWindow.postMessage({type: 'show', markdown: 5}, '*')")
    frame.page.evaluate("frame.contentWindow.postMessage(null, '*')")
    assert frame.html() == "<p>before</p>"
    assert frame.show("after")["type"] == "shown"
    assert frame.html() == "<p>after</p>"


def test_a_long_text_is_shown_as_its_source(frame: PreviewFrame) -> None:
    frame.show("**a** " * 50_000)
    assert frame.frame.locator("pre.source").count() == 1
