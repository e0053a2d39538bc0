"""Read a formula as KaTeX's parser does, and raise an error where KaTeX would."""

import re
from typing import Final

from qtgen.page.markdown.katex.arguments import ArgumentReader
from qtgen.page.markdown.katex.errors import UnrenderableError, shown
from qtgen.page.markdown.katex.fonts import DEFAULT_FONTS, check_fonts
from qtgen.page.markdown.katex.lexer import END, Token
from qtgen.page.markdown.katex.nodes import Node, symbol_node
from qtgen.page.markdown.katex.remedies import leftover_error, unknown_command_error
from qtgen.page.markdown.katex.tables import load_tables

MAX_NESTING: Final = 400
"""KaTeX overflows its stack at 470 nested environments, and at 520 to 1,870 other groups (Node 20)."""

_END_OF_EXPRESSION = frozenset(("}", "\\endgroup", "\\end", "\\right", "&"))
_SUBSCRIPT = re.compile("[₊₋₌₍₎₀₁₂₃₄₅₆₇₈₉ₐₑₕᵢⱼₖₗₘₙₒₚᵣₛₜᵤᵥₓᵦᵧᵨᵩᵪ]")
_ACCENTS_AT_END = re.compile("[\u0300-\u036f]+\\Z")
_VERBATIM = re.compile(r"\\verb[^a-zA-Z]")
_FIRST_NON_ASCII = 0x80
_UNSUPPORTED_LETTER = "\U0001d6a4"  # KaTeX has no font for it, and stops
_DOTLESS = {"i": "ı", "j": "ȷ"}


