"""Read the arguments of functions: groups, sizes, colors and addresses."""

import re
from abc import ABC, abstractmethod

from qtgen.page.markdown.katex import functions
from qtgen.page.markdown.katex.errors import UnrenderableError, shown
from qtgen.page.markdown.katex.expander import Expander
from qtgen.page.markdown.katex.fonts import DEFAULT_FONTS, fonts_in_argument
from qtgen.page.markdown.katex.lexer import END, Token
from qtgen.page.markdown.katex.macros import builtin_macros
from qtgen.page.markdown.katex.nodes import Node
from qtgen.page.markdown.katex.remedies import leftover_error, wrong_mode_error
from qtgen.page.markdown.katex.tables import Environment, Function, Mode, load_tables

_COLOR = re.compile(r"(?:#[a-f0-9]{3,4}|#[a-f0-9]{6}|#[a-f0-9]{8}|[a-f0-9]{6}|[a-z]+)\Z", re.IGNORECASE | re.ASCII)
_SIZE = re.compile(r"[-+]? *(?:\d+(?:\.\d*)?|\.\d+) *([a-z]{2})", re.ASCII)
_START_OF_SIZE = re.compile(r"[-+]? *(?:\Z|\d+|\d+\.\d*|\.\d*) *[a-z]{0,2} *\Z", re.ASCII)
_LONGEST_SIZE = 500


