"""The table of commands, and the one place where errors become a line and an exit code.

Commands are imported when they are called, so that `qtgen --help` and `qtgen validate` do not load a client.
"""

import contextlib
import errno
import importlib
import io
import os
import sys
import traceback
from pathlib import Path

import click

from qtgen import __version__
from qtgen.commands._errors import describe, exit_code
from qtgen.errors import QtgenError

# name -> one line for `qtgen --help`; the module of the same name in qtgen/commands holds it.
COMMANDS = {
    "generate": "Write new pages from questions.",
    "regenerate": "Write stale pages again.",
    "validate": "Enforce the document schema.",
    "link": "Choose and mend related articles.",
    "eval": "Score outputs against reference documents, and gate a change.",
    "costs": "Show what was spent.",
    "explain": "Show the documentation of a rule, a metric or a reason.",
    "schema": "Print the page's schema.",
    "prompts": "List the prompts in force, or show exactly what would be sent.",
    "init": "Lay out a new project.",
}
BUG, INTERRUPTED = 3, 130


class Commands(click.Group):
    """Subcommands by name, loaded when they are needed."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  # click's signature
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = importlib.import_module(f"qtgen.commands.{cmd_name}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


def _show_settings(ctx: click.Context, _param: click.Parameter, wanted: bool) -> None:
    if wanted:
        from qtgen.settings import load_settings

        for line in load_settings(Path.cwd(), os.environ, {}).lines():
            click.echo(line)
        ctx.exit()


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="qtgen")
@click.option(
    "--show-settings", is_flag=True, expose_value=False, is_eager=True, callback=_show_settings,
    help="Print what is in force and where each value came from.",
)  # fmt: skip
def qtgen() -> None:
    """Questions in, checked question-and-answer pages out.

    Settings: qtgen.toml (nearest, upwards) < environment (QTGEN_…) < options.
    Exit codes: 0 fine, 1 something was found or failed, 2 the call is wrong, 3 a bug, 130 interrupted.
    """


def run(arguments: list[str] | None = None) -> int:
    """The command's exit code; whatever goes wrong has been said on stderr."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a file's name need not be text
    try:
        result = qtgen.main(arguments, prog_name="qtgen", standalone_mode=False)
        return result if isinstance(result, int) else 0
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        return error.exit_code
    except click.ClickException as error:
        click.echo(f"qtgen: {_on_one_line(error)}", err=True)
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        click.echo("qtgen: interrupted", err=True)
        return INTERRUPTED
    except QtgenError as error:
        click.echo(f"qtgen: {describe(error)}", err=True)
        return exit_code(error)
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EPIPE, errno.EIO):
            return _bug()
        with contextlib.suppress(OSError):
            click.echo(f"qtgen: the output cannot be written: {error.strerror}", err=True)
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # or Python would complain once more at its end
        return 1
    except Exception:  # noqa: BLE001  # the last resort, with all that is known
        return _bug()


def _on_one_line(error: click.ClickException) -> str:
    said = " ".join(error.format_message().split())
    context = error.ctx if isinstance(error, click.UsageError) else None
    return f"{said[:1].lower()}{said[1:].rstrip('.')}; see `{context.command_path} --help`" if context else said


def _bug() -> int:
    traceback.print_exc()
    click.echo("qtgen: this is a bug; please report it with the lines above, and how to get there", err=True)
    return BUG


def main() -> None:
    sys.exit(run())
