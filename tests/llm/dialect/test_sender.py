"""The layer that sends requests in the endpoint's dialect: what it learns, for which requests, and what it costs."""

import asyncio
import contextlib
import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from qtgen._util.concurrency import Stop
from qtgen.errors import (
    BadRequest,
    BudgetReached,
    Denied,
    ErrorReply,
    ProviderError,
    Retryable,
    StyleRejected,
    Truncated,
)
from qtgen.llm.budget import Budget
from qtgen.llm.client import Client
from qtgen.llm.dialect.sender import DialectSender
from qtgen.llm.dialect.value import Dialect
from qtgen.llm.endpoint import Endpoint, encode_document, max_answer_tokens
from qtgen.llm.pacing import AdaptiveLimiter, PacedSender, Pacer
from qtgen.llm.sender import Request, Sender
from qtgen.llm.types import AnswerFormat, Completion, Prompt, PromptStyle, Usage
from support.senders import PRICED, ScriptedSender, SlowSender, answer, request
from support.simulated import simulate

NO_TEMPERATURE = "Unsupported parameter: 'temperature' is not supported with this model."
NO_MAX_TOKENS = "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens'."
EATEN = Usage(100, 1_200, 0, 0.5, 1_200)
SCHEMA_FORMAT = {"type": "json_schema", "json_schema": {"name": "a", "schema": {"type": "object"}}}


def request_with(**document: Any) -> Request:
    document = {"model": "m", "messages": [{"role": "user", "content": "Why?"}], **document}
    return replace(request(), body=encode_document(document), max_answer_tokens=max_answer_tokens(document))


def rejected(message: str, status: int = 400, error: type[ProviderError] = BadRequest) -> ProviderError:
    return error(f"the endpoint rejected it: {message}", reply=ErrorReply(status, message))


def send(sender: DialectSender, *requests: Request) -> list[Completion]:
    async def main() -> list[Completion]:
        return [await sender.send(one) for one in requests]

    return asyncio.run(main())


def bodies(inner: ScriptedSender) -> list[dict[str, Any]]:
    return [json.loads(one.body) for one in inner.requests]


def test_a_request_that_needs_no_change_is_sent_as_it_is() -> None:
    inner = ScriptedSender(answer())
    asked = replace(request(), body=b"this is not even JSON")
    send(DialectSender(inner, PRICED), asked)
    assert inner.requests[0].body is asked.body
    assert inner.requests[0].finish is not None
    assert inner.requests[0].finish() is asked


def test_the_dialect_is_learned_once_for_all_requests() -> None:
    inner = ScriptedSender(rejected(NO_MAX_TOKENS), rejected(NO_TEMPERATURE), answer("a"), answer("b"))
    sender = DialectSender(inner, PRICED)
    asked = request_with(temperature=0.2, max_tokens=9)
    assert [completion.text for completion in send(sender, asked, asked)] == ["a", "b"]
    assert [sorted(body.keys() - {"model", "messages"}) for body in bodies(inner)] == [
        ["max_tokens", "temperature"],
        ["max_completion_tokens", "temperature"],
        ["max_completion_tokens"],
        ["max_completion_tokens"],
    ]
    assert {one.key for one in inner.requests} == {asked.key}, "the ledger finds the answer without the dialect"
    assert sender.adaptations == [
        f"`max_completion_tokens` instead of `max_tokens` (the endpoint: {NO_MAX_TOKENS})",
        f"no `temperature` (the endpoint: {NO_TEMPERATURE})",
    ]


def test_requests_in_flight_that_fail_alike_are_sent_again_in_the_new_dialect() -> None:
    class Picky(SlowSender):
        async def send(self, request: Request) -> Completion:
            await super().send(request)
            if b"temperature" in request.body:
                raise rejected(NO_TEMPERATURE)
            return answer()

    inner = Picky(1)
    sender = DialectSender(inner, PRICED)

    async def main() -> list[Completion]:
        return await asyncio.gather(*(sender.send(request_with(temperature=0.2, seed=n)) for n in range(20)))

    assert len(simulate(main())) == 20
    assert len(inner.sent) == 40
    assert len(sender.adaptations) == 1


def paced_sender(inner: Sender, pacer: Pacer, budget: Budget) -> PacedSender:
    return PacedSender(inner, PRICED, pacer, budget, record=lambda _: None, stop=Stop())


