"""Golden files of the machine-readable outputs: what programs rely on, without the wording that people read.

`make contract` writes them. Set QTGEN_CONTRACT_COMMAND to the `qtgen` of another version to record what that version
does: the tests then run it instead of the code of this checkout.
"""

import json
import os
import re
import shlex
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from support import ROOT

FOLDER = ROOT / "tests" / "integration" / "golden"
UPDATING = "QTGEN_UPDATE_CONTRACT" in os.environ
COMMAND = shlex.split(os.environ.get("QTGEN_CONTRACT_COMMAND", ""))
WORDS = "…"
"""Stands for text whose wording is not part of the contract."""

Run = Callable[..., tuple[int, str, str]]


def other_version(*arguments: object) -> tuple[int, str, str]:
    """Run the command named by QTGEN_CONTRACT_COMMAND: exit code, stdout, stderr."""
    done = subprocess.run(
        [*COMMAND, *map(str, arguments)], capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL
    )
    return done.returncode, done.stdout, done.stderr


def check_contract(name: str, behaviour: Any) -> None:
    """Compare a JSON value with the golden file `name`; the order of keys counts."""
    file = FOLDER / f"{name}.json"
    text = json.dumps(behaviour, indent=1, ensure_ascii=False) + "\n"
    if UPDATING:
        file.write_text(text, encoding="utf-8")
        return
    assert text.splitlines() == file.read_text(encoding="utf-8").splitlines(), (
        f"{name}: a machine-readable output changed; if that is meant, say so in CHANGELOG.md and run `make contract`"
    )


def read_golden(name: str) -> Any:
    """Return what the golden file `name` holds, or None while it is recorded for the first time."""
    file = FOLDER / f"{name}.json"
    return json.loads(file.read_text(encoding="utf-8")) if file.exists() else None


# --- inputs -----------------------------------------------------------------------------------------------------------

_INPUTS = json.loads((FOLDER / "inputs.json").read_text(encoding="utf-8"))
CASES: Mapping[str, Mapping[str, Any]] = _INPUTS["cases"]
PAGE_PATH: str = _INPUTS["page_path"]
PAGE = "\n".join(_INPUTS["page"])
NEIGHBOUR = "\n".join(_INPUTS["neighbour"])


def write_site(case: Mapping[str, Any], folder: Path = Path()) -> None:
    """Write the two pages of a case: one page with a deliberate fault, and the page that it links to."""
    content = _text(case["content"]) if "content" in case else PAGE
    if "old" in case:
        assert case["old"] in PAGE
        content = PAGE.replace(case["old"], _text(case["new"]))
    neighbour = NEIGHBOUR.replace(case.get("neighbour_old", ""), case.get("neighbour_new", ""))
    for path, text in ((case.get("path", PAGE_PATH), content), (_INPUTS["neighbour_path"], neighbour)):
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(text.encode())


def _text(parts: list[str | tuple[str, int]]) -> str:
    """Join pieces of text; a pair is a piece and how often it is repeated."""
    return "".join(part if isinstance(part, str) else part[0] * part[1] for part in parts)


# --- what stays of an output ------------------------------------------------------------------------------------------


def without_words(value: Any, *keys: str) -> Any:
    """Replace every non-empty string under one of the keys, at any depth, with WORDS."""
    if isinstance(value, list):
        return [without_words(item, *keys) for item in value]
    if not isinstance(value, dict):
        return value
    return {
        key: WORDS if key in keys and isinstance(item, str) and item else without_words(item, *keys)
        for key, item in value.items()
    }


def json_lines(out: str, *keys: str) -> list[Any]:
    return [without_words(json.loads(line), *keys) for line in out.splitlines()]


def gitlab(out: str) -> list[Any]:
    """Normalize a GitLab report; a fingerprint must be a unique SHA-256."""
    findings: list[Any] = without_words(json.loads(out), "description")
    fingerprints = [finding["fingerprint"] for finding in findings]
    assert len(set(fingerprints)) == len(fingerprints)
    assert all(re.fullmatch("[0-9a-f]{64}", fingerprint) for fingerprint in fingerprints)
    return [finding | {"fingerprint": WORDS} for finding in findings]


def github(out: str) -> list[str]:
    """Normalize workflow commands: everything except the message."""
    return [re.sub(r"(?<=.)::.*", f"::{WORDS}", line) for line in out.splitlines()]


def junit(out: str) -> list[Any]:
    """Normalize JUnit XML to `[tag, attributes, children]`, without the messages."""
    return _element(ElementTree.fromstring(out.removeprefix('<?xml version="1.0" encoding="UTF-8"?>')))


def _element(element: ElementTree.Element) -> list[Any]:
    attributes = {key: WORDS if key == "message" else value for key, value in element.attrib.items()}
    return [element.tag, attributes, [_element(child) for child in element]]


def text_findings(out: str) -> list[str]:
    """Return `path:line:column: CODE` of each line of the text format that reports an error or a warning."""
    found = re.findall(r"^(\S.*?:\d+:\d+: QT\d{3}) ", out, re.MULTILINE)
    return [line for line in found if not line.endswith("QT409")]  # informational findings are counted, not printed
