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


@pytest.mark.parametrize(
    "text",
    [
        "The family A = {{a}, {b}} has two sets, and B = {{1}, {a}, {a, b}} three.",
        "The set {{ab, cd}, {x}} has two elements.",
        'The alphabet {"a", "b"} has two letters, and {\'x\'} one.',
        '{"a", "b"} is a set.',
        "The <output> tag shows a result, and </output> ends it.",
        "An <output> element shows the result. It ends with </output>.",
        "Models think between <think> and </think>.",
        "The text stands in the <context> tag and ends with </context>.",
        "The <|endoftext|> token ends a text, like the token </s>.",
        "Strike text out with <s> and </s> tags.",
    ],
)
def test_sets_and_tags_that_the_text_speaks_of_are_no_residue(text: str) -> None:
    assert "QT608" not in codes_of(example_with("Osmosis moves", f"{text} Osmosis moves"))
    assert "QT608" not in codes_of(example_with("Osmosis moves", f"Osmosis moves. {text} Osmosis moves"))


@pytest.mark.parametrize(
    ("text", "quoted"),
    [
        ("We say {{name}} and", "{{name}}"),
        ("We say {{ user.name | upper }} and", "{{ user.name | upper }}"),
        ("We say {{#if water}} and", "{{#if water}}"),
        ('It moves water."} and', '"}'),
        ('{a} is a set.\\nIt moves water.", } and', '", }'),
        ("It moves water}, {heading: Water and", "}, {"),
        ('{"answer" : 5, and', '{"answer" :'),
        ("<think>\\n\\n</think>\\n\\n", "<think>"),
        ("<think> ok, the user asks </think> and", "<think>"),
        ("The answer is in <answer>Water moves</answer> and", "<answer>"),
        ("Water moves. </s> and", "</s>"),
        ("Water moves.</output> and", "</output>"),
        ("The <think> tag is one. We say <think> So", "<think>"),
        ("The <|im_end|> token ends. Water moves.<|im_end|> and", "<|im_end|>"),
    ],
)
def test_markers_that_a_model_left_are_residue(text: str, quoted: str) -> None:
    messages = [finding.message for finding in check(example_with("Osmosis moves", f"{text} osmosis moves"))]
    assert any(f"(`{quoted}`)" in message for message in messages)


def test_many_markers_are_no_trap() -> None:
    for text in ("the <think> ", '"', "</s>", "{{a", '{"a"} '):
        check(example_with("Osmosis moves", text * 20_000 + "Osmosis moves"))


@pytest.mark.parametrize("quotes", ['""', "''", "“”", "‘’", "„“", "«»"])
def test_the_words_of_a_model_may_be_quoted(quotes: str) -> None:
    text = f"The phrase {quotes[0]}As an AI language model, I{quotes[1]} became known. Osmosis moves"
    assert "QT608" not in codes_of(example_with("Osmosis moves", text))
    assert "QT608" in codes_of(example_with("Osmosis moves", text.replace(quotes[0], "").replace(quotes[1], "")))
