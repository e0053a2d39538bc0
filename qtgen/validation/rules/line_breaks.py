r"""Family 5xx, line breaks: does the site break a line within a LaTeX command or a path?

The site replaces each `\n` of two characters by a line break, whatever it belongs to.
"""

import re
from collections.abc import Iterator, Sequence

from qtgen.page.answer_text import LATEX_COLLISION, LATEX_COLLISION_RE2, unicode_for
from qtgen.page.markdown import Document, Segment, expand_line_breaks, parse, segment_at
from qtgen.page.markdown.bracket_math import find_bracket_math
from qtgen.validation.diagnostics import Severity
from qtgen.validation.rules.answers import (
    answer_finding,
    answer_of,
    document_of,
    escapes_line_breaks,
    replace_in_answer,
)
from qtgen.validation.rules.registry import rule
from qtgen.validation.rules.types import Example, Finding, FixFactory, PageFile

# No line of text begins with the rest of these commands, such as `abla` or `eq`, so they are commands everywhere.
# `\nu`, `\ni` and others may be a line break and a word outside math.
_ALWAYS_A_COMMAND = re.compile(
    r"\\n(?:(?:Right|Left|Leftright)arrow|V[Dd]ash|abla|eq|otin|exists|ewline|onumber|olimits|otag|leq|geq|gtr|less|mid|sim|cong|prec|succ|parallel"
    r"|subseteq|supseteq|[lr]?(?:eft|ight)arrow|earrow|warrow|vdash|obreakspace|triangleleft)$"
)
# What a line of a formula ends with. A `\n` behind it is the line break of the formula.
_LINE_END = re.compile(r"(?:\$\$|\\begin\{[^{}]*\}(?:\{[^{}]*\}|\[[^\]]*\])*|\\\\(?:\[[^\]]*\])?|\\hline|\\\[)[ ]*\Z")
_LINE_END_MAX = 80  # characters
# What a line of a formula begins with: `u &= 2`, or `u = 2` directly behind the comma of the line before.
_LINE_START = re.compile(r"\\n[a-z]{1,2}(?:[ ]*&=|(?<=[,;]\\n[a-z])[ ]=[ ])")
_CLOSES_ON_OWN_LINE = re.compile(r"(?:(?!\\\]).){0,2000}?\\n[ ]*\\\]")
_DOLLARS_ON_OWN_LINE = re.compile(r"[^$]{0,2000}?\\n[ >]*\$\$[ ]*(?:\\n|\Z)")
_OPENS_BLOCK = re.compile(r"(?:\\n|^)([ >]*)\$\$[ ]*\Z")
_CAPITALS = re.compile(r"\\n(?:(?:Right|Left|Leftright)arrow|V[Dd]ash)(?![A-Za-z])")  # no Unicode character for KaTeX
_NEGATION = re.compile(r"(?<=[ (])\\neg(?=[ ]?(?![aAI]\b)[A-Za-z(](?![A-Za-z]))")


@rule(
    "QT501",
    "newline-escape-collision",
    Severity.ERROR,
    bad=Example("Osmosis moves", r"Where $a \neq b$, osmosis moves"),
    good=Example(
        r"holds the solute back.\n\n", r"holds the solute back, $a > b$.\n\n$$\nu = v\n$$\n\nu is the speed.\n\n"
    ),
    fix="safe",
    patterns=(
        LATEX_COLLISION_RE2,
        r"\\n(?:(?:Right|Left|Leftright)arrow|V[Dd]ash)",
        r"(?:[A-Z]:|\\\\[A-Za-z])[^\s]*\\n[a-z]",
    ),
    applies=escapes_line_breaks,
)
def newline_escape_collision(file: PageFile) -> Iterator[Finding]:
    r"""The answer has a LaTeX command that begins with `\n` (`\nabla`, `\neq`, `\nu` …), or a path such as `C:\new`.

    Why it is bad: the site turns every `\n` into a line break, so `$a \neq b$` is shown as `a`, a new line and `eq b`.
    In a list, the new line ends the math, and the closing `$$` opens another formula that contains the rest of the
    page.
    Fix: use the Unicode character (`≠`, `∇`, `ν`). `--fix` does so. This is safe because KaTeX renders it the same.
    For a path, the fix is `/` instead of each backslash, and is unsafe.
    Precision and recall: 1.00, over the 129 such pages among 9,923 live pages (`benchmarks/rendering.py`).
    Limits: the rule reports `x = 1\nu = 2` in a formula, although this may be a line break and `u`. It does not report
    a pattern such as `\d+\n` in a sentence.
    """
    answer = answer_of(file)
    yield from _torn_paths(file, answer)
    commands = torn_commands(file)
    if not commands:
        return
    # To find out where the math is, read the answer as its author meant it: the commands are not line breaks.
    intended = intended_document(answer, commands)
    brackets = [Segment("math", *pair[:2], pair.inner) for pair in find_bracket_math(intended.text)]
    for command in commands:
        part = segment_at(intended.segments, command.start())
        if part and part.kind not in ("math", "display"):
            continue
        is_command = _ALWAYS_A_COMMAND.match(command.group()) or _NEGATION.match(answer, command.start())
        if part or segment_at(brackets, command.start()) or is_command:
            character = unicode_for(command.group())
            remedy = f"write `{character}`" if character else "write it without a command that begins with `\\n`"
            message = f"the site reads `{command.group()}` as a line break and `{command.group()[2:]}`; {remedy}"
            yield answer_finding(file, *command.span(), message, _use_character(file, command, character))


