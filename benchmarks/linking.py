"""Measure how long `qtgen link --relink` takes and how much memory it needs, as a whole process.

    python benchmarks/linking.py FOLDER…

Each folder holds the pages of a whole site. It is copied, and the copy is linked three times: without a cache, then the
original pages again with cached vectors, then the pages that are linked already.
"""

import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path


def main(folders: list[str]) -> None:
    print(f"{'pages':>9}  {'without a cache':>15}  {'cached vectors':>14}  {'again':>8}  {'peak MiB':>8}")
    for folder in map(Path, folders):
        with tempfile.TemporaryDirectory() as project:
            site = Path(project) / "site"
            shutil.copytree(folder, site)
            Path(project, "qtgen.toml").touch()
            uncached = seconds_to_link(project)
            shutil.rmtree(site)
            shutil.copytree(folder, site)
            cached, again = seconds_to_link(project), seconds_to_link(project)
            pages = sum(1 for _ in site.rglob("*.md"))
        peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
        print(f"{pages:>9,}  {uncached:>13.1f} s  {cached:>12.1f} s  {again:>6.1f} s  {peak:>8,.0f}", flush=True)


def seconds_to_link(project: str) -> float:
    os.sync()  # otherwise the command would wait until the copied files are on disk
    start = time.perf_counter()
    command = [sys.executable, "-m", "qtgen", "link", "site", "--relink"]
    run = subprocess.run(command, cwd=project, stderr=subprocess.PIPE, text=True)
    if run.returncode:
        sys.exit(run.stderr)
    return time.perf_counter() - start


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    main(sys.argv[1:])
