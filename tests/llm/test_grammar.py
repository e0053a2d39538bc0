"""Requests are sent without a grammar once the endpoint has rejected one."""

import asyncio
import json
from dataclasses import replace
from typing import Any

import pytest

from qtgen.errors import BadRequest
from qtgen.llm.client import Client
from qtgen.llm.endpoint import encode_document
from qtgen.llm.grammar import GrammarSender
from qtgen.llm.pacing import AdaptiveLimiter, Pacer
from qtgen.llm.sender import Request
from qtgen.llm.types import AnswerFormat, Completion, Prompt, PromptStyle
from support.senders import PRICED, ScriptedSender, answer, request
from support.simulated import simulate


def request_with(**document: Any) -> Request:
    return replace(request(), body=encode_document(document))


def send(sender: GrammarSender, *requests: Request) -> list[str]:
    async def main() -> list[Completion]:
        return [await sender.send(one) for one in requests]

    return [completion.text for completion in asyncio.run(main())]


def test_a_rejected_grammar_is_left_out_from_then_on() -> None:
    inner = ScriptedSender(BadRequest("unknown field `grammar`"), answer("a"), answer("b"))
    sender = GrammarSender(inner)
    asked = request_with(model="m", grammar="root ::= x")
    assert send(sender, asked, asked) == ["a", "b"]
    assert [json.loads(one.body) for one in inner.requests] == [
        {"model": "m", "grammar": "root ::= x"},
        {"model": "m"},
        {"model": "m"},
    ]
    assert {one.key for one in inner.requests} == {asked.key}, "the ledger finds the answer when the grammar is sent"
    assert sender.rejection == "unknown field `grammar`"


def test_a_bad_request_without_a_grammar_is_not_repeated() -> None:
    inner = ScriptedSender(BadRequest("no"))
    with pytest.raises(BadRequest):
        send(GrammarSender(inner), request_with(model="grammar", messages=['the word "grammar": x']))
    assert len(inner.requests) == 1


def test_a_request_that_is_bad_without_its_grammar_too_says_nothing_about_the_grammar() -> None:
    inner = ScriptedSender(BadRequest("no"), BadRequest("too long"), answer("b"))
    sender = GrammarSender(inner)
    asked = request_with(grammar="root ::= x")
    with pytest.raises(BadRequest, match="too long"):
        send(sender, asked)
    assert (send(sender, asked), sender.rejection) == (["b"], "")
    assert b"grammar" in inner.requests[-1].body


def test_a_client_tells_why_a_grammar_was_rejected(prompt: Prompt) -> None:
    inner = ScriptedSender(BadRequest("no grammar here"), answer("a"))
    asked = replace(prompt, style=PromptStyle(AnswerFormat.MARKDOWN), grammar="root ::= x")

    async def main() -> tuple[str, str]:
        client = Client(inner, replace(PRICED, sends_grammar=True), Pacer(AdaptiveLimiter(4)))
        return (await client.complete(asked)).text, client.stats().grammar_rejection

    assert simulate(main()) == ("a", "no grammar here")
