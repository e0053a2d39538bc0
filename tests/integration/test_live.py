"""The embedded model itself: it starts, answers, and ends with the run."""

import asyncio
import json
import os
import socket
from collections.abc import Callable
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from qtgen.errors import BadRequest
from qtgen.generation import answers
from qtgen.generation.grammar import grammar
from qtgen.llm.endpoint import make_request
from qtgen.llm.local import download, server
from qtgen.llm.openai import OpenAISender
from qtgen.llm.types import AnswerFormat, Message, Prompt, PromptStyle
from qtgen.page.compile import default_layout
from qtgen.page.profile import default_profile

pytestmark = [
    pytest.mark.live,
    pytest.mark.xdist_group("live"),
    pytest.mark.block_network(allowed_hosts=["127.0.0.1"]),
]


@pytest.fixture(autouse=True)
def _model_is_installed() -> None:
    if download.find(os.environ) is None:
        pytest.skip("the embedded model is not on this machine; `make test` fetches it")


def test_a_page_is_generated_without_a_key(qtgen: Callable[..., tuple[int, str, str]]) -> None:
    Path("q.csv").write_text("question,subject\nWhy is the sky blue?,Physics\n")
    code, out, err = qtgen("generate", "q.csv", "--json")
    assert code == 0, err
    assert "provider local (neither a key nor a base URL is set)" in err
    line = json.loads(out)
    assert line["usage"]["cost_usd"] == 0.0
    page = yaml.safe_load(Path(line["path"]).read_text().split("\n---\n")[0])
    assert (page["title"], page["subject"], page["score"]) == ("Why is the sky blue?", "Physics", -1.0)
    assert qtgen("validate", "outputs")[0] == 0


def test_the_server_ends_with_its_block() -> None:
    with server.serve(None, slots=1) as endpoint:
        port = int(str(endpoint.base_url).split(":")[2].split("/")[0])
        socket.create_connection(("127.0.0.1", port), timeout=5).close()
    with pytest.raises(OSError):  # noqa: PT011  # refused or reset, depending on the system
        socket.create_connection(("127.0.0.1", port), timeout=5)


def test_the_server_accepts_the_grammar_of_every_shape_and_style() -> None:
    """The model writes a few tokens only: a server compiles the grammar before it writes the first one."""
    prompts = [
        Prompt("t", 1, shape, (Message("user", "What is osmosis?"),), {}, {"max_tokens": 4}, "d", "w", "s",
               PromptStyle(AnswerFormat.MARKDOWN, is_short), grammar(shape, answers.schema(shape, default_profile()), is_short=is_short, layout=default_layout()))
        for shape in answers.shapes_of(default_profile())
        for is_short in (False, True)
    ]  # fmt: skip
    broken = replace(prompts[0], grammar="root ::= undefined")

    async def send() -> tuple[list[str], str]:
        with server.serve(None, slots=1) as endpoint:
            async with aclosing(OpenAISender(endpoint)) as sender:
                texts = [(await sender.send(make_request(prompt, endpoint))).text for prompt in prompts]
                with pytest.raises(BadRequest) as caught:
                    await sender.send(make_request(broken, endpoint))
                return texts, str(caught.value)

    texts, error = asyncio.run(send())
    assert all(text[0].isupper() for text in texts), texts
    assert "grammar" in error
