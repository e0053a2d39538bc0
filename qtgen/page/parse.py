"""Read front matter exactly, from PyYAML's events, if the scanner does not recognize its layout.

Nothing is constructed before it is known to be harmless: anchors, aliases, tags and merge keys are rejected, and the
nesting is limited. Only plain scalars are resolved, by PyYAML's own resolver, so that this and the scanner agree.
"""

from collections.abc import Callable
from typing import Any

import yaml

from qtgen.page.body import body_span
from qtgen.page.document import HOUSE_STYLE, Page, Problem, Span, Style, Value
from qtgen.page.layout import Layout
from qtgen.page.profile import BODY_FIELD, Kind
from qtgen.page.spelling import spell, to_date

MAX_DEPTH = 16  # a page needs 2
_MAX_NUMBER_LENGTH = 64  # Python refuses to print numbers that are much longer

# Without libyaml, PyYAML is slower and produces the same events.
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_TAG = "tag:yaml.org,2002:"
_RESOLVER: Any = yaml.resolver.Resolver()
_CONSTRUCTORS: Any = yaml.constructor.SafeConstructor.yaml_constructors
_CONSTRUCTOR = yaml.constructor.SafeConstructor()
_ScalarEvent, _MappingEndEvent = yaml.ScalarEvent, yaml.MappingEndEvent


def parse(text: str, layout: Layout, start: int, end: int, *, blank_before_close: bool, body_start: int) -> Page:
    """Return the page whose front matter is `text[start:end]`. Never raises; the page carries its problems.

    Args:
        blank_before_close: Whether a blank line precedes the closing `---`.
        body_start: Where the text after the front matter begins.
    """
    reader = _Reader(text, layout, start, end)
    reader.read()
    values, spans = reader.values, reader.spans
    if layout.has_text_body:
        spans[BODY_FIELD] = span = body_span(text, body_start)
        values[BODY_FIELD] = text[span.start : span.end]
    body = None if text[body_start:] == layout.body else text[body_start:]
    style = Style(frozenset(reader.plain), frozenset(reader.folded), reader.spelling, blank_before_close, body)
    style = HOUSE_STYLE if style == HOUSE_STYLE else style
    return Page(text, layout, values, spans, style, tuple(reader.problems), reader.key_spans)


def _no_event() -> Any:
    raise AssertionError("reading has not begun")


class _StopReading(Exception):
    """Reading cannot continue. The problem is already recorded."""


