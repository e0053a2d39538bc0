r"""What a reader of a page sees broken, found in what the site's renderer makes of the answer.

The definitions use the renderer's output and the answer in the page, and no code of the rules:

- `torn`: a line of a formula or of the text begins with the rest of a command that begins with `\n`. If the rest is no
  word (`abla`, `eq`), that is enough. If it may be (`u`, `i`, `e`), the line must be in a formula or contain LaTeX, and
  must not follow a `$$`, `\begin{…}` or `\\`.
- `brackets`: the text shows `(…)` or `[…]` that the answer writes as `\(…\)` or `\[…\]`, and there is a LaTeX command, a
  relation, an operator, a function, a tuple or a single variable between them.
- `money`: inline math of one dollar sign each that begins with an amount and contains prose, or that is followed by a
  digit. Prose is a word of three letters, or a short one such as `to`, that is no command, no argument of `\text` and no unit.
- `code`: a code span of the answer contains `\n`, or a line of a code block ends within a string in double quotes that
  a later line ends.
- `open`: the text shows `**` or `$$`; a display formula contains markdown or a sentence, or is empty; or a code block
  is not closed and contains markdown that follows it.
- `error`: KaTeX shows a formula as an error. `red`: KaTeX shows a command in red within a formula.
- `table`: the text shows a row of a table with its pipes, or a cell is dropped.
- `struck`: text is struck through by single tildes. `hash`: a line of the text begins with `##` and a letter.
- `latex`: the text shows a LaTeX command or `^{…}`, outside the brackets of `brackets` and the lines of `torn`.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from qtgen.validation.rules import REGISTRY

Nodes = Sequence[tuple[str, int, int, str | None]]


class Shown(NamedTuple):
    """A page as the reader sees it.

    Args:
        answer: The answer in the page.
        page: What `support.oracle.render` returns for it.
        nodes: What `support.oracle.parse_nodes` returns for its Markdown.
    """

    answer: str
    page: Mapping[str, Any]
    nodes: Nodes

    @property
    def markdown(self) -> str:
        """The answer with line breaks, as the nodes count them."""
        return self.answer.replace("\\n", "\n")


class Fault(NamedTuple):
    """A kind of fault, the rules that report it, and how a reader sees it."""

    name: str
    title: str
    rules: tuple[str, ...]
    is_seen: Callable[[Shown], bool]


_NO_WORD = (
    "abla|eq|eg|otin|mid|leq|geq|less|gtr|sim|cong|prec|succ|exists|parallel|subset|supset|subseteq|supseteq|vdash"
    "|leftarrow|rightarrow|Leftarrow|Rightarrow|eftarrow|ightarrow|earrow|warrow|ewline|onumber|otag"
)
_TORN = re.compile(rf"^[ ]*(?:(?:{_NO_WORD})(?![a-z])|ot\\[A-Za-z])", re.MULTILINE)
_TORN_LETTER = re.compile(r"\\n(?P<rest>(?:u|i|e)(?![A-Za-z]).{0,8})")
_BEFORE = 80  # characters before a command that tell whether a line ends there
_ENDS_A_LINE = re.compile(r"(?:\$\$|\\\\(?:\[[^\]]*\])?|\\begin\{\w+\*?\}(?:\{[^{}]*\})?|\\n)[ ]*\Z")
_COMMAND = re.compile(r"\\[A-Za-z]{2,}")


def is_torn(shown: Shown) -> bool:
    formulas = [node["tex"] for node in shown.page["math"]]
    if any(_TORN.search(text) for text in (shown.page["text"], *formulas)):
        return True
    for match in _TORN_LETTER.finditer(shown.answer):
        rest = match.group("rest").split("\\n")[0].split("$")[0].strip()
        if _ENDS_A_LINE.search(shown.answer, max(0, match.start() - _BEFORE), match.start()):
            continue
        if any(re.search(rf"(?:^|\n)[ ]*{re.escape(rest)}", tex) for tex in formulas):
            return True
        lines = [line for line in shown.page["text"].split("\n") if line.strip().startswith(rest)]
        if any(_COMMAND.search(line) or re.match(r"\s*\w[_^}=]", line) for line in lines):
            return True
    return False


_BRACKETS = re.compile(r"\\(?<!\\\\)(?:\((.{1,500}?)\\\)|\[(.{1,2000}?)\\\])", re.DOTALL)
_PROSE_WORD = re.compile(r"(?<![A-Za-z\\])[A-Za-z]{3,}")
_FORMULA = re.compile(
    r"\\[A-Za-z]{2,}|[=<>^_+\u2190-\u22ff]|\b[A-Za-z]{1,3}'?\(|^\(.*\)$|^[\[(].*,.*[\])]$|^-?[A-Za-z0-9]?'?[A-Za-z]'?$"
    r"|\d\s*-\s*\d"
)


def has_brackets(shown: Shown) -> bool:
    text = _squeeze(shown.page["text"])
    for match in _BRACKETS.finditer(shown.answer):
        content = (match.group(1) or match.group(2)).replace("\\n", " ").strip()
        is_formula = _FORMULA.search(content) and (_COMMAND.search(content) or len(_PROSE_WORD.findall(content)) < 2)
        opening = "(" if match.group(1) else "["
        if is_formula and opening + _squeeze(_unescape(content))[:3] in text:
            return True
    return False


def _squeeze(text: str) -> str:
    return re.sub(r"[\s*_]+", "", text)


def _unescape(text: str) -> str:
    return re.sub(r"\\([!-/:-@\[-`{-~])", r"\1", text)


_AMOUNT = re.compile(r"\s?\d[\d,.]*")
_NOT_PROSE = re.compile(
    r"\\(?:text|mathrm|mbox|operatorname|mathbf|mathit)\w*\s*\{[^{}]*\}|\\[A-Za-z]+|\{[^{}]*\}"
    r"|\b(?:sin|cos|tan|log|ln|exp|mod|max|min|gcd|lim|kg|cm|mm|km|mol|kJ|Hz|Pa|atm|eV|ft|lb|oz|in|mg|mL)\b"
)
_WORD = re.compile(r"(?<![A-Za-z])(?:[A-Za-z]{3,}|of|to|is|or|at|in|an|if|by|on|as|it|we)(?![A-Za-z])")


def has_money(shown: Shown) -> bool:
    markdown = shown.markdown
    for name, start, end, value in shown.nodes:
        if name != "inlineMath" or value is None or markdown.startswith("$$", start):
            continue
        has_prose = _WORD.search(_NOT_PROSE.sub(" ", value)) is not None
        follows = markdown[end : end + 1].isdigit()
        if (_AMOUNT.match(value) and (has_prose or follows)) or (follows and has_prose):
            return True
    return False


def has_torn_code(shown: Shown) -> bool:
    markdown = shown.markdown
    for name, start, end, value in shown.nodes:
        if name == "inlineCode" and "\n" in markdown[start:end]:
            return True
        if name == "code" and value and any(line.count('"') % 2 for line in value.split("\n")):
            lines = [line for line in value.replace('"""', "").split("\n") if line.count('"') % 2]
            if len(lines) > 1:
                return True
    return False


