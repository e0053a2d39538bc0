"""Golden files: recorded behaviour with the version it belongs to.

A golden test fails if behaviour changes while its version does not, and if the version changed but the file was not
written again. `make golden` writes the files; it refuses to overwrite changed behaviour of an unchanged version.
"""

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
