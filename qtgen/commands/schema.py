"""`qtgen schema`: the schema of a page's front matter, or of `site.toml`, for programs and editors."""

import os
import tomllib
from pathlib import Path

import click
import yaml

from qtgen._util.project import find_settings_file
from qtgen._util.text import json_text
from qtgen.commands._echo import echo
from qtgen.commands._site import load_site, site_option
from qtgen.page import schema
from qtgen.page.profile import Profile


@click.command()
@click.option(
    "--for", "target", type=click.Choice(["json", "editor", "cloudcannon", "profile"]), default="json",
    show_default=True,
    help="Print JSON Schema 2020-12 (json), JSON Schema draft 07 for YAML language servers (editor), a part of "
    "cloudcannon.config.yml, which includes the setting `subjects` (cloudcannon), or the JSON Schema of site.toml "
    "(profile).",
)  # fmt: skip
@site_option()
def command(target: str, site: Path | None) -> int:
    """Print the schema of a page's front matter, or of site.toml.

    If the site has several layouts, the schema allows each of them. The part for CloudCannon contains only the layout
    of new pages.
    """
    if target == "profile":
        echo(json_text(schema.profile_schema(), indent=2))
    elif target == "cloudcannon":
        echo(_cloudcannon_yaml(site), nl=False)
    else:
        profile = _profile(site)
        document = schema.json_schema(profile) if target == "json" else schema.editor_schema(profile)
        echo(json_text(document, indent=2))
    return 0


def _profile(site: Path | None) -> Profile:
    """Return the profile in force. Settings are loaded only if they name one, which takes longer than a schema."""
    if site is not None or not _settings_name_a_site():
        return load_site(site)
    from qtgen.commands._options import settings_from

    return load_site(settings_from({}).site)


def _settings_name_a_site() -> bool:
    if "QTGEN_SITE" in os.environ:
        return True
    file = find_settings_file(Path.cwd())
    try:
        return file is not None and "site" in tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return True  # loading the settings reports what is wrong


def _cloudcannon_yaml(site: Path | None) -> str:
    from qtgen.commands._options import settings_from  # loading settings takes longer than printing a schema

    settings = settings_from({"site": site})
    config = schema.cloudcannon_config(load_site(settings.site), settings.subjects)
    return yaml.safe_dump(config, sort_keys=False, allow_unicode=True, width=120)
