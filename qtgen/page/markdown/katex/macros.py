"""KaTeX's macros that are programs. The others are text in `commands.json`."""

import re
from functools import cache
from types import MappingProxyType
from typing import Final

from qtgen.page.markdown.katex.errors import UnrenderableError, shown
from qtgen.page.markdown.katex.expander import Expander
from qtgen.page.markdown.katex.lexer import END, Token
from qtgen.page.markdown.katex.namespace import Definition, Macro, Program, parse_macro
from qtgen.page.markdown.katex.tables import load_tables, symbol_groups

_NUMBER_OF_ARGUMENTS = re.compile(r"\s*[0-9]+\s*\Z", re.ASCII)
_BASES: Final = MappingProxyType({"'": 8, '"': 16})
_MOST_DIGITS = 9
_NOTHING = Macro(())


@cache
def builtin_macros() -> dict[str, Definition]:
    """Return every macro that KaTeX defines."""
    bodies = load_tables().macros
    return {name: _PROGRAMS[name] if body is None else parse_macro(body) for name, body in bodies.items()}


def _noexpand(expander: Expander) -> Macro:
    token = expander.pop()
    if expander.is_expandable(token.text):
        token = token.copy(no_expand=True, as_relax=True)
    return Macro((token,))


def _expandafter(expander: Expander) -> Macro:
    token = expander.pop()
    expander.expand_once(expandable_only=True)
    return Macro((token,))


def _first_of_two(expander: Expander) -> Macro:
    return Macro(expander.consume_arguments(2)[0])


def _second_of_two(expander: Expander) -> Macro:
    return Macro(expander.consume_arguments(2)[1])


def _if_next_character(expander: Expander) -> Macro:
    symbol, then, otherwise = expander.consume_arguments(3)
    expander.consume_spaces()
    is_next = len(symbol) == 1 and symbol[0].text == expander.future().text
    return Macro(then if is_next else otherwise)


def _text_or_math(expander: Expander) -> Macro:
    in_text, in_math = expander.consume_arguments(2)
    return Macro(in_text if expander.mode == "text" else in_math)


def _char(expander: Expander) -> str:
    token = expander.pop()
    if token.text == "`":
        return f"\\@char{{{_code_of(expander.pop())}}}"
    base = _BASES.get(token.text, 10)
    first = token if base not in _BASES.values() else expander.pop()
    number = _digit(first.text, base)
    if number is None:
        message = f"`\\char` needs a number in base {base}, but {shown(first.text)} follows; write the character itself"
        raise UnrenderableError("argument", message, first)
    while (digit := _digit(expander.future().text, base)) is not None:
        number = min(number * base + digit, 0x110000)  # beyond the last character, it is invalid anyway
        expander.pop()
    return f"\\@char{{{number}}}"


def _code_of(token: Token) -> int:
    if token.text == END:
        raise UnrenderableError("argument", "the character after `` \\char` `` is missing; add it", token)
    character = token.text[1] if token.text.startswith("\\") else token.text[0]
    code = ord(character)
    return code if code <= 0xFFFF else 0xD800 + ((code - 0x10000) >> 10)


def _digit(text: str, base: int) -> int | None:
    digit = "0123456789abcdef".find(text.lower()) if len(text) == 1 else -1
    return digit if 0 <= digit < base else None


def _define_command(*, may_exist: bool, may_be_new: bool, keeps: bool = False) -> Program:
    def define(expander: Expander) -> Macro:
        argument = expander.consume_argument()[0]
        if len(argument) != 1:
            message = "the first argument of this definition must be a command; write `\\newcommand{\\name}{…}`"
            raise UnrenderableError("macro", message, expander.last_source)
        name = argument[0].text
        exists = expander.is_defined(name)
        if exists and not may_exist:
            message = f"{shown(name)} already exists; use `\\renewcommand`"
            raise UnrenderableError("macro", message, argument[0])
        if not exists and not may_be_new:
            raise UnrenderableError("macro", f"{shown(name)} does not exist; use `\\newcommand`", argument[0])
        count, body = _macro_body(expander)
        if not (exists and keeps):
            expander.macros.set(name, Macro(body, count))
        return _NOTHING

    return define


