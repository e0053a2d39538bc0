r"""Find code spans, inline math and what hides them (escapes, HTML, addresses) in the text of one block."""

import re
from bisect import bisect_left
from collections.abc import Iterator

from qtgen.page.markdown.addresses import find_address
from qtgen.page.markdown.line_starts import TAG
from qtgen.page.markdown.types import Segment

# The pattern begins with one set of characters, for which `re` searches four times as fast as for alternatives.
_ESCAPE_OR_RUN = r"(?:(?<=\\)[!-/:-@\[-`{-~]|(?<=`)`*+|(?<=\$)\$*+"
_MARK = re.compile(rf"[\\`$<]{_ESCAPE_OR_RUN}|(?<=<))")
_MARK_OR_BRACKET = re.compile(rf"[\\`$<\[\]]{_ESCAPE_OR_RUN}|(?<=[<\[\]]))")
_HTML_ENDS = (("<!--", "-->"), ("<?", "?>"), ("<![CDATA[", "]]>"), ("<!", ">"))
_ADDRESS_IN_BRACKETS = re.compile(
    r"<(?:[A-Za-z][A-Za-z0-9.+-]{1,31}:[^\s<>\x00-\x1f]*|[\w.!#$%&'*+/=?^`{|}~-]+@[A-Za-z0-9.-]+)>"
)
_DESTINATION = r"(?:[^\s()\\]|\\[^\s]|\((?:[^\s()\\]|\\[^\s]|\((?:[^\s()\\]|\\[^\s])*+\))*+\))*+"
_TITLE = r"""(?:"(?:[^"\\]|\\[\s\S])*+"|'(?:[^'\\]|\\[\s\S])*+'|\((?:[^()\\]|\\[\s\S])*+\))"""
_RESOURCE = re.compile(rf"\(\s*(?:(?:<(?:[^<>\\\n]|\\.)*+>|(?!<){_DESTINATION})(?:\s+{_TITLE})?\s*)?\)")


class Inlines:
    """The code spans and the math of a text, one block after the other.

    Args:
        text: The whole text, with the marks of quotations blanked out.
        math: Whether dollar signs enclose a formula.

    Attributes:
        hidden: Start and end of each tag, address and destination of a link that was found. No mark counts in it.
    """

    def __init__(self, text: str, *, math: bool) -> None:
        self.hidden: list[tuple[int, int]] = []
        self._text = text
        self._math = math
        self._missing: dict[str, int] = {}
        self._has_addresses = "://" in text or "www." in text.lower()
        self._mark = _MARK_OR_BRACKET if self._has_addresses or "](" in text else _MARK

    def find(self, start: int, end: int) -> Iterator[Segment]:
        """Yield the code spans and the math between two offsets, in order."""
        text, done = self._text, start
        self._missing.clear()
        runs: dict[tuple[str, int], list[int]] = {}
        address = (start, start) if self._has_addresses else (end, end)
        brackets: list[bool] = []  # for each open bracket, whether it is that of an image
        for mark in self._mark.finditer(text, start, end):
            at = mark.start()
            if at < done:
                continue
            char = text[at]
            if char == "\\" or (char == "$" and not self._math):
                continue
            while address[1] <= at or (address[0] < done and address[0] < end):
                address = find_address(text, done if address[0] < done else address[1], end)
            if address[0] <= at < address[1] and not brackets:
                done = address[1]
                self.hidden.append(address)
            elif char in "`$":
                if (char, 0) not in runs:
                    _collect_runs(text, char, start, end, runs)
                closing = _next_run(runs, (char, mark.end() - at), mark.end())
                if closing >= 0:
                    done = closing + mark.end() - at
                    yield Segment("code" if char == "`" else "math", at, done, (mark.end(), closing))
            elif char == "<":
                done = self._after_html(at, end)
                self.hidden.append((at, done))
            else:
                done = max(done, self._after_bracket(at, end, brackets))
                self.hidden.append((at + 1, done))

    def _after_html(self, start: int, end: int) -> int:
        """Return the end of a tag, comment or address in angle brackets, or `start`."""
        text = self._text
        if match := TAG.match(text, start, end) or _ADDRESS_IN_BRACKETS.match(text, start, end):
            return match.end()
        if text[start + 1 : start + 2] not in ("!", "?"):
            return start
        opening, closing = next((pair for pair in _HTML_ENDS if text.startswith(pair[0], start)), ("", ""))
        if not opening or (opening == "<!" and not text[start + 2 : start + 3].isalpha()):
            return start
        if self._missing.get(closing, end + 1) <= start:
            return start
        found = text.find(closing, start + len(opening) - (1 if opening == "<!--" else 0), end)
        if found < 0:
            self._missing[closing] = start  # so that a text of opening marks only is not searched again for each
            return start
        return found + len(closing)

    def _after_bracket(self, at: int, end: int, brackets: list[bool]) -> int:
        text = self._text
        if text[at] == "[":
            brackets.append(at > 0 and text[at - 1] == "!")
            return at
        if not brackets:
            return at
        is_image = brackets.pop()
        resource = _RESOURCE.match(text, at + 1, end)
        if resource is None:
            return at
        if not is_image:
            brackets.clear()  # a link contains no other link
        return resource.end()


def _collect_runs(text: str, char: str, start: int, end: int, runs: dict[tuple[str, int], list[int]]) -> None:
    """Add where each run of `char` begins, by its length."""
    runs[(char, 0)] = []
    for run in _RUNS[char].finditer(text, start, end):
        runs.setdefault((char, run.end() - run.start()), []).append(run.start())


_RUNS = {"`": re.compile("`++"), "$": re.compile(r"\$++")}


def _next_run(runs: dict[tuple[str, int], list[int]], key: tuple[str, int], start: int) -> int:
    """Return where the next run of the same length begins, or -1."""
    starts = runs.get(key, ())
    index = bisect_left(starts, start)
    return starts[index] if index < len(starts) else -1
