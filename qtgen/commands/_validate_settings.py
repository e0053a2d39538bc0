"""The settings of `qtgen validate`, which are loaded only if there are any."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from qtgen._util.project import find_settings_file
from qtgen.validation.rules.settings import DEFAULT_SETTINGS, RuleSettings, rule_settings


@dataclass(frozen=True, slots=True)
class ValidateSettings:
    """The settings that this command reads, and their defaults."""

    select: Sequence[str] = ()
    ignore: Sequence[str] = ()
    corpus: Path | None = None
    site: Path | None = None
    plugins: Sequence[str | os.PathLike[str]] = ()
    per_path: Sequence[tuple[str, Sequence[str], Sequence[str]]] = ()
    rules: RuleSettings = DEFAULT_SETTINGS


def load_settings(
    select: str | None = None, ignore: str | None = None, corpus: Path | None = None, site: Path | None = None
) -> ValidateSettings:
    """Return the settings in force.

    Loading qtgen.toml and the environment takes longer than checking a page, so it is skipped if there are none.
    """
    if not find_settings_file(Path.cwd()) and not any(name.startswith("QTGEN_") for name in os.environ):
        selected, ignored = ((codes or "").replace(",", " ").split() for codes in (select, ignore))
        return ValidateSettings(selected, ignored, corpus, site)
    from qtgen.commands._options import settings_from

    settings = settings_from({"select": select, "ignore": ignore, "corpus": corpus, "site": site})
    per_path = [(pattern, rules.select, rules.ignore) for pattern, rules in settings.per_path.items()]
    rules = rule_settings(settings)
    return ValidateSettings(
        settings.select, settings.ignore, settings.corpus, settings.site, settings.plugins, per_path, rules
    )