_MARKDOWN = re.compile(
    r"^[ ]*(?:#{1,6} |[-*] [A-Za-z*]|\d+\. [A-Za-z*])|\*\*|(?:(?<![A-Za-z\\])[A-Za-z]{2,}[ ,]+){4}|(?<!\\)\$",
    re.MULTILINE,
)
_TEXT_COMMAND = re.compile(r"\\(?:text|mathrm|mbox|operatorname)\w*\s*\{[^{}]*\}")
_SHOWN_MARKS = re.compile(r"(?<!\*)\*\*(?!\*)|(?<!\$)\$\$(?!\$)")
_CLOSED = re.compile(r"\n[> ]*(?:```+|~~~+)[ ]*\Z")


def is_open(shown: Shown) -> bool:
    if _SHOWN_MARKS.search(shown.page["text"]):
        return True
    for formula in shown.page["math"]:
        if formula["display"] and (
            not formula["tex"].strip() or _MARKDOWN.search(_TEXT_COMMAND.sub("", formula["tex"]))
        ):
            return True
    for name, start, end, value in shown.nodes:
        source = shown.markdown[start:end]
        if name == "code" and source.startswith(("```", "~~~")) and not _CLOSED.search(source):
            is_last = end >= len(shown.markdown.rstrip())
            if is_last or not (value or "").strip() or re.search(r"^(?:[-*#]|\d+\.) ", value or "", re.MULTILINE):
                return True
    return False


