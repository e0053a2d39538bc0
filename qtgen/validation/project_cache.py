"""The cache of the project, which all commands that check pages share."""

import time
from pathlib import Path

from qtgen import __version__
from qtgen._util.project import project_folder
from qtgen.page.profile import Profile
from qtgen.validation.cache import Cache
from qtgen.validation.plugins import rules_key
from qtgen.validation.rules.settings import RuleSettings


def project_cache(
    rules: RuleSettings, project: Path | None = None, now_ns: int | None = None, *, profile: Profile
) -> Cache:
    """Open the cache in `.qtgen/cache`. Close it after use.

    Args:
        rules: The settings of the rules, which findings depend on.
        project: The folder of the project; by default the one that contains the current folder.
        now_ns: The time in nanoseconds; by default that of the clock.
        profile: The layout of the site, which findings depend on too.
    """
    root = project_folder() if project is None else project
    now = time.time_ns() if now_ns is None else now_ns
    return Cache(root / ".qtgen" / "cache", f"{__version__} {rules_key(rules, profile=profile)}", root, now)
