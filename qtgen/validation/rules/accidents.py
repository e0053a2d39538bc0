"""Family 5xx, accidents: does Markdown mean something else than its author thought?"""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from qtgen.page.markdown import Document, ListItem
from qtgen.validation.diagnostics import Severity
from qtgen.validation.rules.answers import (
    answer_finding,
    answer_line,
    answer_of,
    document_of,
    has_answer,
    replace_in_answer,
)
from qtgen.validation.rules.registry import rule
from qtgen.validation.rules.types import Example, Finding, PageFile

if TYPE_CHECKING:
    from qtgen.validation.rules.file_columns import FileColumns


@rule(
    "QT510",
    "accidental-strikethrough",
    Severity.WARNING,
    bad=Example("Osmosis moves", "In H~2~O, osmosis moves"),
    good=Example("Osmosis moves", "In ~5 to ~10 minutes, ~~never~~ osmosis moves"),
    fix="unsafe",
    patterns=(r"~[^~]+~",),
    repairable="concern",
    applies=has_answer,
)
def accidental_strikethrough(file: PageFile) -> Iterator[Finding]:
    r"""Text between two single tildes is struck through: `H~2~O`, or `3~5 … 6~8`.

    Why it is bad: the author meant a subscript, or "about". The reader sees text that is struck through.
    Fix: write the Unicode character (`H₂O`){math_subscript} or `\~`. `--fix --unsafe` writes `\~`. This is unsafe
    because the author may have meant to strike the text through, for which `~~` is the usual mark.
    Precision: no finding on 9,923 live pages, and no text on them is struck through.
    Limits: the rule does not report an accidental `~~`.
    """
    for part in document_of(file).emphasis[0]:
        if part.mark == "~":
            marks = [(part.start, part.start, "\\"), (part.end - 1, part.end - 1, "\\")]
            fix = replace_in_answer(file, r"write `\~`", marks, safe=False)
            subscript = "`$H_2O$`" if file.page.layout.codec.math else "`H₂O`"
            message = (
                rf"the site strikes through the text between these tildes; write `\~`, or a subscript as {subscript}"
            )
            yield answer_finding(file, part.start, part.end, message, fix)


_HASHES = re.compile(r"#{2,6}(?=[^\W\d_]|\*|\d{1,2}[.)] )")
_HASH = re.compile(r"#(?=[A-ZÀ-ÖØ-Þ][a-zß-öø-ÿ]*(?![\w])(?P<more>(?: [^\n#]{1,60})?)[ ]*\n(?P<blank>[ ]*\n)?)")
_SMALL_WORDS = frozenset(
    ["a", "an", "and", "as", "at", "by", "for", "from", "in", "into", "of", "on", "or", "the", "to", "vs", "with"]
)
_SENTENCE_END = re.compile(r"[.!:;,][\"')\]*]*\Z")
_HEADING_MAX = 100  # characters of a heading that is underlined


@rule(
    "QT511",
    "accidental-heading",
    Severity.WARNING,
    bad=Example("Osmosis moves", r"Water moves.\n---\n\nOsmosis moves"),
    good=Example(r"\n\n1. **Gradient**", r"\n\n---\n\n## Points\n\nMore #1\n===\n\n1. **Gradient**"),
    patterns=(
        r"(?:^|\\n)[ >]*(?:(?:[-*+]|\d+[.)])[ ]+)*(?:#[A-ZÀ-ÖØ-Þ]|##+[^ #\\])",
        r"(?:[^\\n| -]|[^\\]n)[ ]*\\n[ >]*-+[ ]*(?:\\n|$)",
    ),
    repairable="concern",
    applies=has_answer,
)
def accidental_heading(file: PageFile) -> Iterator[Finding]:
    """A line of dashes makes a heading of the paragraph above it, or a heading has no space after its `#`.

    Dashes below one short line without a full stop are a heading on purpose. `#Heading` is meant as a heading if it is
    a short line of its own outside a list. `#MeToo` and other hashtags are not reported.

    Why it is bad: a reader sees a whole paragraph in the size of a heading, or `##` in the text.
    Fix: put a blank line above the dashes, and a space after the `#`. No automatic fix.
    Precision: no finding on 9,923 live pages, and no such fault on them.
    Limits: the rule does not report a short line without a full stop above dashes, or `#Heading` in a list or with a
    capital inside.
    """
    document = document_of(file)
    text = document.text
    for block in document.blocks:
        if block.kind == "setext" and block.width > 1:
            dashes = block.lines[-1][1] + 1
            is_single = text[dashes : block.end].count("-") == 1  # rather an empty item of a list
            if not is_single and not _is_prose(text[block.lines[0][0] : block.lines[-1][1]]):
                continue
            start = dashes + len(text[dashes : block.end]) - len(text[dashes : block.end].lstrip(" >"))
            message = "the text above this line is shown as a heading; put a blank line between them"
            yield answer_finding(file, start, block.start + len(text[block.start : block.end].rstrip()), message)
        elif block.kind == "paragraph":
            for start, _ in block.lines:
                hashes = _HASHES.match(text, start)
                if hashes or (start == block.start and block.item < 0 and (hashes := _match_hash(text, start))):
                    message = f"the site shows this `{hashes.group()}` as text; put a space after it"
                    yield answer_finding(file, *hashes.span(), message)


