"""Family 5xx: code, maths, money, bold and HTML, and what looks like them."""

import time

import pytest

from qtgen.validation.diagnostics import Severity
from support.validation import check, codes_of, codes_of_block, example_with


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
        ("Two **open **marks.", ["QT506", "QT506"]),
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
    raw = example_with("Osmosis moves", r"Where $\not\perp$, osmosis moves")
    assert [(found.code, found.fixable) for found in check(raw) if found.code == "QT501"] == [("QT501", False)]


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ("So $$ x = 1 $$ holds.", []),
        (r"So\n\n$$\nx = 1\n$$\n\nholds.", []),
        (r"So\n$$x = 1\n$$\n\nholds.", ["QT506"]),
        (r"So\n\n$$ x = 1\n$$\n\nholds.", ["QT506"]),
        (r"So\n\n$$\nx = 1 $$\n\nholds.", ["QT506"]),
        (r"So\n\n$$\nx = 1\n$$ where x.\n\nholds.", ["QT506"]),
        (r"So\n\n$$\nx = 1\n$$.\n\nholds.", ["QT506"]),
        (r"So: $$\nx = 1\n$$\n\nholds.", ["QT506"]),
        (r"So: $$\nx = 1\n$$ holds.", ["QT506"]),
        (r"- Item:\n  $$\n  x = 1\n  $$\n- Next", []),
        (r"- Item:\n  $$\n  x = 1\n$$\n- Next $y$", ["QT506"]),
        (r"- Item:\n  $$\n  x = 1\n    $$\n- Next $y$", []),
        (r"- Item:\n  $$\n  x = 1\n      $$\n- Next $y$", ["QT506"]),
        (r"- Item:\n$$\nx = 1\n$$\n- Next $y$", []),
        (r"1. Item:\n   $$\n   x = 1\n  $$\n\n2. Next $y$", ["QT506"]),
        (r"1. Item:\n   - Sub:\n     $$\n     x = 1\n     $$\n2. Next", []),
        (r"1. Item:\n   - Sub:\n     $$\n     x = 1\n   $$\n2. Next", ["QT506"]),
        (r"> $$\n> x = 1\n> $$\n>\n> so", []),
        (r"> $$\n> x = 1\n\n$$\nso", ["QT506"]),
        (r"> $$\n> x = 1\n$$\n\nso it is", ["QT506"]),
        (r"## Heading\n$$\nx = 1\n$$\nso", []),
        (r"## Heading $$\nx = 1\n$$\nso it is", ["QT506"]),
        (r"$$$\nx = 1\n$$$\n\nso", []),
        (r"$$$\nx = 1\n$$\n\nso it is", ["QT506"]),
        (r"$$\nx = 1\n$$$\n\nso it is", []),
        (r"```\n$$\nx\n```\n\nso it is", []),
        (r"$$\n```\nx\n```\n\nso it is", ["QT506"]),
        (r"|a|b|\n|-|-|\n|$$x$$|y|\n\nso", []),
        (r"|a|b|\n|-|-|\n|$$x|y|\n\nso", []),
        (r"$$\nx=1\n\ny=2\n$$\n\nso", []),
        (r"$$\nx=1\n$$\n\n$$\ny=2\n$$", []),
        (r"$$\nx=1\n$$\n$$\ny=2\n$$", []),
        (r"$$\nx=1\n\n$$\ny=2\n$$\n\nThe end is near.", ["QT506"]),
        (r"$$\nx=1\n\nSo this is **bold** text.\n\n$$\ny=2\n$$\n\nThe end is near.", ["QT506"]),
        (r"$$\begin{aligned}\nx&=1\\\ny&=2\n\end{aligned}$$\n\nso", ["QT506"]),
        (r"$$\n\begin{aligned}\nx&=1\\\ny&=2\n\end{aligned}\n$$\n\nso", []),
        (r"$$\begin{aligned}x&=1\\y&=2\end{aligned}$$\n\nso", []),
        ("The price $$5 is odd.", []),
        ("PHP: $$name is a variable variable.", []),
        ("The PID is `$$` in a shell.", []),
        ("In bash, $$ is the PID.", []),
        (r"In bash:\n$$ is the PID.\n\nThe text goes on.", ["QT506"]),
        (r"$$x=1$$ and $$y=2\n\nSo it is.", ["QT506"]),
        (r"    $$\n    x\n    $$\n\nso", ["QT512"]),
        (r"$$\nx=1\n $$\n\nso", []),
        (r"$$\nx=1\n    $$\n\nso it is", ["QT506"]),
        (r"Text\n$$\nx = 1\n$$\ntext", []),
        (r"1. Item:\n\n$$\nx = 1\n$$\n\n2. Next $y$", []),
        (r"1. Item: $$x = 1\n   $$\n2. Next $y$", ["QT506"]),
        (r"* $$\n  x\n  $$\n\nso", []),
        (r"* $$ x\n  $$\n\nso", ["QT506"]),
        (r"```py\nx\n````\n\nso", []),
        (r"````\nx\n```\n\nso it is", ["QT506"]),
        (r"~~~\nx\n```\n\nso it is", ["QT506"]),
        (r"- item\n  ```\n  x\n  ```\n- b", []),
        (r"- item\n  ```\n  x\n```\n- b is more\n", ["QT506"]),
        (r"- item\n  ```\n  x\n\nThe rest is text.", []),
        ("Use ```x``` inline.", []),
        (r"```\nx\n``` text\n\nThe end is near", ["QT506"]),
        (r"> ```\n> x\n> ```\n\nend", []),
        (r"> ```\n> x\n\nend", []),
        ('**"quoted"**word', ["QT506"]),
        ("这是**重要的。**所以", ["QT506"]),
        ("** bold **", ["QT506"]),
        ("a**(b)**c", ["QT506"]),
        ("2 ** 3", []),
        ("2**3", []),
        ("a**b**c", []),
        ("***x***", []),
        ("**a*b**", []),
        (r"\*\*x\*\*", []),
        (r"**a\nb**", []),
        (r"**a\n\nb**", ["QT506"]),
        ("2**3**4", []),
        ("x**2 + y**2", []),
        ("x**2 + y**2 = z**2", []),
        ("**kwargs and *args", []),
        ("`**kwargs` and **bold**", []),
        ("def f(*args, **kwargs)", []),
        ("**Bold:**text", ["QT506"]),
        ("**Bold**: text", []),
        ("**Bold:** text", []),
        ("**„Zitat“**wort", ["QT506"]),
        ("这是**“重要”**的", ["QT506"]),
        ("これは**重要（大切）**です", ["QT506"]),
        ("이것은 **중요(重要)**입니다", ["QT506"]),
        ("这是**重要**的", []),
        ("** bold**", ["QT506"]),
        ("**bold **", ["QT506"]),
        ("**bold ** text **more**", ["QT506"]),
        ("****x****", []),
        ("**x** **y**", []),
        ("**x****y**", []),
        ("**", []),
        ("a ** b ** c", []),
        ("A ** matters ** here", ["QT506"]),
        ("**a** b** c", ["QT506"]),
        (r"- **a\n- b**", ["QT506"]),
        ("**not bold*", ["QT506"]),
        ("*not bold**", ["QT506"]),
        ("5 ** means significant at p<0.01, * at 0.05", []),
        ("***", []),
        ("* * *", []),
        ("glob src/**/*.py here", []),
        ("src/** and lib/**", []),
        ("**Note**(see)", []),
        ("__init__ and __main__", []),
        ("**$x$**y", ["QT506"]),
        ("**`code`**s", ["QT506"]),
        ("word**“x”** more", ["QT506"]),
        ("**L'eau**est", []),
        ("p < 0.05*, p < 0.01**, p<0.001***", []),
        ("a <b>x</b>", ["QT507"]),
        ("a < b and c > d", []),
        ("<https://example.org>", []),
        ("<a@b.org>", []),
        ("`<b>`", []),
        (r"```\n<b>x</b>\n```", []),
        ("x<sub>2</sub>", ["QT507"]),
        ("<!-- c -->", ["QT507"]),
        (r"\<b\>", []),
        ("List<String> x", ["QT507"]),
        ("$a<b>c$", []),
        ("<name> here", ["QT507"]),
        ("if x<y and y>z", []),
        ("&lt;b&gt;", []),
        ("[x](javascript:alert(1))", ["QT507"]),
        ("`javascript:x`", []),
        ("3 <5> 6", []),
        ("[x](JavaScript:alert)", ["QT507"]),
        ("[a]: javascript:x", []),
        (r"<details>\n<summary>x</summary>\ny\n</details>", ["QT507"]),
        (r"1. Do:\n   ```\n   x\n```\n2. Do:\n   ```\n   y\n```\n3. Do:\n   ```\n   z\n```\n\nrest is here", ["QT506"]),
        (r"1. Item: $$\n   x\n   $$\n2. B", ["QT506"]),
        (r"- $$\n  x\n  $$\n  more\n- $$\n  y\n  $$", []),
        (r"1. Item:\n   - Sub:\n     $$\n     x = 1\n   $$\n   More text of the item.\n2. Next", ["QT506"]),
        ("**Note***", []),
        ("***x**", []),
        ("**x***", []),
        ("*a **b* c**", []),
        ("**a*", ["QT506"]),
        ("**Term*: the rest", ["QT506"]),
        ("5 * 3 ** 2", []),
        ("**重要**：内容", []),
        ("**注意：**内容", ["QT506"]),
        ("**Wichtig!**und", ["QT506"]),
        ('**"a"**, **"b"**', []),
        ("a **b **c** d", ["QT506"]),
        ("**a ** b", ["QT506"]),
        ("text** more text", ["QT506"]),
        ("text **more text", ["QT506"]),
        ("**Step 1:**Do it", ["QT506"]),
        ("(**a**)", []),
        ("**a**s", []),
        ("**(a)**", []),
        ("x**(a)**", ["QT506"]),
        ("3**(n+1)", []),
        ("10**-3", []),
        ("2**n", []),
        ("f**2(x)", []),
        (r"- **a**: b\n- **c: d", ["QT506"]),
        ("## **Title", ["QT506"]),
        (r"> **a\n> b**", []),
        (r"**a\n- b**", ["QT506"]),
    ],
)
def test_marks_that_are_shown_or_lose_text_are_found(text: str, codes: list[str]) -> None:
    assert codes_of_block(text) == codes


