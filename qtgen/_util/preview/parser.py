"""Parse Markdown with markdown-it-py, and record where in the source each piece of text is.

markdown-it records lines only. Here each inline token has `meta["at"]`: where it begins in the text of its block.
"""

from functools import cache
from typing import Any, Literal

from markdown_it import MarkdownIt
from markdown_it.parser_inline import ParserInline
from markdown_it.rules_block.fence import make_fence_rule
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token
from mdit_py_plugins.gfm import gfm_plugin

_PENDING_MAX = 2_000  # characters of a text that is not interrupted by a mark or the end of a line
_NESTING_MAX = 60  # deeper containers and brackets are shown as text


@cache
def markdown_parser(*, math: bool) -> MarkdownIt:
    """Return a parser that reads Markdown as remark-gfm does, and as remark-math does if `math` is set."""
    parser = MarkdownIt("commonmark", {"maxNesting": _NESTING_MAX})
    parser.inline = _Parser()
    parser.use(gfm_plugin)
    parser.options["alerts"] = False
    parser.core.ruler.disable("text_join")  # joined texts would lose their places
    parser.inline.ruler2.disable("fragments_join")
    parser.inline.ruler.before("text", "place", _record_place)
    if math:
        parser.inline.ruler.before("escape", "math", _inline_math)
        interrupted = ["paragraph", "reference", "blockquote", "list"]
        parser.block.ruler.before("fence", "math", _math_block, {"alt": interrupted})
    parser.validateLink = lambda url: True  # type: ignore[method-assign] # noqa: ARG005 - no link navigates
    return parser


_MATH_BLOCK = "math_block"
_math_block = make_fence_rule(markers=("$",), token_type=_MATH_BLOCK, disallow_marker_in_info=("$",), min_markers=2)


class _State(StateInline):
    """Records in each token where it begins, and in an image also where it ends."""

    def __init__(self, src: str, md: MarkdownIt, env: Any, out_tokens: list[Token]) -> None:
        super().__init__(src, md, env, out_tokens)
        self.place = 0  # where the rules are tried
        self.last_image: Token | None = None
        self._pending_at = 0

    def append_pending(self, text: str) -> None:
        if not self.pending:
            self._pending_at = self.pos
        super().append_pending(text)

    def flush_long_pending(self) -> None:
        """Keep what the rules of addresses search backwards short. They would take quadratic time."""
        if self.pos - self._pending_at > _PENDING_MAX and self.pending:
            self.pushPending()

    def pushPending(self) -> Token:  # noqa: N802 - the name of markdown-it
        token = super().pushPending()
        token.meta["at"] = self._pending_at
        return token

    def push(self, ttype: str, tag: str, nesting: Literal[-1, 0, 1]) -> Token:
        token = super().push(ttype, tag, nesting)
        token.meta["at"] = self.place
        if ttype == "image":
            self.last_image = token
        return token


class _Parser(ParserInline):
    def parse(self, src: str, md: MarkdownIt, env: Any, tokens: list[Token]) -> list[Token]:
        state = _State(src, md, env, tokens)
        self.tokenize(state)
        _end_image(state, len(src))
        for rule in self.ruler2.getRules(""):
            rule(state)
        return state.tokens


def _record_place(state: StateInline, silent: bool) -> bool:
    """Record where the next rule begins. It is the first rule at every place, and matches nothing."""
    if not silent and isinstance(state, _State):
        state.place = state.pos
        _end_image(state, state.pos)
        state.flush_long_pending()
    return False


def _end_image(state: _State, end: int) -> None:
    if state.last_image is not None:
        state.last_image.meta["end"] = end
        state.last_image = None


def _inline_math(state: StateInline, silent: bool) -> bool:
    """Read math between equal numbers of dollar signs, which works as a code span does."""
    start, end = state.pos, state.posMax
    if state.src[start] != "$":
        return False
    inner = _run_end(state.src, start, end)
    marks = state.src[start:inner]
    closing = _next_run(state, marks, inner, end)
    if closing < 0:
        if not silent:
            state.append_pending(marks)
        state.pos = inner
        return True
    if not silent:
        token = state.push("math_inline", "math", 0)
        token.content = _without_padding(state.src[inner:closing].replace("\n", " "))
        token.markup = marks
        token.meta["end"] = closing + len(marks)
    state.pos = closing + len(marks)
    return True


def _run_end(text: str, start: int, end: int) -> int:
    while start < end and text[start] == "$":
        start += 1
    return start


def _next_run(state: StateInline, marks: str, start: int, end: int) -> int:
    """Return where the next run of as many dollar signs begins, or -1."""
    missing: set[str] = state.env.setdefault("missing_dollars", {}).setdefault(state.src, set())
    if marks in missing:
        return -1
    found = state.src.find(marks, start, end)
    while found >= 0:
        run_end = _run_end(state.src, found, end)
        if run_end - found == len(marks):
            return found
        found = state.src.find(marks, run_end, end)
    if end == len(state.src):
        missing.add(marks)  # so that a text of opening marks only is not searched again for each
    return -1


def _without_padding(content: str) -> str:
    """Return the content without one space at each end, unless it consists of spaces."""
    is_padded = content[:1] == content[-1:] == " " and content.strip(" ")
    return content[1:-1] if is_padded else content
