"""The object in an answer: found in whatever a model wraps it, never cut, never reworded."""

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from qtgen.errors import AnswerError
from qtgen.generation.json_objects import read_json_answer
from qtgen.generation.json_syntax import has_same_wording

KEYS = ("introduction", "points", "page_keywords")
DATA: dict[str, Any] = {
    "introduction": 'She said: "A set {x, y} is [a, b) and \\alpha", didn\'t she?',
    "points": [{"heading": "One: é", "explanation": "a\nb\tc"}, {"heading": "Two", "explanation": ""}],
    "page_keywords": ["sets", "pairs, too", "a {b} c"],
}
PLAIN = json.dumps(DATA)


def faults(text: str, *, truncated: bool = False) -> list[str]:
    with pytest.raises(AnswerError) as caught:
        read_json_answer(text, KEYS, truncated=truncated)
    return caught.value.problems


def test_a_strict_answer_is_plain() -> None:
    assert read_json_answer(PLAIN, KEYS) == read_json_answer(json.dumps(DATA, indent=2), KEYS)
    assert (read_json_answer(PLAIN, KEYS).data, read_json_answer(PLAIN, KEYS).wrappings) == (DATA, ())


@pytest.mark.parametrize(
    ("text", "wrappings"),
    [
        (f"```json\n{PLAIN}\n```", ["code fence"]),
        (f"```json\n{PLAIN}", ["code fence"]),
        (f"I made this:\n```json\n{PLAIN}\n```\nIt has two points.", ["code fence", "words around the answer"]),
        (f"The set {{x}} is meant. {PLAIN}", ["further objects"]),
        (f"{PLAIN}\n{PLAIN}", ["further objects"]),
        (f"{PLAIN}\nThat is it.", ["words around the answer"]),
        (f'{{"type": "object", "properties": {{"introduction": {{}}}}}}\n{PLAIN}', ["further objects"]),
        (f"[{PLAIN}]", ["wrapper object or list"]),
        (f"[{PLAIN}, {PLAIN}]", ["further objects"]),
        (f'{{"answer": {PLAIN}}}', ["wrapper object or list"]),
        (f'{{"introduction": {PLAIN}}}', ["wrapper object or list"]),
        (f'{{"name": "points", "arguments": {json.dumps(PLAIN)}}}', ["wrapper object or list", "JSON in a string"]),
        (json.dumps(PLAIN), ["JSON in a string"]),
        (f"<think>\nPerhaps {{}}. {PLAIN}", ["reasoning", "further objects"]),
        (PLAIN.replace(r"a\nb", "a\nb"), ["raw line breaks in strings"]),
        ("Well: " + PLAIN.replace(r"a\nb", "a\nb"), ["words around the answer", "raw line breaks in strings"]),
        (f"{PLAIN[:-1]},}}", ["JSON syntax"]),
        (PLAIN.replace('"points"', "points"), ["JSON syntax"]),
        (f"Look: {PLAIN[:-1]},}} So it is.", ["words around the answer", "JSON syntax"]),
        (f"{PLAIN}}}", ["words around the answer"]),
    ],
)
def test_an_object_is_unwrapped(text: str, wrappings: list[str]) -> None:
    found = read_json_answer(text, KEYS)
    assert found.data == DATA
    assert [str(wrapping) for wrapping in found.wrappings] == wrappings