def _match_hash(text: str, start: int) -> re.Match[str] | None:
    """Return the `#` of a heading of the first level that lacks its space, or None."""
    found = _HASH.match(text, start)
    if found is None:
        return None
    more = found.group("more")
    is_title = all(word[:1].isupper() or word in _SMALL_WORDS for word in more.split())
    if _SENTENCE_END.search(more) or not (found.group("blank") or (more and is_title)):
        return None
    return found


def _is_prose(text: str) -> bool:
    text = text.strip()
    return "\n" in text or len(text) > _HEADING_MAX or _SENTENCE_END.search(text) is not None


_LEADING = r"(?:\*\*|[-*+] |\d{1,3}[.)] |[(\"“])*"
_FUNCTION_WORD = re.compile(
    r"\b(?:the|an?|of|to|is|are|was|were|in|and|for|with|that|because|this|it|as|by|be|or|not|on|from|you|we)\b"
)
_SENTENCE = re.compile(rf"{_LEADING}[A-Z][a-z]*(?:[,:*\"”)]* [A-Za-z'’(\"“*$]+){{2,}}(?: [A-Za-z'’(\"“*$]|[.!?])")
_SENTENCE_IN_LOWER_CASE = re.compile(rf"{_LEADING}[a-z]+(?:[,:*\"”)]* [A-Za-z'’(\"“*$-]+){{3,}}[^\n]*[.!?]\s*\Z")
_ITEM = re.compile(r"(?:[-*+]|\d{1,3}[.)]) [A-Za-z]+(?: [A-Za-z'’(\"“*$]+){2,}")
_CODE_SIGN = re.compile(
    r"[=;{}<>\[\]]|\w\(|:[ ]*$|^[ ]*(?:#|//|\||(?:[Ee]rror|[Ww]arning|[Uu]sage|Traceback|Exception)\b)", re.MULTILINE
)
# What a block of code hardly begins with.
_MARKED = re.compile(
    r"\$\$|\\\[|(?:(?:[-*+]|\d{1,3}[.)]) )?\*\*|> |```|~~~|!\[[^\]\n]*\]\(|\[[^\]\n]+\]\(https?:|\$[^$\s][^$\n]*\$[ ,.]"
    r"|\|[^\n]*\|[ ]*\n[ ]*\|[-:| ]+\|"
)


@rule(
    "QT512",
    "accidental-code",
    Severity.WARNING,
    bad=Example(r"\n\n1. **Gradient**", r"\n\n    Water moves because of the gradient.\n\n1. **Gradient**"),
    good=Example(r"\n\n1. **Gradient**", r"\n\n    for n in range(3):\n        print(n)\n\n1. **Gradient**"),
    patterns=(r"\\n[ >]*    ",),
    repairable="concern",
    applies=has_answer,
)
def accidental_code(file: PageFile) -> Iterator[Finding]:
    """{indented_things} is indented by four spaces or more, so that the site shows it as code.

    Why it is bad: a reader sees the marks of Markdown{and_latex}, in lines that do not wrap.
    Fix: indent it like the list item that it belongs to, or not at all. No automatic fix.
    Precision: no finding on 9,923 live pages.
    Limits: the rule does not report a sentence that looks like code, because it has brackets, `=` or `;`, or no capital
    and no full stop.
    """
    if "\t" not in answer_of(file) and not _may_be_code(answer_line(file)):
        return
    document = document_of(file)
    for block in document.blocks:
        if block.kind != "indented":
            continue
        content = document.content[block.start : block.end]
        if _is_sentence(content.strip()) or _MARKED.match(content.lstrip()):
            line_end = block.start + len(content.partition("\n")[0].rstrip())
            message = "the site shows this text as code, because it is indented; remove the spaces before it"
            yield answer_finding(file, block.start, line_end, message)


