"""Compare the rules of family 5xx with what the site's renderer shows, over the live pages.

    python benchmarks/rendering.py [--rendered FILE] [--write]

It needs node, `make oracle` and `../shared/real`. `tests/support/faults.py` defines what a reader sees broken, from the
renderer's output alone. `--rendered FILE` reads that output instead of asking the renderer: one line of JSON a page,
as `tests/oracle/render.mjs` writes it, with the path below `content/` as `id`. `--write` writes the table to
`benchmarks/rendering.json`, from which `make docs` takes it.

The exit code is 1 if QT501, QT502, QT504 or QT506 has a false alarm, or if precision or recall of QT503 is below 0.98.
"""

import argparse
import json
import sys
import tarfile
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from qtgen.page.profile import default_profile

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from qtgen.page import read  # noqa: E402
from qtgen.validation.rules import PageChecker, PageFile  # noqa: E402
from qtgen.validation.selection import choose_rules  # noqa: E402
from support.faults import Row, Shown, compare  # noqa: E402
from support.oracle import parse_nodes, render  # noqa: E402

PAGES = ROOT.parent / "shared" / "real" / "pages.tar.gz"
TABLE = Path(__file__).with_suffix(".json")
NO_FALSE_ALARM = {"QT501", "QT502", "QT504", "QT506"}
MONEY_MIN = 0.98


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rendered", type=Path)
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    if not PAGES.exists():
        print(f"{PAGES} is missing; the pages are not part of the project")
        return 0
    raws = read_pages()
    rows = compare(shown_pages(raws, options.rendered), reported_codes(raws))
    print(f"{len(raws):,} pages\n\n{as_table(rows)}")
    if options.write:
        figures = [{**row._asdict(), "silent": row.pages - row.found} for row in rows]
        TABLE.write_text(json.dumps({"pages": len(raws), "faults": figures}, indent=1, ensure_ascii=False) + "\n")
    return int(any(misses_target(row) for row in rows))


def misses_target(row: Row) -> bool:
    if "QT503" in row.rules:
        return min(row.precision, row.recall) < MONEY_MIN
    return row.false_alarms > 0 and not NO_FALSE_ALARM.isdisjoint(row.rules)


def read_pages() -> dict[str, bytes]:
    """Return the live pages by path."""
    with tarfile.open(PAGES) as archive:
        members = [member for member in archive if member.name.endswith(".md")]
        return {member.name: archive.extractfile(member).read() for member in members}  # type: ignore[union-attr]


def shown_pages(raws: Mapping[str, bytes], rendered: Path | None) -> dict[str, Shown]:
    answers = {path: read(raw, default_profile(), "").text_of("answer") or "" for path, raw in raws.items()}
    pages = read_rendered(rendered) if rendered else dict(zip(answers, render(answers.values()), strict=True))
    nodes = parse_nodes([answer.replace("\\n", "\n") for answer in answers.values()])
    return {
        path: Shown(answer, pages[path], parsed) for (path, answer), parsed in zip(answers.items(), nodes, strict=True)
    }


def read_rendered(file: Path) -> dict[str, dict[str, Any]]:
    with file.open(encoding="utf-8") as lines:
        return {page["id"]: page for page in map(json.loads, lines)}


def reported_codes(raws: Mapping[str, bytes]) -> dict[str, set[str]]:
    """Return the codes of family 5xx that qtgen reports, by path."""
    check = PageChecker(choose_rules(["QT5"], profile=default_profile()), profile=default_profile())
    codes: dict[str, set[str]] = defaultdict(set)
    for path, raw in raws.items():
        codes[path].update(diagnostic.code for diagnostic in check(PageFile(path, read(raw, default_profile(), ""))))
    return codes


def as_table(rows: list[Row]) -> str:
    lines = ["| fault | rule | pages | found | silent | false alarms |", "|---|---|---|---|---|---|"]
    lines += [
        f"| {row.title} | {', '.join(row.rules)} | {row.pages} | {row.found} | {row.pages - row.found} "
        f"| {row.false_alarms} |"
        for row in rows
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
