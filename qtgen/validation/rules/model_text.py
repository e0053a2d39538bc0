"""Family 6xx, model text: did the model answer the question, and leave nothing of its own behind?"""

import re
from collections.abc import Iterator
from functools import cache
from itertools import islice

from qtgen._util.lazy_pattern import lazy_pattern
from qtgen.page.layout import Layout
from qtgen.page.markdown import find_segments, mask_segments
from qtgen.page.tags import encloses, is_named
from qtgen.validation.diagnostics import Severity
from qtgen.validation.rules.answers import (
    answer_finding,
    answer_of,
    answer_path,
    has_answer,
    has_model_texts,
    model_texts,
)
from qtgen.validation.rules.registry import rule
from qtgen.validation.rules.types import Example, Finding, PageFile

_QUOTED_MAX = 40  # characters that a message quotes
_PLACES_MAX = 50  # that are looked at; a hostile text could have millions

_NOT = (
    r"(?:cannot|can['’]?t|can\s+not|could(?:\s+not|n['’]t)|do(?:\s+not|n['’]t)|am\s+not\s+able|w(?:ill\s+not|on['’]t))"
)
_DOING = (
    r"(?:be\s+able\s+to\s+)?(?:answer|assist|help|provide|give|discuss|generate|create|write|fulfil|comply|engage|find|"
    r"have\s+(?:enough|access|information))"
)
_REFUSAL = lazy_pattern(
    rf"""\s*(?:
        (?:i['’]?m|i\s+am|we\s+are)\s+(?:very\s+|really\s+|truly\s+)?(?:sorry|afraid|unable|not\s+able)\b
      | sorry\s*,
      | (?:i|we)\s+apologi[sz]e
      | (?:unfortunately,?\s+)?(?:i|we)\s+{_NOT}\s+{_DOING}
      | (?:the|this|your)\s+question\s+(?:cannot|can['’]?t|is\s+(?:unclear|incomplete|not\s+clear))
      | as\s+an\s+ai\b[^.]{{0,80}}\b(?:cannot|can['’]?t|unable|not\s+able)
      )""",
    re.IGNORECASE | re.VERBOSE,
)
_REFUSAL_PATTERN = (
    r"(?im)^[\s\pZ]*(?:[iı](?:['’]?m)?(?:[\s\pZ]|$)|we\b|sorry|unfortunately|(?:the|th[iı]s|your)[\s\pZ]+quest[iı]on"
    r"|as[\s\pZ]+an[\s\pZ]+a[iı])"
)


@rule(
    "QT604",
    "refusal",
    Severity.ERROR,
    bad=Example("Osmosis moves", "I'm sorry, but I can't help with that. Osmosis moves"),
    good=Example("Osmosis moves", "Sorry is no word of physics. Osmosis moves"),
    patterns=(_REFUSAL_PATTERN,),
    applies=has_answer,
)
def refusal(file: PageFile) -> Iterator[Finding]:
    """The model declined to answer{unless_hidden}.

    Why it is bad: a reader who searched for the question gets an apology.
    Fix: answer the question, or remove the page. No automatic fix.
    Precision: 6 of 9,923 live pages are refusals{all_hidden}. The rule detects no other page.
    """
    apology = _REFUSAL.match(answer_of(file))
    hidden = file.page.layout.roles.hidden
    if apology and (hidden is None or file.page.values.get(hidden) is not True):
        message = f"`{answer_path(file)}` is a refusal of the model; answer the question or remove the page"
        yield answer_finding(file, *apology.span(), message)


_OPENING_QUOTES = "'‘“„«"
_JSON = "JSON"  # has quotation marks itself
_MARKER = "a marker of the prompt"
_SHAPE_KEYS = ("introduction", "points", "keywords")  # of the answers that ship with qtgen
_KEYS = re.compile(r"(?!)")  # stands for the keys of a site's answers, which `_patterns` adds

