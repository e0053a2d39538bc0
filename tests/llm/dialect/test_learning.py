"""What is learned from errors as endpoints word them, and from which ones nothing is learned."""

from typing import Any

import pytest

from qtgen.errors import ErrorReply
from qtgen.llm.dialect import NO_DIALECT, Dialect, learn
from qtgen.llm.types import AnswerFormat

SCHEMA = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "title": {"type": "string", "minLength": 1, "maxLength": 9},
        "format": {"type": "array", "items": {"type": "string"}, "minItems": 1, "maxItems": 3},
    },
    "required": ["title", "format"],
}
DOCUMENT: dict[str, Any] = {
    "model": "gpt-5-mini-2025-08-07",
    "messages": [{"role": "system", "content": "s"}, {"role": "user", "content": "u"}],
    "temperature": 0.3,
    "max_tokens": 8_000,
    "response_format": {
        "type": "json_schema",
        "json_schema": {"name": "points_answer", "strict": True, "schema": SCHEMA},
    },
    "seed": 3,
    "top_p": 0.9,
    "user": "x",
}
JSON_OBJECT = {**DOCUMENT, "response_format": {"type": "json_object"}}
MARKDOWN = {name: value for name, value in DOCUMENT.items() if name != "response_format"}
BOTH_FORMATS = Dialect(rejected_formats=(AnswerFormat.JSON_SCHEMA, AnswerFormat.JSON_OBJECT))
JSON_OBJECT_INSTEAD = Dialect(rejected_formats=(AnswerFormat.JSON_SCHEMA,))
NO_LENGTHS = Dialect(omit_schema_keywords=("minLength", "maxLength"))
NO_LIMITS = Dialect(omit_schema_keywords=("minLength", "maxLength", "minItems", "maxItems"))
COMPLETION_TOKENS = Dialect(rename=(("max_tokens", "max_completion_tokens"),))
MERGED = Dialect(merge_system=True)
STREAMED = Dialect(stream=True)


def omitting(*paths: str) -> Dialect:
    return Dialect(omit=paths)


def at_most(tokens: int) -> Dialect:
    return Dialect(max_output_tokens=tokens)


def error(message: str, status: int = 400, *, code: str = "", param: str = "") -> ErrorReply:
    return ErrorReply(status, message, "invalid_request_error", code, param)