def test_requests_that_wait_for_their_turn_are_sent_in_the_dialect_of_that_moment() -> None:
    class Picky(SlowSender):
        async def send(self, request: Request) -> Completion:
            await super().send(request)
            if b"temperature" in request.body:
                raise rejected(NO_TEMPERATURE)
            return answer()

    inner = Picky(0.1)

    async def main() -> list[Completion]:
        pacer = Pacer(AdaptiveLimiter(4, head_start=2.0))
        sender = DialectSender(paced_sender(inner, pacer, Budget()), PRICED)
        return await asyncio.gather(*(sender.send(request_with(temperature=0.2, seed=n)) for n in range(20)))

    assert len(simulate(main())) == 20
    assert len(inner.sent) == 21, "only the first request was rejected"


def test_a_request_reserves_the_budget_of_a_limit_that_was_raised_while_it_waited() -> None:
    inner = ScriptedSender(answer("a"), answer("b"))
    larger = request(max_answer_tokens=10**9)

    async def main() -> None:
        paced = paced_sender(inner, Pacer(AdaptiveLimiter(1)), Budget(1.0))
        with pytest.raises(BudgetReached):
            await paced.send(replace(request(max_answer_tokens=1), finish=lambda: larger))

    asyncio.run(main())
    assert inner.requests == []


@pytest.mark.parametrize("status", [500, 501])
def test_a_server_error_that_names_what_it_rejects_is_adapted_to(status: int) -> None:
    inner = ScriptedSender(rejected("System role not supported", status, Retryable), answer())
    messages = [{"role": "system", "content": "s"}, {"role": "user", "content": "u"}]
    send(DialectSender(inner, PRICED), request_with(messages=messages))
    assert bodies(inner)[1]["messages"] == [{"role": "user", "content": "s\n\nu"}]


@pytest.mark.parametrize(
    "error",
    [
        rejected("The server is overloaded", 500, Retryable),
        rejected("no such model", 404, Denied),
        Retryable("timeout", kind="timeout"),
        Denied("temperature is not supported"),  # without a reply, nobody knows
        rejected("the prompt was flagged; temperature is not supported"),
    ],
)
def test_other_errors_are_raised(error: ProviderError) -> None:
    inner = ScriptedSender(error)
    sender = DialectSender(inner, PRICED)
    with pytest.raises(ProviderError) as raised:
        send(sender, request_with(temperature=0.2))
    assert (str(raised.value), len(inner.requests), sender.adaptations) == (str(error), 1, [])


def test_a_provider_of_a_plugin_may_give_only_a_message() -> None:
    inner = ScriptedSender(BadRequest("temperature is not supported"), answer("a"))
    assert send(DialectSender(inner, PRICED), request_with(temperature=0.2))[0].text == "a"


def test_an_endpoint_that_rejects_everything_gets_a_bounded_number_of_requests() -> None:
    names = [f"field_{number}" for number in range(20)]
    inner = ScriptedSender(*(rejected(f"Unknown parameter: '{name}'.") for name in names))
    with pytest.raises(BadRequest, match="in 8 forms"):
        send(DialectSender(inner, PRICED), request_with(**dict.fromkeys(names, 1)))
    assert len(inner.requests) == 8


def learned(sender_script: Sequence[Any], endpoint: Endpoint, *requests: Request) -> list[Dialect]:
    changes: list[Dialect] = []
    sender = DialectSender(ScriptedSender(*sender_script), endpoint, on_change=changes.append)
    with contextlib.suppress(ProviderError):
        send(sender, *requests)
    return changes


def test_a_dialect_is_kept_once_a_request_was_answered_in_it() -> None:
    asked = request_with(temperature=0.2, seed=1)
    both = [rejected(NO_TEMPERATURE), rejected("Unknown parameter: 'seed'.")]
    assert learned([*both, answer()], PRICED, asked) == [Dialect(omit=("temperature", "seed"))]
    assert learned([*both, rejected("Bad Request")], PRICED, asked) == []


POLICY = "This text about temperature is not allowed here."
ASKED = request_with(temperature=0.2, seed=1)


class Strict(SlowSender):
    """Rejects the requests with seed 2, whatever their form, and those with seed 3 that have a temperature."""

    async def send(self, request: Request) -> Completion:
        request = request.finish() if request.finish else request
        await super().send(request)
        document = json.loads(request.body)
        if document["seed"] == 2:
            raise rejected(POLICY)
        if document["seed"] == 3 and "temperature" in document:
            raise rejected(NO_TEMPERATURE)
        return answer()


def seeded(number: int) -> Request:
    document = {"seed": number}
    return replace(request_with(temperature=0.2, **document), key=request(f"question {number}").key)


