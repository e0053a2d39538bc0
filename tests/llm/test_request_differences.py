"""Differences between requests: short, word by word, against the recording that is most similar."""

import difflib
import json
from typing import Any

import pytest

from qtgen.llm.request_differences import MAX_LENGTH, RecordedRequests, question_of

SYSTEM = " ".join(f"word{number}" for number in range(600))


def request(question: str = "Why?", system: str = SYSTEM, **parameters: Any) -> bytes:
    content = f"Answer.\n\n<question>\n{question}\n</question>"
    messages = [{"role": "system", "content": system}, {"role": "user", "content": content}]
    return json.dumps({"model": "m", "messages": messages, **parameters}).encode()


def difference(before: bytes, after: bytes) -> str:
    return RecordedRequests([before]).difference(after)


@pytest.mark.parametrize(
    ("after", "line"),
    [
        (
            request(system=SYSTEM.replace("word300", "other")),
            "system message: … word296 word297 word298 word299 [-word300-] {+other+} word301 word302 word303 word304 …",
        ),
        (
            request(system=SYSTEM.replace("word0 ", "")),
            "system message: [-word0-] word1 word2 word3 word4 …",
        ),
        (request(system=SYSTEM + " more"), "system message: … word596 word597 word598 word599 {+more+}"),
        (request(system=SYSTEM.replace(" ", "\n")), "system message: only white space differs"),
        (request(seed=7), "seed: {+7+}"),
        (request(response_format={"type": "json_object"}), "response_format.type: {+json_object+}"),
        (request("How?"), "user message: Answer. <question> [-Why?-] {+How?+} </question>"),
        (request().replace(b'"model": "m"', b'"model": "n"'), "model: m -> n"),
        (json.dumps(json.loads(request()), indent=1).encode(), "only white space or the order of fields differs"),
    ],
)
def test_a_difference_is_one_short_line(after: bytes, line: str) -> None:
    assert difference(request(), after) == line


def test_many_changes_are_counted() -> None:
    words = SYSTEM.split()
    changed = " ".join(f"{word}!" if number % 50 == 0 else word for number, word in enumerate(words))
    line = difference(request(), request(system=changed))
    assert line.count("{+") == 3
    assert line.endswith("9 more changes")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (request(system="a" * 9_000), request(system="b" * 9_000)),
        (request(system="a " * 9_000), request(system="b " * 9_000)),
        (b"\x00" * 9_000, b"\xff" * 9_000),
        (b"[" * 9_000, b"{}"),
        (request(), b'{"messages": [1, {"role": 3}, null]}'),
        (request(), b'{"messages": {"a": {}}}'),
        (b'{"messages": [{"role": "user", "content": "x"}, {"role": "user", "content": "y"}]}', b"[1]"),
    ],
)
def test_a_difference_of_anything_is_short(before: bytes, after: bytes) -> None:
    for line in (difference(before, after), difference(after, before)):
        assert 0 < len(line) <= MAX_LENGTH
        assert "\n" not in line


def test_the_recording_of_the_same_question_is_compared() -> None:
    repair = json.loads(request("How?"))
    repair["messages"] += [{"role": "assistant", "content": "bad"}, {"role": "user", "content": "Repair it."}]
    other_model = request("How?").replace(b'"model": "m"', b'"model": "j"')
    recorded = RecordedRequests([request("Why?"), json.dumps(repair).encode(), other_model, request("How?")])
    assert recorded.difference(request("How?", seed=1)) == "seed: {+1+}"
    repair["messages"][-1]["content"] = "Repair this."
    assert recorded.difference(json.dumps(repair).encode()) == "user message 2: Repair [-it.-] {+this.+}"
    assert question_of(json.dumps(repair).encode()) == "How?"


def test_a_changed_question_is_compared_with_a_similar_one() -> None:
    recorded = RecordedRequests(map(request, ("What is pi?", "Why is the sky blue?", "How do magnets work?")))
    line = recorded.difference(request("Why is the sea blue?"))
    assert line == "user message: … <question> Why is the [-sky-] {+sea+} blue? </question>"


def test_the_work_grows_with_the_requests_not_with_their_pairs(monkeypatch: pytest.MonkeyPatch) -> None:
    compared = []

    class Counting(difflib.SequenceMatcher[str]):
        def __init__(self, *arguments: Any, **options: Any) -> None:
            compared.append(len(arguments[1]) + len(arguments[2]))
            super().__init__(*arguments, **options)

    monkeypatch.setattr(difflib, "SequenceMatcher", Counting)
    questions = [f"What is {number}?" for number in range(48)]
    recorded = RecordedRequests(map(request, questions))
    lines = {
        recorded.difference(request(question, system=SYSTEM.replace("word300", "other"))) for question in questions
    }
    assert len(lines) == 1
    assert compared == [2] * 48, "two words of 1,200 differ"
