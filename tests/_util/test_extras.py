"""Tests of the check for optional dependencies."""

import sys

import pytest

from qtgen._util.extras import missing, require
from qtgen.errors import MissingExtra


def test_installed_modules_are_enough() -> None:
    assert missing("json", "email.mime.text") is None
    require("Reading", "all", "json")


@pytest.mark.parametrize("module", ["no_such_package", "no_such_package.inner", "email.no_such_module"])
def test_the_first_missing_module_is_named(module: str) -> None:
    assert missing("json", module, "another_missing_one") == module
    with pytest.raises(MissingExtra) as caught:
        require("Choosing links", "links", "json", module)
    assert (caught.value.what, caught.value.extra, caught.value.module) == ("Choosing links", "links", module)
    assert str(caught.value) == f"Choosing links needs the `links` extra ({module} is not installed)"


def test_a_module_is_looked_for_without_importing_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "this", raising=False)
    assert missing("this") is None
    assert "this" not in sys.modules