@pytest.mark.parametrize("numbers", [(2, 1), (1, 2, 1), (1, 2, 4, 5, 1)])
def test_a_change_that_does_not_help_the_request_that_needs_it_is_undone(numbers: Sequence[int]) -> None:
    inner, changes = Strict(1), list[Dialect]()
    sender = DialectSender(inner, PRICED, on_change=changes.append)
    for number in numbers:
        with contextlib.suppress(BadRequest):
            send(sender, seeded(number))
    assert (sender.dialect, sender.adaptations, changes) == (Dialect(), [], [])
    assert "temperature" in inner.sent[-1]
    assert len(inner.sent) == len(numbers) + 1, "the changed form was tried once"


async def send_later(sender: DialectSender, *requests: tuple[int, float]) -> None:
    """Send requests, each given by its seed and the second at which it starts. Rejections are ignored."""

    async def later(number: int, seconds: float) -> None:
        await asyncio.sleep(seconds)
        with contextlib.suppress(BadRequest):
            await sender.send(seeded(number))

    await asyncio.gather(*(later(number, seconds) for number, seconds in requests))


def test_only_requests_that_need_a_change_try_it_if_others_were_answered_without_it() -> None:
    inner, changes = Strict(1), list[Dialect]()
    sender = DialectSender(inner, PRICED, on_change=changes.append)

    simulate(send_later(sender, (1, 0), (2, 2), (4, 3.1), (5, 3.2), (3, 3.3), (1, 9)))
    sent = [(json.loads(body)["seed"], "temperature" in body) for body in inner.sent]
    assert sent == [(1, True), (2, True), (2, False), (4, True), (5, True), (3, True), (3, False), (1, False)]
    assert changes == [Dialect(omit=("temperature",))]


def test_answers_to_other_requests_do_not_keep_a_change() -> None:
    inner, changes = Strict(1), list[Dialect]()
    sender = DialectSender(inner, PRICED, on_change=changes.append)

    simulate(send_later(sender, (2, 0), (1, 1.1), (4, 1.2), (1, 5)))
    assert ["temperature" in body for body in inner.sent] == [True, False, False, False, True]
    assert (sender.dialect, changes) == (Dialect(), [])


def test_a_change_stays_if_one_of_the_requests_that_need_it_is_answered() -> None:
    inner, changes = Strict(1), list[Dialect]()
    sender = DialectSender(inner, PRICED, on_change=changes.append)

    async def main() -> list[Completion | BaseException]:
        return await asyncio.gather(*(sender.send(seeded(number)) for number in (2, 3, 1)), return_exceptions=True)

    results = simulate(main())
    assert [isinstance(result, Completion) for result in results] == [False, True, True]
    assert changes == [Dialect(omit=("temperature",))]
    assert sender.dialect == changes[0]


def test_a_change_stays_if_the_request_is_then_rejected_for_another_reason() -> None:
    sender = DialectSender(ScriptedSender(rejected(NO_TEMPERATURE), rejected("no such voice"), answer()), PRICED)
    with pytest.raises(BadRequest, match="voice"):
        send(sender, ASKED)
    send(sender, ASKED)
    assert sender.dialect == Dialect(omit=("temperature",))


def test_changes_that_do_not_help_are_not_tried_for_each_request() -> None:
    inner = Strict(1)
    sender = DialectSender(inner, PRICED)
    for _ in range(5):
        with pytest.raises(BadRequest):
            send(sender, seeded(2))
    assert len(inner.sent) == 7, "the second request tries the change again, and the others do not"


def test_a_format_falls_only_for_the_run_if_it_helps() -> None:
    inner, changes = (
        ScriptedSender(*[rejected("json_schema, response_format: not allowed")] * 4, answer()),
        list[Dialect](),
    )
    sender = DialectSender(inner, PRICED, on_change=changes.append)

    async def main() -> None:
        for response_format in (SCHEMA_FORMAT, {"type": "json_object"}):
            with pytest.raises(StyleRejected):
                await sender.send(request_with(response_format=response_format))
        with pytest.raises(BadRequest, match="not allowed"):
            await sender.send(request_with())

    asyncio.run(main())
    assert sender.style == PromptStyle()
    assert changes == []


def test_a_format_is_kept_if_the_prompt_in_the_other_format_is_answered() -> None:
    changes: list[Dialect] = []
    inner = ScriptedSender(rejected("json_schema is not supported"), answer(), answer())
    sender = DialectSender(inner, PRICED, on_change=changes.append)

    async def main() -> None:
        with pytest.raises(StyleRejected):
            await sender.send(request_with(response_format=SCHEMA_FORMAT))
        await asyncio.create_task(sender.send(request_with()))
        assert changes == [], "another task sends another prompt"
        await sender.send(request_with())

    asyncio.run(main())
    assert changes == [Dialect(rejected_formats=(AnswerFormat.JSON_SCHEMA,))]


