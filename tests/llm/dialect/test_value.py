"""What a dialect does to a request document."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from qtgen.llm.dialect.value import NO_DIALECT, Dialect, for_request, from_json, without_keywords
from qtgen.llm.types import AnswerFormat, PromptStyle

DOCUMENT: dict[str, Any] = {
    "model": "m",
    "messages": [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Why?"},
        {"role": "assistant", "content": "So."},
        {"role": "user", "content": "How?"},
    ],
    "temperature": 0.2,
    "max_tokens": 1_200,
    "response_format": {
        "type": "json_schema",
        "json_schema": {
            "name": "a",
            "strict": True,
            "schema": {"properties": {"pattern": {"type": "string", "pattern": "x", "maxLength": 3}}, "maxLength": 1},
        },
    },
}
NAMES = st.sampled_from(["temperature", "max_tokens", "seed", "response_format.json_schema.strict", "x.y"])
DIALECTS = st.builds(
    Dialect,
    omit=st.lists(NAMES, max_size=3).map(tuple),
    rename=st.just(()) | st.just((("max_tokens", "max_completion_tokens"),)),
    fields=st.just(()) | st.just((("reasoning_effort", "low"),)),
    omit_schema_keywords=st.lists(st.sampled_from(["maxLength", "pattern"]), max_size=2).map(tuple),
    rejected_formats=st.lists(st.sampled_from(list(AnswerFormat)[:2]), unique=True).map(tuple),
    merge_system=st.booleans(),
    system_role=st.sampled_from(["system", "developer"]),
    mentions_json=st.booleans(),
    stream=st.booleans(),
    max_output_tokens=st.none() | st.integers(1, 5_000),
)


def test_no_dialect_changes_nothing() -> None:
    assert NO_DIALECT.apply(DOCUMENT) == DOCUMENT
    assert list(NO_DIALECT.apply(DOCUMENT)) == list(DOCUMENT)


@given(DIALECTS)
def test_applying_a_dialect_twice_is_the_same_as_once(dialect: Dialect) -> None:
    once = dialect.apply(DOCUMENT)
    assert dialect.apply(once) == once
    assert once["model"] == "m"
    assert all(any(text in message["content"] for message in once["messages"]) for text in ("brief", "Why", "How"))


@given(DIALECTS)
def test_a_dialect_survives_the_ledger(dialect: Dialect) -> None:
    assert from_json(dialect.to_json()) == dialect


@given(DIALECTS, DIALECTS)
def test_what_is_beyond_a_base_completes_it(first: Dialect, second: Dialect) -> None:
    both = first.over(second)
    assert first.over(both.beyond(first)).apply(DOCUMENT) == both.apply(DOCUMENT)


def test_what_another_version_wrote_is_ignored() -> None:
    assert from_json('{"rejected_formats": ["xml"]}') is None
    assert from_json("nonsense") is None


def test_a_renamed_field_keeps_its_place() -> None:
    sent = Dialect(rename=(("temperature", "t"),)).apply(DOCUMENT)
    assert list(sent) == ["model", "messages", "t", "max_tokens", "response_format"]


def test_the_system_message_becomes_a_part_of_the_first_user_message() -> None:
    sent = Dialect(merge_system=True).apply(DOCUMENT)["messages"]
    assert [message["role"] for message in sent] == ["user", "assistant", "user"]
    assert sent[0]["content"] == "Be brief.\n\nWhy?"


def test_properties_are_not_mistaken_for_keywords() -> None:
    schema = DOCUMENT["response_format"]["json_schema"]["schema"]
    assert without_keywords(schema, ["pattern", "maxLength"]) == {"properties": {"pattern": {"type": "string"}}}


def test_token_limits_grow_up_to_a_bound_and_never_shrink_by_a_factor() -> None:
    larger = Dialect(token_factor=8.0)
    assert larger.limit(1_200) == 9_600
    assert larger.limit(10_000) == 32_768
    assert larger.limit(50_000) == 50_000
    assert Dialect(token_factor=8.0, max_output_tokens=4_096).limit(1_200) == 4_096
    assert larger.apply({"max_tokens": 10, "messages": []})["max_tokens"] == 80


def test_a_stream_reports_its_usage() -> None:
    assert Dialect(stream=True).apply({})["stream_options"] == {"include_usage": True}


def test_the_best_format_that_is_not_rejected_is_used() -> None:
    style = PromptStyle()
    assert Dialect(rejected_formats=(AnswerFormat.JSON_SCHEMA,)).style(style).format is AnswerFormat.JSON_OBJECT
    both = Dialect(rejected_formats=(AnswerFormat.JSON_SCHEMA, AnswerFormat.JSON_OBJECT))
    assert both.style(style).format is AnswerFormat.MARKDOWN
    short = PromptStyle(AnswerFormat.MARKDOWN, is_short=True)
    assert both.style(short) == short


def test_fields_that_are_set_by_hand_are_not_changed() -> None:
    dialect = Dialect(
        omit=("temperature", "top_p"), rename=(("max_tokens", "x"),), fields=(("effort", "low"),), token_factor=8.0
    )
    kept = for_request(dialect, {"temperature": 1, "max_tokens": 5, "effort": "high"})
    assert kept == Dialect(omit=("top_p",))


def test_the_words_for_each_change() -> None:
    dialect = Dialect(
        omit=("seed",),
        rename=(("a", "b"),),
        fields=(("enable_thinking", False), ("reasoning_effort", "low")),
        omit_schema_keywords=("minLength", "maxLength"),
        rejected_formats=(AnswerFormat.JSON_SCHEMA,),
        merge_system=True,
        stream=True,
        token_factor=8.0,
        max_output_tokens=4_096,
    )
    assert dialect.words() == [
        "`b` instead of `a`",
        "no `seed`",
        "`enable_thinking` set to false",
        "`reasoning_effort` set to `low`",
        "no `minLength` and `maxLength` in schemas",
        "answers as `json_object` instead of `json_schema`",
        "the system message in the first user message",
        "streamed responses",
        "8 times the token limit",
        "at most 4,096 output tokens",
    ]