class Parser(ArgumentReader):
    """A parser of one formula."""

    def parse(self) -> None:
        """Read the whole formula."""
        self.expander.macros.begin_group()
        self.parse_expression()
        last = self.peek()
        if last.text != END:
            raise leftover_error(last, self.mode)
        self.expander.macros.end_group()
        if self.expander.macros.get("\\df@tag") is not None:
            if not self.display:
                message = "`\\tag` works only in display math; put `$$` on lines of their own, or remove it"
                raise UnrenderableError("tag", message, self.expander.tag)
            self.parse_separately([Token("\\df@tag")])

    def parse_separately(self, tokens: list[Token]) -> tuple[Node, ...]:
        """Read tokens, given in reverse order, as if they were a formula of their own."""
        waiting, self.waiting = self.waiting, None
        self.expander.push(Token("}"))
        self.expander.push_all(tokens)
        body = self.parse_expression()
        self.expect("}")
        self.waiting = waiting
        return body

    def parse_expression(self, *, stop_at_infix: bool = False, stop_at: str = "") -> tuple[Node, ...]:
        """Read atoms up to the end of a group.

        Args:
            stop_at_infix: Whether an infix command such as `\\over` ends it.
            stop_at: The text of the token that ends it.
        """
        self.depth += 1
        if self.depth > MAX_NESTING:
            message = f"this formula has more than {MAX_NESTING} nested groups; simplify it"
            raise UnrenderableError("nesting", message, self.peek())
        functions = load_tables().functions
        body: list[Node] = []
        infix: Token | None = None
        while True:
            if self.mode == "math":
                self.skip_spaces()
            token = self.peek()
            text = token.text
            if text in _END_OF_EXPRESSION or (stop_at and text == stop_at):
                break
            if stop_at_infix and text in functions and "i" in functions[text].flags:
                break
            atom = self._parse_atom(stop_at)
            if atom is None:
                break
            if atom.type == "infix":
                if infix:
                    raise UnrenderableError(
                        "infix", f"{shown(text)} is the second infix command here; add braces", token
                    )
                infix = token
            if atom.type != "internal":
                body.append(atom)
        self.depth -= 1
        return (Node("genfrac"),) if infix else tuple(body)

    def _parse_atom(self, stop_at: str) -> Node | None:
        """Read a base with its subscripts and superscripts. None means that nothing here can be read."""
        base = self.parse_group("atom", stop_at)
        if self.mode == "text" or (base is not None and base.type == "internal"):
            return base
        scripts: set[str] = set()
        while True:
            self.skip_spaces()
            token = self.peek()
            if token.text in ("\\limits", "\\nolimits"):
                if base is None or base.type not in ("op", "operatorname"):
                    message = f"{shown(token.text)} must follow an operator such as `\\sum`; move or remove it"
                    raise UnrenderableError("limits", message, token)
                self.consume()
            elif not self._parse_script(token, scripts):
                break
        if scripts and base is not None and base.type == "infix":
            raise UnrenderableError("infix", "an infix command cannot have a script; add braces", token)
        return Node("supsub") if scripts else base

    def _parse_script(self, token: Token, scripts: set[str]) -> bool:
        """Read one subscript or superscript if there is one, and return whether there is."""
        text = token.text
        if text in ("^", "_"):
            _add_script(scripts, "^" if text == "^" else "_", token)
            self._parse_script_group()
        elif text == "'":
            _add_script(scripts, "^", token)
            while self.peek().text == "'":
                self.consume()
            if self.peek().text == "^":
                self._parse_script_group()
        elif text in self.tables.unicode_scripts:
            self._parse_unicode_scripts(token, scripts)
        else:
            return False
        return True

    def _parse_script_group(self) -> None:
        mark = self.peek()
        self.consume()
        self.skip_spaces()
        while True:
            what = "subscript" if mark.text == "_" else "superscript"
            group = self.parse_group(what)
            if group is None:
                message = (
                    f"{shown(mark.text)} has no {what}; add one in braces, or write `\\{mark.text}` for the character"
                )
                raise UnrenderableError("script", message, mark)
            if group.type != "internal":
                return

    def _parse_unicode_scripts(self, first: Token, scripts: set[str]) -> None:
        table = self.tables.unicode_scripts
        below = _SUBSCRIPT.match(first.text) is not None
        tokens: list[Token] = []
        while (text := self.peek().text) in table and (_SUBSCRIPT.match(text) is not None) == below:
            tokens.append(Token(table[text]))
            self.consume()
        tokens.reverse()
        self.parse_separately(tokens)
        scripts.add("_" if below else "^")  # KaTeX accepts a second one of this form

    def parse_group(self, what: str, stop_at: str = "") -> Node | None:
        """Read a group in braces, a function with its arguments, or a symbol. None means that there is none.

        Args:
            what: What it is read as: `atom`, or the description of an argument, in which most functions need braces.
            stop_at: See `parse_expression`.
        """
        token = self.peek()
        text = token.text
        if text in ("{", "\\begingroup"):
            self.consume()
            end = "}" if text == "{" else "\\endgroup"
            self.expander.macros.begin_group()
            body = self.parse_expression(stop_at=end)
            self._expect_group_end(token, end)
            self.expander.macros.end_group()
            return Node("ordgroup", body=body)
        node = self.parse_function(what, stop_at)
        if node is None:
            node = self._parse_symbol()
        if node is None and text[0] == "\\" and text not in self.tables.implicit:
            raise unknown_command_error(token)
        return node

    def _expect_group_end(self, opening: Token, end: str) -> None:
        last = self.peek()
        if last.text == END:
            raise UnrenderableError("braces", f"this {shown(opening.text)} is never closed; add {shown(end)}", opening)
        if last.text != end:
            raise leftover_error(last, self.mode)
        self.consume()

    def _parse_symbol(self) -> Node | None:
        """Read a symbol with its combining accents. None means that the next token is not a symbol."""
        token = self.peek()
        text = token.text
        node = symbol_node(self.mode, text)
        if node is not None:
            self.consume()
            if self.fonts is not DEFAULT_FONTS:
                check_fonts(self.fonts, node, self.mode, token)
            return node
        if _VERBATIM.match(text):
            self.consume()
            return Node("verb")
        if text[0] in self.tables.accented and symbol_node(self.mode, text[0]) is None:
            text = self.tables.accented[text[0]] + text[1:]
        accents = _ACCENTS_AT_END.search(text)
        base = text[: accents.start()] if accents else text
        node = self._other_symbol(_DOTLESS.get(base, base) if accents else base, token)
        if node is None:
            return None
        self.consume()
        self._check_accents(accents.group() if accents else "", token)
        check_fonts(self.fonts, node, self.mode, token)
        return Node("accent") if accents else node

    def _other_symbol(self, text: str, token: Token) -> Node | None:
        """Return the node of a symbol, or of another character that is not in ASCII. KaTeX shows it as it is."""
        node = symbol_node(self.mode, text)
        if node is None and text and ord(text[0]) >= _FIRST_NON_ASCII:
            if text[0] == _UNSUPPORTED_LETTER:
                raise UnrenderableError("character", f"KaTeX has no font for {shown(text)}; write a command", token)
            node = Node("textord", text)
        return node

    def _check_accents(self, accents: str, token: Token) -> None:
        for accent in accents:
            if accent not in self.tables.accents:
                name = f"U+{ord(accent):04X}"
                message = f"KaTeX does not know the combining accent {name}; write a command such as `\\hat{{x}}`"
                raise UnrenderableError("character", message, token)


def _add_script(scripts: set[str], mark: str, token: Token) -> None:
    if mark in scripts:
        name = "superscript" if mark == "^" else "subscript"
        message = f"this is a second {name}; put the first one in braces, as in `{{a{mark}b}}{mark}c`"
        raise UnrenderableError("script", message, token)
    scripts.add(mark)