FIELDS = [
    (  # OpenAI
        error(
            "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.",
            code="unsupported_parameter",
            param="max_tokens",
        ),
        COMPLETION_TOKENS,
    ),
    (
        error(
            "Unsupported value: 'temperature' does not support 0.3 with this model. Only the default (1) value is "
            "supported.",
            code="unsupported_value",
            param="temperature",
        ),
        omitting("temperature"),
    ),
    (error("Unknown parameter: 'seed'.", code="unknown_parameter", param="seed"), omitting("seed")),
    (error("Unrecognized request argument supplied: user"), omitting("user")),  # Azure
    (error("Unrecognized request arguments supplied: seed, top_p"), omitting("seed", "top_p")),
    (error("body.seed: Extra inputs are not permitted", 422), omitting("seed")),  # FastAPI
    (error("body.max_tokens: Extra inputs are not permitted", 422), COMPLETION_TOKENS),
    (error("Extra inputs are not permitted", 422, param="body.top_p"), omitting("top_p")),
    (  # vLLM
        error(
            "[{'type': 'extra_forbidden', 'loc': ('body', 'seed'), 'msg': 'Extra inputs are not permitted', 'input': 3}]"
        ),
        omitting("seed"),
    ),
    (error("temperature: Extra inputs are not permitted"), omitting("temperature")),  # Bedrock
    (error("user: Extra inputs are not permitted"), omitting("user")),
    (error("Extra inputs are not permitted, field: 'top_p'"), omitting("top_p")),
    (error('Invalid JSON payload received. Unknown name "seed": Cannot find field.'), omitting("seed")),  # Gemini
    (error("Completions.create() got an unexpected keyword argument 'seed'", 500), omitting("seed")),
    (error("invalid temperature: only 1 is allowed for this model"), omitting("temperature")),  # Moonshot
    (  # Anthropic's models
        error("`temperature` and `top_p` cannot both be specified for this model. Please use only one."),
        omitting("top_p"),
    ),
    (  # LiteLLM
        error("litellm.UnsupportedParamsError: openai does not support parameters: ['seed'], for model=o3."),
        omitting("seed"),
    ),
    (  # DashScope
        error("parameter.enable_thinking must be set to false for non-streaming calls"),
        Dialect(fields=(("enable_thinking", False),)),
    ),
]
LIMITS = [
    (
        error(
            "max_tokens is too large: 8000. This model supports at most 4096 completion tokens, whereas you provided "
            "8000.",
            code="invalid_value",
            param="max_tokens",
        ),
        at_most(4_096),
    ),
    (
        error(
            "max_tokens: 8000 > 4096, which is the maximum allowed number of output tokens for claude-3-haiku-20240307"
        ),
        at_most(4_096),
    ),
    (error("Invalid max_tokens value, the valid range of max_tokens is [1, 4096]"), at_most(4_096)),  # DeepSeek
    (error("Range of max_tokens should be [1, 2,000]"), at_most(2_000)),
    (error("body.max_tokens: Input should be less than or equal to 1024", 422), at_most(1_024)),
    (
        error(
            "`max_tokens` must be less than or equal to `4096`, the maximum value for `max_tokens` is less than the "
            "`context_window` for this model"
        ),
        at_most(4_096),
    ),
    (
        error(
            "Unable to submit request because it has a maxOutputTokens value of 8000 but the supported range is from 1 "
            "(inclusive) to 4097 (exclusive)."
        ),
        at_most(4_096),
    ),
    (  # text-generation-inference
        error(
            "Input validation error: `inputs` tokens + `max_new_tokens` must be <= 2048. Given: 800 `inputs` tokens and "
            "1600 `max_new_tokens`",
            422,
        ),
        at_most(1_248),
    ),
    (error("max_tokens is too large, the maximum is 512 (error 1302)"), at_most(512)),
    (error("max_tokens is too large: an input of 700 tokens leaves room for 324"), at_most(324)),
    (error("The prompt has 700 tokens; prompt plus max_tokens must not exceed 4096"), at_most(3_396)),
    (error("max_tokens must be between 1 and 2048"), at_most(2_048)),
    (error("Invalid max_tokens: 2048 is the maximum (code 1500)"), at_most(2_048)),
    (error("max_tokens must be <= 2048 (request 4711, line 17)"), at_most(2_048)),
    (error("max_tokens exceeds 2048"), at_most(2_048)),
    (error("The maximum value of max_tokens for gpt-4o-2024-08-06 is 2048."), at_most(2_048)),
]
UNCLEAR_LIMITS = [
    "max_tokens is too large (error 1302)",
    "max_tokens is too large for an input of 700 tokens",
    "max_tokens exceeds the limit; see request 4711",
    "input tokens + max_tokens must be <= 2048",
    "max_tokens is invalid: the limit is 60 requests per minute",
    "max_tokens must be at most 2048, and at most 4096 in the next tier",
]
SCHEMAS = [
    (
        error(
            'Invalid JSON payload received. Unknown name "additionalProperties" at '
            "'generation_config.response_schema': Cannot find field."
        ),
        Dialect(omit_schema_keywords=("additionalProperties",)),
    ),
    (
        error(
            "Invalid schema for response_format 'points_answer': In context=('properties', 'title'), 'minLength' is not "
            "permitted.",
            param="response_format",
        ),
        NO_LENGTHS,
    ),
    (error("json_schema: keyword 'maxItems' is not supported"), Dialect(omit_schema_keywords=("minItems", "maxItems"))),
    (error("The specified schema produces a constraint that has too many states for serving."), NO_LIMITS),
    (error("JSON schema conversion failed: Unrecognized schema"), NO_LIMITS),  # llama.cpp
    (
        error("Unknown parameter: 'response_format.json_schema.strict'.", param="response_format.json_schema.strict"),
        omitting("response_format.json_schema.strict"),
    ),
]
FORMATS = [
    (DOCUMENT, error("This response_format type is unavailable now"), JSON_OBJECT_INSTEAD),  # DeepSeek
    (DOCUMENT, error("json_schema is not implemented", 501), JSON_OBJECT_INSTEAD),
    (
        DOCUMENT,
        error(
            "Invalid parameter: 'response_format' of type 'json_schema' is not supported with this model.",
            param="response_format",
        ),
        JSON_OBJECT_INSTEAD,
    ),
    (
        DOCUMENT,
        error("Input should be 'text' or 'json_object'", 422, code="literal_error", param="response_format.type"),
        JSON_OBJECT_INSTEAD,
    ),
    (DOCUMENT, error("No endpoints found that can handle the requested parameters.", 404), JSON_OBJECT_INSTEAD),
    (DOCUMENT, error("response_format: Extra inputs are not permitted", 422), BOTH_FORMATS),
    (DOCUMENT, error("Unrecognized request argument supplied: response_format"), BOTH_FORMATS),
    (JSON_OBJECT, error("response_format json_object is not supported"), BOTH_FORMATS),
    (  # LM Studio
        JSON_OBJECT,
        error("'response_format.type' must be 'json_schema' or 'text'"),
        Dialect(rejected_formats=(AnswerFormat.JSON_OBJECT,)),
    ),
    (
        DOCUMENT,
        error(
            "'messages' must contain the word 'json' in some form, to use 'response_format' of type 'json_object'.",
            param="messages",
        ),
        Dialect(mentions_json=True),
    ),
]
ROLES = [
    (error("System role not supported"), MERGED),
    (error("Jinja Exception: System role not supported", 500), MERGED),  # llama.cpp
    (error("Conversation roles must alternate user/assistant/user/assistant/..."), MERGED),
    (error("Developer instruction is not enabled for models/gemma-3-27b-it"), MERGED),
    (
        error(
            "Unsupported value: 'messages[0].role' does not support 'system' with this model.", param="messages[0].role"
        ),
        MERGED,
    ),
    (
        error("Unsupported value: role 'system'. Use 'developer' instead.", param="messages[0].role"),
        Dialect(system_role="developer"),
    ),
    (error("Stream must be set to true"), STREAMED),
    (error("This model only support stream mode, please enable the stream parameter."), STREAMED),
    (error("Non-streaming requests are not supported"), STREAMED),
]


