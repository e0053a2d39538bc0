"""Golden files: recorded behaviour with the version it belongs to.

A golden test fails if behaviour changes while its version does not, and if the version changed but the file was not
written again. `make golden` writes the files; it refuses to overwrite changed behaviour of an unchanged version.

Digests have no version: they record what must not change by accident. `QTGEN_UPDATE_GOLDEN=1` writes them again.
"""

import hashlib
import json
import os
from pathlib import Path
from typing import Any

UPDATING = "QTGEN_UPDATE_GOLDEN" in os.environ
FOLDER = Path(__file__).parents[1] / "golden"


def check_golden(name: str, version: str, behaviour: Any, *, constant: str) -> None:
    """Compare `behaviour` (a JSON value) with the golden file `name`; `constant` is the version to raise."""
    file = FOLDER / f"{name}.json"
    behaviour = json.loads(json.dumps(behaviour))
    golden = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {"version": None, "behaviour": None}
    if golden["version"] == version:
        assert behaviour == golden["behaviour"], f"{name} changed: raise {constant}, then run `make golden`"
        return
    assert UPDATING, f"{constant} is {version}, {file.name} has {golden['version']}: run `make golden`"
    recorded = {"version": version, "behaviour": behaviour}
    file.write_text(json.dumps(recorded, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def digest(value: Any) -> str:
    """Return the SHA-256 of bytes, of a text, or of the canonical JSON of any other value, in 16 hexadecimal digits."""
    if not isinstance(value, bytes | str):
        value = json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(value if isinstance(value, bytes) else value.encode()).hexdigest()[:16]


def check_digests(name: str, part: str, behaviour: Any) -> None:
    """Compare `behaviour` (a JSON value of digests and counts) with one part of the golden file `name`."""
    file = FOLDER / f"{name}.json"
    behaviour = json.loads(json.dumps(behaviour))
    golden = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    if UPDATING and golden.get(part) != behaviour:
        recorded = {**golden, part: behaviour}
        file.write_text(json.dumps(recorded, indent=1, sort_keys=True, ensure_ascii=False) + "\n", encoding="utf-8")
        return
    assert part in golden, f"{file.name} has no part {part!r}: run the test with QTGEN_UPDATE_GOLDEN=1"
    assert behaviour == golden[part], f"{part} of {name} changed; if it should, run the test with QTGEN_UPDATE_GOLDEN=1"
