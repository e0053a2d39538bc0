"""Which rules run: by code, by name, by path."""

from pathlib import Path

import pytest

from qtgen.errors import UsageError
from qtgen.page.profile import default_profile
from qtgen.validation.selection import PathRules, choose_rules, codes_by_path, resolve_codes


def codes(*select: str, ignore: tuple[str, ...] = ()) -> list[str]:
    return [rule.code for rule in choose_rules(select, ignore, profile=default_profile())]


def test_by_default_all_rules_run_except_those_on_request() -> None:
    assert "QT207" in codes()
    assert "QT410" not in codes()
    assert codes() == sorted(codes())


def test_a_prefix_a_code_and_a_name_select() -> None:
    assert codes("qt30") == ["QT301", "QT302", "QT303", "QT304", "QT305", "QT306"]
    assert codes("Missing-Key", "QT101") == ["QT101", "QT201"]
    assert codes("QT30", ignore=("QT302", "wrong-folder")) == ["QT301", "QT303", "QT305", "QT306"]


@pytest.mark.parametrize(("word", "runs"), [("QT4", False), ("QT410", True), ("near-duplicate-question", True)])
def test_a_rule_on_request_needs_its_full_code_or_name(word: str, runs: bool) -> None:
    assert ("QT410" in codes(word)) is runs


@pytest.mark.parametrize(
    ("word", "remedy"),
    [
        ("QT2011", "did you mean `QT201`?"),
        ("mising-key", "did you mean `missing-key`?"),
        ("nonsense", "codes begin with QT"),
    ],
)
def test_an_unknown_code_is_an_error_with_a_remedy(word: str, remedy: str) -> None:
    with pytest.raises(UsageError) as caught:
        resolve_codes([word])
    assert str(caught.value) == f"no rule has the code or name `{word}`; {remedy}"


def test_rules_by_path_narrow_the_selection() -> None:
    by_path = [PathRules("old/*", select=("QT1", "QT2")), PathRules("*/draft-*", ignore=("QT201",))]
    applicable = codes_by_path(choose_rules(["QT101", "QT201", "QT301"], profile=default_profile()), by_path, Path())
    assert applicable("new/a.md") == {"QT101", "QT201", "QT301"}
    assert applicable("old/sub/a.md") == {"QT101", "QT201"}
    assert applicable("old/draft-a.md") == {"QT101"}
    assert applicable(str(Path("old/a.md").absolute())) == {"QT101", "QT201"}