class _Reader:
    """Walk the events once and collect values, spans, style and problems. Offsets are into the whole text."""

    def __init__(self, text: str, layout: Layout, start: int, end: int) -> None:
        self._text, self._layout, self._start, self._end = text, layout, start, end
        self._get_event: Callable[[], Any] = _no_event
        self.values: dict[str, Value] = {}
        self.spans: dict[str, Span] = {}
        self.key_spans: dict[str, Span] = {}
        self.plain: set[str] = set()
        self.folded: set[str] = set()
        self.spelling: dict[str, str] = {}
        self._ends: dict[str, int] = {}  # the offsets at which lists and maps end
        self.problems: list[Problem] = []

    def read(self) -> None:
        try:
            self._get_event = _LOADER(self._text[self._start : self._end]).get_event
            self._document()
        except _StopReading:
            return
        except yaml.MarkedYAMLError as error:
            # What is never closed is noticed at the end, but has to be corrected where it was opened.
            unclosed = "end of stream" in str(error.problem) or "<stream end>" in str(error.problem)
            mark = (error.context_mark if unclosed else None) or error.problem_mark or error.context_mark
            message = " ".join(part for part in (error.context, error.problem) if part)
            self._yaml_problem(message, mark.index if mark else 0)
        except yaml.YAMLError as error:  # a ReaderError: a character that YAML does not allow
            self._yaml_problem(str(error).splitlines()[0], int(getattr(error, "position", 0)))

    def _yaml_problem(self, message: str, index: int) -> None:
        offset = min(self._start + index, self._end)
        self.problems.append(Problem("invalid-yaml", message, Span(offset, offset)))

    def _span(self, event: Any) -> Span:
        start, end = self._start + event.start_mark.index, self._start + event.end_mark.index
        return Span(start, start + len(self._text[start:end].rstrip("\n")))

    def _end_of(self, start: Any, end: Any, last: str) -> int:
        """Return where a list or a map ends. In block style it is the end of the last item: a comment may follow.

        Args:
            start, end: The events that begin and end it.
            last: The path of its last item.
        """
        if not start.flow_style and last in self.spans:
            return self.spans[last].end
        return self._start + int(end.end_mark.index)

    def _report(self, kind: str, message: str, event: Any, path: str) -> None:
        self.problems.append(Problem(kind, message, self._span(event), path or None))

    def _give_up(self, kind: str, message: str, event: Any, path: str) -> None:
        self._report(kind, message, event, path)
        raise _StopReading

    def _next(self, path: str) -> Any:
        """Return the next event. Stop reading if it is not harmless, before anything is constructed from it."""
        event = self._get_event()
        kind = event.__class__
        if kind is _ScalarEvent:  # most events: a quick test that all but a few pass
            if event.anchor is None and event.tag is None and event.value != "<<":
                return event
        elif kind is _MappingEndEvent:
            return event
        if isinstance(event, yaml.AliasEvent):
            unsafe = f"alias `*{event.anchor}`"
        elif getattr(event, "anchor", None) is not None:
            unsafe = f"anchor `&{event.anchor}`"
        elif getattr(event, "tag", None) is not None:
            unsafe = f"tag `{event.tag}`"
        elif isinstance(event, yaml.ScalarEvent) and event.value == "<<" and event.implicit[0]:
            unsafe = "merge key `<<`"
        else:
            return event
        return self._give_up("unsafe-yaml", f"{unsafe} is not allowed in front matter", event, path)

    def _document(self) -> None:
        self._get_event()  # the start of the stream
        if isinstance(self._get_event(), yaml.StreamEndEvent):
            return
        first = self._next("")
        if not isinstance(first, yaml.MappingStartEvent):
            self._give_up("invalid-yaml", "the front matter is not a list of `key: value` lines", first, "")
        self._mapping("")
        self._get_event()  # the end of the document
        after = self._get_event()
        if not isinstance(after, yaml.StreamEndEvent):
            self._report("invalid-yaml", "a second YAML document begins inside the front matter", after, "")

    def _mapping(self, section: str) -> None:
        """Read the keys and values of a mapping. A section's keys are fields; any other mapping is one value."""
        seen: set[str] = set()
        while not isinstance(key := self._next(section), yaml.MappingEndEvent):
            path = self._key(key, section)
            if key.value in seen:
                self._report("duplicate-key", f"the key `{key.value}` is here a second time", key, path)
                self._value(self._next(path), path)
                continue
            seen.add(key.value)
            self.key_spans[path] = self._span(key)
            event = self._next(path)
            if isinstance(event, yaml.MappingStartEvent) and path in self._layout.sections:
                self._section(path, event)
            else:
                self._record(path, self._value(event, path), event)

    def _key(self, event: Any, section: str) -> str:
        if not isinstance(event, yaml.ScalarEvent):
            self._give_up("invalid-yaml", "a key must be a word, not a list or a mapping", event, section)
        path = f"{section}.{event.value}" if section else str(event.value)
        if "." in str(event.value):  # `seo.title` as one key is not a field and must not be taken for one
            return path.replace(str(event.value), str(event.value).replace(".", "․"))
        if path == BODY_FIELD and self._layout.has_text_body:  # nor must this key be taken for the body
            return f"{path}․"
        return path

    def _section(self, path: str, event: Any) -> None:
        before = len(self.values)
        self._mapping(path)
        if len(self.values) == before:
            self.values[path], self.spans[path] = {}, self._span(event)

    def _value(self, event: Any, path: str, depth: int = 2) -> Value:
        """Return a value of any type, as PyYAML's SafeLoader would construct it. Record where its items are."""
        if isinstance(event, yaml.ScalarEvent):
            return self._scalar(event, path)
        if depth > MAX_DEPTH:
            self._give_up("invalid-yaml", f"nested deeper than {MAX_DEPTH} levels", event, path)
        if isinstance(event, yaml.SequenceStartEvent):
            items: list[object] = []
            item: Any
            while not isinstance(item := self._next(path), yaml.SequenceEndEvent):
                items.append(self._item(item, f"{path}.{len(items)}", depth))
            self._ends[path] = self._end_of(event, item, f"{path}.{len(items) - 1}")
            return items
        mapping: dict[str, object] = {}
        inner = path
        key: Any
        while not isinstance(key := self._next(path), yaml.MappingEndEvent):
            name = self._value(key, path, depth + 1)
            name = name if isinstance(name, str) else repr(name)
            inner = f"{path}.{name}"
            if name in mapping:
                self._report("duplicate-key", f"the key `{name}` is here a second time", key, inner)
                self._value(self._next(path), inner, depth + 1)
                continue
            self.key_spans.setdefault(inner, self._span(key))
            mapping[name] = self._item(self._next(path), inner, depth)
        self._ends[path] = self._end_of(event, key, inner)
        return mapping

    def _item(self, event: Any, path: str, depth: int) -> Value:
        """Return a value inside a list, or inside a map that the layout does not define. Record its span."""
        value = self._value(event, path, depth + 1)
        self.spans.setdefault(path, self._span_of(event, path))
        return value

    def _span_of(self, event: Any, path: str) -> Span:
        """Return the span of a value. The event of a list or a map is only its beginning."""
        span = self._span(event)
        if isinstance(event, yaml.ScalarEvent):
            return self._block_text(span) if event.style in ("|", ">") else span
        end = self._ends.get(path, span.end)
        return Span(span.start, max(span.end, span.start + len(self._text[span.start : end].rstrip())))

    def _scalar(self, event: Any, path: str) -> Value:
        """Return the value of a scalar. A date that no calendar has stays a string."""
        text = str(event.value)
        tag = _RESOLVER.resolve(yaml.ScalarNode, text, (True, False)) if event.implicit[0] else f"{_TAG}str"
        if tag in (f"{_TAG}str", f"{_TAG}value"):
            return text
        if tag == f"{_TAG}timestamp" and len(text) == len("2024-11-22"):
            return to_date(text)
        if len(text) > _MAX_NUMBER_LENGTH:
            self._report("invalid-yaml", f"`{text[:20]}…` is too long for a number", event, path)
            return text
        try:
            value: Value = _CONSTRUCTORS[tag](_CONSTRUCTOR, yaml.ScalarNode(tag, text))
        except (KeyError, ValueError, OverflowError, yaml.YAMLError) as error:
            self._report("invalid-yaml", f"`{text}` cannot be read: {str(error).splitlines()[0]}", event, path)
            return text
        return value

    def _record(self, path: str, value: Value, event: Any) -> None:
        self.values[path] = value
        self.spans[path] = self._span_of(event, path)
        field = self._layout.fields.get(path)
        if field is None or not isinstance(event, yaml.ScalarEvent):
            return
        if field.kind is not Kind.TEXT:
            if not isinstance(value, str) and event.value != spell(value, self._layout.spec.booleans):
                self.spelling[path] = event.value
        elif isinstance(value, str) and not event.style and field.folded:
            self.plain.add(path)
        elif event.style == ">" and not field.folded:
            self.folded.add(path)

    def _block_text(self, span: Span) -> Span:
        """Return the span of a block scalar's text, which begins on the line after the `>-` where its event begins."""
        line = self._text.find("\n", span.start, span.end) + 1
        if not line:
            return span
        text = self._text[line : span.end]
        return Span(line + len(text) - len(text.lstrip(" ")), span.end)
