"""Quirks of what an endpoint refuses, limits and charges."""

import asyncio
import time
from collections.abc import Callable
from typing import Any

from support.quirk_registry import add, always, concerns, quirk
from support.quirky_endpoint import USAGE, Connection, Quirk, Request, error

# --- one bad request among good ones ---------------------------------------------------------------------------------


@quirk(pages=11, questions=12, exit_codes=(1,), most=13, words=("11 written, 1 failed", "policy of your organization"))
async def one_question_is_forbidden(request: Request, connection: Connection) -> None:
    if concerns(request, 5):
        await connection.send(403, b"Blocked by the policy of your organization", content_type="text/plain")
    else:
        await asyncio.sleep(0.2)
        await connection.good(request)


@quirk(pages=11, questions=12, exit_codes=(1,), most=13, words=("11 written, 1 failed", "no route"))
async def one_question_is_not_found(request: Request, connection: Connection) -> None:
    if concerns(request, 5):
        await connection.json(404, error("no route for these words"))
    else:
        await asyncio.sleep(0.2)
        await connection.good(request)


@quirk(pages=0, exit_codes=(2,), most=12, words=("OPENAI_API_KEY", "Invalid token"))
async def every_key_is_wrong(_: Request, connection: Connection) -> None:
    await connection.json(401, {"error": {"message": "Invalid token", "code": ""}})


# --- credit, and limits of the account -------------------------------------------------------------------------------


@quirk(pages=0, exit_codes=(2,), words=("run out of credits",))
async def credit_by_code_only(_: Request, connection: Connection) -> None:
    await connection.json(429, error("You have run out of credits.", "error", code="insufficient_quota"))


@quirk(pages=0, exit_codes=(2,), words=("exceeded your current quota",))
async def no_credit_behind_litellm(_: Request, connection: Connection) -> None:
    """The proxy keeps only the words of the upstream endpoint."""
    message = "litellm.RateLimitError: RateLimitError: OpenAIException - You exceeded your current quota, please check your plan and billing details."
    await connection.json(429, error(message, "throttling_error", code="429"))


@quirk(pages=0, exit_codes=(2,), words=("monthly spending limit",))
async def billing_limit_as_429(_: Request, connection: Connection) -> None:
    await connection.json(429, error("Billing: the monthly spending limit of your team is reached", "billing_error"))


@quirk(pages=0, exit_codes=(1, 2), words=("Daily request limit of 50 exceeded",))
async def day_limit_by_message(_: Request, connection: Connection) -> None:
    message = "Daily request limit of 50 exceeded, requests per day (RPD): 50 used"
    await connection.json(429, error(message, "requests", code="rate_limit_exceeded"))


@quirk(pages=3, exit_codes=(1, 2), most=6, words=("3 written", "per day", "$0.0039"))
async def day_limit_in_midrun(request: Request, connection: Connection) -> None:
    """The answers in flight are paid for."""
    if request.number <= 3:
        await asyncio.sleep(2)
        await connection.good(request)
        return
    violation = {"quotaId": "GenerateRequestsPerDayPerProjectPerModel-FreeTier"}
    details = [{"@type": "type.googleapis.com/google.rpc.QuotaFailure", "violations": [violation]}]
    fields = {"code": 429, "status": "RESOURCE_EXHAUSTED", "message": "Too many requests per day", "details": details}
    await connection.json(429, {"error": fields})


@quirk(pages=0, questions=20, exit_codes=(2,), most=60, words=("the account is blocked", "usage policies"))
async def an_account_that_is_blocked(_: Request, connection: Connection) -> None:
    await connection.json(400, error("Your account was flagged for violating our usage policies."))


@quirk(pages=0, exit_codes=(2,), most=18, words=("Requested 1932", "or shorten the context"))
async def requests_above_a_limit(_: Request, connection: Connection) -> None:
    message = "Request too large for m on tokens per min (TPM): Limit 1000, Requested 1932."
    await connection.json(429, error(message, "tokens", code="rate_limit_exceeded"))


# --- rate limits -----------------------------------------------------------------------------------------------------


@quirk(most=12)
async def retry_info_in_the_body(request: Request, connection: Connection) -> None:
    if request.attempt > 1:
        await connection.good(request)
        return
    details = [{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "3.5s"}]
    fields = {"code": 429, "status": "RESOURCE_EXHAUSTED", "message": "Per minute", "details": details}
    await connection.json(429, {"error": fields})


@quirk(most=12)
async def a_short_wait_for_a_quota(request: Request, connection: Connection) -> None:
    """The same words as for a quota that is used up for good."""
    if request.attempt > 1:
        await connection.good(request)
        return
    message = "You exceeded your current quota, please check your plan and billing details. Please retry in 2.4s."
    await connection.json(429, {"error": {"code": 429, "status": "RESOURCE_EXHAUSTED", "message": message}})


