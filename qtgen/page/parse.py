"""The slow reading: PyYAML's events, for whatever the scanner does not know.

Nothing is constructed before it is known to be harmless: anchors, aliases, tags and merge keys are refused, nesting
is bounded, and only plain scalars are resolved, by PyYAML's own resolver, so that both readings agree.
"""

from dataclasses import dataclass, field

import yaml

from qtgen.page.document import HOUSE_STYLE, Page, Problem, Span, Style, Value
from qtgen.page.fields import FIELDS, SECTIONS, Kind
from qtgen.page.scan import spell, to_date

MAX_DEPTH = 16  # a page needs 2

try:
    _Loader: type = yaml.CSafeLoader
except AttributeError:  # a PyYAML built without libyaml: slower, the same events
    _Loader = yaml.SafeLoader

_TAG = "tag:yaml.org,2002:"


@dataclass(slots=True)
class _Reading:
    """What is gathered on the way through the events; offsets are into the whole text."""

    text: str
    base: int
    values: dict[str, Value] = field(default_factory=dict)
    spans: dict[str, Span] = field(default_factory=dict)
    key_spans: dict[str, Span] = field(default_factory=dict)
    plain: set[str] = field(default_factory=set)
    folded: set[str] = field(default_factory=set)
    spelling: dict[str, str] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def span(self, event: yaml.Event) -> Span:
        start, end = self.base + event.start_mark.index, self.base + event.end_mark.index
        return Span(start, max(start, start + len(self.text[start:end].rstrip("\n"))))

    def object_to(self, kind: str, message: str, event: yaml.Event, path: str) -> None:
        self.problems.append(Problem(kind, message, self.span(event), path or None))


class _Stop(Exception):
    """Reading cannot go on; the problem is already noted."""


def parse(text: str, start: int, end: int, *, blank_before_close: bool, body: str) -> Page:
    """The page whose front matter is `text[start:end]`; never raises, problems are part of the page."""
    reading = _Reading(text, start)
    try:
        _read_document(reading, yaml.parse(text[start:end], Loader=_Loader))
    except _Stop:
        pass
    except yaml.MarkedYAMLError as error:
        reading.problems.append(_yaml_problem(error, start, end))
    except yaml.YAMLError as error:  # a ReaderError: a character that YAML has no place for
        offset = start + int(getattr(error, "position", 0))
        reading.problems.append(Problem("invalid-yaml", str(error).splitlines()[0], Span(offset, offset)))
    style = Style(
        frozenset(reading.plain), frozenset(reading.folded), reading.spelling, blank_before_close, body
    )
    return Page(
        text,
        reading.values,
        reading.spans,
        HOUSE_STYLE if style == HOUSE_STYLE else style,
        tuple(reading.problems),
        reading.key_spans,
    )


def _yaml_problem(error: yaml.MarkedYAMLError, start: int, end: int) -> Problem:
    mark = error.problem_mark or error.context_mark
    offset = min(start + mark.index, end) if mark else start
    message = " ".join(part for part in (error.context, error.problem) if part)
    return Problem("invalid-yaml", message, Span(offset, offset))


def _read_document(reading: _Reading, events) -> None:  # type: ignore[no-untyped-def]  # yaml.parse is untyped
    first = next((e for e in events if not isinstance(e, yaml.StreamStartEvent | yaml.DocumentStartEvent)), None)
    if first is None or isinstance(first, yaml.StreamEndEvent):
        return
    if not isinstance(first, yaml.MappingStartEvent):
        reading.object_to("invalid-yaml", "the front matter is not a list of `key: value` lines", first, "")
        raise _Stop
    _check_harmless(reading, first, "")
    _read_mapping(reading, events, "")
    trailing = next((e for e in events if isinstance(e, yaml.DocumentStartEvent)), None)
    if trailing is not None:
        reading.object_to("invalid-yaml", "a second YAML document begins inside the front matter", trailing, "")


