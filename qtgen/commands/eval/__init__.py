"""`qtgen eval`: the commands of the eval harness, each in a module of qtgen/commands/eval."""

import importlib
import os

import click

from qtgen._util.extras import require

# The matrices are small: threads of the linear algebra would only wait for each other. Said before numpy is loaded.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

_COMMANDS = {
    "run": "Generate or take the pages of a suite, and score them.",
    "compare": "Tell whether one report's pages are better or worse than another's.",
    "score": "Score candidates against references, line by line.",
    "meta": "Show how well the scores agree with people.",
    "power": "Tell how many references a given difference needs.",
}

_NEEDED = ("numpy", "pyphen", "rouge_score_rs", "sacrebleu", "scipy", "sentencex", "vcr", "wordfreq", "wordllama")


class _Commands(click.Group):
    """Loaded when they are needed."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  # click's signature
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in _COMMANDS:
            return None
        require("`qtgen eval`", "evals", *_NEEDED)
        command: click.Command = importlib.import_module(f"qtgen.commands.eval.{cmd_name}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        with formatter.section("Commands"):
            formatter.write_dl(list(_COMMANDS.items()))


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
def command() -> None:
    """Score outputs against reference documents, and gate a change.

    A suite is a folder evals/NAME with suite.toml, references/, cassettes/ and baseline.json: docs/evals.md.
    The commands need the `evals` extra: pip install 'qtgen[evals]'.
    """