def has_error(shown: Shown) -> bool:
    return bool(shown.page["katex_errors"])


def has_red_command(shown: Shown) -> bool:
    return bool(shown.page["katex_messages"]) and not shown.page["katex_errors"]


_PIPES = re.compile(r"^[ ]*\|.*\|[ ]*$|^[ ]*:?-{3,}:? *\|", re.MULTILINE)


def has_broken_table(shown: Shown) -> bool:
    columns = row = cell = 0
    for name, start, end, _ in shown.nodes:
        if name == "table":
            columns = row = 0
        elif name == "tableRow":
            row, cell = row + 1, 0
        elif name == "tableCell":
            cell, columns = cell + 1, columns + (row == 1)
            if cell > columns and shown.markdown[start:end].strip("| "):
                return True
    return len(_PIPES.findall(shown.page["text"])) > 1


def has_struck_text(shown: Shown) -> bool:
    return any(
        name == "delete" and not shown.markdown.startswith("~~", start) for name, start, _end, _value in shown.nodes
    )


def has_shown_hashes(shown: Shown) -> bool:
    return re.search(r"^[ ]*#{2,6}[^\W\d_]", shown.page["text"], re.MULTILINE) is not None


_GROUP = re.compile(r"\((?:[^()\n]|\((?:[^()\n]|\([^()\n]*\))*\))*\)|\[(?:[^\[\]]|\[[^\[\]]*\])*\]")
_LATEX = re.compile(r"\\[A-Za-z]{2,}|[A-Za-z0-9)]\^\{")


def has_latex(shown: Shown) -> bool:
    text = shown.page["text"]
    if not _LATEX.search(text) or is_torn(shown):
        return False
    if "\\(" in shown.answer or "\\[" in shown.answer:
        text = _GROUP.sub(" ", text)
    return _LATEX.search(text) is not None


FAULTS = (
    Fault("torn", r"`\n…` torn", ("QT501",), is_torn),
    Fault("brackets", r"`\(…\)` as text", ("QT502",), has_brackets),
    Fault("money", "money as math", ("QT503",), has_money),
    Fault("code", r"`\n` torn in code", ("QT504",), has_torn_code),
    Fault("open", "open `$$`, fence, `**`", ("QT506",), is_open),
    Fault("error", "KaTeX error box", ("QT508",), has_error),
    Fault("red", "KaTeX red command", ("QT508",), has_red_command),
    Fault("table", "broken table", ("QT509",), has_broken_table),
    Fault("struck", "text struck through", ("QT510",), has_struck_text),
    Fault("hash", "`##Heading` as text", ("QT511",), has_shown_hashes),
    Fault("latex", "LaTeX as text", ("QT514",), has_latex),
)


class Row(NamedTuple):
    """How often readers see a fault, and how often the rules find it. The figures are numbers of pages."""

    title: str
    rules: tuple[str, ...]
    pages: int
    found: int
    false_alarms: int

    @property
    def precision(self) -> float:
        return self.found / (self.found + self.false_alarms) if self.found + self.false_alarms else 1.0

    @property
    def recall(self) -> float:
        return self.found / self.pages if self.pages else 1.0


def compare(shown: Mapping[str, Shown], codes: Mapping[str, set[str]]) -> list[Row]:
    """Return a row for each kind of fault.

    Args:
        shown: What readers see, by path.
        codes: The codes that qtgen reports, by path.
    """
    rows = []
    reported = [fault for fault in FAULTS if fault.rules[0] in REGISTRY]
    for fault in reported:
        seen = {path for path, page in shown.items() if fault.is_seen(page)}
        found = {path for path, found in codes.items() if found.intersection(fault.rules)}
        also_seen = {
            path
            for other in reported
            if other.rules == fault.rules and other != fault
            for path, page in shown.items()
            if other.is_seen(page)
        }
        rows.append(Row(fault.title, fault.rules, len(seen), len(seen & found), len(found - seen - also_seen)))
    return rows
