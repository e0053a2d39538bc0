"""The public API: its names, that they stay what they are, and that `import qtgen` loads nothing heavy."""

import ast
import doctest
import importlib
import logging
import pkgutil
import subprocess
import sys

import pytest

import qtgen
from support import ROOT

PACKAGES = [
    "commands",
    "embeddings",
    "evaluation",
    "generation",
    "linking",
    "llm",
    "page",
    "regeneration",
    "site",
    "validation",
]


def test_all_names_exactly_the_public_api() -> None:
    assert set(qtgen.__all__) == {*qtgen._EXPORTS, "__version__"}
    assert sorted(qtgen.__all__) == qtgen.__all__
    for name in qtgen.__all__:
        assert getattr(qtgen, name) is not None, name
    assert set(qtgen.__all__) <= set(dir(qtgen))


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'validat'"):
        qtgen.validat  # type: ignore[attr-defined]  # noqa: B018


def test_importing_a_package_does_not_replace_a_function() -> None:
    functions = {name: getattr(qtgen, name) for name in ("validate", "generate", "link", "score", "evaluate", "fix")}
    for package in PACKAGES:
        importlib.import_module(f"qtgen.{package}")
    for name, function in functions.items():
        assert getattr(qtgen, name) is function
        assert callable(function)


def test_no_module_at_the_top_has_the_name_of_a_function() -> None:
    modules = {module.name for module in pkgutil.iter_modules(qtgen.__path__)}
    assert not modules & set(qtgen.__all__)
    assert len(modules) <= 17, "at most 16 modules and packages at the top, beside __main__"


def test_import_qtgen_loads_no_dependency() -> None:
    code = (
        "import sys; before = set(sys.modules); import qtgen; "
        "print(sorted({name.partition('.')[0] for name in set(sys.modules) - before} - sys.stdlib_module_names))"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT).stdout
    assert shown.strip() == "['qtgen']"


def test_the_library_logs_nothing_by_itself() -> None:
    handlers = logging.getLogger("qtgen").handlers
    assert any(isinstance(handler, logging.NullHandler) for handler in handlers)


def test_the_examples_of_docstrings_run() -> None:
    for name in ("qtgen", "qtgen.testing"):
        failed, tried = doctest.testmod(importlib.import_module(name))
        assert tried
        assert failed == 0


def test_the_package_says_that_it_is_typed() -> None:
    assert (ROOT / "qtgen" / "py.typed").exists()


def test_library_packages_never_print() -> None:
    for file in (ROOT / "qtgen").rglob("*.py"):
        if file.parts[-2] in ("commands", "eval") or file.name in ("cli.py", "__main__.py"):
            continue
        calls = {
            ast.unparse(node.func) for node in ast.walk(ast.parse(file.read_bytes())) if isinstance(node, ast.Call)
        }
        assert "click.echo" not in calls, file  # ruff rejects `print`


@pytest.mark.parametrize("package", sorted({*PACKAGES, "_util"}))
def test_every_package_has_a_docstring(package: str) -> None:
    assert (importlib.import_module(f"qtgen.{package}").__doc__ or "").strip().endswith((".", ")"))