# What a model leaves behind: an RE2 pattern that matches wherever the regular expression does (the checker searches for
# it on every page), the regular expression itself if it differs, and what a message calls it.
_RESIDUE: tuple[tuple[str, re.Pattern[str] | None, str], ...] = (
    (
        "s an AI",
        re.compile(r"\b[Aa]s an AI(?: language)?(?: model| assistant| chatbot)?,? (?:I|my)\b"),
        "the model's words about itself",
    ),
    (
        "anguage model",
        re.compile(r"\b(?:[Aa]s an? (?:AI |large )?language model,|I(?: am|['’]m) an? (?:AI |large )?language model)"),
        "the model's words about itself",
    ),
    (
        r"<\||<</?SYS>>|</s>|</?question>|\[/?INST\]",
        re.compile(r"<\|[a-z_]+\|>|<</?SYS>>|</s>|</?question>|\[/?INST\]"),
        _MARKER,
    ),
    (
        r"\[(?:[Ii]nsert|INSERT|[Yy]our answer|TODO|[Pp]laceholder)\b",
        re.compile(r"\[(?:[Ii]nsert|INSERT|[Yy]our answer|TODO|[Pp]laceholder)\b[^\]\n]{0,99}\](?!\()"),
        "a placeholder",
    ),
    (
        r"</?(?:answer|response|assistant|instructions?|think(?:ing)?|reasoning|tool_call|function_call"
        r"|(?:start|end)_of_turn|[be]os|unk|pad)>|</(?:user|system|context|example|document|output|input)>",
        None,
        _MARKER,
    ),
    (
        r"(?m)^(?:\\n| )*(?:Human|Assistant|###+ (?:Instruction|Response|Input|Output|Human|Assistant)):"
        r"|\\n *(?:Human|Assistant|###+ (?:Instruction|Response|Input|Output|Human|Assistant)):",
        re.compile(r"(?m)^ *(?:Human|Assistant|#{3,} (?:Instruction|Response|Input|Output|Human|Assistant)):"),
        "a marker of a chat",
    ),
    (
        r"\{\{[ \t]*[<$%#/]?[ \t]*[A-Za-z_]|\{% *\w|\$\{\w+\}"
        r"|\{(?:question|answer|context|topic|subject|prompt|user_input)\}",
        re.compile(  # not sets of sets: {{a}, {b}}
            r"(?<![\w\\}^_{(])\{\{[ \t]*[<$%#/]?[ \t]*[A-Za-z_]\w[^{},\n]{0,60}\}\}|\{% *\w+|\$\{\w+\}"
            r"|(?<![\w\\}^_])\{(?:question|answer|context|topic|subject|prompt|user_input)\}"
        ),
        "a template's marker",
    ),
    (
        r"(?m)\"[\pL\w-]+\":|^(?:[\s\pZ]|\\n)*\[?\{",
        _KEYS,
        _JSON,
    ),
    (
        r"\}\}\]|\}\]\}|\]\}\}|\]\}\]|[\"'],? *\}|\}, *\{|\[\{ *[\"']?\w+[\"']? *:|\{ *\"\w+\" *:"
        r"|\"\w+\": *[\"\[{]",
        re.compile(  # `"}` and `},{` only before any opening brace of the line: {"a", "b"}, {"c"} are sets
            r"\}\}\]|\}\]\}|\]\}\}|\]\}\]|(?m:^)[^{}\n]*(?P<shown>[\"'],? *\}|\}, *\{)|\[\{ *[\"']?\w+[\"']? *:"
            r"|\{ *\"\w+\" *:|\"\w+\": *[\"\[{]"
        ),
        _JSON,
    ),
    (
        r"(?m)(?:^|\\n|[^:/\w\\(])//+ *[A-Za-z]|/\*+ *[A-Za-z]|[a-z.] *\*/",
        None,
        "a comment of code",
    ),
    (
        r"\\u[0-9a-fA-F]{4}",
        None,
        "an escaped character",
    ),
)


@cache
def _patterns(layout: Layout) -> tuple[tuple[re.Pattern[str], str], ...]:
    """Return what is residue on pages of a layout, with what it is called. It names the keys of the site's answers."""
    written = [path.rpartition(".")[2] for path in layout.model_fields if path != layout.roles.answer]
    parts = [part.key for shape in layout.profile.file.shape for part in shape.parts]
    keys = "|".join(map(re.escape, dict.fromkeys([*written, *parts, *_SHAPE_KEYS])))
    by_keys = re.compile(rf'"(?:{keys})":|\A\s*\[?\{{\s*"[^"\n]{{0,80}}"\s*:')
    return tuple(
        (by_keys if pattern is _KEYS else pattern or re.compile(quick), description)
        for quick, pattern, description in _RESIDUE
    )


