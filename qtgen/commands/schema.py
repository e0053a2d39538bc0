"""`qtgen schema`: the schema of a page's front matter, for programs and editors."""

import click
import yaml

from qtgen._util.text import json_text
from qtgen.commands._echo import echo
from qtgen.page import schema
from qtgen.page.profile import default_profile


@click.command()
@click.option(
    "--for", "target", type=click.Choice(["json", "editor", "cloudcannon"]), default="json", show_default=True,
    help="Print JSON Schema 2020-12 (json), JSON Schema draft 07 for YAML language servers (editor), or a part of "
    "cloudcannon.config.yml, which includes the setting `subjects` (cloudcannon).",
)  # fmt: skip
def command(target: str) -> int:
    """Print the schema of a page's front matter."""
    if target == "cloudcannon":
        echo(_cloudcannon_yaml(), nl=False)
    else:
        document = (
            schema.json_schema(default_profile()) if target == "json" else schema.editor_schema(default_profile())
        )
        echo(json_text(document, indent=2))
    return 0


def _cloudcannon_yaml() -> str:
    from qtgen.commands._options import settings_from  # loading settings takes longer than printing a schema

    config = schema.cloudcannon_config(default_profile(), settings_from({}).subjects)
    return yaml.safe_dump(config, sort_keys=False, allow_unicode=True, width=120)
