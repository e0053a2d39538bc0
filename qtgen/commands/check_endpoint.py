"""`qtgen check-endpoint`: what an endpoint is and can do, and the settings to use."""

import asyncio
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import click

from qtgen._util.text import json_text, money, pluralize
from qtgen.commands._echo import echo
from qtgen.commands._options import settings_from
from qtgen.commands._output import note
from qtgen.commands._tables import print_facts
from qtgen.errors import ProviderError, ProviderUnusable
from qtgen.llm.dialect.value import Dialect
from qtgen.llm.endpoint_check import MAX_TIMEOUT, EndpointFacts, Support, check_endpoint
from qtgen.llm.providers import provider_name
from qtgen.llm.types import AnswerFormat, Limits
from qtgen.settings import FILE_NAME, Settings, load_settings

_EPILOG = """\b
Exit codes:
  0  the endpoint answers
  2  the endpoint cannot be used, or the call is wrong

\b
Examples:
  qtgen check-endpoint
  qtgen check-endpoint --base-url http://localhost:8000/v1 --model my-model
"""


@click.command(epilog=_EPILOG)
@click.option("--provider", metavar="NAME", help="Check this provider.  [default: the one that `generate` uses]")
@click.option("--model", help="Check this model.  [default: the first one in the settings]")
@click.option("--base-url", help="Check the endpoint at this address.  [default: the one in the settings]")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(as_json: bool, model: str | None, **flags: Any) -> int:
    """Show what an endpoint is and can do, and the settings to use.

    The command sends a few tiny requests: one for a word, one or two for JSON, and one for a stream. They are not
    recorded in the ledger. If the endpoint rejects a part of a request, the command finds a form that it accepts, as
    `generate` does.
    """
    settings = settings_from({**flags, "model": (model,) if model else None})
    note(f"asking for an answer of one word; each answer may take up to {min(settings.timeout, MAX_TIMEOUT):g} s …")
    try:
        facts = asyncio.run(check_endpoint(settings))
    except ProviderError as error:
        ending = ProviderUnusable(error.message, setting=error.setting, remedy=error.remedy, reply=error.reply)
        if as_json:
            echo(json_text({"works": False, "error": {"kind": error.kind, "message": str(ending)}}, indent=2))
        raise ending from None
    if as_json:
        echo(json_text(_as_dict(facts, settings), indent=2))
        return 0
    print_facts([*_rows(facts, settings)])
    lines = [*_settings_lines(facts, settings)]
    echo("")
    head = "Settings for qtgen.toml; lines without a table belong above the first [table]:"
    echo(head if lines else "No setting needs to be changed.")
    for line in lines:
        echo(f"  {line}".rstrip())
    note(f"sent {pluralize(facts.requests, 'request')}; {_tokens(facts):,} tokens, {money(facts.usage.charged_usd)}")
    return 0


def _tokens(facts: EndpointFacts) -> int:
    return facts.usage.prompt_tokens + facts.usage.completion_tokens


def _rows(facts: EndpointFacts, settings: Settings) -> Iterator[tuple[str, str]]:
    """Yield what was found out, each as a name and words."""
    provider = provider_name(settings)
    yield "endpoint", facts.address or ("OpenAI" if provider == "openai" else f"provider {provider}")
    same = facts.served_model == facts.model
    yield "model", facts.model if same else f"{facts.model}, served by {facts.served_model}"
    yield "answers", f"one word in {facts.seconds:.1f} s"
    yield "price", _price(facts)
    yield "usage", "reported" if facts.reports_usage else "not reported, so costs are unknown"
    if facts.usage.reasoning_tokens:
        yield "reasoning", f"{facts.usage.reasoning_tokens:,} tokens in these requests"
    yield "limits", _limits(facts.limits)
    for name, support in facts.formats.items():
        yield name.value, _support(support)
    yield "streaming", _support(facts.streaming)
    for sentence in facts.adaptations:
        yield "changed", sentence


def _price(facts: EndpointFacts) -> str:
    if facts.price_input is None or facts.price_output is None:
        return (
            "unknown, so `budget` cannot be used"
            if facts.usage.reported_usd is None
            else "unknown, but the endpoint reports what each request costs"
        )
    return f"${facts.price_input:g} and ${facts.price_output:g} per million tokens (input and output)"


