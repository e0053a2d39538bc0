"""How long `qtgen link --relink` takes, and how much memory: whole processes, from nothing and with cached vectors.

python benchmarks/linking.py FOLDER…    copies of each folder are worked on, so that writing is part of it
"""

import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path


def main(folders: list[str]) -> int:
    print(f"{'pages':>9}  {'from nothing':>14}  {'cached vectors':>14}  {'again':>8}  {'peak MiB':>8}")
    for folder in map(Path, folders):
        with tempfile.TemporaryDirectory() as here:
            copy = Path(here) / "site"
            shutil.copytree(folder, copy)
            Path(here, "qtgen.toml").touch()
            first = _timed(here)
            shutil.rmtree(copy)
            shutil.copytree(folder, copy)
            cached, again = _timed(here), _timed(here)
            pages = sum(1 for _ in copy.rglob("*.md"))
        peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
        print(f"{pages:>9,}  {first:>12.1f} s  {cached:>12.1f} s  {again:>6.1f} s  {peak:>8,.0f}", flush=True)
    return 0


def _timed(here: str) -> float:
    os.sync()  # what the copy left for the disk is not the command's
    start = time.perf_counter()
    command = [sys.executable, "-m", "qtgen", "link", "site", "--relink"]
    subprocess.run(command, cwd=here, check=True, stderr=subprocess.DEVNULL)
    return time.perf_counter() - start


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
