"""Answers with changes, and what a reader sees of both versions."""

import re
from collections.abc import Sequence
from html.parser import HTMLParser
from random import Random


class _Shown(HTMLParser):
    """The texts of HTML except for those in `ins` or in `del` elements."""

    def __init__(self, html: str, left_out: str) -> None:
        super().__init__()
        self._left_out, self._depth = left_out, 0
        self.texts: list[str] = []
        self.feed(str(html))
        self.close()

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self._depth += tag == self._left_out

    def handle_endtag(self, tag: str) -> None:
        self._depth -= tag == self._left_out

    def handle_data(self, data: str) -> None:
        if not self._depth:
            self.texts += data.split()


def shown(html: str, left_out: str = "") -> str:
    return "".join(_Shown(html, left_out).texts)


_WORDS = ["new", "**bold**", "$x^2$", "a *b c* d", "2*3", "$5", "`code`", "[l](u)", "word,", "_"]


def change(answer: str, random: Random, others: Sequence[str]) -> str:
    """Return an answer with other words, and with blocks that are new, gone or elsewhere."""
    blocks = answer.split("\n\n")
    for _ in range(random.randrange(1, 5)):
        at = random.randrange(len(blocks))
        choice = random.random()
        if choice < 0.3:
            blocks[at : at + random.randrange(2)] = random.choice(others).split("\n\n")[:1]
        elif choice < 0.35:
            random.shuffle(blocks)
        else:
            words = re.split(r"(\s+)", blocks[at])
            for _ in range(random.randrange(1, 6)):
                place = random.randrange(len(words) + 1)
                words[place : place + random.randrange(3)] = [random.choice(_WORDS) + " "][: random.randrange(2)]
            blocks[at] = "".join(words)
    return "\n\n".join(blocks)
