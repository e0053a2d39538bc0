"""`qtgen eval`: one module per subcommand, loaded when it is called."""

import importlib
import os

import click

from qtgen._util.extras import require

# The matrices are small: linear algebra threads would only wait for each other. It must be set before numpy is loaded.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

_COMMANDS = {
    "run": "Generate or find the pages of a suite, score them and compare with the baseline.",
    "compare": "Compare two reports.",
    "score": "Score answers against references, line by line.",
    "meta": "Show how well the scores agree with people.",
    "power": "Show how many references are needed to see a difference.",
}

_MODULES = ("numpy", "pyphen", "rouge_score_rs", "sacrebleu", "scipy", "sentencex", "vcr", "wordfreq", "wordllama")


class _Commands(click.Group):
    """Subcommands by name, imported when they are called."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  # click's signature
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in _COMMANDS:
            return None
        require("`qtgen eval`", "evals", *_MODULES)
        command: click.Command = importlib.import_module(f"qtgen.commands.eval.{cmd_name}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        with formatter.section("Commands"):
            formatter.write_dl(list(_COMMANDS.items()))


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
def command() -> None:
    """Score outputs against reference documents, and gate a change.

    A suite is a folder evals/NAME with suite.toml, references/, cassettes/ and baseline.json; see docs/evals.md.
    These commands need the `evals` extra.
    """