def test_what_is_set_by_hand_is_not_kept_as_learned() -> None:
    own = Dialect(omit=("seed",))
    endpoint = replace(PRICED, dialect=own, own_dialect=own)
    asked = request_with(temperature=0.2, seed=1)
    assert learned([rejected(NO_TEMPERATURE), answer()], endpoint, asked) == [Dialect(omit=("temperature",))]


def test_what_was_learned_before_is_replaced_if_the_endpoint_has_changed() -> None:
    before = Dialect(rename=(("max_tokens", "max_completion_tokens"),))
    endpoint = replace(PRICED, dialect=before, learned_dialect=before)
    now = rejected("Unknown parameter: 'max_completion_tokens'.")
    assert learned([now, answer()], endpoint, request_with(max_tokens=9)) == [Dialect()]


# --- formats ----------------------------------------------------------------------------------------------------------


def test_a_rejected_format_changes_the_style_and_asks_for_another_prompt() -> None:
    inner = ScriptedSender(rejected("This response_format type is unavailable now"), answer("a"))
    sender = DialectSender(inner, PRICED)
    assert sender.style == PromptStyle()
    for _ in range(2):  # the second request is not even sent
        with pytest.raises(StyleRejected, match="json_schema"):
            send(sender, request_with(response_format=SCHEMA_FORMAT))
    assert sender.style == PromptStyle(AnswerFormat.JSON_OBJECT)
    assert len(inner.requests) == 1
    assert send(sender, request_with(response_format={"type": "json_object"}))[0].text == "a"


def test_a_format_that_is_set_by_hand_in_the_request_does_not_fall() -> None:
    endpoint = replace(PRICED, extra={"response_format": SCHEMA_FORMAT})
    sender = DialectSender(ScriptedSender(rejected("json_schema is not supported")), endpoint)
    with pytest.raises(BadRequest, match="json_schema"):
        send(sender, request_with(response_format=SCHEMA_FORMAT))


# --- grammars ---------------------------------------------------------------------------------------------------------


def test_a_rejected_grammar_is_left_out_from_then_on() -> None:
    inner = ScriptedSender(BadRequest("no"), answer("a"), answer("b"))
    sender = DialectSender(inner, PRICED)
    asked = request_with(grammar="root ::= x")
    assert [completion.text for completion in send(sender, asked, asked)] == ["a", "b"]
    assert ["grammar" in body for body in bodies(inner)] == [True, False, False]
    assert sender.adaptations == ["no `grammar` (the endpoint: no)"]


def test_a_bad_request_without_a_grammar_is_not_repeated() -> None:
    inner = ScriptedSender(BadRequest("no"))
    with pytest.raises(BadRequest):
        send(
            DialectSender(inner, PRICED), request_with(messages=[{"role": "user", "content": 'the word "grammar": x'}])
        )
    assert len(inner.requests) == 1


def test_a_request_that_is_bad_without_its_grammar_too_says_nothing_about_the_grammar() -> None:
    inner = ScriptedSender(BadRequest("no"), BadRequest("too long"), answer("b"))
    sender = DialectSender(inner, PRICED)
    asked = request_with(grammar="root ::= x")
    with pytest.raises(BadRequest, match="too long"):
        send(sender, asked)
    assert send(sender, asked)[0].text == "b"
    assert sender.adaptations == []
    assert b"grammar" in inner.requests[-1].body


# --- reasoning that uses up the limit ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "empty",
    [
        answer("", kind="truncated", usage=EATEN),
        answer("", kind="truncated", usage=Usage(100, 1_200, 0, 0.5)),  # the endpoint does not report reasoning
        answer("", usage=EATEN),
        answer("<think>\nLet me see", kind="truncated", usage=Usage(100, 1_200, 0, 0.5)),
    ],
)
def test_a_larger_limit_is_learned_if_reasoning_uses_it_up(empty: Completion) -> None:
    inner = ScriptedSender(empty, answer("a"), answer("b"))
    sender = DialectSender(inner, PRICED)
    asked = request_with(max_tokens=1_200)
    first, second = send(sender, asked, asked)
    assert [body["max_tokens"] for body in bodies(inner)] == [1_200, 9_600, 9_600]
    assert [one.max_answer_tokens for one in inner.requests] == [1_200, 9_600, 9_600], "the budget knows the limit"
    assert (first.text, first.lost) == ("a", empty.usage)
    assert (second.text, second.lost) == ("b", Usage())
    assert sender.adaptations == ["8 times the token limit (1,200 tokens of reasoning and no answer)"]


