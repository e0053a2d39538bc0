"""`qtgen review`: one module per subcommand. Without the name of one, it serves the review app."""

import importlib
from collections.abc import Sequence

import click

from qtgen.commands._groups import Entry, LazyGroup

_SERVE = "serve"  # not in the table: `qtgen review PATHS` needs no name
_REVIEW = (
    "review",
    ("jinja2", "latex2mathml", "markdown_it", "mdit_py_plugins", "numpy", "scipy", "starlette", "uvicorn"),
)
_COMMANDS = {
    "plan": Entry("Plan an audit: which pages to read, and when they are accepted.", *_REVIEW),
    "stats": Entry("Show the results of audits, and how far reviewers agree.", *_REVIEW),
    "export": Entry("Print every decision.", *_REVIEW),
}


class _ReviewGroup(LazyGroup):
    """A group whose first argument may also be a path or an option of the app."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        is_named = bool(args) and args[0] in (*self.table, *ctx.help_option_names)
        if not is_named and not ctx.resilient_parsing:  # without arguments, the app says that PATHS are missing
            args = [_SERVE, *args]
        return super().parse_args(ctx, args)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name == _SERVE:
            self.table = {**self.table, _SERVE: Entry("", *_REVIEW)}
        return super().get_command(ctx, cmd_name)

    def collect_usage_pieces(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return ["PATHS… [OPTIONS] | COMMAND [ARGS]…"]

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the options of the app, and the commands."""
        serve = importlib.import_module("qtgen.commands.review.serve").command  # needs no extra until it is called
        serve.format_options(click.Context(serve, info_name=_SERVE, parent=ctx), formatter)
        self.format_commands(ctx, formatter)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        self.table.pop(_SERVE, None)
        super().format_commands(ctx, formatter)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] == _SERVE:
            return _SERVE, self.get_command(ctx, _SERVE), args[1:]
        return super().resolve_command(ctx, args)

    def subcommands(self) -> Sequence[str]:
        return list(_COMMANDS)


@click.group(
    cls=_ReviewGroup,
    package="qtgen.commands.review",
    table=_COMMANDS,
    context_settings={"help_option_names": ["-h", "--help"]},
)
def command() -> None:
    """Review pages in the browser, until Ctrl-C.

    The app shows each page as the site renders it, why it was flagged, and what a rewrite would change. Decisions go
    to OUT/.qtgen/decisions.jsonl. For a folder named `stats`, write `./stats`.
    """