def _macro_body(expander: Expander) -> tuple[int, list[Token]]:
    body = expander.consume_argument()[0]
    if len(body) != 1 or body[0].text != "[":
        return 0, body
    parts: list[str] = []
    while (token := expander.next()).text not in ("]", END):
        parts.append(token.text)
    text = "".join(parts)
    if not _NUMBER_OF_ARGUMENTS.match(text):
        message = f"{shown(text)} is not a number of arguments; write a digit"
        raise UnrenderableError("macro", message, expander.last_source)
    return int(text.strip()[-_MOST_DIGITS:]), expander.consume_argument()[0]


def _print(expander: Expander) -> Macro:
    expander.consume_arguments(1)
    return _NOTHING


def _show(expander: Expander) -> Macro:
    expander.pop()
    return _NOTHING


def _dots(expander: Expander) -> str:
    expander.expand_once()
    following = expander.future().text
    dots = load_tables().dots.get(following)
    if dots:
        return dots
    is_operator = following.startswith("\\not") or symbol_groups("math").get(following) in ("bin", "rel")
    return "\\dotsb" if is_operator else "\\dotso"


def _dots_with_space(dots: str, unless: str = "") -> Program:
    def expand(expander: Expander) -> str:
        following = expander.future().text
        return f"{dots}\\," if following in load_tables().space_after_dots and following != unless else dots

    return expand


def _tag(expander: Expander) -> str:
    if expander.macros.get("\\df@tag") is not None:
        message = "this is a second `\\tag` in one row; remove it"
        raise UnrenderableError("tag", message, expander.last_source)
    expander.tag = expander.last_source
    return "\\gdef\\df@tag{\\text{#1}}"


def _braket(*, once: bool) -> Program:
    """Return the program of `\\Braket` or `\\Set`, in which `|` is a divider of full height."""

    def expand(expander: Expander) -> Macro:
        left, middle, double, right = (expander.consume_argument()[0] for _ in range(4))
        outer, outer_double = expander.macros.get("|"), expander.macros.get("\\|")

        def divider(*, is_double: bool) -> Program:
            def expand_divider(expander: Expander) -> Macro:
                if once:
                    expander.macros.set("|", outer)
                    if double:
                        expander.macros.set("\\|", outer_double)
                doubled = is_double
                if not doubled and double and expander.future().text == "|":
                    expander.pop()
                    doubled = True
                return Macro(double if doubled else middle)

            return expand_divider

        expander.macros.begin_group()
        expander.macros.set("|", divider(is_double=False))
        if double:
            expander.macros.set("\\|", divider(is_double=True))
        argument = expander.consume_argument()[0]
        expanded = expander.expand_tokens([*right, *argument, *left])
        expander.macros.end_group()
        return Macro(expanded[::-1])

    return expand


_PROGRAMS: Final[dict[str, Program]] = {
    "\\noexpand": _noexpand,
    "\\expandafter": _expandafter,
    "\\@firstoftwo": _first_of_two,
    "\\@secondoftwo": _second_of_two,
    "\\@ifnextchar": _if_next_character,
    "\\TextOrMath": _text_or_math,
    "\\char": _char,
    "\\newcommand": _define_command(may_exist=False, may_be_new=True),
    "\\renewcommand": _define_command(may_exist=True, may_be_new=False),
    "\\providecommand": _define_command(may_exist=True, may_be_new=True, keeps=True),
    "\\message": _print,
    "\\errmessage": _print,
    "\\show": _show,
    "\\dots": _dots,
    "\\dotso": _dots_with_space("\\ldots"),
    "\\dotsc": _dots_with_space("\\ldots", unless=","),
    "\\cdots": _dots_with_space("\\@cdots"),
    "\\tag@literal": _tag,
    "\\bra@ket": _braket(once=False),
    "\\bra@set": _braket(once=True),
}
