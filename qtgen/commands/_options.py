"""Options that several commands share, and how options become settings."""

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from qtgen.commands._echo import echo
from qtgen.commands._paths import NonEmptyPath
from qtgen.settings import LoadedSettings, Settings, load_settings, unknown_variables

if TYPE_CHECKING:  # loading it takes 0.2 s
    from qtgen.llm.ledger import Ledger

file_or_dash = NonEmptyPath(allow_dash=True)
folder = NonEmptyPath(file_okay=False)


class Finite(click.FloatRange):
    """A number in a range that is neither infinite nor `nan`."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the number. Fail if it is not finite."""
        number = super().convert(value, param, ctx)
        if not isfinite(number):
            self.fail(f"{value} is not a finite number.", param, ctx)
        return number


class Grouped(click.Command):
    """A command whose help lists the options by group, in the order in which the groups are defined."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options of each group."""
        groups: dict[str, list[tuple[str, str]]] = {}
        for option in self.get_params(ctx):
            if isinstance(option, click.Option) and (row := option.get_help_record(ctx)):
                groups.setdefault(getattr(option, "group", "Other"), []).append(row)
        for name, rows in groups.items():
            with formatter.section(name):
                formatter.write_dl(rows)


class _GroupedOption(click.Option):
    def __init__(self, *arguments: Any, group: str, **attributes: Any) -> None:
        super().__init__(*arguments, **attributes)
        self.group = group


def options_of(group: str) -> Callable[..., Callable[[Any], Any]]:
    """Return a decorator like `click.option` for the options of one group."""
    return partial(click.option, cls=_GroupedOption, group=group)


_model, _pace = options_of("Model"), options_of("Pace")
budget_option = options_of("Cost")(
    "--budget",
    type=float,
    metavar="USD",
    help="End the run before it costs more than this. Processes that work on the same list at the same time "
    "share it. Needs the models' prices.",
)
share_option = options_of("Several processes")(
    "--share",
    is_flag=True,
    help="Share the list with other processes that run the same command on the same ledger. One process writes each "
    "page, and the others report it as `elsewhere`.",
)
strict_grounding_option = options_of("Output")(
    "--strict-grounding",
    is_flag=True,
    default=None,
    help="Fail a page that is not grounded in its source text.  [default: write it with warnings]",
)
_REQUEST_OPTIONS = (
    _model(
        "--provider",
        metavar="NAME",
        help="Use openai (any OpenAI-compatible endpoint), local (a model on this machine), or a plugin's provider.  "
        "[default: openai if a key or base URL is set, else local]",
    ),
    _model(
        "--model",
        multiple=True,
        help="Use this model. Repeat for fallbacks if it refuses, truncates or keeps failing.  [default: gpt-4o-mini]",
    ),
    _model("--base-url", help="Use the OpenAI-compatible endpoint at this address.  [default: OpenAI's]"),
    _model(
        "--answer-format",
        type=click.Choice(["json_schema", "json_object", "markdown"]),
        help="Request answers in this format.  [default: json_schema; local: markdown]",
    ),
    _model("--temperature", type=float, help="Set the sampling temperature.  [default: the prompt's]"),
    _model("--max-tokens", type=int, help="Limit the length of an answer.  [default: the prompt's]"),
    _pace(
        "--concurrency",
        type=int,
        help="Limit the requests in flight. Below that, qtgen adapts to the endpoint.  [default: 64; local: 2]",
    ),
    _pace("--rpm", type=float, help="Limit the requests per minute.  [default: the endpoint's limit]"),
    _pace("--tpm", type=float, help="Limit the tokens per minute.  [default: the endpoint's limit]"),
)


def request_options(command: Any) -> Any:
    """Add the options of every command that sends requests: which model, and how fast."""
    for option in reversed(_REQUEST_OPTIONS):
        command = option(command)
    return command


def settings_from(flags: Mapping[str, Any]) -> Settings:
    """Return the settings in force, with the options that were given on top. Raises SettingsError."""
    return load_from(flags).settings


def load_from(flags: Mapping[str, Any]) -> LoadedSettings:
    """Return what `settings_from` returns, and where each value comes from."""
    given = {name: value for name, value in flags.items() if name in Settings.model_fields and value not in (None, ())}
    for warning in unknown_variables(os.environ):
        echo(f"warning: {warning}", err=True)
    return load_settings(Path.cwd(), os.environ, given)


@contextmanager
def open_ledger(settings: Settings) -> "Iterator[Ledger]":
    """Open the ledger that the settings name. Raises LedgerError."""
    from qtgen.llm import factory

    with factory.open_ledger(settings) as ledger:
        yield ledger