@pytest.mark.parametrize(
    "mark", ["** ", r"\nu ", r"\frac{", r"\(a\)", "$5 ", r"$$\n", r"| $a |\n", r'"\n" ', "##a", "*a**"]
)
def test_many_marks_do_not_take_long(mark: str) -> None:
    raw = example_with("Osmosis moves", mark * (60_000 // len(mark)) + " Osmosis moves")
    started = time.process_time()
    check(raw)
    assert time.process_time() - started < 30, "minutes if the rest of the line is searched for each mark"


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        (r"- A\n\n  $$\n  x\n  $$\n\n  more $y$", []),
        (r"- A\n\n$$\nx\n$$\n- B", []),
        (r"1. A\n    $$\n    x\n    $$\n2. B", []),
        (r"1. A\n    $$\n    x\n$$\n2. B $y$", ["QT506"]),
        (r"- A\n  - B\n    $$\n    x\n    $$\n  - C", []),
        (r"- A\n  - B\n    $$\n    x\n  $$\n  - C $y$", ["QT506"]),
        (r"**Formula**\n$$\nx\n$$\n**Next**\n$$\ny\n$$", []),
        (r"$$\nx\n$$\n\n$$\ny", ["QT506"]),
        (r"$$ % note\nx\n$$\n\nmore", ["QT506"]),
        (r"$$\nx\n$$ (1)\n\nmore is here", ["QT506"]),
        (r"$$\nx \tag{1}\n$$\n\nmore", []),
        (r"$$x$$\n$$y$$", []),
        (r"$$x\n$$y$$", ["QT506"]),
        (r"$$\n\text{Let } x \text{ be the number of all the things}\n$$", []),
        (r"> $$\n> x\n> $$ text\n\nmore text is here", ["QT506"]),
        (r"|a|\n|-|\n|$$|\n|x|", []),
        ("Text $$ and more.", []),
        ("A $$$ sign", []),
        ("Price level: $$ to $$$", []),
        ("Restaurants: $, $$ and $$$", []),
        ("Cheap ($), moderate ($$), dear ($$$)", []),
        (r"1. A:\n   $$\n   x\n   $$.\n2. B $y$ and more", ["QT506"]),
    ],
)
def test_double_dollars_in_lists_quotations_and_text(text: str, codes: list[str]) -> None:
    assert codes_of_block(text) == codes
