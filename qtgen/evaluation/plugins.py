"""Metrics and report formats of a user's own, from installed packages and from plugin files.

An installed package names its module in the entry point group `qtgen.metrics` or `qtgen.eval_formats`; a project
names files in `plugins` of qtgen.toml. Importing either one registers what it decorates with `@metric` or
`@eval_format`.
"""

import sys
from collections.abc import Iterable
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from qtgen._util.plugins import installed, load_file
from qtgen.evaluation.metrics import METRICS, SCORER

_GROUPS = ("qtgen.metrics", "qtgen.eval_formats")
_SCORING_LIBRARIES = ("numpy", "pyphen", "rouge-score-rs", "sentencex", "wordfreq", "wordllama")


def load_plugins(files: Iterable[Path] = ()) -> None:
    """Register the metrics and report formats of installed packages and of plugin files. Raises PluginError."""
    _load_installed()
    for file in files:
        load_file(file)


@cache  # looking for entry points takes a while, and worker processes call this for every chunk
def _load_installed() -> None:
    for group in _GROUPS:
        for _ in installed(group):  # loading an entry point registers its metrics or formats
            pass


def plugin_files() -> tuple[Path, ...]:
    """Return the plugin files that define metrics, for worker processes that must load them again."""
    modules = {known.function.__module__ for known in METRICS.values() if not known.is_builtin}
    sources = (getattr(sys.modules.get(module), "__file__", None) for module in modules)
    return tuple(sorted(Path(source) for source in sources if source))


def scorer_name(embeddings: str | None = None) -> str:
    """Return the scorer's version with everything that changes what scores mean.

    Args:
        embeddings: The model of an embeddings endpoint that replaces the static embeddings.

    Plugin metrics are listed with their versions: `2+word_count:1`.
    """
    own = [f"{known.name}:{known.version}" for known in METRICS.values() if not known.is_builtin]
    return "+".join([SCORER, *([embeddings] if embeddings else []), *([",".join(own)] if own else [])])


def library_versions() -> dict[str, str]:
    """Return the versions of the installed packages that compute metrics. Another version can move scores."""
    versions = {}
    for name in _SCORING_LIBRARIES:
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            continue
    return versions
