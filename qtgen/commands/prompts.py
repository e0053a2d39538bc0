"""`qtgen prompts`: list the prompts in force, or show exactly what would be sent."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from qtgen._util.text import json_text
from qtgen.commands._echo import echo
from qtgen.commands._learned import endpoints_with_learned
from qtgen.commands._options import settings_from
from qtgen.commands._site import known_subjects, profile_of, site_option
from qtgen.generation.config import load_library
from qtgen.generation.types import Question
from qtgen.llm.endpoint import sent_document
from qtgen.llm.providers import provider_name
from qtgen.llm.types import Prompt, PromptStyle
from qtgen.page.compile import main_layout
from qtgen.settings import Settings

_SUBJECT = "Others"


@click.group()
def command() -> None:
    """List the prompts in force, or show exactly what would be sent."""


@command.command("list")
@site_option()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON array.")
def list_prompts(site: Path | None, as_json: bool) -> int:
    """List the prompts in force: name, version, shape, style, file and purpose."""
    settings = settings_from({"site": site})
    templates = load_library(settings, profile_of(settings)).templates.values()
    if as_json:
        rows = [{**template.header.model_dump(), "path": str(template.path)} for template in templates]
        echo(json_text(rows, indent=2))
        return 0
    for template in templates:
        header = template.header
        kind = f"version {header.version}, shape {header.shape}, style {header.style}"
        echo(f"{header.name}  {kind}  ({template.path})")
        echo(f"    {header.description}")
    return 0


@dataclass(frozen=True, slots=True)
class ShowOptions:
    """The options of `prompts show`."""

    name: str
    question: Question
    answer: str | None
    as_json: bool


@command.command("show")
@click.argument("name")
@click.option("--question", required=True, help="Render the prompt with this question.")
@click.option("--subject", help=f"Use this subject.  [default: {_SUBJECT}, or the first one of the site]")
@click.option("--context", help="Base the answer on this source text.")
@click.option("--answer", help="Use this answer, for a prompt that writes other fields of a page.")
@site_option()
@click.option("--json", "as_json", is_flag=True, help="Print the request as the JSON document that is sent.")
def show(
    name: str,
    question: str,
    subject: str | None,
    context: str | None,
    answer: str | None,
    site: Path | None,
    as_json: bool,
) -> int:
    """Show exactly what would be sent for a question with the prompt NAME."""
    settings = settings_from({"subject": subject, "site": site})
    subject = subject or _example_subject(known_subjects(main_layout(profile_of(settings))))
    options = ShowOptions(name, Question(question, subject, context=context), answer, as_json)
    endpoint = endpoints_with_learned(settings)[0]
    prompt = _render(options, settings, endpoint.style)
    body = sent_document(prompt, endpoint)
    if options.as_json:
        echo(json_text(body, indent=2))
    else:
        echo(_readable(body, settings, prompt))
    return 0


def _example_subject(known: Sequence[str]) -> str:
    return known[0] if known and _SUBJECT not in known else _SUBJECT


def _render(options: ShowOptions, settings: Settings, style: PromptStyle) -> Prompt:
    library = load_library(settings, profile_of(settings))
    parameters = {"temperature": settings.temperature, "max_tokens": settings.max_tokens}
    template = library.templates.get(options.name)
    if template and template.header.task == "seo":
        answer = options.answer or "(the page's answer)"
        return library.render_seo(options.question, answer, name=options.name, style=style, **parameters)
    return library.render(options.question, name=options.name, style=style, **parameters)


def _readable(body: dict[str, Any], settings: Settings, prompt: Prompt) -> str:
    messages = [f"=== {message['role']} ===\n{message['content']}" for message in body["messages"]]
    parts = ("messages", "response_format", "grammar")
    parameters = {key: value for key, value in body.items() if key not in parts}
    head = (
        f"provider {provider_name(settings)}, prompt digest {prompt.digest}, format {prompt.style.format.value}\n"
        f"{json.dumps(parameters, ensure_ascii=False)}"
    )
    json_schema = body.get("response_format", {}).get("json_schema")
    rules = []
    if json_schema:
        rules.append(f"=== schema of the answer ===\n{json.dumps(json_schema['schema'], ensure_ascii=False, indent=2)}")
    if "grammar" in body:
        rules.append(f"=== grammar of the answer ===\n{body['grammar']}")
    return "\n\n".join([head, *messages, *rules])
