"""`qtgen prompts`: what is in force, and exactly what would be sent."""

import json
from typing import Any

import click

from qtgen.commands._options import settings_from
from qtgen.generation.config import library
from qtgen.generation.types import Question
from qtgen.llm.endpoint import request_document
from qtgen.llm.factory import endpoints_for
from qtgen.llm.providers import provider_name
from qtgen.settings import Settings


@click.group()
def command() -> None:
    """List the prompts in force, or show exactly what would be sent."""


@command.command("list")
@click.option("--json", "as_json", is_flag=True, help="One JSON array instead of lines.")
def list_prompts(as_json: bool) -> int:
    """Name, version, shape, file and purpose of every prompt in force."""
    headers = [(t.header, str(t.path)) for t in library(settings_from({})).templates.values()]
    if as_json:
        click.echo(json.dumps([{**h.model_dump(), "path": path} for h, path in headers], ensure_ascii=False, indent=2))
        return 0
    for header, path in headers:
        click.echo(f"{header.name}  version {header.version}, shape {header.shape}  ({path})\n    {header.description}")
    return 0


@command.command("show")
@click.argument("name")
@click.option("--question", required=True, help="The question to render it with.")
@click.option("--subject", default="Others", show_default=True)
@click.option("--context", help="Source text that the answer must rest on.")
@click.option("--answer", help="The page's answer, for a prompt that writes its search fields.")
@click.option("--json", "as_json", is_flag=True, help="The request itself, as the JSON document that is sent.")
def show(name: str, question: str, subject: str, context: str | None, answer: str | None, as_json: bool) -> int:
    """Print exactly what would be sent for a question with the prompt NAME."""
    settings = settings_from({"subject": subject})
    asked = Question(question, subject, context=context)
    book, given = library(settings), {"temperature": settings.temperature, "max_tokens": settings.max_tokens}
    if name in book.templates and book.templates[name].header.task == "seo":
        prompt = book.render_seo(asked, answer or "(the page's answer)", name=name, **given)
    else:
        prompt = book.render(asked, name=name, **given)
    body = request_document(prompt, endpoints_for(settings)[0])
    click.echo(json.dumps(body, ensure_ascii=False, indent=2) if as_json else _readable(body, settings, prompt.digest))
    return 0


def _readable(body: dict[str, Any], settings: Settings, digest: str) -> str:
    messages = [f"=== {message['role']} ===\n{message['content']}" for message in body["messages"]]
    rest = {key: value for key, value in body.items() if key not in ("messages", "response_format")}
    schema = json.dumps(body["response_format"]["json_schema"]["schema"], ensure_ascii=False, indent=2)
    head = [f"provider {provider_name(settings)}, prompt digest {digest}", json.dumps(rest, ensure_ascii=False)]
    return "\n\n".join(["\n".join(head), *messages, f"=== the answer must fit this schema ===\n{schema}"])