OTHER_WORDS = [
    (error("seed: unknown field"), omitting("seed")),
    (error('json: unknown field "seed"'), omitting("seed")),
    (error("Additional properties are not allowed ('seed', 'user' were unexpected)"), omitting("seed", "user")),
    (error("Value error, seed must be None"), omitting("seed")),
    (error("top_p is deprecated for this model."), omitting("top_p")),
    (error("top_p参数非法"), omitting("top_p")),
    (error("Model o3 requires max_completion_tokens"), COMPLETION_TOKENS),
    (error("Please use max_completion_tokens; max_tokens is deprecated"), COMPLETION_TOKENS),
    (error("max_tokens must be less than 4097"), at_most(4_096)),
    (error("max_tokens (8000) exceeds the model's limit of 4096 output tokens"), at_most(4_096)),
    (error("Only 'user' and 'assistant' roles are supported!"), MERGED),
    (error("Error: Only user, assistant and tool roles are supported, got system.", 500), MERGED),
    (error("Invalid message content: role user cannot follow role system"), MERGED),
    (error("stream: false not allowed", 405), STREAMED),
    (error("The value of 'strict' must be false"), omitting("response_format.json_schema.strict")),
    (error("response_schema.properties[title].max_length: unknown field"), NO_LENGTHS),
    (error('Grammar error: Unimplemented keys: ["minLength"]'), NO_LENGTHS),
    (error("unknown variant `json_schema`, expected `text` or `json_object`"), JSON_OBJECT_INSTEAD),
    (error("This model does not support structured outputs"), JSON_OBJECT_INSTEAD),
    (error("Json mode is not supported for this model."), JSON_OBJECT_INSTEAD),
]
ALL = [*FIELDS, *LIMITS, *SCHEMAS, *ROLES, *OTHER_WORDS]


