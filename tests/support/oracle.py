"""The site's own renderer (tests/oracle, which needs node), and the real pages that it is asked about.

`make test` asks it about a sample of the real pages, `make oracle-full` about all of them.
"""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from random import Random
from typing import Any

import pytest

from support.default_tables import read

FOLDER = Path(__file__).parents[1] / "oracle"
ALL_PAGES = os.environ.get("QTGEN_ORACLE") == "all"
_SAMPLE = 300
_SIGN = re.compile(r"[$`|]|\\[^n]|~~~")  # a page without one has nothing but prose, lists and emphasis

needs_renderer = [
    pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed"),
    pytest.mark.skipif(not (FOLDER / "node_modules").is_dir(), reason="`make oracle` was not run: no site renderer"),
]


def run_node(script: str, items: Iterable[object]) -> list[Any]:
    """Return what a script of tests/oracle answers to each item."""
    done = subprocess.run(
        ["node", script],
        cwd=FOLDER,
        input="".join(json.dumps(item) + "\n" for item in items),
        capture_output=True,
        text=True,
        check=True,
        timeout=600,
        env={**os.environ, "NODE_ENV": "production"},
    )
    return [json.loads(line) for line in done.stdout.splitlines()]


def render(answers: Iterable[str]) -> list[dict[str, Any]]:
    """Return how the site renders answers."""
    return run_node("render.mjs", [{"id": number, "answer": answer} for number, answer in enumerate(answers)])


def parse_nodes(texts: Sequence[str]) -> list[list[tuple[str, int, int, str | None]]]:
    """Return the nodes of each text, as the site's parser finds them: type, start, end, value."""
    return [[(name, start, end, value) for name, start, end, value in nodes] for nodes in run_node("parse.mjs", texts)]


def sample_answers(pages: Mapping[str, bytes], count: int = _SAMPLE) -> dict[str, str]:
    """Return the answers of a sample of pages, by path: all pages, or those with signs in the first place."""
    answers = {path: read(raw).text_of("answer") or "" for path, raw in sorted(pages.items())}
    if ALL_PAGES:
        return answers
    with_signs = [path for path, answer in answers.items() if _SIGN.search(answer)]
    return {path: answers[path] for path in Random(17).sample(with_signs, count)}
