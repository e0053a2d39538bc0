"""The public face of `qtgen.validation`: its names, its two functions, and that importing it is light."""

import subprocess
import sys
from pathlib import Path

import pytest

import qtgen.validation
from qtgen.errors import UsageError
from qtgen.validation import Diagnostic, FixedFile, Severity, fix, validate
from qtgen.validation.rules.example import EXAMPLE_PAGE, EXAMPLE_PATH, NEIGHBOUR_PAGE, NEIGHBOUR_PATH
from support.validation import write_example_site, write_page

_BROKEN = EXAMPLE_PAGE.replace("score: -1.0", "score: 7") + "\n"


def test_every_public_name_can_be_imported_and_is_documented() -> None:
    assert sorted(qtgen.validation.__all__) == qtgen.validation.__all__
    assert set(qtgen.validation.__all__) == set(qtgen.validation._MODULES) <= set(dir(qtgen.validation))
    for name in qtgen.validation.__all__:
        assert getattr(qtgen.validation, name).__doc__


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'nonsense'"):
        qtgen.validation.nonsense  # type: ignore[attr-defined]  # noqa: B018


def test_importing_the_package_loads_none_of_its_modules() -> None:
    code = "import sys, qtgen.validation\nprint([name for name in sys.modules if name.startswith('qtgen.validation.')])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_validate_returns_sorted_diagnostics() -> None:
    write_page(EXAMPLE_PATH, _BROKEN)
    found = validate(["outputs"])
    assert [(diagnostic.code, diagnostic.severity) for diagnostic in found] == [
        ("QT205", Severity.ERROR),
        ("QT106", Severity.WARNING),
    ]
    assert isinstance(found[0], Diagnostic)
    assert validate("outputs") == validate(Path("outputs")) == found


def test_validate_selects_ignores_and_compares_with_a_corpus() -> None:
    write_example_site()
    write_page(EXAMPLE_PATH, _BROKEN.replace("questions/what-is-diffusion", "questions/what-is-confusion"))
    assert [found.code for found in validate(EXAMPLE_PATH, select=["QT2"])] == ["QT205"]
    assert [found.code for found in validate(EXAMPLE_PATH, ignore=["QT205"])] == ["QT106"]
    assert [found.code for found in validate(EXAMPLE_PATH, corpus="outputs", select=["QT4"], jobs=1)] == ["QT403"]


def test_validate_raises_for_an_unknown_code_and_a_missing_path() -> None:
    with pytest.raises(UsageError):
        validate("outputs", select=["QT999"])
    with pytest.raises(UsageError):
        validate("nowhere")


def test_fix_writes_only_if_it_should() -> None:
    write_page(EXAMPLE_PATH, EXAMPLE_PAGE + "\n")
    (file,) = fix("outputs", write=False)
    assert isinstance(file, FixedFile)
    assert (file.path, file.after, file.fixes, file.error) == (EXAMPLE_PATH, EXAMPLE_PAGE.encode(), 1, None)
    assert Path(EXAMPLE_PATH).read_bytes() == file.before
    assert fix("outputs") == [file]
    assert Path(EXAMPLE_PATH).read_bytes() == file.after
    assert fix("outputs") == []


def test_unsafe_fixes_must_be_allowed() -> None:
    write_page(EXAMPLE_PATH, EXAMPLE_PAGE.replace("questions/what-is-diffusion", "questions/what-is-confusion"))
    write_page(NEIGHBOUR_PATH, NEIGHBOUR_PAGE)
    assert fix("outputs") == []
    assert [file.path for file in fix("outputs", unsafe=True)] == [EXAMPLE_PATH]


def test_one_code_needs_no_list() -> None:
    write_page(EXAMPLE_PATH, EXAMPLE_PAGE.replace("moves water", "moves water <b>"))
    found = validate("outputs", select="QT5")
    assert found == validate("outputs", select=["QT5"])
    assert {diagnostic.code for diagnostic in found} == {"QT507"}
    assert validate("outputs", ignore="QT507") == validate("outputs", ignore=["QT507"])


def test_the_example_of_the_documentation_runs(tmp_path: Path) -> None:
    """The blocks of the package's docstring are a program, once the files that they name are there."""
    write_page("content/biology/what-is-osmosis.md", EXAMPLE_PAGE.replace("moves water", "moves water!"))
    blocks = (qtgen.validation.__doc__ or "").split("```python\n")[1:]
    functions, plugin = (block.partition("```")[0] for block in blocks)
    program = f"{plugin}\n{functions}"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert "ACME101 `answer` has an exclamation mark; write a full stop" in done.stdout
