r"""Convert between Markdown and the one-line answer of a page.

The site decodes an answer with `replace(/\\n/g, "\n")` and never unescapes a backslash. The encoding is ambiguous by
construction: the site would tear `$\nabla$` into a line break and `abla`. A new answer therefore never contains a
backslash followed by `n` except for its line breaks: LaTeX becomes its Unicode character, an escape in code becomes
`\x0a`, and the backslashes of a path become `&#92;`. Where a line begins with letters that would continue a `\n` as a
LaTeX command, such as `eq`, a space keeps them apart.
"""

import re
from collections.abc import Iterator

from qtgen._util.lazy_pattern import lazy_pattern
from qtgen.errors import UnwritableText
from qtgen.page.markdown import Segment, find_segments

# LaTeX commands that begin with `\n`, and what renders the same without one. `\not` is not among them, because it
# needs its operand.
_LATEX = {
    "nabla": "∇",
    "natnums": "ℕ",
    "natural": "♮",
    "ncong": "≇",
    "ne": "≠",
    "nearrow": "↗",
    "neg": "¬",
    "negmedspace": r"\mskip-4mu ",
    "negthickspace": r"\mskip-5mu ",
    "negthinspace": r"\!",
    "neq": "≠",
    "newcommand": r"\providecommand",
    "newline": r"\\ ",
    "nexists": "∄",
    "ngeq": "≱",
    "ngeqq": "≱",
    "ngeqslant": "≱",
    "ngtr": "≯",
    "ni": "∋",
    "nicefrac": r"\tfrac",
    "nleftarrow": "↚",
    "nleftrightarrow": "↮",
    "nleq": "≰",
    "nleqq": "≰",
    "nleqslant": "≰",
    "nless": "≮",
    "nmid": "∤",
    "nobreak": "",
    "nobreakspace": "~",
    "nolimits": "",
    "nonumber": "",
    "normalsize": "",
    "notin": "∉",
    "notni": "∌",
    "notag": "",
    "nparallel": "∦",
    "nprec": "⊀",
    "npreceq": "⋠",
    "nrightarrow": "↛",
    "nshortmid": "∤",
    "nshortparallel": "∦",
    "nsim": "≁",
    "nsubseteq": "⊈",
    "nsubseteqq": "⊈",
    "nsucc": "⊁",
    "nsucceq": "⋡",
    "nsupseteq": "⊉",
    "nsupseteqq": "⊉",
    "ntriangleleft": "⋪",
    "ntrianglelefteq": "⋬",
    "ntriangleright": "⋫",
    "ntrianglerighteq": "⋭",
    "nu": "ν",
    "nvdash": "⊬",
    "nwarrow": "↖",
}
# On a page, a capital letter behind `\n` begins a line. In Markdown, which has real line breaks, these are commands.
_WITH_CAPITALS = {
    "nLeftarrow": "⇍",
    "nLeftrightarrow": "⇎",
    "nRightarrow": "⇏",
    "nVDash": "⊯",
    "nVdash": "⊮",
    "nvDash": "⊭",
}
_NOT = {
    "=": "≠",
    "<": "≮",
    ">": "≯",
    r"\approx": "≉",
    r"\cong": "≇",
    r"\equiv": "≢",
    r"\exists": "∄",
    r"\ge": "≱",
    r"\geq": "≱",
    r"\in": "∉",
    r"\le": "≰",
    r"\leq": "≰",
    r"\mid": "∤",
    r"\ni": "∌",
    r"\parallel": "∦",
    r"\prec": "⊀",
    r"\sim": "≁",
    r"\simeq": "≄",
    r"\subset": "⊄",
    r"\subseteq": "⊈",
    r"\succ": "⊁",
    r"\supset": "⊅",
    r"\supseteq": "⊉",
}

