"""Family 5xx, formulas: does KaTeX render the answer's formulas?"""

import re
from collections.abc import Iterator
from typing import NamedTuple

from qtgen.page.markdown.katex import check_formula, shown
from qtgen.page.markdown.plain_math import PlainMath, plain_math
from qtgen.page.markdown.regular_math import regular_math
from qtgen.validation.diagnostics import Severity
from qtgen.validation.rules.answers import answer_finding, answer_of, document_of, renders_math
from qtgen.validation.rules.registry import rule
from qtgen.validation.rules.types import Example, Finding, PageFile

_SIMPLE = re.compile(r"[A-Za-z0-9 +\-=*/<>,.:;!?()\[\]|]*")  # without commands, braces or scripts, it renders


class _Formula(NamedTuple):
    """A formula as KaTeX gets it, and its offset in the answer."""

    tex: str
    display: bool
    offset: int


@rule(
    "QT508",
    "unrenderable-math",
    Severity.ERROR,
    bad=Example("Osmosis moves", r"Where $\ce{H2O}$ is water, osmosis moves"),
    good=Example("Osmosis moves", r"Where $\mathrm{H_2O}$ is water, osmosis moves"),
    patterns=(r"\$", r"(?:```|~~~)[ ]*math"),
    applies=renders_math,
)
def unrenderable_math(file: PageFile) -> Iterator[Finding]:
    r"""KaTeX cannot render a formula of the answer: it has an unknown command, an open brace, a double script …

    Why it is bad: the reader sees the source of the formula, or the unknown command, in red.
    Fix: what the message suggests. A formula in one line, `$$…$$` too, is inline math. There, `align`, `gather`,
    `equation` and `\tag` do not work, so put the `$$` on lines of their own. No automatic fix.
    Precision and recall: 1.00, over the 35 such pages among 9,923 live pages (`benchmarks/rendering.py`). The rule
    reads formulas by the grammar of KaTeX 0.16.47. Tests compare it with KaTeX itself: it agrees on all 7,579 formulas
    of these pages, on 210,000 formulas with accidents, and on 290,520 correct and wrong uses of every command.
    Limits: the rule reports more than 400 nested groups. KaTeX fails at 470 to 1,870, depending on their kind. The rule
    does not report an unescaped `%`, because KaTeX shows no error, although the reader loses what follows it.
    """
    if file.page.layout.codec.escapes and _renders(answer_of(file)):
        return
    for formula in _formulas(file):
        error = check_formula(formula.tex, display=formula.display)
        if error:
            source = shown(" ".join(formula.tex.split()))
            message = f"the site shows the formula {source} as an error: {error.message}"
            yield answer_finding(file, formula.offset + error.start, formula.offset + error.end, message)


def _renders(answer: str) -> bool:
    """Return whether an answer on one line obviously renders. This is a quick test."""
    if regular_math(answer).renders:
        return True
    plain = plain_math(answer)
    return plain is not None and not any(_is_faulty(plain))


def _is_faulty(plain: PlainMath) -> Iterator[bool]:
    """Yield whether each formula of a plain answer has an error."""
    for tex in plain.inline:
        if not _SIMPLE.fullmatch(tex):
            yield check_formula(tex, display=False) is not None
    for tex in plain.display:
        yield check_formula(tex.replace("\\n", "\n"), display=True) is not None


def _formulas(file: PageFile) -> Iterator[_Formula]:
    """Yield the answer's formulas in order."""
    document = document_of(file)
    for part in document.segments:
        # KaTeX also renders a block of code if its language is `math`.
        is_block = part.kind == "display" or (part.kind == "fence" and part.info.split()[:1] == ["math"])
        if part.kind == "math" or is_block:
            yield _Formula(document.content[slice(*part.inner)], is_block, part.inner[0])