_LATEX = re.compile(r"\\\((?:(?!\\\().)*?\\\)|\\\[(?:(?!\\\[).)*?\\\]", re.DOTALL)
_OPENING = re.compile(
    r"""\s*(?:(?:sure|certainly|absolutely|of\ course|great\ question)\s*[!,]\s*(?:here|let|i|this|below)\b
      | (?:question|q|prompt|user|assistant)\s*:
      | here(?:['’]s|\ is)\ (?:the|an?|your)\ (?:\w+\ )?(?:answer|response|article|page|explanation)\b)""",
    re.IGNORECASE | re.VERBOSE,
)
_OPENING_PATTERN = (
    r"(?im)^[\s\pZ]*(?:(?:sure|certa[iı]nly|absolutely|of course|great quest[iı]on)[\s\pZ]*[!,]"
    r"|(?:quest[iı]on|q|prompt|user|ass[iı]stant)[\s\pZ]*:|here(?:['’]s| [iı]s) (?:the|an?|your) )"
)


@rule(
    "QT608",
    "model-residue",
    Severity.ERROR,
    bad=Example("Osmosis moves", "As an AI language model, I know that osmosis moves"),
    good=Example("Osmosis moves", "Osmosis is not known to a language model. It moves"),
    patterns=(_OPENING_PATTERN, *(quick_pattern for quick_pattern, _, _ in _RESIDUE)),
    applies=has_model_texts,
)
def model_residue(file: PageFile) -> Iterator[Finding]:
    """The text contains model residue: the prompt, a placeholder, "as an AI", JSON or chat markers.

    Why it is bad: readers see that nobody reviewed the page.
    Fix: generate the answer again. Code and quotations may contain these words, and a sentence may speak of a tag. No
    automatic fix.
    Precision: no finding on 9,923 live pages. One of them has `[insert example]`, in a quoted form to fill in.
    """
    codec = file.page.layout.codec
    for written in model_texts(file):
        opening = _OPENING.match(written.text)
        if opening:
            span = written.span(file.page, *opening.span())
            message = f"`{written.path}` begins with the model's reply to its prompt; generate it again"
            yield Finding(message, span, written.path)
        text = codec.expand(written.text)
        for pattern, description in _patterns(file.page.layout):
            if pattern.search(text) and (place := _find(pattern, description, text, math=codec.math)):
                quoted = text[slice(*place)].strip()[:_QUOTED_MAX]
                message = f"`{written.path}` contains {description} (`{quoted}`); leave it out, or write it as code"
                yield Finding(message, written.span(file.page, *place), written.path)


def _find(pattern: re.Pattern[str], description: str, text: str, *, math: bool) -> tuple[int, int] | None:
    """Return where the first residue is that the text does not quote or speak of."""
    prose = _prose(text, math=math)
    for match in islice(pattern.finditer(prose), _PLACES_MAX):
        span = match.span(match.lastindex or 0)
        if description == _MARKER and _is_subject(prose, *span):
            continue
        if description == _JSON or not _is_quoted(text, span[0]):
            return span
    return None


def _is_subject(prose: str, start: int, end: int) -> bool:
    """Return whether the text speaks of a marker: `the <output> tag`, `between <answer> and </answer>`."""
    is_named_here = is_named(prose, start, end)
    other = _partner(prose, start, end)
    if not other:
        return is_named_here
    opening, closing = sorted([(start, end), other])
    is_named_twice = is_named_here and is_named(prose, *other)
    return is_named_twice or bool(prose[opening[1] : closing[0]].strip() and not encloses(prose, opening, closing))


def _partner(prose: str, start: int, end: int) -> tuple[int, int] | None:
    """Return where the closing tag of an opening one is, or the opening tag of a closing one."""
    tag = prose[start:end]
    if tag.startswith("</"):
        other = f"<{tag[2:]}"
        place = prose.rfind(other, 0, start)
    else:
        other = f"</{tag[1:]}"
        place = prose.find(other, end)
    return (place, place + len(other)) if place >= 0 else None


def _prose(text: str, *, math: bool) -> str:
    """Return the text with spaces for code and math, also for math that the site does not render."""
    masked = mask_segments(text, find_segments(text, math=math))
    return _LATEX.sub(lambda math: re.sub(r"[^\n]", " ", math.group()), masked) if "\\" in masked else masked


def _is_quoted(text: str, offset: int) -> bool:
    """Return whether `offset` is inside quotation marks on its line: a form to fill in, shown on purpose."""
    if text[max(0, offset - 1) : offset] in _OPENING_QUOTES:
        return offset > 0
    line_start = text.rfind("\n", 0, offset) + 1
    return text.count('"', line_start, offset) % 2 == 1
