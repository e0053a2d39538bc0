"""KaTeX itself, run by node, for tests that compare qtgen's reading of formulas with it."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path

import pytest

ORACLE = Path(__file__).parents[1] / "oracle"

NEEDS_KATEX = [
    pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed"),
    pytest.mark.skipif(not (ORACLE / "node_modules").is_dir(), reason="`make oracle` was not run: no KaTeX"),
]
"""The marks of a test that runs KaTeX."""


def run_script(name: str, standard_input: str = "") -> str:
    """Return what a script of tests/oracle prints."""
    done = subprocess.run(
        ["node", name],
        cwd=ORACLE,
        input=standard_input,
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
        env={**os.environ, "NODE_ENV": "production"},
    )
    return done.stdout


def errors_of(formulas: Iterable[tuple[str, bool]]) -> list[str | None]:
    """Return KaTeX's error for each formula and whether it is display math, or None if KaTeX renders it."""
    lines = "".join(json.dumps({"tex": tex, "display": display}) + "\n" for tex, display in formulas)
    return [json.loads(line)["error"] for line in run_script("katex_check.mjs", lines).splitlines()]
