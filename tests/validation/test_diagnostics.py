"""Diagnostics: the JSON object of the contract, and messages that are safe to print."""

import json

import pytest

from qtgen.validation.diagnostics import Diagnostic, Edit, Fix, Severity, printable


def test_a_diagnostic_is_a_json_object_with_the_keys_of_the_contract() -> None:
    fix = Fix(True, "replace it", (Edit(1, 2, 1, 3, "x"),))
    diagnostic = Diagnostic("p.md", 1, 2, 1, 3, "QT205", "invalid-value", Severity.ERROR, "wrong", "date", fix, True)
    assert json.loads(json.dumps(diagnostic.as_dict())) == {
        "path": "p.md",
        "line": 1,
        "column": 2,
        "end_line": 1,
        "end_column": 3,
        "code": "QT205",
        "name": "invalid-value",
        "severity": "error",
        "message": "wrong",
        "field": "date",
        "fix": {
            "safe": True,
            "description": "replace it",
            "edits": [{"line": 1, "column": 2, "end_line": 1, "end_column": 3, "text": "x"}],
        },
    }


def test_a_diagnostic_without_a_fix_has_null() -> None:
    diagnostic = Diagnostic("p.md", 1, 2, 1, 3, "QT205", "invalid-value", Severity.ERROR, "wrong")
    assert diagnostic.as_dict()["fix"] is None
    assert diagnostic.as_dict()["field"] is None


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain ≠ 𝔘", "plain ≠ 𝔘"),
        ("a\nb\tc", r"a\nb\tc"),
        ("\x1b[31m", r"\x1b[31m"),
        ("\u2028", r"\u2028"),
        ("x" * 400, "x" * 400),
        ("x" * 401, "x" * 400 + "…"),
    ],
)
def test_messages_have_no_control_characters_and_end(text: str, shown: str) -> None:
    assert printable(text) == shown
