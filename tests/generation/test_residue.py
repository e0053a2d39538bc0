"""What a model leaves in its texts is a fault; the same words in an answer about them are not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qtgen.generation.residue import _MAY_HAVE, _may_have_residue, residue_faults
from support.default_site import SCHEMA_NAMES


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("<p>Osmosis moves water.</p>", "<p>"),
        ("<P>Osmosis moves water.", "<P>"),
        ("<p> Osmosis moves water.", "<p>"),
        ("Osmosis<br>moves water.", "<br>"),
        ("Osmosis moves water.<br/>It is slow.", "<br/>"),
        ("Osmosis moves water. <br> It is slow.", "<br>"),
        ("The <b>solute</b> stays.", "<b>"),
        ("The <b> solute </b> stays.", "<b>"),
        ('See <a href="https://example.org">this page</a>.', '<a href="https://example.org">'),
        ('<div class="note">Osmosis moves water.', '<div class="note">'),
        ("<pre><code>x = 1", "<pre>"),
        ("H<sub>2</sub>O moves.", "<sub>"),
        ("[JSON] Osmosis moves water.", "[JSON]"),
        ("[Your answer here]", "[Your answer here]"),
        ("[title]", "[title]"),
        ("Osmosis moves water. [insert example]", "[insert example]"),
        ("- [text] Osmosis moves.", "[text]"),
        ("TODO", "TODO"),
        ("TODO: explain osmosis", "TODO"),
        ("...", "..."),
        ("The page_description is short.", "page_description"),
        ("osmosis <|im_end|>", "<|im_end|>"),
        ("[INST] osmosis", "[INST]"),
    ],
)
def test_what_a_model_leaves_is_a_fault(text: str, found: str) -> None:
    faults = residue_faults({"points": [{"heading": text}]}, names=SCHEMA_NAMES)
    assert f"`{found}`" in faults[0]


@pytest.mark.parametrize(
    "text",
    [
        "An AI language model is a statistical model of text. As an AI assistant, it predicts the next word.",
        "Lorem ipsum is a placeholder text that printers have used for centuries.",
        "A <p> element holds a paragraph.",
        "The <p> tag, the <br> tag and the <b> tag are old.",
        "Write <br> to break a line.",
        "The <b> and </b> tags enclose bold text.",
        "The <p> element ends with </p> in old pages.",
        'An <a href="/x"> element is a link.',
        "A list begins with <ul> and its items with <li>.",
        "Write `<b>bold</b>` or `<br>`.",
        "```html\n<div>TODO</div>\n```",
        "Where a <b and b> c, and $a<b>c$.",
        "If a<b and b>c, then a<c.",
        "It holds if x<p or p>q, and i<i max>.",
        "A TODO comment marks work that is left.",
        "TODO comments mark work that is left.",
        "The half-open interval [data, end) and the set [text] are written so.",
        "[text] is a set of one.",
        'A JSON object has keys like "question" and "summary".',
        "See [example](https://example.org) for one.",
        "[0, 1]",
        "1 < 2 and 3 > 2",
        "a_b and page_views",
        "It goes on...",
        "",
    ],
)
def test_words_that_belong_to_the_subject_are_no_residue(text: str) -> None:
    assert residue_faults({"introduction": text, "points": [text, 1, None]}, names=SCHEMA_NAMES) == []


@pytest.mark.parametrize(
    ("mark", "sentence"),
    [
        ("TODO", "A TODO comment marks work that is left."),
        ("FIXME", "FIXME comments mark faults."),
        ("...", "The spread operator is written `x` or as three dots ... in JavaScript."),
        ("[text]", "The set [text] has one element."),
    ],
)
def test_a_keyword_or_heading_may_be_a_mark_that_the_answer_is_about(mark: str, sentence: str) -> None:
    assert residue_faults({"introduction": sentence, "page_keywords": [mark, "comment"]}, names=SCHEMA_NAMES) == []
    assert (
        len(residue_faults({"introduction": "Osmosis moves water.", "page_keywords": [mark]}, names=SCHEMA_NAMES)) == 1
    )
    assert len(residue_faults({"introduction": f"{mark}: explain", "page_keywords": [mark]}, names=SCHEMA_NAMES)) == 1


@pytest.mark.parametrize("text", ["The <|endoftext|> token ends a text.", "Models add <|im_end|> tokens."])
def test_an_answer_may_name_a_mark_of_chats(text: str) -> None:
    assert residue_faults([text], names=SCHEMA_NAMES) == []


def test_faults_are_listed_once() -> None:
    assert len(residue_faults(["<p>One", "<p>Two", "TODO"], names=SCHEMA_NAMES)) == 2


@pytest.mark.parametrize("part", ["<b>", "<b> ", "</b>", "[", "[text", "[text] ", "<a ", "...", "TODO "])
def test_long_residue_is_no_trap(part: str) -> None:
    residue_faults(part * 10_000, names=SCHEMA_NAMES)


@given(st.text(st.sampled_from("aıİſTODtodbBfixmeFIXME.…_<[ "), max_size=12))
def test_a_text_is_looked_at_if_it_may_have_residue(text: str) -> None:
    assert _may_have_residue(text) == (_MAY_HAVE.search(text) is not None)


@given(st.lists(st.text(st.sampled_from("aıİſTODtodbBfixmeFIXME.…_<[ \n"), max_size=6), max_size=4))
def test_texts_together_are_looked_at_if_one_of_them_may_have_residue(texts: list[str]) -> None:
    assert _may_have_residue("\n".join(texts)) == any(_may_have_residue(text) for text in texts)
