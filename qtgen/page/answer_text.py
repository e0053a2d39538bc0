r"""Markdown <-> the one-line answer of a page.

The site decodes with `replace(/\\n/g, "\n")` and never unescapes a backslash, so the encoding is ambiguous by
construction: `$\nabla$` would be torn into a line break and `abla`. A new answer therefore never holds a backslash
followed by `n` but for its line breaks: LaTeX becomes its Unicode character, an escape in code becomes `\x0a`.
"""

import re
from collections.abc import Callable

from qtgen.errors import UnwritableText

# LaTeX commands that begin with `\n`, and what renders the same without. Longest first, so that `\nleq` is not
# read as `\nl` + `eq`; `\not` needs its operand and stands apart.
_LATEX = {
    "nabla": "∇",
    "natural": "♮",
    "ncong": "≇",
    "ne": "≠",
    "nearrow": "↗",
    "neg": "¬",
    "neq": "≠",
    "newline": r"\\ ",
    "nexists": "∄",
    "ngeq": "≱",
    "ngtr": "≯",
    "ni": "∋",
    "nleftarrow": "↚",
    "nleq": "≰",
    "nless": "≮",
    "nmid": "∤",
    "nobreakspace": "~",
    "nolimits": "",
    "nonumber": "",
    "normalsize": "",
    "notin": "∉",
    "notag": "",
    "nparallel": "∦",
    "nprec": "⊀",
    "nrightarrow": "↛",
    "nsim": "≁",
    "nsubseteq": "⊈",
    "nsucc": "⊁",
    "nsupseteq": "⊉",
    "ntriangleleft": "⋪",
    "nu": "ν",
    "nvdash": "⊬",
    "nwarrow": "↖",
}
_NOT = {"=": "≠", r"\in": "∉", r"\subset": "⊄", r"\equiv": "≢", "<": "≮", ">": "≯", r"\exists": "∄", r"\mid": "∤"}
_COMMAND = re.compile(r"(?<!\\)((?:\\\\)*)\\(" + "|".join(sorted(_LATEX, key=len, reverse=True)) + r")(?![A-Za-z])")
_OPERAND = "|".join(re.escape(key) + (r"(?![A-Za-z])" if key[0] == "\\" else "") for key in _NOT)
_NEGATED = re.compile(rf"\\not\s*({_OPERAND})")
# A LaTeX command that begins with `\n` on a page, together with what it negates.
_AFTER_N = "|".join(sorted((name[1:] for name in _LATEX), key=len, reverse=True))
LATEX_COLLISION = re.compile(rf"\\n(?=[a-z])(?<!\\\\n)(?:ot\s*(?:{_OPERAND})|(?:ot|{_AFTER_N})(?![A-Za-z]))")
LATEX_COLLISION_RE2 = rf"\\n(?:ot|{_AFTER_N})(?:[^A-Za-z]|$)"  # of one: RE2 looks for it, and knows no looking around
_MATH = re.compile(r"\$\$[^$]+\$\$|\$[^$\n]+\$")
_DISPLAY = re.compile(r"\\\[((?:(?!\\\[).)+?)\\\]", re.DOTALL)
_INLINE = re.compile(r"\\\(((?:(?!\\\().)+?)\\\)", re.DOTALL)
_CODE = re.compile(r"(?P<fence>```|~~~).*?(?:(?P=fence)|\Z)|`[^`\n]+`", re.DOTALL)


def decode_answer(answer: str) -> str:
    r"""What the site renders: every `\n` of two characters is a line break."""
    return answer.replace("\\n", "\n")


def encode_answer(markdown: str) -> str:
    r"""One line for the page, such that `decode(encode(m))` is `m` but for the repairs named above.

    Raises UnwritableText if a backslash followed by `n` is left that has no safe spelling.
    """
    text = re.sub(r"\r\n?|[\x0b\x0c\x85\u2028\u2029]", "\n", markdown).replace("\t", "    ")
    text = _outside_code(text, _prose, _code).strip()
    torn = re.search(r"\\n\w*", text)
    if torn:
        raise UnwritableText(f"answer: `{torn.group()}` would be torn at its `\\n` by the site; write it otherwise")
    return text.replace("\n", "\\n")


def _prose(text: str) -> str:
    if "\\" in text:
        text = _latex(text)
    return re.sub(r" *\n *\n[ \n]*\n", "\n\n", text)


def _latex(text: str) -> str:
    text = _outside(_MATH, text, _breaks)
    text = re.sub(r"(?<!\\)((?:\\\\)+)n", r"\1 n", text)  # LaTeX's line break before an n: a space keeps them apart
    text = _NEGATED.sub(lambda found: _NOT[found.group(1)], text)
    return _COMMAND.sub(lambda found: found.group(1) + _LATEX[found.group(2)], text)


def _code(text: str) -> str:
    return text.replace("\\n", r"\x0a")


def unicode_for(command: str) -> str | None:
    r"""The character that renders as a command of `LATEX_AT_N` does; None where there is none."""
    negated = _NEGATED.fullmatch(command)
    return _NOT[negated.group(1)] if negated else _LATEX.get(command[1:])


def to_dollar_math(markdown: str) -> str:
    r"""`\(…\)` and `\[…\]`, which the site does not render, as `$…$` and `$$…$$`; code is left alone."""
    return _outside_code(markdown, _dollars) if "\\" in markdown else markdown


def _dollars(text: str) -> str:
    text = _DISPLAY.sub(lambda found: f"$${found.group(1).strip()}$$", text)
    return _INLINE.sub(lambda found: f"${found.group(1).strip()}$", text)


def _breaks(text: str) -> str:
    """A break that was escaped twice on its way here; an even run of backslashes is a line break of LaTeX."""
    return re.sub(r"(?<!\\)((?:\\\\)*)\\n(?![a-z])", r"\1\n", text)


def _outside_code(text: str, change: Callable[[str], str], in_code: Callable[[str], str] = str) -> str:
    """`text` with `change` made to its prose and `in_code` to its fenced blocks and code spans."""
    return _outside(_CODE, text, change, in_code)


def _outside(
    pattern: re.Pattern[str], text: str, change: Callable[[str], str], inside: Callable[[str], str] = str
) -> str:
    """`text` with `change` made to what `pattern` does not match and `inside` to what it does."""
    parts, done = [], 0
    for found in pattern.finditer(text):
        parts += [change(text[done : found.start()]), inside(found.group())]
        done = found.end()
    return "".join([*parts, change(text[done:])])
