"""The public names of a package are imported when they are first used."""

import sys
from types import ModuleType

import pytest

from qtgen._util.lazy import lazy_attributes


@pytest.fixture
def package(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    module = ModuleType("lazy_package")
    monkeypatch.setitem(sys.modules, "lazy_package", module)
    module.__all__ = ["Fraction", "inner"]  # type: ignore[attr-defined]
    functions = lazy_attributes("lazy_package", {"Fraction": "fractions", "gone": "fractions", "inner": ".inner"})
    module.__getattr__, module.__dir__ = functions  # type: ignore[method-assign]
    return module


def test_a_name_is_imported_once(package: ModuleType) -> None:
    assert "Fraction" not in vars(package)
    assert package.Fraction(1, 2) == 0.5
    assert "Fraction" in vars(package)


def test_a_relative_module_belongs_to_the_package(package: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    inner = ModuleType("lazy_package.inner")
    inner.inner = 7  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "lazy_package.inner", inner)
    assert package.inner == 7


@pytest.mark.parametrize("name", ["unknown", "gone"])
def test_a_name_that_does_not_exist_is_an_attribute_error(package: ModuleType, name: str) -> None:
    with pytest.raises(AttributeError, match=f"has no attribute '{name}'"):
        getattr(package, name)


def test_dir_lists_the_public_names_before_they_are_imported(package: ModuleType) -> None:
    assert dir(package) == ["Fraction", "inner"]
