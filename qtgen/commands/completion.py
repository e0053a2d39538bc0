"""`qtgen completion`: the script that completes commands and options in a shell."""

import click
from click.shell_completion import BashComplete, FishComplete, ZshComplete

from qtgen.commands._echo import echo

_COMPLETERS = {"bash": BashComplete, "zsh": ZshComplete, "fish": FishComplete}
_EPILOG = """\b
Install it:
  bash  echo 'eval "$(qtgen completion bash)"' >> ~/.bashrc
  zsh   echo 'eval "$(qtgen completion zsh)"' >> ~/.zshrc
  fish  qtgen completion fish > ~/.config/fish/completions/qtgen.fish
"""


@click.command(epilog=_EPILOG)
@click.argument("shell", type=click.Choice(list(_COMPLETERS)))
@click.pass_context
def command(ctx: click.Context, shell: str) -> None:
    """Print the completion script for SHELL: bash, zsh or fish."""
    completer = _COMPLETERS[shell]
    echo(completer(ctx.find_root().command, {}, "qtgen", "_QTGEN_COMPLETE").source())
