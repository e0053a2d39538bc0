"""The slow reading: PyYAML's events, for whatever the scanner does not know.

Nothing is constructed before it is known to be harmless: anchors, aliases, tags and merge keys are refused, nesting
is bounded, and only plain scalars are resolved, by PyYAML's own resolver, so that both readings agree.
"""

from collections.abc import Iterator
from typing import Any

import yaml

from qtgen.page.document import HOUSE_STYLE, Page, Problem, Span, Style, Value
from qtgen.page.fields import FIELDS, SECTIONS, Kind
from qtgen.page.scan import spell, to_date

MAX_DEPTH = 16  # a page needs 2
_LONGEST_NUMBER = 64  # characters; Python refuses to print much longer ones

# Without libyaml PyYAML is slower and gives the same events.
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_TAG = "tag:yaml.org,2002:"
_RESOLVER: Any = yaml.resolver.Resolver()
_CONSTRUCTORS: Any = yaml.constructor.SafeConstructor.yaml_constructors
_CONSTRUCTOR = yaml.constructor.SafeConstructor()


def parse(text: str, start: int, end: int, *, blank_before_close: bool, body: str) -> Page:
    """The page whose front matter is `text[start:end]`; never raises, problems are part of the page."""
    reader = _Reader(text, start, end)
    reader.read()
    style = Style(frozenset(reader.plain), frozenset(reader.folded), reader.spelling, blank_before_close, body)
    return Page(
        text,
        reader.values,
        reader.spans,
        HOUSE_STYLE if style == HOUSE_STYLE else style,
        tuple(reader.problems),
        reader.key_spans,
    )


class _StopReading(Exception):
    """Reading cannot go on; the problem is already noted."""