@pytest.mark.parametrize(
    ("text", "data"),
    [
        ("{'introduction': 'it is', 'points': None, 'page_keywords': [True]}",
         {"introduction": "it is", "points": None, "page_keywords": [True]}),
        ('{"introduction": "He said "no" to it", "points": 1}', {"introduction": 'He said "no" to it', "points": 1}),
        ('{"introduction": "a"\n"points": 2}', {"introduction": "a", "points": 2}),
        (r'{"introduction": "\alpha \{x\}", "points": 1}', {"introduction": r"\alpha \{x\}", "points": 1}),
        ("{'introduction': 'a', 'points': ['b}', 'c]']}", {"introduction": "a", "points": ["b}", "c]"]}),
    ],
)  # fmt: skip
def test_broken_syntax_is_repaired(text: str, data: dict[str, Any]) -> None:
    assert read_json_answer(text, KEYS).data == data
    assert faults(text, truncated=True) == ["the answer was cut off before its end; write a shorter one"]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "the answer is empty"),
        ("null", "the answer is no object; write one JSON object"),
        ("[1, 2]", "the answer is no object; write one JSON object"),
        ("42", "the answer is no object"),
        ("Osmosis moves water. " * 2_500, "the answer is prose; write one JSON object"),
        ("浸透は水を動かします。 そうです。", "the answer is prose; write one JSON object"),
        ("<think>Osmosis moves water.", "the answer has only reasoning; write the answer itself"),
        ("```\nOsmosis moves water.\n```", "write the JSON object alone, without a code fence"),
        ("It is {so} and so.", "the answer is not valid JSON: a key in double quotation marks is missing after"),
        ('Well: {"other": 1}', "the answer is another JSON object than the one that is asked for"),
        (PLAIN[:-1], "the answer was cut off before its end; write a shorter one"),
        ("{'introduction': 'a', 'points': ['b'}", "the answer is not valid JSON"),
        ('{"introduction": "a", "points": [{"heading": "b"}, {"heading": "c"}', "the answer was cut off before its end"),
        (PLAIN[:60], "the answer was cut off before its end"),
        ('{"introduction": "x" and more}', "a comma is missing, or a quotation mark inside a text is not escaped, after"),
        ('{"introduction": $x$}', "a value is missing after `{\"introduction\":`"),
        ('{"introduction": "a", ...}', "the answer is not valid JSON"),
        ('{"introduction": "a", // why\n"points": 1}', "the answer is not valid JSON"),
        ("{'introduction': 'it''s'}", "the answer is not valid JSON"),
        ('{"introduction": "a" + "b"}', "the answer is not valid JSON"),
        ('{"introduction": "it ends with $x^{2}', "the answer was cut off before its end"),
        ('{"introduction": "\x1b[31m" x}', r"after `{\"introduction\": \"\x1b[31m\"`"),
    ],
)  # fmt: skip
def test_the_fault_is_named(text: str, fault: str) -> None:
    assert fault.replace('\\"', '"') in "; ".join(faults(text))


def test_an_object_without_the_keys_is_returned_for_the_schema_to_judge() -> None:
    assert read_json_answer('{"other": 1}', KEYS).data == {"other": 1}


