"""`qtgen schema`: the page's schema, for programs and editors."""

import json

import click
import yaml

from qtgen.page import schema


@click.command()
@click.option(
    "--for", "target", type=click.Choice(["json", "editor", "cloudcannon"]), default="json", show_default=True,
    help="json: JSON Schema 2020-12; editor: draft 07, for YAML language servers; cloudcannon: cloudcannon.config.yml.",
)  # fmt: skip
def command(target: str) -> int:
    """Print the schema of a page's front matter, derived from the table of fields."""
    if target == "cloudcannon":
        click.echo(yaml.safe_dump(schema.cloudcannon(), sort_keys=False, allow_unicode=True, width=120), nl=False)
    else:
        made = schema.json_schema() if target == "json" else schema.editor_schema()
        click.echo(json.dumps(made, ensure_ascii=False, indent=2))
    return 0