class _Reader:
    """Walks the events once and gathers values, places, style and problems; offsets are into the whole text."""

    def __init__(self, text: str, start: int, end: int) -> None:
        self._text, self._start, self._end = text, start, end
        self._events: Iterator[Any] = yaml.parse(text[start:end], Loader=_LOADER)
        self.values: dict[str, Value] = {}
        self.spans: dict[str, Span] = {}
        self.key_spans: dict[str, Span] = {}
        self.plain: set[str] = set()
        self.folded: set[str] = set()
        self.spelling: dict[str, str] = {}
        self.problems: list[Problem] = []

    def read(self) -> None:
        try:
            self._document()
        except _StopReading:
            return
        except yaml.MarkedYAMLError as error:
            # What is never closed is seen at the end and mended where it was opened.
            unclosed = "end of stream" in str(error.problem) or "<stream end>" in str(error.problem)
            mark = (error.context_mark if unclosed else None) or error.problem_mark or error.context_mark
            message = " ".join(part for part in (error.context, error.problem) if part)
            self._yaml_problem(message, mark.index if mark else 0)
        except yaml.YAMLError as error:  # a ReaderError: a character that YAML has no place for
            self._yaml_problem(str(error).splitlines()[0], int(getattr(error, "position", 0)))

    def _yaml_problem(self, message: str, index: int) -> None:
        offset = min(self._start + index, self._end)
        self.problems.append(Problem("invalid-yaml", message, Span(offset, offset)))

    def _span(self, event: Any) -> Span:
        start, end = self._start + event.start_mark.index, self._start + event.end_mark.index
        return Span(start, start + len(self._text[start:end].rstrip("\n")))

    def _object_to(self, kind: str, message: str, event: Any, path: str) -> None:
        self.problems.append(Problem(kind, message, self._span(event), path or None))

    def _give_up(self, kind: str, message: str, event: Any, path: str) -> None:
        self._object_to(kind, message, event, path)
        raise _StopReading

    def _next(self, path: str) -> Any:
        """The next event, refused before anything is constructed if it is not harmless."""
        event = next(self._events)
        if isinstance(event, yaml.AliasEvent):
            found = f"alias `*{event.anchor}`"
        elif getattr(event, "anchor", None) is not None:
            found = f"anchor `&{event.anchor}`"
        elif getattr(event, "tag", None) is not None:
            found = f"tag `{event.tag}`"
        elif isinstance(event, yaml.ScalarEvent) and event.value == "<<" and event.implicit[0]:
            found = "merge key `<<`"
        else:
            return event
        return self._give_up("unsafe-yaml", f"{found} is not allowed in front matter", event, path)

    def _document(self) -> None:
        next(self._events)  # the stream's start
        if isinstance(next(self._events), yaml.StreamEndEvent):
            return
        first = self._next("")
        if not isinstance(first, yaml.MappingStartEvent):
            self._give_up("invalid-yaml", "the front matter is not a list of `key: value` lines", first, "")
        self._mapping("")
        next(self._events)  # the document's end
        after = next(self._events)
        if not isinstance(after, yaml.StreamEndEvent):
            self._object_to("invalid-yaml", "a second YAML document begins inside the front matter", after, "")

    def _mapping(self, section: str) -> None:
        """Keys and values in turn; a section of the layout is entered, any other mapping is one value."""
        seen: set[str] = set()
        while not isinstance(key := self._next(section), yaml.MappingEndEvent):
            path = self._key(key, section)
            if key.value in seen:
                self._object_to("duplicate-key", f"`{key.value}` stands here a second time", key, path)
                self._value(self._next(path), path)
                continue
            seen.add(key.value)
            self.key_spans[path] = self._span(key)
            event = self._next(path)
            if isinstance(event, yaml.MappingStartEvent) and path in SECTIONS:
                self._section(path, event)
            else:
                self._note(path, self._value(event, path), event)

    def _key(self, event: Any, section: str) -> str:
        if not isinstance(event, yaml.ScalarEvent):
            self._give_up("invalid-yaml", "a key must be a single word", event, section)
        path = f"{section}.{event.value}" if section else str(event.value)
        if "." in str(event.value):  # `seo.title` as one key is no field and must not pass for one
            return path.replace(str(event.value), str(event.value).replace(".", "․"))
        return path

    def _section(self, path: str, event: Any) -> None:
        before = len(self.values)
        self._mapping(path)
        if len(self.values) == before:
            self.values[path], self.spans[path] = {}, self._span(event)

    def _value(self, event: Any, path: str, depth: int = 2) -> Value:
        """One value of any sort, as PyYAML's SafeLoader would construct it."""
        if isinstance(event, yaml.ScalarEvent):
            return self._scalar(event, path)
        if depth > MAX_DEPTH:
            self._give_up("invalid-yaml", f"nested deeper than {MAX_DEPTH} levels", event, path)
        if isinstance(event, yaml.SequenceStartEvent):
            items: list[object] = []
            while not isinstance(item := self._next(path), yaml.SequenceEndEvent):
                items.append(self._value(item, path, depth + 1))
            return items
        mapping: dict[str, object] = {}
        while not isinstance(key := self._next(path), yaml.MappingEndEvent):
            name = self._value(key, path, depth + 1)
            mapping[name if isinstance(name, str) else repr(name)] = self._value(self._next(path), path, depth + 1)
        return mapping

    def _scalar(self, event: Any, path: str) -> Value:
        """A scalar's value; a day that no calendar has stays the string it is."""
        text = str(event.value)
        tag = _RESOLVER.resolve(yaml.ScalarNode, text, (True, False)) if event.implicit[0] else f"{_TAG}str"
        if tag in (f"{_TAG}str", f"{_TAG}value"):
            return text
        if tag == f"{_TAG}timestamp" and len(text) == len("2024-11-22"):
            return to_date(text)
        if len(text) > _LONGEST_NUMBER:
            self._object_to("invalid-yaml", f"`{text[:20]}…` is no number that can be read", event, path)
            return text
        try:
            value: Value = _CONSTRUCTORS[tag](_CONSTRUCTOR, yaml.ScalarNode(tag, text))
        except (KeyError, ValueError, OverflowError, yaml.YAMLError) as error:
            self._object_to("invalid-yaml", f"`{text}` cannot be read: {str(error).splitlines()[0]}", event, path)
            return text
        return value

    def _note(self, path: str, value: Value, event: Any) -> None:
        self.values[path] = value
        self.spans[path] = span = self._span(event)
        field = FIELDS.get(path)
        if field is None or not isinstance(event, yaml.ScalarEvent):
            return
        if event.style in ("|", ">"):
            self.spans[path] = self._block_text(span)
        if field.kind is not Kind.TEXT:
            if not isinstance(value, str) and event.value != spell(value):
                self.spelling[path] = event.value
        elif isinstance(value, str) and not event.style and field.folded:
            self.plain.add(path)
        elif event.style == ">" and not field.folded:
            self.folded.add(path)

    def _block_text(self, span: Span) -> Span:
        """A block scalar's mark begins at `>-`; its text begins on the next line."""
        begin = self._text.find("\n", span.start, span.end) + 1
        if not begin:
            return span
        return Span(begin + len(self._text[begin : span.end]) - len(self._text[begin : span.end].lstrip(" ")), span.end)
