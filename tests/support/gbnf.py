"""A small reader of GBNF grammars that writes random texts that a grammar describes."""

import random
import re
import string
from collections.abc import Callable

_TOKEN = re.compile(
    r"""\s*(?:(?P<literal>"(?:\\.|[^"\\])*")|(?P<set>\[(?:\\.|[^\]\\])*\])|(?P<count>\{\d+(?:,\d+)?\})"""
    r"""|(?P<mark>[()|?*+])|(?P<name>[a-z][a-z0-9-]*))"""
)
_ESCAPE = re.compile(r"\\(?:x([0-9A-Fa-f]{2})|(.))")
_NAMED = {"n": "\n", "t": "\t", "r": "\r"}
# Negated sets are drawn from these: letters are frequent, so that texts have words.
_POOL = [*string.ascii_lowercase * 8, *" " * 40, *string.printable[:95], *"äß’–…日本—€\t\n"]

Write = Callable[[random.Random], str]


class Grammar:
    """A grammar with the rules `NAME ::= …`, one a line. Raises ValueError for what it cannot read."""

    def __init__(self, text: str) -> None:
        self._rules: dict[str, Write] = {}
        for line in text.splitlines():
            name, found, body = line.partition(" ::= ")
            if not found or name in self._rules:
                raise ValueError(f"not a rule, or not the only one of its name: {line}")
            tokens = self._tokens(body)
            self._rules[name] = self._choice(tokens)
            if tokens:
                raise ValueError(f"{name}: unexpected {tokens[0]}")
        self._names = {match for line in text.splitlines() for match in self._mentioned(line)}
        if missing := self._names - set(self._rules):
            raise ValueError(f"undefined: {', '.join(sorted(missing))}")

    def text(self, seed: int) -> str:
        """Return a random text of the grammar."""
        return self._rules["root"](random.Random(seed))  # no secret

    @property
    def unused(self) -> set[str]:
        """The rules that no other rule mentions."""
        return set(self._rules) - self._names - {"root"}

    def _mentioned(self, line: str) -> list[str]:
        return [value for kind, value in self._tokens(line.partition(" ::= ")[2]) if kind == "name"]

    @staticmethod
    def _tokens(body: str) -> list[tuple[str, str]]:
        tokens, position = [], 0
        while body[position:].strip():
            match = _TOKEN.match(body, position)
            if match is None:
                raise ValueError(f"cannot be read: {body[position:]}")
            tokens.append((str(match.lastgroup), match[str(match.lastgroup)]))
            position = match.end()
        return tokens

    def _choice(self, tokens: list[tuple[str, str]]) -> Write:
        choices = [self._sequence(tokens)]
        while tokens and tokens[0] == ("mark", "|"):
            tokens.pop(0)
            choices.append(self._sequence(tokens))
        return lambda source: source.choice(choices)(source)

    def _sequence(self, tokens: list[tuple[str, str]]) -> Write:
        parts: list[Write] = []
        while tokens and tokens[0] not in (("mark", "|"), ("mark", ")")):
            parts.append(self._repeated(self._atom(tokens), tokens))
        return lambda source: "".join(part(source) for part in parts)

    def _atom(self, tokens: list[tuple[str, str]]) -> Write:
        kind, value = tokens.pop(0)
        if kind == "literal":
            text = _unescaped(value[1:-1])
            return lambda _: text
        if kind == "set":
            characters = _members(value[1:-1])
            return lambda source: source.choice(characters)
        if kind == "name":
            return lambda source: self._rules[value](source)
        if value != "(":
            raise ValueError(f"unexpected {value}")
        inner = self._choice(tokens)
        tokens.pop(0)
        return inner

    @staticmethod
    def _repeated(part: Write, tokens: list[tuple[str, str]]) -> Write:
        if not tokens or (tokens[0][1] not in ("?", "*", "+") and tokens[0][0] != "count"):
            return part
        low, high = _bounds(tokens.pop(0)[1])

        def write(source: random.Random) -> str:
            # The ends of the range are the cases that matter.
            count = source.choice([low, high, source.randint(low, high)])
            return "".join(part(source) for _ in range(count))

        return write


def _bounds(mark: str) -> tuple[int, int]:
    if mark in "?*+":
        return {"?": (0, 1), "*": (0, 20), "+": (1, 20)}[mark]
    low, _, high = mark[1:-1].partition(",")
    if int(low) > int(high or low):
        raise ValueError(f"no number of repeats: {mark}")
    return int(low), int(high or low)


def _unescaped(text: str) -> str:
    return _ESCAPE.sub(lambda match: chr(int(match[1], 16)) if match[1] else _NAMED.get(match[2], match[2]), text)


def _members(source: str) -> list[str]:
    """Return the characters of a set; of a negated one, those of the pool."""
    negated, pattern = source.startswith("^"), source.removeprefix("^")
    parts = re.findall(r"\\x[0-9A-Fa-f]{2}|\\.|[^\\]", pattern)
    members: set[str] = set()
    number = 0
    while number < len(parts):
        first = _unescaped(parts[number])
        if parts[number + 1 : number + 2] == ["-"] and number + 2 < len(parts):
            members.update(map(chr, range(ord(first), ord(_unescaped(parts[number + 2])) + 1)))
            number += 3
        else:
            members.add(first)
            number += 1
    return [character for character in _POOL if character not in members] if negated else sorted(members)
