"""Split a formula into tokens as KaTeX does."""

import re

_SPACE = r"[ \r\n\t]"
_ACCENTS = r"[\u0300-\u036f]*"
_SAME_LINE = r"[^\n\r\u2028\u2029]*?"
_SPACES, _CONTROL_SPACE, _OTHER = 1, 2, 3
_TOKEN = re.compile(
    rf"({_SPACE}+)"
    r"|\\(\n|[ \r\t]+\n?)[ \r\t]*"
    rf"|([!-\[\]-\u2027\u202a-\ud7ff\uf900-\uffff]{_ACCENTS}"
    rf"|[\U00010000-\U0010ffff]{_ACCENTS}"
    rf"|\\verb\*([\s\S]){_SAME_LINE}\4"
    rf"|\\verb([^*a-zA-Z]){_SAME_LINE}\5"
    rf"|(\\[a-zA-Z@]+){_SPACE}*"
    r"|\\[^\ud800-\udfff\U00010000-\U0010ffff])"
)

END = "EOF"
"""The text of the token after the last one."""


class Token:
    """A token with its place in the formula.

    A token without a place (`start` is -1) comes from the body of a built-in macro. Tokens are shared, so they are
    never changed.
    """

    __slots__ = ("as_relax", "end", "no_expand", "start", "text")

    def __init__(
        self, text: str, start: int = -1, end: int = -1, *, no_expand: bool = False, as_relax: bool = False
    ) -> None:
        self.text = text
        self.start = start
        self.end = end
        self.no_expand = no_expand
        self.as_relax = as_relax

    def copy(self, *, text: str | None = None, no_expand: bool = False, as_relax: bool = False) -> "Token":
        """Return a token at the same place."""
        text = self.text if text is None else text
        return Token(text, self.start, self.end, no_expand=no_expand, as_relax=as_relax)


class UnknownCharacterError(Exception):
    """No token begins at this offset: a control character, a private character or a single backslash at the end."""

    def __init__(self, offset: int) -> None:
        super().__init__(offset)
        self.offset = offset


class Lexer:
    """Read the tokens of a formula one by one. In a URL, `%` is not a comment and `~` is not a space."""

    __slots__ = ("_position", "_source", "in_url", "last_comment")

    def __init__(self, source: str) -> None:
        self._source = source
        self._position = 0
        self.in_url = False
        self.last_comment: Token | None = None  # the `%` whose comment reaches to the end of the formula

    def read(self) -> Token:
        """Return the next token, or one with the text `END`."""
        source, position = self._source, self._position
        while position < len(source):
            match = _TOKEN.match(source, position)
            if match is None:
                raise UnknownCharacterError(position)
            kind = match.lastindex
            end = match.end()
            if kind == _OTHER:
                text = match.group(6) or match.group(3)
                if text == "%" and not self.in_url:
                    newline = source.find("\n", end)
                    if newline < 0:
                        self.last_comment = Token(text, position, end)
                    position = len(source) if newline < 0 else newline + 1
                    continue
            else:
                text = " " if kind == _SPACES else "\\ "
            self._position = end
            return Token(text, position, end)
        self._position = len(source)
        return Token(END, len(source), len(source))


def tokenize(source: str) -> list[Token]:
    """Return the tokens of a built-in macro's body, without places, in the order in which a stack holds them."""
    lexer, tokens = Lexer(source), []
    while (token := lexer.read()).text != END:
        tokens.append(Token(token.text))
    tokens.reverse()
    return tokens
