"""Family 6xx, model text: refusals and residue, and that the quick patterns miss nothing."""

import pytest

from support.validation import check, codes_of, example_with


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        ("Im sorry, but I can't help with that.", "QT604"),
        ("The\u00a0question is unclear.", "QT604"),
        ("As\u00a0an AI I am unable to say.", "QT604"),
        ("ı am sorry, this is too much.", "QT604"),
        ('\\n{"foo": 1}', "QT608"),
        ("Sure! Here is the answer.", "QT608"),
        ("[Insert name] says so.", "QT608"),
        ("See [x](javascrıpt:void).", "QT507"),
        ("Open\\n\\n$$$$\\n**x** y\\n$$$", "QT506"),
    ],
)
def test_the_quick_patterns_match_wherever_the_rules_do(answer: str, code: str) -> None:
    """RE2 and Python disagree about white space and lower-case letters outside ASCII."""
    assert code in codes_of(example_with("Osmosis moves", f"{answer} Osmosis moves"))


def test_a_hidden_refusal_is_not_reported() -> None:
    raw = example_with("Osmosis moves", "I'm sorry, but I can't help. Osmosis moves")
    assert "QT604" not in codes_of(raw.replace(b"answer: >-", b"no_index: True\nanswer: >-"))


@pytest.mark.parametrize("shown", ['The form reads "[insert name]".', "Write `[insert name]`."])
def test_placeholders_in_quotations_and_code_are_allowed(shown: str) -> None:
    assert "QT608" not in codes_of(example_with("Osmosis moves", f"{shown} Osmosis moves"))


def test_a_message_quotes_what_was_left_behind() -> None:
    messages = [finding.message for finding in check(example_with("Osmosis moves", "[INST] Osmosis moves"))]
    assert "`answer` contains a marker of the prompt (`[INST]`); leave it out, or write it as code" in messages
