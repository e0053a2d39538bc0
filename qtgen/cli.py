"""The table of commands, and the one place where errors become a line and an exit code.

A command is imported when it is called, so `qtgen --help` and `qtgen validate` load no client.
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
from qtgen.commands._echo import echo
from qtgen.commands._errors import describe, exit_code
from qtgen.commands._groups import Entry, LazyGroup
from qtgen.errors import QtgenError

_GENERATE = ("generate", ("jinja2", "openai", "sqlalchemy", "tenacity", "frontmatter"))
_PACK = ("pack", ("fsspec", "pyarrow"))

# The module of the same name in qtgen/commands holds each command, with underscores instead of hyphens.
COMMANDS = {
    "generate": Entry("Write new pages from questions.", *_GENERATE),
    "regenerate": Entry("Rewrite stale pages.", *_GENERATE),
    "validate": Entry("Check pages against the document schema."),
    "link": Entry("Choose and repair links to related pages.", "links", ("faiss", "numpy", "scipy", "wordllama")),
    "review": Entry("Review pages in the browser."),
    "pack": Entry("Pack a site for machines that share no files.", *_PACK),
    "unpack": Entry("Write the pages of a pack into a folder.", *_PACK),
    "eval": Entry("Score pages against references, and gate a change."),
    "batch": Entry("List, collect and cancel batches of a Batch API.", *_GENERATE),
    "costs": Entry("Show what was spent.", *_GENERATE),
    "plan": Entry("Forecast the time and the cost of a run.", *_GENERATE),
    "explain": Entry("Explain a rule, a metric, a reason or a report format."),
    "schema": Entry("Print the page's schema."),
    "models": Entry("List, fetch and choose local models.", "local", ("filelock", "tomlkit", "openai")),
    "check-endpoint": Entry("Show what an endpoint can do, and the settings to use.", *_GENERATE),
    "prompts": Entry("List the prompts in force, or show what would be sent.", *_GENERATE),
    "init": Entry("Create a new project, or infer the page layout of a site."),
    "migrate": Entry("Carry pages over to a changed layout."),
    "completion": Entry("Print the completion script for a shell."),
}
BUG, INTERRUPTED = 3, 130


def _show_settings(ctx: click.Context, _param: click.Parameter, wanted: bool) -> None:
    if wanted:
        from qtgen.settings import load_settings

        learned_lines = importlib.import_module(
            "qtgen.commands._learned"
        ).learned_lines  # needs an extra, like commands
        site = importlib.import_module("qtgen.commands._site")  # loads the modules that read pages
        loaded = site.with_nearest_site(load_settings(Path.cwd(), os.environ, {}))
        for line in (*loaded.lines(), *learned_lines(loaded.settings)):
            echo(line)
        ctx.exit()


@click.group(
    cls=LazyGroup,
    package="qtgen.commands",
    table=COMMANDS,
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(__version__, prog_name="qtgen")
@click.option(
    "--show-settings", is_flag=True, expose_value=False, is_eager=True, callback=_show_settings,
    help="Print the settings in force and where each value comes from.",
)  # fmt: skip
def qtgen() -> None:
    """Turn questions into validated question-and-answer pages.

    Options override environment variables (QTGEN_…), which override the nearest qtgen.toml, in the current folder or
    above it. Exit codes: 0 success, 1 errors or failures, 2 wrong call or settings, 3 a bug, 130 interrupted.
    """


def run(arguments: list[str] | None = None) -> int:
    """Run a command line and return its exit code; errors are printed on stderr."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a file name need not be valid text
    try:
        result = qtgen.main(arguments, prog_name="qtgen", standalone_mode=False)
        return result if isinstance(result, int) else 0
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        return error.exit_code
    except click.ClickException as error:
        echo(f"qtgen: {_on_one_line(error)}", err=True)
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        echo("qtgen: interrupted", err=True)
        return INTERRUPTED
    except QtgenError as error:
        echo(f"qtgen: {describe(error, sys.argv[1:] if arguments is None else arguments)}", err=True)
        return exit_code(error)
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EPIPE, errno.EIO):
            return _bug()
        with contextlib.suppress(OSError):
            echo(f"qtgen: the output cannot be written: {error.strerror}", err=True)
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # else Python complains again when it flushes at exit
        return 1
    except Exception:  # noqa: BLE001  # the last resort: print all that is known
        return _bug()


def _on_one_line(error: click.ClickException) -> str:
    message = " ".join(error.format_message().split()).replace(". Did you mean", "; did you mean")
    context = error.ctx if isinstance(error, click.UsageError) else None
    if context is None:
        return message
    return f"{message[:1].lower()}{message[1:].rstrip('.')}; see `{context.command_path} --help`"


def _bug() -> int:
    error = sys.exc_info()[1]
    for frame in reversed(traceback.extract_tb(error.__traceback__) if error else []):
        if _is_plugin(frame.filename):
            where = f"{frame.filename}:{frame.lineno}"
            echo(f"qtgen: {where}: this plugin failed: {type(error).__name__}: {error}; correct it", err=True)
            return 2
    echo(traceback.format_exc().rstrip("\n"), err=True)
    echo("qtgen: this is a bug; please report it with the lines above and the command that you ran", err=True)
    return BUG


def _is_plugin(filename: str) -> bool:
    """Return whether a plugin file that `plugins` in qtgen.toml names has this path."""
    return any(
        getattr(module, "__file__", None) == filename
        for name, module in list(sys.modules.items())
        if name.startswith("qtgen_plugin_")
    )


def main() -> None:
    sys.exit(run())
