r"""How a site writes and shows an answer: its line breaks and its formulas, as `[renderer]` of the profile says.

With `newline = "\\n"` an answer is one line, and each line break is the two characters `\n` (`answer_text.py`). With
`newline = "real"` it is the Markdown itself, in which a literal `\n` is two plain characters. The text after the front
matter has real line breaks in any case.
"""

import re
from dataclasses import dataclass

from qtgen.page.answer_text import decode_answer, encode_answer
from qtgen.page.markdown import Document, expand_line_breaks, parse
from qtgen.page.profile import Renderer

_BREAKS = re.compile(r"\r\n?|[\x0b\x0c\x85\u2028\u2029]")
_BLANK_LINES = re.compile(r"(?:[ \t]*\n)+")


@dataclass(frozen=True, slots=True)
class AnswerCodec:
    r"""How a site writes and shows an answer.

    Args:
        field: The path of the answer, or None if pages have none.
        escapes: Whether a line break is the two characters `\n`.
        math: Whether the site renders formulas between dollar signs.
        is_body: Whether the answer is the text after the front matter.
    """

    field: str | None
    escapes: bool
    math: bool
    is_body: bool

    @property
    def line_break(self) -> str:
        """What a line break is in an answer: a backslash and `n`, or a newline."""
        return "\\n" if self.escapes else "\n"

    def decode(self, answer: str) -> str:
        """Return the Markdown of an answer."""
        return decode_answer(answer) if self.escapes else answer

    def encode(self, markdown: str) -> str:
        """Return Markdown as an answer. Raises UnwritableText if the site cannot show it."""
        if self.escapes:
            return encode_answer(markdown, field=self.field)
        body = _without_blank_lines(_BREAKS.sub("\n", markdown))
        return body if self.is_body else body.replace("\t", "    ").strip()  # YAML allows no tabs

    def expand(self, answer: str) -> str:
        """Return an answer with real line breaks, in which all offsets are the same."""
        return expand_line_breaks(answer) if self.escapes else answer

    def on_one_line(self, answer: str) -> str:
        r"""Return an answer with the two characters `\n` for each line break, as quick tests and patterns need it.

        If the site writes real line breaks, a literal `\n` looks like one, and four spaces replace each tab.
        """
        return answer if self.escapes else answer.replace("\n", "\\n").replace("\t", "    ")

    def document(self, answer: str) -> Document:
        """Return an answer as the site reads it. Offsets are the same as in the answer."""
        return parse(self.expand(answer), math=self.math)


def codec_of(renderer: Renderer, field: str | None, *, is_body: bool) -> AnswerCodec:
    """Return how a site writes and shows an answer.

    Args:
        renderer: The renderer, as the profile describes it.
        field: The path of the answer, or None if pages have none.
        is_body: Whether the answer is the text after the front matter.
    """
    return AnswerCodec(field, renderer.newline == "\\n" and not is_body, bool(renderer.math), is_body)


def _without_blank_lines(text: str) -> str:
    """Return a text without blank lines at its beginning, and without white space at its end."""
    blank = _BLANK_LINES.match(text)
    return text[blank.end() if blank else 0 :].rstrip()
