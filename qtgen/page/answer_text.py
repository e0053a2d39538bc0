r"""Markdown <-> the one-line answer of a page.

The site decodes with `replace(/\\n/g, "\n")` and never unescapes a backslash, so the encoding is ambiguous by
construction: `$\nabla$` would be torn into a line break and `abla`. A new answer therefore never holds a backslash
followed by `n` but for its line breaks: LaTeX becomes its Unicode character, an escape in code becomes `\x0a`.
"""

import re

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
_COMMAND = re.compile(r"\\(" + "|".join(sorted(_LATEX, key=len, reverse=True)) + r")(?![A-Za-z])")
_NEGATED = re.compile(r"\\not\s*(" + "|".join(re.escape(key) + r"(?![A-Za-z])" if key[0] == "\\" else key for key in _NOT) + ")")
_CODE = re.compile(r"(?P<fence>```|~~~).*?(?:(?P=fence)|\Z)|`[^`\n]+`", re.DOTALL)


def decode(answer: str) -> str:
    r"""What the site renders: every `\n` of two characters is a line break."""
    return answer.replace("\\n", "\n")


def encode(markdown: str) -> str:
    r"""One line for the page, such that `decode(encode(m))` is `m` but for the repairs named above.

    Raises UnwritableText if a backslash followed by `n` is left that has no safe spelling.
    """
    text = re.sub(r"\r\n?|[\x0b\x0c\x85\u2028\u2029]", "\n", markdown).replace("\t", "    ")
    text = re.sub(r"[ \n]*\n[ \n]*\n[ \n]*\n", "\n\n", _without_collisions(text)).strip()
    torn = re.search(r"\\n\w*", text)
    if torn:
        raise UnwritableText(f"answer: `{torn.group()}` would be torn at its `\\n` by the site; write it otherwise")
    if text.endswith("\\") or "\\\n" in text:
        text = re.sub(r"\\+(?=\n|\Z)", "", text)  # a backslash before a break would read as `\\n`
    return text.replace("\n", "\\n")


def _without_collisions(text: str) -> str:
    """The repairs, code and prose apart."""
    parts, done = [], 0
    for code in _CODE.finditer(text):
        parts += [_prose(text[done : code.start()]), code.group().replace("\\n", r"\x0a")]
        done = code.end()
    return "".join([*parts, _prose(text[done:])])


def _prose(text: str) -> str:
    text = _NEGATED.sub(lambda found: _NOT[found.group(1)], text)
    return _COMMAND.sub(lambda found: _LATEX[found.group(1)], text)
