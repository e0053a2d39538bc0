"""Infer the layout of pages that are not in files."""

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from qtgen.page.reader import read_as
from qtgen.site.inference.collect import Observations
from qtgen.site.inference.findings import Finding
from qtgen.site.inference.infer import Inferred, infer
from qtgen.site.inference.observe import observe, open_layout
from qtgen.site.inference.writer import toml

SITE = Path("/site")


def observed(pages: Mapping[str, str | bytes]) -> Observations:
    """Return what pages contain, given by their path below the root of the site."""
    observations = Observations()
    for path, text in sorted(pages.items()):
        raw = text.encode() if isinstance(text, str) else text
        page = observe(str(SITE / path), read_as(raw, open_layout()), observations.writing)
        observations.add(page)
    return observations


def inferred(pages: Mapping[str, str | bytes]) -> Inferred:
    """Return the layout of pages."""
    return infer(observed(pages), SITE)


def table(result: Inferred) -> dict[str, Any]:
    """Return what the inferred file says."""
    return tomllib.loads(result.text)


def fields(result: Inferred, layout: int = 0) -> dict[str, dict[str, Any]]:
    """Return the fields of a layout by dotted path, without their inner fields."""
    found: dict[str, dict[str, Any]] = {}

    def add(rows: list[dict[str, Any]], parent: str) -> None:
        for row in rows:
            path = parent + row["key"]
            found[path] = {key: value for key, value in row.items() if key not in ("key", "fields")}
            add(row.get("fields", []), f"{path}.")

    add(table(result)["layout"][layout]["fields"], "")
    return found


def finding(result: Inferred, field: str, kind: str) -> Finding:
    """Return the only finding of a kind about a field."""
    [found] = [finding for finding in result.findings if (finding.field, finding.kind) == (field, kind)]
    return found


def numbered(count: int, front: str, body: str = "Text of page {n}.") -> dict[str, str]:
    """Return pages with a number in place of `{n}`."""
    text = f"---\n{front.strip()}\n---\n\n{body}\n"
    return {f"pages/page-{number}.md": text.replace("{n}", str(number)) for number in range(1, count + 1)}


_CANDIDATE = re.compile(r"( *)# (?:add|replace): (.*?)(?:  # .*)?")


def adopted(text: str) -> str:
    """Return `site.toml` with all candidates moved in that no page contradicts, as its head says."""
    lines: list[str] = []
    for line in text.split("\n"):
        candidate = _CANDIDATE.fullmatch(line)
        if candidate is None:
            lines.append(line)
        elif not candidate[1] and candidate[2].startswith(("[", "field", "max")):
            lines.append(candidate[2])
        elif line.endswith(("0 disagree", "cannot fill")):
            _adopt(lines, candidate[1], candidate[2])
    return "\n".join(lines)


def _adopt(lines: list[str], indent: str, setting: str) -> None:
    """Add settings to the field whose line has an indent and is the last one."""
    if not indent:
        key = setting.partition(" = ")[0].partition("=")[0]
        number = max(number for number, line in enumerate(lines) if line.startswith(f"{key} ="))
        lines[number] = setting
        return
    start = f"{indent}{{key="
    number = max(number for number, line in enumerate(lines) if line.startswith(start))
    line = lines[number].rpartition("  # ")[0]
    is_map = line.endswith("fields=[")
    row = tomllib.loads(f"row = {line}]}}" if is_map else f"row = {line.rstrip(',')}")["row"]
    row.pop("fields", None)
    row |= tomllib.loads(f"row = {{{setting}}}")["row"]
    lines[number] = indent + (f"{toml(row)[:-1]}, fields=[  # adopted" if is_map else f"{toml(row)},  # adopted")