HOSTILE: dict[str, Callable[[int], str]] = {
    "brackets": "[".__mul__,
    "braces": "{".__mul__,
    "objects": '{"introduction":'.__mul__,
    "lists in an object": '{"introduction":['.__mul__,
    "open strings": '{"introduction": "'.__mul__,
    "quotes": lambda n: '{"c": ' + '"' * n + "}",
    "strings without commas": lambda n: '{"introduction": ' + '"x" ' * n + "}",
    "escaped openers": lambda n: '{"' + '\\"{"' * n,
    "single quotes": lambda n: "{" + "'introduction': 'x', " * n + "}",
    "small objects": '{"c": 1} '.__mul__,
    "an encoded list": lambda n: json.dumps({"c": "[" * n}),
    "opening tags": "<think>\n".__mul__,
    "closing tags": "</think>".__mul__,
    "end tokens": "x</s>".__mul__,
    "end tokens at the end": lambda n: "x" + "</s>" * n,
    "fences": "```\n".__mul__,
    "fences with a name": "```json\n".__mul__,
    "spaces": lambda n: "<|im_end|>" + " " * n + "x",
    "greetings": "Sure! ".__mul__,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_text_is_a_fault_and_no_trap(name: str) -> None:
    assert faults(HOSTILE[name](10_000))


def test_a_lone_surrogate_is_no_trap() -> None:
    assert faults("\ud83d {'introduction': \ud83d}")
    assert read_json_answer('x {"introduction": "\ud83d"}', KEYS).data == {"introduction": "\ud83d"}


@pytest.mark.parametrize(
    ("source", "data", "is_same"),
    [
        ("{'a': 'b c'}", {"a": "b c"}, True),
        ('{"a": "b\\u00e9\\ud83d\\ude00 \\n c"}', {"a": "bé😀 \n c"}, True),
        ("{'a': 'b', 'c': [1, 2.5, null, True]}", {"a": "b", "c": [1, 2.5, None, True]}, True),
        ("{'a': 'b c'}", {"a": "b"}, False),
        ("{'a': 'b'}", {"a": "b", "c": ""}, False),
        ("{'a': 'b'}", {"a": "B"}, False),
        ("{'a': '$b$'}", {"a": "b$"}, False),
        ("{'a': 'b', 'c': 'd'}", {"c": "d", "a": "b"}, False),
        ("{'a': 'b}", {"a": "b}"}, False),
        ("{'a': 'b', 'c': 'd'}", {"a": "b', 'c': 'd"}, False),
    ],
)
def test_a_repair_must_keep_the_wording(source: str, data: Any, is_same: bool) -> None:
    assert has_same_wording(source, data) is is_same


texts = st.text(st.characters(codec="utf-8"), max_size=30) | st.text("""ab [](){}<>"',:;.-$`\\/\n""", max_size=12)
answers = st.fixed_dictionaries(
    {
        "introduction": texts,
        "points": st.lists(st.fixed_dictionaries({"heading": texts, "explanation": texts}), max_size=3),
        "page_keywords": st.lists(texts, max_size=3),
    }
)
WRAPPERS: list[Callable[[str], str]] = [
    lambda text: text,
    lambda text: f"```json\n{text}\n```",
    lambda text: f"<think>\nA plan: first this.\n</think>\n\n{text}",
    lambda text: f"A plan.</think>{text}",
    lambda text: f"Sure! Here is the JSON object:\n\n{text}\n\nI hope this helps!",
    lambda text: f"Some words.\n{text}\nMore words.",
    lambda text: f"{text}<|im_end|>",
    lambda text: f"<s>{text}</s>",
    lambda text: f"\ufeff{text}\n",
    lambda text: f"{text}\n{text}",
]
INNER_WRAPPERS: list[Callable[[str], str]] = [
    lambda text: text,
    json.dumps,
    lambda text: f"[{text}]",
    lambda text: f'{{"result": {text}}}',
    lambda text: f'{{"arguments": {json.dumps(text)}}}',
]


@given(answers, st.sampled_from(INNER_WRAPPERS), st.lists(st.sampled_from(WRAPPERS), max_size=3), st.booleans())
@example(DATA, INNER_WRAPPERS[0], [WRAPPERS[1], WRAPPERS[4], WRAPPERS[2]], True)
def test_any_answer_is_the_same_in_any_wrapping(
    data: dict[str, Any], inner: Callable[[str], str], wrappers: list[Callable[[str], str]], ascii_only: bool
) -> None:
    text = inner(json.dumps(data, ensure_ascii=ascii_only))
    for wrap in wrappers:
        text = wrap(text)
    assert read_json_answer(text, KEYS).data == data


@given(answers, st.integers(1, 400), st.booleans())
@example({"introduction": "0", "page_keywords": [], "points": [{"heading": "", "explanation": ""}] * 2}, 3, False)
def test_no_answer_is_cut_silently(data: dict[str, Any], length: int, truncated: bool) -> None:
    text = json.dumps(data)[:-length]
    try:
        found = read_json_answer(text, KEYS, truncated=truncated).data
    except AnswerError:
        return
    assert found.keys() != data.keys() or found == data


def as_python(data: Any) -> str:
    return repr(data)


def with_trailing_commas(data: Any) -> str:
    return re.sub(r"\n( *)([}\]])", r",\n\1\2", json.dumps(data, indent=1))


@given(answers, st.sampled_from([as_python, with_trailing_commas]))
@example({"introduction": "\n", "points": [], "page_keywords": ["\U00010500"]}, with_trailing_commas)
def test_broken_syntax_is_read_exactly_or_not_at_all(data: dict[str, Any], write: Callable[[Any], str]) -> None:
    try:
        found = read_json_answer(write(data), KEYS).data
    except AnswerError:
        return
    assert _words(found) == _words(data)


def _words(data: Any) -> Any:
    """Return the data with a list of words for each text: the library drops spaces at the end of a text."""
    if isinstance(data, dict):
        return {key: _words(value) for key, value in data.items()}
    return data.split() if isinstance(data, str) else [_words(item) for item in data]