def _limits(limits: Limits | None) -> str:
    if limits is None:
        return "none reported"
    known = ((limits.requests_per_minute, "requests"), (limits.tokens_per_minute, "tokens"))
    return ", ".join(f"{number:,} {noun} per minute" for number, noun in known if number) or "none per minute"


def _support(support: Support) -> str:
    if support.works is None:
        return "not tried"
    if support.works:
        return f"yes, but {support.reason}" if support.reason else "yes"
    return f"no: {support.reason}"


def _settings_lines(facts: EndpointFacts, settings: Settings) -> Iterator[str]:
    """Yield the lines of qtgen.toml that a project for this endpoint needs."""
    for name, value in _settings_of(facts, settings).items():
        if isinstance(value, Mapping):
            yield ""
            yield f"[{name}]"
            yield from (f"{_key(key)} = {_toml(item)}" for key, item in value.items())
        else:
            yield f"{name} = {_toml(value)}"
    if facts.price_input is None:
        yield ""
        yield "# US dollars per million tokens, from the provider's price list:"
        yield f"# [prices.{json.dumps(facts.model)}]"
        yield "# input ="
        yield "# output ="


def _settings_of(facts: EndpointFacts, settings: Settings) -> dict[str, Any]:
    """Return the settings to use, tables last."""
    found: dict[str, Any] = {}
    origins = load_settings(Path.cwd(), os.environ, {}).origins
    in_file = {name for name, origin in origins.items() if origin.endswith(FILE_NAME)}
    if facts.address and "base_url" not in in_file:
        found["base_url"] = facts.address
    if settings.model and "model" not in in_file:
        found["model"] = facts.model
    works = any(support.works for support in facts.formats.values())
    if provider_name(settings) == "openai" and works and facts.best_format is not AnswerFormat.JSON_SCHEMA:
        found["answer_format"] = facts.best_format.value
    if table := _dialect_settings(facts.dialect):
        found["dialect"] = table
    return found


def _dialect_settings(dialect: Dialect) -> dict[str, Any]:
    values = {
        "omit": list(dialect.omit),
        "rename": dict(dialect.rename),
        "omit_schema_keywords": list(dialect.omit_schema_keywords),
        "merge_system": dialect.merge_system,
        "system_role": None if dialect.system_role == "system" else dialect.system_role,
        "stream": dialect.stream,
        "token_factor": dialect.token_factor,
        "max_output_tokens": dialect.max_output_tokens,
    }
    return {name: value for name, value in values.items() if value}


def _key(name: str) -> str:
    return name if name.replace("_", "").isalnum() else json.dumps(name)


def _toml(value: object) -> str:
    """Return a value in TOML. Strings, lists and booleans are written as in JSON."""
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{_key(key)} = {_toml(item)}" for key, item in value.items()) + " }"
    return json.dumps(value, ensure_ascii=False)


def _as_dict(facts: EndpointFacts, settings: Settings) -> dict[str, Any]:
    limits = facts.limits
    return {
        "works": True,
        "address": facts.address,
        "model": facts.model,
        "served_model": facts.served_model,
        "seconds": round(facts.seconds, 3),
        "price": None if facts.price_input is None else {"input": facts.price_input, "output": facts.price_output},
        "reports_usage": facts.reports_usage,
        "limits": None
        if limits is None
        else {"requests_per_minute": limits.requests_per_minute, "tokens_per_minute": limits.tokens_per_minute},
        "formats": {name.value: _support_dict(support) for name, support in facts.formats.items()},
        "streaming": _support_dict(facts.streaming),
        "changes": [*facts.adaptations],
        "settings": _settings_of(facts, settings),
        "requests": facts.requests,
        "usage": {
            "prompt_tokens": facts.usage.prompt_tokens,
            "completion_tokens": facts.usage.completion_tokens,
            "reasoning_tokens": facts.usage.reasoning_tokens,
            "cost_usd": facts.usage.charged_usd,
        },
        "error": None,
    }


def _support_dict(support: Support) -> dict[str, Any]:
    return {"works": support.works, "reason": support.reason}