_ALL_LATEX = {**_LATEX, **_WITH_CAPITALS}
_COMMAND = re.compile(r"(?<!\\)((?:\\\\)*)\\(n[A-Za-z]+)")
_ANY_NOT = re.compile(r"(?<!\\)((?:\\\\)*)\\not(?![A-Za-z])")
_SLASH = r"\mathrel{\mathrlap{\,/}}"  # renders like `\not` over any operand
# The longest name comes first, so that `\nleq` is not read as `\nl` and `eq`.
_OPERAND = "|".join(re.escape(key) + (r"(?![A-Za-z])" if key[0] == "\\" else "") for key in _NOT)
_NEGATED = lazy_pattern(rf"\\not\s*({_OPERAND})")
_AFTER_N = "|".join(sorted((name[1:] for name in _LATEX), key=len, reverse=True))

LATEX_COLLISION = lazy_pattern(rf"\\n(?=[a-z])(?<!\\\\n)(?:ot\s*(?:{_OPERAND})|(?:ot|{_AFTER_N})(?![A-Za-z]))")
"""A LaTeX command that begins with `\\n` on a page, together with what it negates."""

LATEX_COLLISION_RE2 = rf"\\n(?:ot|{_AFTER_N})(?:[^A-Za-z]|$)"
"""A pattern for RE2, which has no lookaround, that matches wherever `LATEX_COLLISION` does."""

_AMBIGUOUS_LINE = lazy_pattern(
    rf"(?P<opening>^[ ]*\$\$)?\n(?=(?:ot\s*(?:{_OPERAND})|(?P<letters>ot|{_AFTER_N})(?![A-Za-z])))", re.MULTILINE
)
_MATH_LETTERS = ("e", "eg", "i", "u")  # rules know that these begin a line behind the `$$` that opens or closes math
_AFTER_DRIVE = re.compile(
    r"(?<![A-Za-z])([A-Z]:(?:\\\S*)?)\n(?=[a-z])"
)  # `A:` at the end of a line, no drive of Windows
_PATH = re.compile(r"(?<![A-Za-z])[A-Za-z]:\\[^\s\"'`]*")
_CODE = ("fence", "indented", "code")
_LATEX_INFO = re.compile(r"(?:la)?tex\b|katex\b", re.IGNORECASE)
_PLAIN_SPAN = re.compile(r"[\w:.\\ -]+")  # the text of a code span that means the same without its backticks
_BACKSLASH = "&#92;"
_BREAKS = "\r\x0b\x0c\x85\u2028\u2029"  # what counts as a line break besides the newline
_BLANK_LINES = re.compile(r" *\n *\n[ \n]*\n")
# Every place that `_encode_lines` changes matches this, so a text without a match need not be split into lines.
_CHANGED_LINE = re.compile(r"\n(?:[a-z]| *\n[ \n]*\n)")


def decode_answer(answer: str) -> str:
    r"""Return the Markdown that the site renders: each `\n` of two characters becomes a line break."""
    return answer.replace("\\n", "\n")


def encode_answer(markdown: str, *, field: str | None = None) -> str:
    r"""Return Markdown as the one line of a page.

    Decoding it gives the Markdown again, except for the replacements that this module's docstring names and for runs of
    blank lines. Raises UnwritableText if a backslash followed by `n` remains that has no safe spelling.

    Args:
        field: The path of the answer, for the error.
    """
    if any(mark in markdown for mark in _BREAKS):
        markdown = re.sub(r"\r\n?|[\x0b\x0c\x85\u2028\u2029]", "\n", markdown)
    text = markdown.replace("\t", "    ")
    text = text.strip()  # before code is looked for, because an indented first line would be code
    if "\\n" not in text and "`" not in text and not _CHANGED_LINE.search(text):  # nearly every answer
        return text.replace("\n", "\\n")
    if "\\n" in text:
        text = "".join(source if part else _unescape_breaks(source) for source, part in _parts(text))
    encoded = (_encode_part(source, part) for source, part in _parts(text))
    text = _join_prose(encoded).strip()
    if torn := re.search(r"\\n\w*", text):
        message = f"the site would tear `{torn.group()}` at its `\\n`"
        raise UnwritableText(message, field=field, remedy="write it differently")
    return text.replace("\n", "\\n")


