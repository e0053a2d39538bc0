"""Groups of commands that are imported when they are called, and the options that every command has."""

import importlib
from collections.abc import Mapping
from typing import Any, NamedTuple

import click

from qtgen._util.collector import paused_collector
from qtgen._util.extras import require
from qtgen.commands import _logging
from qtgen.commands._paths import NonEmptyPath


class Entry(NamedTuple):
    """A row of the table of commands.

    `extra` and `modules` name the optional dependency that the command cannot run without; its help needs them too,
    since loading the command imports them.
    """

    summary: str
    extra: str = ""
    modules: tuple[str, ...] = ()


class LazyGroup(click.Group):
    """A group whose commands are modules of one package, each with a click command named `command`."""

    def __init__(self, *arguments: Any, package: str = "", table: Mapping[str, Entry] | None = None, **kw: Any) -> None:
        super().__init__(*arguments, **kw)
        self.package = package
        self.table = dict(table or {})

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  # click's signature
        return list(self.table)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self.table:
            return None
        if cmd_name not in self.commands:
            entry = self.table[cmd_name]
            if entry.extra:
                require(f"`{_path(ctx)} {cmd_name}`", entry.extra, *entry.modules)
            command = _load(f"{self.package}.{cmd_name}")
            _add_common_options(command)
            self.commands[cmd_name] = command
        return self.commands[cmd_name]

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0]
        if name not in self.table and not name.startswith("-") and not ctx.resilient_parsing:
            from difflib import get_close_matches  # imported here because `validate` must start fast

            near = get_close_matches(name, self.table, n=1)
            hint = f"did you mean `{near[0]}`?" if near else f"there are {', '.join(self.table)}"
            raise click.UsageError(f"no such command `{name}`; {hint}", ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        with formatter.section("Commands"):
            formatter.write_dl([(name, entry.summary) for name, entry in self.table.items()])


def _add_common_options(command: click.Command) -> None:
    if isinstance(command, LazyGroup):
        return  # it adds them when it loads its commands
    if isinstance(command, click.Group):
        for subcommand in command.commands.values():
            _add_common_options(subcommand)
        return
    command.params.extend(common_options())


def _load(name: str) -> click.Command:
    with paused_collector():  # modules leave no garbage, and looking for it takes 20 ms of importing a command
        command: click.Command = importlib.import_module(name.replace("-", "_")).command
    return command


def _path(ctx: click.Context) -> str:
    return ctx.command_path or "qtgen"


def common_options() -> list[click.Parameter]:
    """Return the options that every command has: what it logs, and where."""
    return [
        click.Option(
            ["-v", "--verbose"],
            count=True,
            expose_value=False,
            callback=_logging.set_verbosity,
            help="Log what happens on stderr; -vv logs every request.",
        ),
        click.Option(
            ["-q", "--quiet"],
            is_flag=True,
            expose_value=False,
            callback=_logging.set_quiet,
            help="Print no progress and no notes, only results, warnings and errors.",
        ),
        click.Option(
            ["--log-file"],
            type=NonEmptyPath(dir_okay=False),
            expose_value=False,
            callback=_logging.set_log_file,
            help="Append the log as JSON lines to a file.",
        ),
    ]