def torn_commands(file: PageFile) -> list[re.Match[str]]:
    r"""Return the commands that the site tears, and what may be one, in order.

    A site with real line breaks tears none.
    """
    if not file.page.layout.codec.escapes:
        return []
    answer = answer_of(file)
    candidates = sorted([*LATEX_COLLISION.finditer(answer), *_CAPITALS.finditer(answer)], key=re.Match.start)
    if not candidates:
        return []
    displays = _Displays(file)
    return [command for command in candidates if not _is_line_break(displays, answer, command)]


def intended_document(answer: str, commands: list[re.Match[str]]) -> Document:
    """Return the answer as its author meant it: with underscores in the place of each command that is torn."""
    parts, done = [], 0
    for command in commands:
        parts += [answer[done : command.start()], "_" * len(command.group())]
        done = command.end()
    return parse(expand_line_breaks("".join([*parts, answer[done:]])))


def _is_line_break(displays: "_Displays", answer: str, command: re.Match[str]) -> bool:
    r"""Return whether a `\n` ends a line of a formula, such as the `$$` that opens it, and is no command."""
    start = command.start()
    if _ALWAYS_A_COMMAND.match(command.group()):
        return False
    line_end = _LINE_END.search(answer, max(0, start - _LINE_END_MAX), start)
    if line_end is None:
        return _LINE_START.match(answer, start) is not None and displays.at(start) is not None
    if line_end.group().startswith("\\["):
        return _CLOSES_ON_OWN_LINE.match(answer, command.end()) is not None
    if not line_end.group().startswith("$$"):
        return True
    if _DOLLARS_ON_OWN_LINE.match(answer, start):
        return True  # also if the list item ends before, so that another `$$` is missing
    display = displays.at(line_end.start())
    return display is not None and display.closed


class _Displays:
    """The blocks of math of a page, which is read when the first one is asked for."""

    __slots__ = ("_file", "_segments")

    def __init__(self, file: PageFile) -> None:
        self._file = file
        self._segments: Sequence[Segment] | None = None

    def at(self, offset: int) -> Segment | None:
        """Return the block of math that covers an offset of the answer, or None."""
        if self._segments is None:
            self._segments = document_of(self._file).segments
        part = segment_at(self._segments, offset)
        return part if part and part.kind == "display" else None


def _use_character(file: PageFile, command: re.Match[str], character: str | None) -> FixFactory | None:
    if character is None:
        return None
    answer = answer_of(file)
    opening = _OPENS_BLOCK.search(answer, max(0, command.start() - _LINE_END_MAX), command.start())
    if opening and _DOLLARS_ON_OWN_LINE.match(answer, command.end()):
        character = f"\\n{opening.group(1)}{character}"  # the site drops what is behind a `$$` that opens a block
    return replace_in_answer(file, f"write `{character}`", [(*command.span(), character)])


_PART = r"[^\s\\\"'`.,;:]*"  # of a path
# The pattern begins with one set of characters, for which `re` searches four times as fast as for alternatives.
_PATH = re.compile(
    rf"[A-Z\\](?:(?<=[A-Z])(?:(?<![A-Za-z].)|(?<=\\n.)):|(?<=\\)(?:(?<![^\s\"'(].)|(?<=\\n.))\\[A-Za-z][\w.-]+(?=\\))"
    rf"(?:\\(?!n){_PART})*\\n[a-z]{_PART}(?:\.[a-z]{{1,4}}\b)?(?:\\(?!n){_PART})*"
)
_FOLDER = re.compile(r"\\n(?:ew|et|ews|ame|ode|otes?|ginx|vidia|tuser|etwork|umbers?)\b|\.[a-z]{1,4}\Z")


def _torn_paths(file: PageFile, answer: str) -> Iterator[Finding]:
    r"""Yield findings about paths of Windows in prose, such as `C:\new`. QT504 reports those in code."""
    if ":\\" not in answer and "\\\\" not in answer:
        return
    has_rows = "\\begin" in answer or "\\[" in answer  # in which `\\\\` ends a row
    paths = [*_PATH.finditer(answer)]
    segments = document_of(file).segments if paths else ()
    for path in paths:
        is_server = path.group().startswith("\\\\")
        is_path = not has_rows if is_server else path.group().count("\\") > 1 or _FOLDER.search(path.group())
        if is_path and not segment_at(segments, path.start()):
            at = path.group().index("\\n")
            message = f"the site breaks the line within the path `{path.group()}`; write `/` instead of each backslash"
            slashes = path.group().replace("\\", "/")
            fix = replace_in_answer(file, f"write `{slashes}`", [(*path.span(), slashes)], safe=False)
            yield answer_finding(file, path.start() + at, path.start() + at + 2, message, fix, fix_safety="unsafe")
