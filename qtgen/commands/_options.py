"""Options that several commands share, and the way from options to settings."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from qtgen.commands._output import note
from qtgen.settings import Settings, load_settings, project_folder, unknown_variables

if TYPE_CHECKING:  # it takes 0.2 s to load
    from qtgen.llm.ledger import Ledger


class Grouped(click.Command):
    """A command whose help lists its options under their groups, in the order in which these come up."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        groups: dict[str, list[tuple[str, str]]] = {}
        for option in self.get_params(ctx):
            if isinstance(option, click.Option) and (row := option.get_help_record(ctx)):
                groups.setdefault(getattr(option, "group", "Other"), []).append(row)
        for name, rows in groups.items():
            with formatter.section(name):
                formatter.write_dl(rows)


class _InGroup(click.Option):
    def __init__(self, *arguments: Any, group: str, **how: Any) -> None:
        super().__init__(*arguments, **how)
        self.group = group


def options_of(group: str) -> Callable[..., Callable[[Any], Any]]:
    """As `click.option`, for the options of one group."""
    return partial(click.option, cls=_InGroup, group=group)


_answers, _pace = options_of("Who answers"), options_of("Pace")
budget_option = options_of("Money")(
    "--budget", type=float, help="US dollars that this run may cost at most; needs the models' prices."
)
_ASKING = (
    _answers(
        "--provider",
        type=click.Choice(["openai", "local"]),
        help="An OpenAI-compatible endpoint, or a small model on this machine.  "
        "[default: openai where a key or an address is set, else local]",
    ),
    _answers(
        "--model",
        multiple=True,
        help="Model name at the endpoint; given again, the one to ask where it fails.  [default: gpt-4o-mini]",
    ),
    _answers("--base-url", help="Address of an OpenAI-compatible endpoint.  [default: OpenAI's]"),
    _answers("--temperature", type=float, help="Sampling temperature.  [default: the prompt's]"),
    _answers("--max-tokens", type=int, help="Longest answer, in tokens.  [default: the prompt's]"),
    _pace(
        "--concurrency",
        type=int,
        help="Requests in flight at most; fewer where the endpoint bears no more.  [default: 64; local: 2]",
    ),
    _pace("--rpm", type=float, help="Requests a minute at most.  [default: what the endpoint bears]"),
    _pace("--tpm", type=float, help="Tokens a minute at most.  [default: what the endpoint bears]"),
)


def asking_options(command: Any) -> Any:
    """Who is asked, and how fast: the same for every command that asks."""
    for option in reversed(_ASKING):
        command = option(command)
    return command


def settings_from(flags: dict[str, Any]) -> Settings:
    """Settings with those of `flags` that were given on top. Raises SettingsError."""
    known = {name: value for name, value in flags.items() if name in Settings.model_fields}
    for warning in unknown_variables(os.environ):
        note(f"warning: {warning}")
    return load_settings(Path.cwd(), os.environ, known).settings


def ledger_place(settings: Settings) -> str:
    """A database's URL, or the path of a file, which stands beside qtgen.toml."""
    return settings.ledger if "://" in settings.ledger else str(project_folder() / settings.ledger)


@contextmanager
def open_book(settings: Settings) -> "Iterator[Ledger]":
    """The ledger that the settings name. Raises LedgerError."""
    from qtgen.llm.ledger import Ledger

    book = Ledger(ledger_place(settings))
    try:
        yield book
    finally:
        book.close()


file_or_dash = click.Path(path_type=Path, allow_dash=True)
folder = click.Path(path_type=Path, file_okay=False)
