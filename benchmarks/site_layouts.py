"""Measure reading pages whose text is the body, and how long `qtgen migrate` takes to add a field to every page.

    python benchmarks/site_layouts.py
    python benchmarks/site_layouts.py FOLDER

Without FOLDER, it reads 400 pages of the article site of the tests, each 6.5 KB long, in this process. The figure is
the best of five rounds.

FOLDER contains the pages of a site with the default layout. `../shared/tools/gen_corpus.py FOLDER 36000` writes such
pages. The script copies them and migrates the copy three times: as a preview, for real, and again with nothing to do.
Processor time is that of all processes, user and system. On a busy machine, it is more reliable than elapsed time.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections import deque
from pathlib import Path
from typing import NamedTuple

import yaml

from qtgen.page import read
from qtgen.page.profile import default_profile, parse_profile

_BYTES = 6_500
_AUTHOR = '  {key="author",'


class Run(NamedTuple):
    """A finished run: elapsed and processor seconds."""

    elapsed: float
    processor: float


def migrate(folder: Path, *options: str) -> Run:
    """Run the command in a folder that has `pages`, `old.toml` and `site.toml`."""
    before, started = os.times(), time.perf_counter()
    command = [sys.executable, "-m", "qtgen", "migrate", "pages", "--from", "old.toml", *options]
    subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL)
    after = os.times()
    processor = after.children_user - before.children_user + after.children_system - before.children_system
    return Run(time.perf_counter() - started, processor)


def read_bodies() -> None:
    """Print how many pages with a text body are read in a second of processor time, and how many YAML alone parses."""
    sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))
    from support.lookalikes import LOOKALIKES

    site = LOOKALIKES["workshop"]
    profile = parse_profile(site.site_toml.encode(), Path("/site/site.toml"))
    pages = [_lengthened(page.text).encode() for page in site.generate(1, 400)]
    rounds, parsed = [], []
    for _ in range(5):
        start = time.process_time()
        for raw in pages:
            read(raw, profile, "/site/articles/page.md")
        rounds.append(time.process_time() - start)
        start = time.process_time()
        for raw in pages:
            deque(yaml.parse(raw.decode().split("---\n", 2)[1], Loader=yaml.CSafeLoader), maxlen=0)
        parsed.append(time.process_time() - start)
    print(f"{len(pages) / min(rounds):,.0f} pages/s; YAML's events alone {len(pages) / min(parsed):,.0f}/s")


def _lengthened(text: str) -> str:
    body = text.split("---\n", 2)[2]
    return (text + body * (_BYTES // len(body) + 1))[:_BYTES]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, nargs="?")
    source = parser.parse_args().folder
    if source is None:
        read_bodies()
        return
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, (str(Path.cwd()), os.environ.get("PYTHONPATH"))))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        shutil.copytree(source, folder / "pages")
        old = default_profile().raw.decode()
        (folder / "old.toml").write_text(old, encoding="utf-8")
        new = old.replace(_AUTHOR, f'  {{key="channel", const="web"}},\n{_AUTHOR}')
        (folder / "site.toml").write_text(new, encoding="utf-8")
        pages = sum(1 for _ in (folder / "pages").rglob("*.md"))
        print(f"{pages:,} pages, one new field\n\n| run | elapsed | processor |\n|---|---|---|")
        for label, options in (("preview", ("--dry-run",)), ("migrate", ()), ("again", ())):
            run = migrate(folder, *options)
            print(f"| {label} | {run.elapsed:.1f} s | {run.processor:.1f} s |", flush=True)


if __name__ == "__main__":
    main()