@pytest.mark.parametrize(("reply", "expected"), ALL, ids=lambda value: str(value)[:60])
def test_an_error_that_names_what_it_rejects_changes_the_dialect(reply: ErrorReply, expected: Dialect) -> None:
    assert learn(NO_DIALECT, reply, DOCUMENT) == expected


@pytest.mark.parametrize(("document", "reply", "expected"), FORMATS, ids=lambda value: str(value)[:60])
def test_another_format_is_requested_if_one_is_rejected(
    document: dict[str, Any], reply: ErrorReply, expected: Dialect
) -> None:
    assert learn(NO_DIALECT, reply, document) == expected


@pytest.mark.parametrize(
    "reply",
    [
        error(
            "This model's maximum context length is 2048 tokens. However, you requested 2516 tokens (1316 in the messages, "
            "1200 in the completion). Please reduce the length of the messages or completion."
        ),
        error("the request exceeds the available context size (4096 tokens), try increasing it; max_tokens is 8000"),
        error(
            "The response was filtered due to the prompt triggering Azure OpenAI's content management policy.",
            code="content_filter",
            param="prompt",
        ),
        error(
            "Invalid prompt: your prompt was flagged as potentially violating our usage policy", code="invalid_prompt"
        ),
        error("Incorrect API key provided", 401, code="invalid_api_key"),
        error("API key not valid. Please pass a valid API key."),
        error("You exceeded your current quota; temperature is not supported", 429, code="insufficient_quota"),
        error("The model `m` does not exist or you do not have access to it.", 404, code="model_not_found"),
        error("model 'gpt-5-mini-2025-08-07' not found", 404),
        error("404 page not found", 404),
        error("model requires more system memory (8.4 GiB) than is available (5.6 GiB)"),
        error("The requested model is not supported.", code="model_not_supported", param="model"),
        error("registry.ollama.ai/library/x does not support chat"),
        error("Failed to generate JSON. Please adjust your prompt.", code="json_validate_failed"),
        error("Could not finish the message because max_tokens or model output limit was reached."),
        error("The server had an error while processing your request. Sorry about that!", 500),
        error("We could not parse the JSON body of your request."),
        error("Method Not Allowed", 405),
        error("Invalid 'messages[1].content': string too long.", code="string_above_max_length"),
        error("you must provide a model parameter"),
        error("the user must stop sending requests"),  # ordinary words that are also names of fields
        error("max_tokens is not supported", 503),
        error("Bad Request"),
        error(""),
    ],
    ids=lambda reply: reply.message[:60],
)
def test_nothing_is_learned_from_other_errors(reply: ErrorReply) -> None:
    assert learn(NO_DIALECT, reply, DOCUMENT) is None


@pytest.mark.parametrize("message", UNCLEAR_LIMITS)
def test_no_limit_is_learned_from_a_number_that_may_mean_something_else(message: str) -> None:
    assert learn(NO_DIALECT, error(message), DOCUMENT) is None


@pytest.mark.parametrize(
    "message",
    [
        "Invalid input: 'What is the temperature of a response schema?' is not allowed by the policy of this gateway",
        "Invalid input: What is the temperature of a response schema is not allowed",
        "The text “What is the temperature of a resp…” is invalid",
        "'temperature of a response schema' is not supported here",
        'Not allowed: "WHAT IS THE TEMPERATURE of a response schema"',
    ],
)
def test_nothing_is_learned_from_words_of_the_prompt(message: str) -> None:
    question = {"role": "user", "content": "Answer this.\n\nWhat is the temperature of a response schema?"}
    document = {**DOCUMENT, "messages": [DOCUMENT["messages"][0], question]}
    assert learn(NO_DIALECT, error(message), document) is None
    other = error(f"{message}. Unknown parameter: 'seed'.")
    assert learn(NO_DIALECT, other, document) == omitting("seed")