def _read_mapping(reading: _Reading, events, section: str) -> None:  # type: ignore[no-untyped-def]
    """Key and value in turn; a section of the layout is entered, any other mapping becomes one value."""
    seen: set[object] = set()
    for key_event in events:
        if isinstance(key_event, yaml.MappingEndEvent):
            return
        _check_harmless(reading, key_event, section)
        if not isinstance(key_event, yaml.ScalarEvent):
            reading.object_to("invalid-yaml", "a key must be a single word", key_event, section)
            raise _Stop
        key = key_event.value
        path = f"{section}.{key}" if section else key
        if key == "<<" and key_event.implicit[0]:
            reading.object_to("unsafe-yaml", "merge key `<<`: write the keys out", key_event, path)
            raise _Stop
        if key in seen:
            reading.object_to("duplicate-key", f"`{key}` stands here a second time", key_event, path)
        first_time = key not in seen
        seen.add(key)
        event = next(events)
        _check_harmless(reading, event, path)
        if isinstance(event, yaml.MappingStartEvent) and not section and path in SECTIONS and first_time:
            reading.key_spans[path] = reading.span(key_event)
            before = len(reading.values)
            _read_mapping(reading, events, path)
            if len(reading.values) == before:
                reading.values[path], reading.spans[path] = {}, reading.span(event)
            continue
        value = _read_value(reading, event, events, path, depth=2)
        if first_time:
            reading.key_spans[path] = reading.span(key_event)
            _note(reading, path, value, event)


def _read_value(reading: _Reading, event: yaml.Event, events, path: str, depth: int) -> Value:  # type: ignore[no-untyped-def]
    if isinstance(event, yaml.ScalarEvent):
        return _resolve(reading, event, path)
    if depth > MAX_DEPTH:
        reading.object_to("invalid-yaml", f"nested deeper than {MAX_DEPTH} levels", event, path)
        raise _Stop
    if isinstance(event, yaml.SequenceStartEvent):
        items: list[object] = []
        for item in events:
            if isinstance(item, yaml.SequenceEndEvent):
                return items
            _check_harmless(reading, item, path)
            items.append(_read_value(reading, item, events, path, depth + 1))
    mapping: dict[str, object] = {}
    for key_event in events:
        if isinstance(key_event, yaml.MappingEndEvent):
            return mapping
        _check_harmless(reading, key_event, path)
        key = _read_value(reading, key_event, events, path, depth + 1)
        value_event = next(events)
        _check_harmless(reading, value_event, path)
        mapping[key if isinstance(key, str) else repr(key)] = _read_value(reading, value_event, events, path, depth + 1)
    return mapping


def _check_harmless(reading: _Reading, event: yaml.Event, path: str) -> None:
    """Refuse before anything is constructed."""
    if isinstance(event, yaml.AliasEvent):
        found = f"alias `*{event.anchor}`"
    elif getattr(event, "anchor", None) is not None:
        found = f"anchor `&{event.anchor}`"
    elif getattr(event, "tag", None) is not None:
        found = f"tag `{event.tag}`"
    else:
        return
    reading.object_to("unsafe-yaml", f"{found} is not allowed in front matter", event, path)
    raise _Stop


_resolver = yaml.resolver.Resolver()
_constructor = yaml.constructor.SafeConstructor()


def _resolve(reading: _Reading, event: yaml.ScalarEvent, path: str) -> Value:
    """A scalar's value; what looks like a number or day but is none stays the string it is."""
    if not event.implicit[0]:
        return str(event.value)
    tag = _resolver.resolve(yaml.ScalarNode, event.value, (True, False))
    if tag in (_TAG + "str", _TAG + "value"):
        return str(event.value)
    if tag == _TAG + "timestamp" and len(event.value) == len("2024-11-22"):
        return to_date(event.value)
    try:
        value: Value = _constructor.construct_object(yaml.ScalarNode(tag, event.value))
    except (ValueError, OverflowError, yaml.constructor.ConstructorError) as error:
        reading.object_to("invalid-yaml", f"`{event.value[:40]}` cannot be read: {str(error).splitlines()[0]}", event, path)
        return str(event.value)
    return value


def _note(reading: _Reading, path: str, value: Value, event: yaml.Event) -> None:
    reading.values[path] = value
    reading.spans[path] = span = reading.span(event)
    field_ = FIELDS.get(path)
    if field_ is None or not isinstance(event, yaml.ScalarEvent):
        return
    if field_.kind is Kind.TEXT:
        if isinstance(value, str) and not event.style and field_.folded:
            reading.plain.add(path)
        elif event.style == ">":
            _narrow_to_text(reading, path, span)
            if not field_.folded:
                reading.folded.add(path)
    elif not isinstance(value, str) and event.value != spell(value):
        reading.spelling[path] = event.value


def _narrow_to_text(reading: _Reading, path: str, span: Span) -> None:
    """A block scalar's mark begins at `>-`; its value begins on the next line."""
    begin = reading.text.find("\n", span.start, span.end) + 1
    if begin:
        begin += len(reading.text[begin : span.end]) - len(reading.text[begin : span.end].lstrip(" "))
        reading.spans[path] = Span(begin, span.end)