class ArgumentReader(ABC):
    """The part of the parser that reads functions and their arguments."""

    def __init__(self, source: str, *, display: bool) -> None:
        self.display = display
        self.tables = load_tables()
        self.expander = Expander(source, builtin_macros())
        self.mode: Mode = "math"
        self.waiting: Token | None = None  # the next token, if it is already expanded
        self.depth = 0
        self.open_lefts = 0
        self.fonts = DEFAULT_FONTS

    @abstractmethod
    def parse_expression(self, *, stop_at_infix: bool = False, stop_at: str = "") -> tuple[Node, ...]:
        """Read atoms up to the end of a group."""

    @abstractmethod
    def parse_group(self, what: str, stop_at: str = "") -> Node | None:
        """Read a group in braces, a function with its arguments, or a symbol."""

    @abstractmethod
    def parse_separately(self, tokens: list[Token]) -> tuple[Node, ...]:
        """Read tokens as if they were a formula of their own."""

    def peek(self) -> Token:
        """Return the next token after expansion, without consuming it."""
        if self.waiting is None:
            self.waiting = self.expander.next()
        return self.waiting

    def consume(self) -> None:
        """Consume the token that `peek` returned."""
        self.waiting = None

    def skip_spaces(self) -> None:
        """Consume spaces."""
        while self.peek().text == " ":
            self.waiting = None

    def expect(self, text: str) -> None:
        """Consume a token that must have a text."""
        token = self.peek()
        if token.text != text:
            raise leftover_error(token, self.mode)
        self.waiting = None

    def switch_mode(self, mode: Mode) -> None:
        """Read what follows in a mode."""
        self.mode = self.expander.mode = mode

    def parse_function(self, what: str = "", stop_at: str = "") -> Node | None:
        """Read a function with its arguments. None means that the next token is not a function."""
        token = self.peek()
        name = token.text
        function = self.tables.functions.get(name)
        if function is None:
            return None
        self.consume()
        flags = function.flags
        if what and what != "atom" and "a" not in flags:
            message = f"{shown(name)} cannot be {what} without braces; write `{{{name}…}}`"
            raise UnrenderableError("argument", message, token)
        if ("t" if self.mode == "text" else "m") not in flags:
            raise wrong_mode_error(token, self.mode)
        if token.start >= 0:
            self.expander.last_source = token
        required, optional = self.parse_arguments(name, function)
        return functions.call(self, functions.Call(name, token, required, optional, stop_at))

    def parse_arguments(self, name: str, function: Function | Environment) -> tuple[list[Node], list[Node | None]]:
        """Read the arguments of a function or environment."""
        required: list[Node] = []
        optional: list[Node | None] = []
        types = function.argument_types
        for index in range(function.required + function.optional):
            kind = types[index] if index < len(types) else ""
            is_optional = index < function.optional
            if isinstance(function, Function) and (
                ("p" in function.flags and not kind) or (function.type == "sqrt" and index == 1 and optional[0] is None)
            ):
                kind = "primitive"
            fonts = self.fonts
            self.fonts = fonts_in_argument(fonts, name, kind, index)
            argument = self._parse_argument(name, kind, is_optional=is_optional)
            self.fonts = fonts
            if is_optional:
                optional.append(argument)
            elif argument is not None:
                required.append(argument)
        return required, optional

    def _parse_argument(self, name: str, kind: str, *, is_optional: bool) -> Node | None:
        if kind == "primitive":
            return self._parse_primitive(name)
        if kind == "color":
            return self._parse_color(is_optional=is_optional)
        if kind == "size":
            return self.parse_size(is_optional=is_optional)
        if kind == "url":
            return self._parse_url(is_optional=is_optional)
        if kind == "raw":
            raw = self._parse_string(is_optional=is_optional)
            return None if raw is None else Node("raw", raw.text)
        mode: Mode | None = "text" if kind in ("text", "hbox") else "math" if kind == "math" else None
        group = self._parse_argument_group(mode, is_optional=is_optional)
        return Node("styling", body=(group,)) if group is not None and kind == "hbox" else group

    def _parse_primitive(self, name: str) -> Node:
        group = self.parse_group(f"the argument of {shown(name)}")
        if group is None:
            token = self.peek()
            found = "the formula ends" if token.text == END else f"{shown(token.text)} follows"
            raise UnrenderableError("argument", f"{shown(name)} needs an argument, but {found}; add it", token)
        if group.type == "internal" and name != "\\mathchoice":
            message = f"{shown(name)} needs an argument, but `\\relax` follows; add it"
            raise UnrenderableError("argument", message, self.expander.last_source)
        return group

    def _parse_argument_group(self, mode: Mode | None, *, is_optional: bool) -> Node | None:
        if self.expander.scan_argument(optional=is_optional) is None:
            return None
        outer = self.mode
        if mode:
            self.switch_mode(mode)
        self.expander.macros.begin_group()
        body = self.parse_expression(stop_at=END)
        self.expect(END)
        self.expander.macros.end_group()
        if mode:
            self.switch_mode(outer)
        return Node("ordgroup", body=body)

    def _parse_string(self, *, is_optional: bool) -> Token | None:
        first = self.expander.scan_argument(optional=is_optional)
        if first is None:
            return None
        parts: list[str] = []
        while (token := self.peek()).text != END:
            parts.append(token.text)
            self.consume()
        self.consume()
        return Token("".join(parts), first.start, max(first.end, token.end))

    def _parse_color(self, *, is_optional: bool) -> Node | None:
        color = self._parse_string(is_optional=is_optional)
        if color is None:
            return None
        if not _COLOR.match(color.text):
            message = f"{shown(color.text)} is not a color; write a name or `#rrggbb`"
            raise UnrenderableError("color", message, color)
        return Node("color-token")

    def parse_size(self, *, is_optional: bool) -> Node | None:
        """Read a size such as `1em`."""
        self.expander.consume_spaces()
        if not is_optional and self.expander.future().text != "{":
            size: Token | None = self._parse_bare_size()
        else:
            size = self._parse_string(is_optional=is_optional)
        if size is None:
            return None
        if not is_optional and not size.text:
            return Node("size")
        match = _SIZE.search(size.text)
        if match is None:
            message = f"{shown(size.text)} is not a size; write a number and a unit, such as `1em`"
            raise UnrenderableError("size", message, size)
        if match.group(1) not in self.tables.units:
            raise UnrenderableError("size", f"KaTeX does not know the unit {shown(match.group(1))}; write `em`", size)
        return Node("size", match.group())

    def _parse_bare_size(self) -> Token:
        first = self.peek()
        last = first
        text = ""
        while (token := self.peek()).text != END and _START_OF_SIZE.match(text + token.text):
            text += token.text
            last = token
            self.consume()
            if len(text) > _LONGEST_SIZE:
                raise UnrenderableError("size", "this size is too long; write a number and a unit", first)
        if not text:
            found = "the formula ends" if first.text == END else f"{shown(first.text)} follows"
            raise UnrenderableError("size", f"a size such as `1em` is missing, and {found}; add it", first)
        return Token(text, first.start, last.end)

    def _parse_url(self, *, is_optional: bool) -> Node | None:
        self.expander.lexer.in_url = True
        address = self._parse_string(is_optional=is_optional)
        self.expander.lexer.in_url = False
        return None if address is None else Node("url", address.text)