def _is_sentence(content: str) -> bool:
    if _CODE_SIGN.search(content):
        return False
    if _ITEM.match(content):
        return True
    is_text = _SENTENCE.match(content) or _SENTENCE_IN_LOWER_CASE.match(content)
    return is_text is not None and _FUNCTION_WORD.search(content.lower()) is not None


_INDENT = re.compile(r"[ >]*(?:(?:[-*+]|\d{1,9}[.)])[ ]+)*")
_CODE_INDENT = 4


def _may_be_code(answer: str) -> bool:
    r"""Return whether a line is indented four spaces more than the text of the line before it, or of no list item.

    The answer has the two characters `\n` for each line break.
    """
    before, is_after_blank = 0, True
    for line in answer.split("\\n"):
        spaces = len(line) - len(line.lstrip(" "))
        if spaces == len(line):
            is_after_blank = True
            continue
        if spaces >= _CODE_INDENT and is_after_blank and spaces - before >= _CODE_INDENT:
            return True
        if line.startswith(">", spaces) and "    " in line:
            return True
        indent = _INDENT.match(line)
        is_item = indent is not None and indent.end() > spaces
        before = indent.end() if indent and is_item else min(before, spaces)
        is_after_blank = is_item or line.startswith("#", spaces) or line.endswith("```")
    return False


_RESTARTS_MIN = 3  # two lists may each have one item by intention


def _few_ones(answer: str) -> bool:
    """Return whether fewer items than would be reported begin with 1."""
    return answer.count("\\n1. ") + answer.count("\\n1) ") + answer.startswith(("1. ", "1) ")) < _RESTARTS_MIN


def _rows_with_ones(files: "FileColumns") -> Iterable[int]:
    rows = files.rows_with(b"\\n1. ", b"\\n1) ", least=_RESTARTS_MIN - 1)  # the first line may begin with 1 too
    return [row for row in rows if not _few_ones(files.answers[row])]


@rule(
    "QT513",
    "restarted-list",
    Severity.WARNING,
    bad=Example(r"\n\n1. **Gradient**", r"\n\n1. A\n\nB\n\n1. C\n\nD\n\n1. E\n\nF\n\n1. **Gradient**"),
    good=Example(r"\n\n1. **Gradient**", r"\n\n1. One\n\n   More.\n\n1. Two\n\n## More\n\n1. **Gradient**"),
    fix="unsafe",
    skip_if=lambda file: _few_ones(answer_line(file)),
    may_break=_rows_with_ones,
    repairable="concern",
    applies=has_answer,
)
def restarted_list(file: PageFile) -> Iterator[Finding]:
    """Three or more numbered lists of one item each follow each other, and each begins with 1.

    Why it is bad: the text between the items is not indented, so it ends the list. The reader sees `1.` before each
    item.
    Fix: indent the text between the items by three spaces, or number the items 1, 2, 3. `--fix --unsafe` numbers them.
    This is unsafe because the lists may be separate by intention.
    Precision: no finding on 9,923 live pages. Lists of one item on them follow headings or bold lines.
    Limits: the rule does not report a list that restarts only once.
    """
    document = document_of(file)
    for items in _restarts(document):
        numbers = [
            (item.start, item.start + len(str(item.number)), str(number)) for number, item in enumerate(items, 1)
        ]
        second = items[1]
        fix = replace_in_answer(file, "number the items 1, 2, 3", numbers[1:], safe=False)
        message = (
            "the site starts this list with 1 again; indent the text before it by three spaces, or number the items"
        )
        yield answer_finding(file, second.start, second.content, message, fix)


_BOLD_LINE = re.compile(r"\*\*[^*\n]+\*\*:?\s*")  # used as a heading


def _restarts(document: Document) -> Iterator[Sequence[ListItem]]:
    """Yield the items of consecutive lists of one item each, with no heading in between."""
    text = document.content
    headings = [
        block.start
        for block in document.blocks
        if block.kind in ("heading", "setext", "thematic")
        or (block.kind == "paragraph" and block.item < 0 and _BOLD_LINE.fullmatch(text, block.start, block.end))
    ]
    sizes: dict[int, int] = {}
    for item in document.items:
        sizes[item.list_id] = sizes.get(item.list_id, 0) + 1
    run: list[ListItem] = []
    for item in document.items:
        if item.parent >= 0 or item.number is None:
            continue
        is_single = item.number == 1 and sizes[item.list_id] == 1
        has_heading = bool(run) and bisect_right(headings, run[-1].start) < bisect_left(headings, item.start)
        if run and (not is_single or has_heading):
            if len(run) >= _RESTARTS_MIN:
                yield run
            run = []
        if is_single:
            run.append(item)
    if len(run) >= _RESTARTS_MIN:
        yield run
