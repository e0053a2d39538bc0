"""The types of the public API, as a user's type checker sees them."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import qtgen
from support import ROOT

complete = pytest.mark.skipif(
    not all(hasattr(qtgen, name) for name in qtgen.__all__), reason="some packages do not offer their functions yet"
)
USAGE = ROOT / "tests" / "typing_api" / "usage.py"


def _check(file: Path, tmp_path: Path) -> subprocess.CompletedProcess[str]:
    """Type-check a program strictly, with no setting and no plugin of this project."""
    command = [
        sys.executable,
        "-m",
        "mypy",
        "--strict",
        "--follow-imports=silent",
        "--config-file=",
        "--no-error-summary",
    ]
    cache = ROOT / ".mypy_cache" / "usage"
    return subprocess.run(
        [*command, f"--cache-dir={cache}", str(file)],
        cwd=tmp_path,
        env={**os.environ, "MYPYPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_example_program_uses_every_public_name() -> None:
    text = USAGE.read_text(encoding="utf-8")
    unused = [name for name in qtgen.__all__ if not re.search(rf"\bqtgen\.{name}\b", text)]
    assert unused == []


@complete
@pytest.mark.xdist_group("mypy")
def test_a_program_that_uses_the_public_api_type_checks(tmp_path: Path) -> None:
    done = _check(USAGE, tmp_path)
    assert done.returncode == 0, done.stdout


@complete
@pytest.mark.xdist_group("mypy")
@pytest.mark.parametrize(
    ("statement", "code"),
    [
        ("qtgen.validate(7)", "arg-type"),
        ("qtgen.Question('What is osmosis?')", "call-arg"),
        ("qtgen.validat(['outputs'])", "attr-defined"),
        ("number: int = qtgen.read_page('page.md')", "assignment"),
    ],
)
def test_a_wrong_call_is_a_type_error(tmp_path: Path, statement: str, code: str) -> None:
    program = tmp_path / "program.py"
    program.write_text(f"import qtgen\n{statement}\n")
    done = _check(program, tmp_path)
    assert done.returncode == 1
    assert f"[{code}]" in done.stdout


def test_the_package_says_that_it_is_typed() -> None:
    assert (ROOT / "qtgen" / "py.typed").is_file()