def test_only_one_request_tries_a_larger_limit_and_none_does_if_it_does_not_help() -> None:
    class Thinking(SlowSender):
        async def send(self, request: Request) -> Completion:
            await super().send(request)
            return answer("", usage=EATEN)

    inner = Thinking(1)
    sender = DialectSender(inner, PRICED)

    async def main() -> list[Completion]:
        return await asyncio.gather(*(sender.send(request_with(max_tokens=1_200, seed=n)) for n in range(20)))

    completions = simulate(main())
    assert len(inner.sent) == 21
    assert {completion.kind for completion in completions} == {"truncated"}
    assert sum((completion.usage + completion.lost).completion_tokens for completion in completions) == 21 * 1_200
    assert sender.adaptations == []


@pytest.mark.parametrize(
    "completion",
    [
        answer("half an ans", kind="truncated", usage=EATEN),
        answer("", kind="truncated", usage=Usage()),
        answer("", usage=Usage(100, 50, 0, 0.5)),
        answer("", kind="refused", usage=EATEN),
        answer('<think>{"introduction": "x"}', kind="truncated", usage=EATEN),
    ],
)
def test_other_answers_are_returned(completion: Completion) -> None:
    inner = ScriptedSender(completion)
    assert send(DialectSender(inner, PRICED), request_with(max_tokens=1_200)) == [completion]


def test_a_factor_that_is_set_by_hand_stays() -> None:
    own = Dialect(token_factor=2)
    inner = ScriptedSender(answer("", kind="truncated", usage=EATEN))
    send(DialectSender(inner, replace(PRICED, dialect=own, own_dialect=own)), request_with(max_tokens=1_200))
    assert bodies(inner) == [{**bodies(inner)[0], "max_tokens": 2_400}]


def test_the_lost_answer_is_counted_if_the_next_request_fails() -> None:
    inner = ScriptedSender(answer("", usage=EATEN), Retryable("gone", kind="timeout"))
    with pytest.raises(Retryable) as raised:
        send(DialectSender(inner, PRICED), request_with(max_tokens=1_200))
    assert raised.value.usage.completion_tokens == 1_200
    assert raised.value.usage.cost_usd is None, "the endpoint may bill the request that timed out"


# --- in a client ------------------------------------------------------------------------------------------------------


def test_a_client_reports_what_it_learned(prompt: Prompt) -> None:
    inner = ScriptedSender(BadRequest("no grammar here"), answer("a"))
    asked = replace(prompt, style=PromptStyle(AnswerFormat.MARKDOWN), grammar="root ::= x")

    async def main() -> tuple[str, tuple[str, ...]]:
        client = Client(inner, replace(PRICED, sends_grammar=True), Pacer(AdaptiveLimiter(4)))
        return (await client.complete(asked)).text, client.stats().adaptations

    assert simulate(main()) == ("a", ("no `grammar` (the endpoint: no grammar here)",))


def test_usage_that_was_lost_in_a_retry_adds_up(prompt: Prompt) -> None:
    script: list[Completion | Exception] = [
        Retryable("gone", usage=Usage(1, 2, 0, 0.1)),
        answer("", usage=EATEN),
        answer("a"),
    ]

    async def main() -> Completion:
        return await Client(ScriptedSender(*script), PRICED, Pacer(AdaptiveLimiter(4))).complete(prompt)

    completion = simulate(main())
    assert (completion.text, completion.lost.completion_tokens) == ("a", 1_202)


def test_a_client_says_that_reasoning_used_up_the_limit(prompt: Prompt) -> None:
    async def main() -> None:
        client = Client(ScriptedSender(*[answer("", usage=EATEN)] * 2), PRICED, Pacer(AdaptiveLimiter(4)))
        with pytest.raises(Truncated, match="reasoning used up the token limit before the answer; lower"):
            await client.complete(prompt)

    simulate(main())


def test_a_client_changes_its_style(prompt: Prompt) -> None:
    inner = ScriptedSender(rejected("json_schema is not implemented", 501, Retryable))

    async def main() -> PromptStyle:
        client = Client(inner, PRICED, Pacer(AdaptiveLimiter(4)))
        with pytest.raises(StyleRejected):
            await client.complete(prompt)
        return client.style

    assert simulate(main()) == PromptStyle(AnswerFormat.JSON_OBJECT)