def _parts(text: str) -> Iterator[tuple[str, Segment | None]]:
    """Yield the parts of a text in order: each code and math with its segment, and the prose in between."""
    done = 0
    for segment in find_segments(text):
        yield text[done : segment.start], None
        yield text[segment.start : segment.end], segment
        done = segment.end
    yield text[done:], None


def _join_prose(parts: Iterator[tuple[str, bool]]) -> str:
    """Join parts of a text. Blank lines and line beginnings change only outside code, over all parts between code."""
    joined: list[str] = []
    prose = ""
    for source, is_code in parts:
        if is_code:
            joined += [_encode_lines(prose), source]
            prose = ""
        else:
            prose += source
    return "".join([*joined, _encode_lines(prose)])


def _encode_lines(text: str) -> str:
    if not _CHANGED_LINE.search(text):
        return text
    text = _BLANK_LINES.sub("\n\n", text)
    return _AFTER_DRIVE.sub(r"\1\n ", _AMBIGUOUS_LINE.sub(_set_apart, text))


def _set_apart(line_break: re.Match[str]) -> str:
    """Return a line break with a space behind it, unless it is obvious from the line that it ends."""
    is_obvious = line_break["opening"] is not None and line_break["letters"] in _MATH_LETTERS
    return line_break.group() if is_obvious else f"{line_break['opening'] or ''}\n "


def _encode_part(source: str, part: Segment | None) -> tuple[str, bool]:
    """Return a part of a text without backslashes in front of an n, and whether it is code."""
    if part is None:
        return (_encode_prose(source) if "\\n" in source else source), False
    if part.kind not in _CODE:
        return (_encode_math(source) if "\\" in source else source), False
    if part.kind == "code":
        source = source.replace("\n", " ")
    if "\\n" not in source:
        return source, True
    if part.kind == "code" and (span := _as_prose(source.strip("`"))):
        return span, False
    return (_encode_latex(source) if _LATEX_INFO.match(part.info) else _encode_code(source)), True


def _encode_prose(text: str) -> str:
    """Return prose with its LaTeX and its paths encoded. Another `\\n` may be a line break that was escaped twice."""
    text = _PATH.sub(lambda path: path[0].replace("\\n", f"{_BACKSLASH}n"), text)
    return _encode_latex(text)


def _encode_math(text: str) -> str:
    return _ANY_NOT.sub(lambda match: match[1] + _SLASH, _encode_latex(text))


def _encode_latex(text: str) -> str:
    text = re.sub(r"(?<!\\)((?:\\\\)+)n", r"\1 n", text)  # LaTeX's own line break before an n: a space keeps them apart
    text = _NEGATED.sub(lambda match: _NOT[match.group(1)], text)
    return _COMMAND.sub(lambda match: match[1] + _ALL_LATEX.get(match[2], f"\\{match[2]}"), text)


def _unescape_breaks(text: str) -> str:
    """Turn a line break that was escaped twice into one. An even run of backslashes is a line break of LaTeX."""
    return re.sub(r"(?<!\\)((?:\\\\)*)\\n(?![a-z])", r"\1\n", text)


def _as_prose(span: str) -> str:
    r"""Return a code span about a LaTeX command or a path of Windows as prose, or an empty string for any other.

    Prose can express a backslash before an n, and code cannot.
    """
    text = span.strip()
    command = _COMMAND.fullmatch(text)
    is_literal = (command and len(command[2]) > 1) or _PATH.fullmatch(text)
    return text.replace("\\", _BACKSLASH).replace("_", r"\_") if is_literal and _PLAIN_SPAN.fullmatch(text) else ""


def _encode_code(text: str) -> str:
    paths = _PATH.sub(lambda path: re.sub(r"\\+", "/", path[0]) if "\\n" in path[0] else path[0], text)
    return paths.replace("\\n", r"\x0a")


def unicode_for(command: str) -> str | None:
    r"""Return the characters that render like a command that `LATEX_COLLISION` matches, or None."""
    negated = _NEGATED.fullmatch(command)
    return _NOT[negated.group(1)] if negated else _LATEX.get(command[1:])
