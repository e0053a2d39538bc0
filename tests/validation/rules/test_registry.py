"""Registering rules: invalid codes and names are rejected with a message that names them."""

from collections.abc import Callable, Iterator

import pytest

from qtgen.page.profile import default_profile
from qtgen.validation.diagnostics import Severity
from qtgen.validation.rules import REGISTRY, Example, Finding, PageChecker, PageFile, PageRule, rule
from qtgen.validation.rules.example import EXAMPLE_PAGE, EXAMPLE_PATH
from support.default_tables import read_text


@pytest.fixture(autouse=True)
def _restore_registry(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    before = dict(REGISTRY)
    yield
    REGISTRY.clear()
    REGISTRY.update(before)


def register(code: str = "ACME101", name: str = "no-osmosis", **arguments: object) -> Callable[..., object]:
    @rule(code, name, Severity.WARNING, bad=Example(), **arguments)  # type: ignore[arg-type]
    def check(file: PageFile) -> Iterator[Finding]:
        """A test."""
        yield Finding("`title` has a word", file.page.span("title"), "title")

    return check


@pytest.mark.parametrize(
    ("code", "name", "message"),
    [
        ("QT999", "new", "reserved"),
        ("Q1", "new", "two to five capital letters and three digits"),
        ("ACMEXX101", "new", "two to five capital letters and three digits"),
        ("ACME101", "Not Kebab", "must be lower-case words joined by hyphens"),
        ("ACME101", "missing-key", "has the code or name of QT201 missing-key"),
    ],
)
def test_an_invalid_code_or_name_is_rejected(code: str, name: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        register(code, name)
    assert code not in REGISTRY


def test_a_code_cannot_be_used_twice() -> None:
    register()
    with pytest.raises(ValueError, match="ACME101"):
        register(name="other")


def test_a_pattern_that_re2_cannot_compile_names_its_rule() -> None:
    with pytest.raises(ValueError, match="rule ACME101: RE2 cannot compile"):
        register(patterns=("(?<=x)",))


def test_only_built_in_rules_have_a_test_of_columns() -> None:
    with pytest.raises(ValueError, match="rule ACME101: only built-in rules"):
        register(may_break=lambda _: ())


def test_a_registered_rule_runs_like_a_built_in_one() -> None:
    register()
    assert isinstance(REGISTRY["ACME101"], PageRule)
    assert not REGISTRY["ACME101"].is_builtin
    found = PageChecker(REGISTRY.values(), profile=default_profile())(PageFile(EXAMPLE_PATH, read_text(EXAMPLE_PAGE)))
    assert [(diagnostic.code, diagnostic.line, diagnostic.field) for diagnostic in found] == [("ACME101", 6, "title")]
