"""Infer the layout of pages that are not in files."""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from qtgen.page.reader import read_as
from qtgen.site.inference.collect import Observations
from qtgen.site.inference.findings import Finding
from qtgen.site.inference.infer import Inferred, infer
from qtgen.site.inference.observe import Unusable, observe, open_layout

SITE = Path("/site")


def observed(pages: Mapping[str, str | bytes]) -> Observations:
    """Return what pages contain, given by their path below the root of the site."""
    observations = Observations()
    for path, text in sorted(pages.items()):
        raw = text.encode() if isinstance(text, str) else text
        page = observe(str(SITE / path), read_as(raw, open_layout()), observations.writing)
        if isinstance(page, Unusable):
            observations.unusable.append(page)
        else:
            observations.pages.append(page)
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
