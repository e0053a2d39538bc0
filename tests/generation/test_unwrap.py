"""What surrounds an answer is removed, and nothing else."""

import pytest

from qtgen.errors import AnswerError
from qtgen.generation.unwrap import Wrapping, advice, require_text, strip_surroundings

TEXT = "Osmosis moves water.\n\n1. **Gradient**: It matters.\n\n```python\nprint(1)\n```\n\nIn summary, it moves."


@pytest.mark.parametrize(
    ("before", "after", "wrappings"),
    [
        ("", "", []),
        ("\ufeff", "", ["byte-order mark"]),
        (" \n\u200b", "\n\n", []),
        ("<think>Let me see: <b> {1}.</think>\n\n", "", ["reasoning"]),
        ("Let me see.</think>\n", "", ["reasoning"]),
        ("<THINKING>\nhm\n</THINKING>", "", ["reasoning"]),
        ("<reasoning>hm <think> hm</reasoning>\n", "", ["reasoning"]),
        ("[THINK]hm[/THINK]", "", ["reasoning"]),
        ("◁think▷hm◁/think▷", "", ["reasoning"]),
        ("<|begin_of_thought|>hm<|end_of_thought|>", "", ["reasoning"]),
        ("<think>a</think>\n<think>b</think>\n", "", ["reasoning"]),
        ("<|channel|>analysis<|message|>hm<|end|><|start|>assistant<|channel|>final<|message|>", "<|return|>",
         ["reasoning", "end token"]),
        ("", "<|im_end|>", ["end token"]),
        ("", " <|eot_id|>\n", ["end token"]),
        ("", "<end_of_turn>\n<start_of_turn>user\nAnd why?", ["end token"]),
        ("", "<|im_end|>\n<|im_start|>user\nAnd why?<|im_end|>", ["end token"]),
        ("<s>", "</s></s>", ["end token"]),
        ("<|im_start|>assistant\n", "<|endoftext|>", ["end token"]),
        ("", "<｜end▁of▁sentence｜>", ["end token"]),
        ("<answer>", "</answer>", ["answer tag"]),
        ("```markdown\n", "\n```", ["code fence"]),
        ("~~~md\n", "\n~~~", ["code fence"]),
        ("```markdown\n", "", ["code fence"]),
        ("```\n", "\n```", ["code fence"]),
        ("Sure, here is the answer:\n\n", "", ["words around the answer"]),
        ("Certainly! Here's a page about it:\n", "\n\nI hope this helps!", ["words around the answer"]),
        ("Of course!\n\n", "\n\nLet me know if you have any questions.", ["words around the answer"]),
        ("Here is the answer in Markdown:\n```markdown\n", "\n```\nFeel free to ask!<|im_end|>",
         ["end token", "words around the answer", "code fence"]),
        ("<think>hm</think><answer>Sure! Here it is:\n", "</answer></s>",
         ["reasoning", "end token", "answer tag", "words around the answer"]),
    ],
)  # fmt: skip
def test_surroundings_are_removed(before: str, after: str, wrappings: list[str]) -> None:
    stripped = strip_surroundings(before + TEXT + after)
    assert stripped.text == TEXT
    assert [str(wrapping) for wrapping in stripped.wrappings] == wrappings


@pytest.mark.parametrize(
    "text",
    [
        "The `<think>` tag opens a block and `</think>` closes it.",
        "A block of reasoning ends with </think> and the answer follows.",
        "The <think> tag opens a block. It has no end.",
        "Generation stops at <|im_end|> or <|eot_id|> in these models.",
        "`<|im_end|>`\nis the token at which generation stops.",
        "The price was <s>5</s>",
        "Of course, light is a wave.\n\nIt is also a particle.",
        "Sure enough, the water moves.\n\nIt moves on.",
        "Certainly, this holds: water moves.",
        "Absolutely: zero is the lowest temperature.",
        "Here is where the river ends: the sea.",
        "Here is the reason: water moves.",
        "```python\nprint(1)\n```",
        "```\na\n```\nand\n```\nb\n```",
        "```python\na\n```\nand\n```python\nb\n```",
        "```markdown\na\n```\nand\n```markdown\nb\n```",
        "````markdown\na\n```",
        "<answer> is the tag of an answer.",
        "If you have questions of scale, use a logarithm.\n\nThat is all.",
        "One line.\nLet me know is an idiom" + " that goes on" * 20,
        "",
    ],
)
def test_an_answer_that_speaks_of_such_things_stays(text: str) -> None:
    assert strip_surroundings(text).text == text


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "the answer is empty"),
        (" \ufeff\n", "the answer is empty"),
        ("<|im_end|>", "the answer is empty"),
        ("<think>Let me see", "the answer has only reasoning; write the answer itself"),
        ("<think>Let me see</think>\n", "the answer has only reasoning; write the answer itself"),
    ],
)
def test_an_answer_without_text_is_a_fault(text: str, fault: str) -> None:
    with pytest.raises(AnswerError) as caught:
        require_text(text)
    assert caught.value.problems == [fault]


def test_advice_names_what_to_leave_out() -> None:
    assert advice((Wrapping.MARK, Wrapping.CODE_FENCE, Wrapping.PROSE), "the JSON object") == [
        "write the JSON object alone, without a code fence",
        "write the JSON object alone, without words before or after it",
    ]
