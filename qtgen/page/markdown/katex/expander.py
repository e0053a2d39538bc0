"""Expand macros, so that the parser sees only functions, symbols and braces."""

from __future__ import annotations

from collections.abc import Sequence
from types import MappingProxyType
from typing import Final

from qtgen.page.markdown.katex.errors import UnrenderableError, shown
from qtgen.page.markdown.katex.lexer import END, Lexer, Token, UnknownCharacterError
from qtgen.page.markdown.katex.namespace import Definition, Macro, Namespace, fill, parse_macro
from qtgen.page.markdown.katex.remedies import unknown_command_error
from qtgen.page.markdown.katex.tables import Mode, is_defined_by_katex, load_tables

MAX_EXPANSIONS: Final = 1000
"""KaTeX's limit of macro expansions in one formula."""
_DEPTH: Final = MappingProxyType({"{": 1, "}": -1})
_MOST_WORK = 3_000_000
"""How many tokens may be moved. Formulas that double themselves would take minutes, in KaTeX too."""


class Expander:
    """The tokens of a formula after macro expansion."""

    __slots__ = ("_expansions", "_stack", "_work", "last_source", "lexer", "macros", "mode", "tag")

    def __init__(self, source: str, builtins: dict[str, Definition]) -> None:
        self.lexer = Lexer(source)
        self.macros = Namespace(builtins)
        self.mode: Mode = "math"
        self.last_source: Token | None = None  # the last command of the formula itself
        self.tag: Token | None = None  # the last `\\tag`
        self._stack: list[Token] = []
        self._expansions = 0
        self._work = 0

    def future(self) -> Token:
        """Return the next token without expanding or consuming it."""
        if not self._stack:
            self._stack.append(self._read())
        return self._stack[-1]

    def pop(self) -> Token:
        """Return and consume the next token without expanding it."""
        return self._stack.pop() if self._stack else self._read()

    def _read(self) -> Token:
        try:
            return self.lexer.read()
        except UnknownCharacterError as error:
            token = Token("", error.offset, error.offset + 1)
            message = "KaTeX does not accept this character; remove it"
            raise UnrenderableError("character", message, token) from None

    def push(self, token: Token) -> None:
        """Put a token before the next one."""
        self._stack.append(token)

    def push_all(self, tokens: Sequence[Token]) -> None:
        """Put tokens before the next one. They are in reverse order."""
        self._count_work(len(tokens))
        self._stack.extend(tokens)

    def _count_work(self, amount: int) -> None:
        self._work += amount
        if self._work > _MOST_WORK:
            message = "this formula is too long or too deeply nested for KaTeX; split it"
            raise UnrenderableError("nesting", message, self.last_source)

    def consume_spaces(self) -> None:
        """Consume spaces without expanding what follows them."""
        while self.future().text == " ":
            self._stack.pop()

    def scan_argument(self, *, optional: bool) -> Token | None:
        """Put an argument's tokens and an end before the next token. Return its first token, or None if it is missing.

        Args:
            optional: Whether it is between brackets. Only such an argument can be missing.
        """
        if optional:
            self.consume_spaces()
            if self.future().text != "[":
                return None
            first = self.pop()
            tokens, _, last = self.consume_argument(("]",), first)
        else:
            tokens, first, last = self.consume_argument()
        self.push(Token(END, last.start, last.end))
        self.push_all(tokens)
        return first

    def consume_argument(
        self, delimiters: Sequence[str] = (), opening: Token | None = None
    ) -> tuple[list[Token], Token, Token]:
        """Return the tokens of an argument in reverse order, and its first and its last token, without expansion.

        Args:
            delimiters: The tokens that end it. Without any, it is the next token or group.
            opening: The token to report if the end is missing.
        """
        if not delimiters:
            self.consume_spaces()
        first = self.future()
        tokens, last = self._until(delimiters, opening or first) if delimiters else self._group(first)
        self._count_work(len(tokens))
        if first.text == "{" and tokens and tokens[-1].text == "}":
            tokens = tokens[1:-1]
        tokens.reverse()
        return tokens, first, last

    def _group(self, first: Token) -> tuple[list[Token], Token]:
        tokens: list[Token] = []
        depth = 0
        while True:
            token = self.pop()
            tokens.append(token)
            depth += _DEPTH.get(token.text, 0)
            if depth < 0 or token.text == END:
                raise self._bad_argument(token, first, "}")
            if depth == 0:
                return tokens, token

    def _until(self, delimiters: Sequence[str], first: Token) -> tuple[list[Token], Token]:
        tokens: list[Token] = []
        depth = matched = 0
        while True:
            token = self.pop()
            tokens.append(token)
            depth += _DEPTH.get(token.text, 0)
            wanted = delimiters[matched]
            if depth < 0 or token.text == END:
                raise self._bad_argument(token, first, wanted)
            if token.text != wanted or not (depth == 0 or (depth == 1 and wanted == "{")):
                matched = 0
                continue
            matched += 1
            if matched == len(delimiters):
                return tokens[:-matched], token

    def _bad_argument(self, last: Token, first: Token, wanted: str) -> UnrenderableError:
        if last.text != END:
            message = "this `}` comes where an argument is missing; add the argument, or remove the `}`"
            return UnrenderableError("braces", message, last)
        return self._unfinished(first, wanted)

    def _unfinished(self, first: Token, wanted: str) -> UnrenderableError:
        if first.text == END:
            name = shown(self.last_source.text) if self.last_source else "a command"
            return UnrenderableError("argument", f"the formula ends before an argument of {name}; add it", first)
        if first.text == "{":
            return UnrenderableError("braces", "this `{` is never closed; add `}`", first)
        message = f"{shown(wanted)} is missing after {shown(first.text)}; add it"
        return UnrenderableError("braces" if wanted in "]}" else "macro", message, first)

    def consume_arguments(self, count: int, delimiters: Sequence[Sequence[str]] | None = None) -> list[list[Token]]:
        """Return the tokens of a macro's arguments."""
        if delimiters:
            for wanted in delimiters[0]:
                token = self.pop()
                if token.text != wanted:
                    message = f"this use of a macro does not match its `\\def`: {shown(wanted)} is missing; add it"
                    raise UnrenderableError("macro", message, token)
        return [self.consume_argument(delimiters[i + 1] if delimiters else ())[0] for i in range(count)]

    def count_expansions(self, amount: int) -> None:
        """Count towards the limit of expansions."""
        self._expansions += amount
        if self._expansions > MAX_EXPANSIONS:
            message = (
                f"this formula makes KaTeX expand more than {MAX_EXPANSIONS:,} macros; split it, or use fewer spaces"
            )
            raise UnrenderableError("macro", message, self.last_source)

    def expand_once(self, *, expandable_only: bool = False) -> bool:
        """Expand the next token if it is a macro, and return whether it was.

        Args:
            expandable_only: Leave primitives, and raise an error at an undefined command.
        """
        token = self.pop()
        macro = None if token.no_expand else self._expansion_of(token)
        if macro is None or (expandable_only and macro.unexpandable):
            if expandable_only and macro is None and token.text.startswith("\\") and not self.is_defined(token.text):
                raise unknown_command_error(token)
            self.push(token)
            return False
        self.count_expansions(1)
        arguments = self.consume_arguments(macro.arguments, macro.delimiters)
        self.push_all(fill(macro.tokens, arguments) if arguments else macro.tokens)
        return True

    def _expansion_of(self, token: Token) -> Macro | None:
        name = token.text
        definition = self.macros.get(name)
        if definition is None or (name == "~" and self.lexer.in_url):
            return None
        if token.start >= 0:
            self.last_source = token
        if isinstance(definition, Macro):
            return definition
        expansion = definition(self)
        return parse_macro(expansion) if isinstance(expansion, str) else expansion

    def next(self) -> Token:
        """Return and consume the next token after expansion."""
        while True:
            token = self.pop()
            if not token.no_expand and self.macros.get(token.text) is not None:
                self.push(token)
                if self.expand_once():
                    continue
                token = self.pop()
            return token.copy(text="\\relax") if token.as_relax else token

    def expand_tokens(self, tokens: Sequence[Token]) -> list[Token]:
        """Return tokens after expansion. The given ones are in reverse order, the returned ones are not."""
        output: list[Token] = []
        before = len(self._stack)
        self.push_all(tokens)
        while len(self._stack) > before:
            if not self.expand_once(expandable_only=True):
                token = self.pop()
                output.append(token.copy() if token.as_relax else token)
        self.count_expansions(len(output))
        return output

    def is_defined(self, name: str) -> bool:
        """Return whether a name has a meaning here."""
        return self.macros.get(name) is not None or is_defined_by_katex(name)

    def is_expandable(self, name: str) -> bool:
        """Return whether a name is a macro or a function that TeX would expand."""
        definition = self.macros.get(name)
        if definition is not None:
            return not isinstance(definition, Macro) or not definition.unexpandable
        function = load_tables().functions.get(name)
        return function is not None and "p" not in function.flags