@quirk(most=12)
async def a_short_wait_for_a_daily_limit(request: Request, connection: Connection) -> None:
    if request.attempt > 1:
        await connection.good(request)
        return
    message = "Rate limit reached for m on requests per day (RPD): Limit 10000, Used 10000. Please try again in 8.64s."
    await connection.json(429, error(message, "requests", code="rate_limit_exceeded"), "retry-after: 9")


@quirk(most=12)
async def retry_after_behind_litellm(request: Request, connection: Connection) -> None:
    if request.attempt > 1:
        await connection.good(request)
    else:
        await connection.json(429, error("slow down", "throttling_error", code="429"), "llm_provider-retry-after: 3")


def _reset(value: Callable[[], str], seconds: float) -> Quirk:
    """Return a quirk whose limit is reset some seconds after the first request, as a header says."""
    ends: list[float] = []

    async def respond(request: Request, connection: Connection) -> None:
        now = asyncio.get_running_loop().time()
        if request.number == 1:
            ends[:] = [now + seconds]
        if now >= ends[0]:
            await connection.good(request)
        else:
            headers = ("x-ratelimit-remaining: 0", f"x-ratelimit-reset: {value()}")
            await connection.json(429, error("slow down", "requests"), *headers)

    return respond


for _name, _value, _seconds in (
    ("reset_in_seconds", lambda: "3", 3),
    ("reset_as_duration", lambda: "1m0.5s", 60),
    ("reset_as_unix_seconds", lambda: str(int(time.time()) + 4), 3),
    ("reset_as_unix_milliseconds", lambda: str(int(time.time() * 1000) + 4000), 4),
    ("reset_as_date", lambda: time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 4)), 3),
    ("reset_as_nonsense", lambda: "when it is over", 2),
):
    add(_name, _reset(_value, _seconds), most=24, speed=60)


@quirk(pages=0, exit_codes=(1,), words=("slow down", "10 h"))
async def reset_in_ten_hours(_: Request, connection: Connection) -> None:
    await connection.json(429, error("slow down", "requests"), f"x-ratelimit-reset: {int(time.time()) + 36_060}")


@quirk(pages=0, questions=2, exit_codes=(1,), most=100, speed=200, words=("slow down", "rate limit"))
async def nothing_ever_passes(_: Request, connection: Connection) -> None:
    await connection.json(429, error("slow down", "requests"))


# --- the endpoint's own words ----------------------------------------------------------------------------------------


for _name, _quirk, _case in (
    ("error_in_an_array", always(400, [{"error": {"message": "The model is overworked"}}]), "The model is overworked"),
    ("error_as_detail", always(422, {"detail": "The field seat is missing"}), "The field seat is missing"),
    ("error_as_errors", always(400, {"errors": [{"message": "Bad seat"}]}), "Bad seat"),
    ("error_as_text", always(400, b"upstream says no\n", content_type="text/plain"), "upstream says no"),
    (
        "error_as_a_page",
        always(407, b"<html><head><title>Proxy login</title></head></html>", content_type="text/html"),
        "Proxy login",
    ),
    ("error_with_control_characters", always(400, {"error": "A\u001b[31mred\u0007 word"}), "red"),
):
    add(_name, _quirk, pages=0, exit_codes=(2,), most=12, words=(_case,))


@quirk(most=12)
async def success_with_an_error(request: Request, connection: Connection) -> None:
    if request.attempt > 1:
        await connection.good(request)
    else:
        await connection.json(200, {"error": {"message": "Provider returned error", "code": 503}})


@quirk(pages=0, exit_codes=(2,), most=12, base="", words=("/v1",))
async def no_such_address(_: Request, connection: Connection) -> None:
    await connection.json(404, {"detail": "Not Found"})


# --- money -----------------------------------------------------------------------------------------------------------


def _usage(usage: dict[str, Any]) -> Quirk:
    async def respond(request: Request, connection: Connection) -> None:
        await connection.json(200, request.completion(usage=usage))

    return respond


for _name, _reported, _cost in (
    ("usage_with_hidden_tokens", {"prompt_tokens": 700, "completion_tokens": 300, "total_tokens": 2000}, 0.0198),
    ("usage_of_zeros", {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}, None),
    ("usage_with_no_answer_tokens", {"prompt_tokens": 700, "completion_tokens": 0, "total_tokens": 700}, None),
    ("usage_of_nulls", {"prompt_tokens": None, "completion_tokens": None, "total_tokens": None}, None),
):
    add(_name, _usage(_reported), cost=_cost)


@quirk(words=("$0.6000",))
async def usage_with_a_price(request: Request, connection: Connection) -> None:
    await connection.json(200, request.completion(usage={**USAGE, "cost": 0.1}))


@quirk(pages=3, exit_codes=(1,), arguments=("--budget", "0.35", "--concurrency", "1"), words=("budget",))
async def a_budget_holds_against_their_price(request: Request, connection: Connection) -> None:
    await connection.json(200, request.completion(usage={**USAGE, "cost": 0.1}))
