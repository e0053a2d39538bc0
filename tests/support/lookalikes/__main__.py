"""Write a generated site to a folder."""

import argparse
import sys
from pathlib import Path

from . import LOOKALIKES


def main() -> None:
    """Write the site that the arguments name."""
    parser = argparse.ArgumentParser(prog="python -m tests.support.lookalikes", description=__doc__)
    parser.add_argument("name", choices=sorted(LOOKALIKES), help="the kind of site")
    parser.add_argument("folder", type=Path, help="where to write; it must be empty or new")
    parser.add_argument("--count", type=int, default=300, metavar="N", help="number of pages [default: 300]")
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="another seed gives other pages [default: 1]")
    parser.add_argument("--faults", type=int, default=0, metavar="N", help="number of faults to plant [default: 0]")
    options = parser.parse_args()
    folder: Path = options.folder
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        parser.error(f"{folder} is not an empty folder; name another one")
    if min(options.count, options.faults) < 0:
        parser.error("--count and --faults must not be negative")
    lookalike = LOOKALIKES[options.name]
    try:
        pages, planted = lookalike.plant(lookalike.generate(options.seed, options.count), options.seed, options.faults)
    except ValueError as error:
        parser.error(f"{options.name}: {error}")
    for page in pages:
        path = folder / page.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(page.text, encoding="utf-8", newline="")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "site.toml").write_text(lookalike.site_toml, encoding="utf-8", newline="")
    for fault in planted:
        sys.stdout.write(f"{folder / fault.path}:{fault.line}: {fault.kind}: {fault.key}\n")


if __name__ == "__main__":
    main()
