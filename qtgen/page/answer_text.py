r"""Convert between Markdown and the one-line answer of a page.

The site decodes an answer with `replace(/\\n/g, "\n")` and never unescapes a backslash. The encoding is ambiguous by
construction: the site would tear `$\nabla$` into a line break and `abla`. A new answer therefore never contains a
backslash followed by `n` except for its line breaks: LaTeX becomes its Unicode character, and an escape in code
becomes `\x0a`.
"""

import re
from collections.abc import Callable

from qtgen.errors import UnwritableText

# LaTeX commands that begin with `\n`, and what renders the same without one. `\not` is not among them, because it
# needs its operand.
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

# The longest name comes first, so that `\nleq` is not read as `\nl` and `eq`.
_COMMAND = re.compile(r"(?<!\\)((?:\\\\)*)\\(" + "|".join(sorted(_LATEX, key=len, reverse=True)) + r")(?![A-Za-z])")
_OPERAND = "|".join(re.escape(key) + (r"(?![A-Za-z])" if key[0] == "\\" else "") for key in _NOT)
_NEGATED = re.compile(rf"\\not\s*({_OPERAND})")
_AFTER_N = "|".join(sorted((name[1:] for name in _LATEX), key=len, reverse=True))

LATEX_COLLISION = re.compile(rf"\\n(?=[a-z])(?<!\\\\n)(?:ot\s*(?:{_OPERAND})|(?:ot|{_AFTER_N})(?![A-Za-z]))")
"""A LaTeX command that begins with `\\n` on a page, together with what it negates."""

LATEX_COLLISION_RE2 = rf"\\n(?:ot|{_AFTER_N})(?:[^A-Za-z]|$)"
"""A pattern for RE2, which has no lookaround, that matches wherever `LATEX_COLLISION` does."""

_MATH = re.compile(r"\$\$[^$]+\$\$|\$[^$\n]+\$")
_DISPLAY = re.compile(r"\\\[((?:(?!\\\[).)+?)\\\]", re.DOTALL)
_INLINE = re.compile(r"\\\(((?:(?!\\\().)+?)\\\)", re.DOTALL)
_CODE = re.compile(r"(?P<fence>```|~~~).*?(?:(?P=fence)|\Z)|`[^`\n]+`", re.DOTALL)


def decode_answer(answer: str) -> str:
    r"""Return the Markdown that the site renders: each `\n` of two characters becomes a line break."""
    return answer.replace("\\n", "\n")


def encode_answer(markdown: str) -> str:
    r"""Return Markdown as the one line of a page.

    Decoding it gives the Markdown again, except for the replacements that this module's docstring names and for runs of
    blank lines. Raises UnwritableText if a backslash followed by `n` remains that has no safe spelling.
    """
    text = re.sub(r"\r\n?|[\x0b\x0c\x85\u2028\u2029]", "\n", markdown).replace("\t", "    ")
    text = _outside_code(text, _encode_prose, _encode_code).strip()
    if torn := re.search(r"\\n\w*", text):
        message = f"the site would tear `{torn.group()}` at its `\\n`"
        raise UnwritableText(message, field="answer", remedy="write it differently")
    return text.replace("\n", "\\n")


def _encode_prose(text: str) -> str:
    if "\\" in text:
        text = _replace_latex(text)
    return re.sub(r" *\n *\n[ \n]*\n", "\n\n", text)


def _replace_latex(text: str) -> str:
    text = _outside(_MATH, text, _unescape_breaks)
    text = re.sub(r"(?<!\\)((?:\\\\)+)n", r"\1 n", text)  # LaTeX's own line break before an n: a space keeps them apart
    text = _NEGATED.sub(lambda match: _NOT[match.group(1)], text)
    return _COMMAND.sub(lambda match: match.group(1) + _LATEX[match.group(2)], text)


def _unescape_breaks(text: str) -> str:
    """Turn a line break that was escaped twice into one. An even run of backslashes is a line break of LaTeX."""
    return re.sub(r"(?<!\\)((?:\\\\)*)\\n(?![a-z])", r"\1\n", text)


def _encode_code(text: str) -> str:
    return text.replace("\\n", r"\x0a")


def unicode_for(command: str) -> str | None:
    r"""Return the characters that render like a command that `LATEX_COLLISION` matches, or None."""
    negated = _NEGATED.fullmatch(command)
    return _NOT[negated.group(1)] if negated else _LATEX.get(command[1:])


def to_dollar_math(markdown: str) -> str:
    r"""Return Markdown with `\(…\)` and `\[…\]`, which the site does not render, as `$…$` and `$$…$$` outside code."""
    return _outside_code(markdown, _use_dollars) if "\\" in markdown else markdown


def _use_dollars(text: str) -> str:
    text = _DISPLAY.sub(lambda match: f"$${match.group(1).strip()}$$", text)
    return _INLINE.sub(lambda match: f"${match.group(1).strip()}$", text)


def _outside_code(text: str, change: Callable[[str], str], change_code: Callable[[str], str] = str) -> str:
    """Apply `change` to the prose and `change_code` to the fenced blocks and code spans."""
    return _outside(_CODE, text, change, change_code)


def _outside(
    pattern: re.Pattern[str], text: str, change: Callable[[str], str], change_matches: Callable[[str], str] = str
) -> str:
    """Apply `change_matches` to what the pattern matches and `change` to everything else."""
    parts, done = [], 0
    for match in pattern.finditer(text):
        parts += [change(text[done : match.start()]), change_matches(match.group())]
        done = match.end()
    return "".join([*parts, change(text[done:])])