@pytest.mark.parametrize("document", [JSON_OBJECT, MARKDOWN])
def test_a_format_that_was_not_sent_is_not_rejected(document: dict[str, Any]) -> None:
    reply = error("body.guided_json: Extra inputs are not permitted; use json_schema")
    assert learn(NO_DIALECT, reply, MARKDOWN) is None


def test_a_field_that_was_not_sent_is_not_left_out() -> None:
    assert learn(NO_DIALECT, error("Unknown parameter: 'logprobs'.", param="logprobs"), DOCUMENT) is None
    assert learn(omitting("seed"), error("Unknown parameter: 'seed'.", param="seed"), DOCUMENT) is None


def test_formats_fall_step_by_step() -> None:
    first = learn(NO_DIALECT, error("json_schema is not supported"), DOCUMENT)
    assert first == JSON_OBJECT_INSTEAD
    assert learn(first, error("response_format is not supported"), JSON_OBJECT) == BOTH_FORMATS
    assert learn(BOTH_FORMATS, error("response_format is not supported"), MARKDOWN) is None


def test_keywords_of_the_schema_are_left_out_before_the_format_falls() -> None:
    vague = error("Invalid schema for response_format")
    assert learn(NO_DIALECT, vague, DOCUMENT) == NO_LIMITS
    assert learn(NO_LIMITS, vague, DOCUMENT) == Dialect(
        omit_schema_keywords=NO_LIMITS.omit_schema_keywords, rejected_formats=(AnswerFormat.JSON_SCHEMA,)
    )


def test_a_keyword_that_is_demanded_is_not_left_out() -> None:
    demanded = error("In context=(), 'additionalProperties' is required to be supplied and to be false.")
    found = learn(Dialect(omit_schema_keywords=("additionalProperties",)), demanded, DOCUMENT)
    assert found == NO_DIALECT
    assert learn(NO_DIALECT, demanded, DOCUMENT) != Dialect(omit_schema_keywords=("additionalProperties",))


def test_an_endpoint_that_knows_neither_name_of_the_limit_gets_none() -> None:
    unknown = error("Extra inputs are not permitted", 422, param="body.max_completion_tokens")
    found = learn(COMPLETION_TOKENS, unknown, DOCUMENT, tried={NO_DIALECT, COMPLETION_TOKENS})
    assert found is not None
    assert not {"max_tokens", "max_completion_tokens"} & found.apply(DOCUMENT).keys()


def test_a_name_that_an_earlier_run_learned_is_undone() -> None:
    unknown = error("Extra inputs are not permitted", 422, param="body.max_completion_tokens")
    assert learn(COMPLETION_TOKENS, unknown, DOCUMENT, tried={COMPLETION_TOKENS}) == NO_DIALECT


def test_what_is_set_by_hand_is_never_undone() -> None:
    unknown = error("Unknown parameter: 'max_completion_tokens'.", param="max_completion_tokens")
    found = learn(COMPLETION_TOKENS, unknown, DOCUMENT, own=COMPLETION_TOKENS, tried={COMPLETION_TOKENS})
    assert found is not None
    assert found.rename == COMPLETION_TOKENS.rename


@pytest.mark.parametrize(("reply", "_"), ALL, ids=lambda value: str(value)[:60])
def test_learning_from_the_same_error_comes_to_an_end(reply: ErrorReply, _: Dialect) -> None:
    dialect: Dialect | None = NO_DIALECT
    tried: set[Dialect] = set()
    while dialect is not None:
        assert dialect not in tried
        tried.add(dialect)
        assert len(tried) < 8
        sent = dialect.apply(DOCUMENT)
        assert sent["model"] == DOCUMENT["model"]
        assert "u" in str(sent["messages"][-1]["content"])
        dialect = learn(dialect, reply, DOCUMENT, tried=tried)
