"""Answers in Markdown: the ways in which models vary the layout, what is kept as it is, and faults."""

import re
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qtgen.errors import AnswerError
from qtgen.generation import answers
from qtgen.generation.answer_parts import Answer
from qtgen.generation.markdown_answers import read_markdown
from qtgen.generation.parsing import parse
from qtgen.llm.types import AnswerFormat, Prompt, PromptStyle
from qtgen.page.compile import default_layout
from qtgen.page.profile import default_profile

QUESTION = "What is osmosis?"
INTRODUCTION = "Osmosis moves water through a membrane that holds the solute back, until both sides balance."
HEADINGS = ("Gradient", "Membrane", "Pressure", "Balance of cells")
TEXTS = (
    "Water passes to the side that holds more solute, since its own concentration is lower there.",
    "A semipermeable membrane has pores which are too small for sugar and for most ions to slip by.",
    "Pressing on the concentrated side stops the flow; the pressure needed is called osmotic.",
    "Red blood cells burst in pure water and shrivel in brine, whereas plant walls resist either.",
)
SUMMARY = "In summary, osmosis evens out concentrations by moving the water and not the solute."
DESCRIPTION = "Osmosis is the passage of water through a membrane to the side with more solute."
KEYWORDS = ("osmosis", "membrane", "solute", "water", "pressure")
TAIL = f"Description: {DESCRIPTION}\n\nKeywords: {', '.join(KEYWORDS)}"


def list_of(mark: Callable[[int, str, str], str], gap: str = "\n\n") -> str:
    return gap.join(mark(number, *point) for number, point in enumerate(zip(HEADINGS, TEXTS, strict=True), 1))


NUMBERED = list_of(lambda n, heading, text: f"{n}. **{heading}**: {text}")


def layout(*parts: str) -> str:
    return "\n\n".join(parts)


def read(text: str, shape: str = "points", question: str = QUESTION) -> dict[str, Any]:
    """Return the fields of an answer, which must be valid."""
    found, fields = read_markdown(shape, text, question, layout=default_layout())
    answers.shapes_of(default_profile())[found].model_validate(fields)
    return {**fields, "shape": found}


def prompt_of(shape: str) -> Prompt:
    return Prompt("t", 1, shape, (), {}, {}, "d", "w", "s", style=PromptStyle(AnswerFormat.MARKDOWN))


def faults(text: str, shape: str = "points") -> str:
    prompt = prompt_of(shape)
    with pytest.raises(AnswerError) as caught:
        parse(prompt, text, QUESTION, layout=default_layout())
    return "; ".join(caught.value.problems)


BODIES = {
    "as requested": NUMBERED,
    "tight list": list_of(lambda n, h, t: f"{n}. **{h}**: {t}", "\n"),
    "colon in bold": list_of(lambda n, h, t: f"{n}. **{h}:** {t}"),
    "plain headings": list_of(lambda n, h, t: f"{n}. {h}: {t}"),
    "dashes": list_of(lambda n, h, t: f"{n}. **{h}** – {t}"),
    "plain dashes": list_of(lambda n, h, t: f"{n}. {h} - {t}"),
    "no separator": list_of(lambda n, h, t: f"{n}. **{h}** {t}"),
    "heading as a sentence": list_of(lambda n, h, t: f"{n}. {h}. {t}"),
    "bullets": list_of(lambda n, h, t: f"- **{h}**: {t}"),
    "stars": list_of(lambda n, h, t: f"* **{h}**: {t}"),
    "typographic bullets": list_of(lambda n, h, t: f"• **{h}**: {t}", "\n"),
    "parentheses": list_of(lambda n, h, t: f"{n}) **{h}**: {t}"),
    "numbers in parentheses": list_of(lambda n, h, t: f"({n}) **{h}**: {t}"),
    "no space after the number": list_of(lambda n, h, t: f"{n}.**{h}**: {t}"),
    "escaped numbers": list_of(lambda n, h, t: f"{n}\\. **{h}**: {t}"),
    "text on the next line": list_of(lambda n, h, t: f"{n}. **{h}**\n   {t}"),
    "plain text on the next line": list_of(lambda n, h, t: f"{n}. {h}\n   {t}"),
    "hard break": list_of(lambda n, h, t: f"{n}. **{h}**:\\\n   {t}"),
    "text as an own paragraph": list_of(lambda n, h, t: f"{n}. **{h}**\n\n   {t}"),
    "text not indented": list_of(lambda n, h, t: f"{n}. **{h}**\n\n{t}"),
    "headings": list_of(lambda n, h, t: f"## {h}\n\n{t}"),
    "numbered headings": list_of(lambda n, h, t: f"### {n}. {h}\n{t}"),
    "headings in bold": list_of(lambda n, h, t: f"### **{n}. {h}**\n\n{t}"),
    "headings with a colon": list_of(lambda n, h, t: f"#### {h}:\n{t}"),
    "underlined headings": list_of(lambda n, h, t: f"{h}\n---\n\n{t}"),
    "bold paragraphs": list_of(lambda n, h, t: f"**{h}**: {t}"),
    "numbers in bold paragraphs": list_of(lambda n, h, t: f"**{n}. {h}** {t}"),
    "bold lines": list_of(lambda n, h, t: f"**{n}. {h}**\n\n{t}"),
    "bold numbers": list_of(lambda n, h, t: f"**{n}.** **{h}**: {t}"),
    "underscores": list_of(lambda n, h, t: f"__{h}__: {t}"),
    "bold italics": list_of(lambda n, h, t: f"{n}. ***{h}***: {t}"),
    "lines without gaps": list_of(lambda n, h, t: f"**{h}**: {t}", "\n"),
    "announced": f"**Key points:**\n\n{NUMBERED}",
    "a heading above the list": f"## Key Points\n\n{NUMBERED}",
    "another heading above the list": f"## How it works\n\n{NUMBERED}",
    "check boxes": list_of(lambda n, h, t: f"- [x] **{h}**: {t}"),
    "rules between": list_of(lambda n, h, t: f"### {h}\n\n{t}", "\n\n---\n\n"),
    "steps": list_of(lambda n, h, t: f"**Step {n}: {h}**\n{t}"),
    "windows": NUMBERED.replace("\n", "\r\n"),
}  # fmt: skip


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES.keys())
def test_points_are_read_however_they_are_marked(body: str) -> None:
    fields = read(layout(INTRODUCTION, body, f"**In summary**: {SUMMARY}", TAIL))
    assert fields["shape"] == "points"
    assert fields["introduction"] == INTRODUCTION
    assert [point["heading"] for point in fields["points"]] == list(HEADINGS)
    assert [point["explanation"] for point in fields["points"]] == list(TEXTS)
    assert fields["summary"] == SUMMARY
    assert fields["page_description"] == DESCRIPTION
    assert fields["page_keywords"] == list(KEYWORDS)


SURROUNDINGS = {
    "no description": (layout(INTRODUCTION, NUMBERED, SUMMARY, f"Keywords: {', '.join(KEYWORDS)}")),
    "title": layout("# Understanding Osmosis", INTRODUCTION, NUMBERED, SUMMARY, TAIL),
    "bold title": layout("**Osmosis explained**", INTRODUCTION, NUMBERED, SUMMARY, TAIL),
    "title above headings": layout(
        "## Osmosis at a glance", INTRODUCTION, BODIES["numbered headings"], SUMMARY, TAIL
    ),
    "title of the same level": layout("## Osmosis Explained", INTRODUCTION, BODIES["headings"], f"## Summary\n\n{SUMMARY}", TAIL),
    "the question first": layout(QUESTION, INTRODUCTION, NUMBERED, SUMMARY, TAIL),
    "the question as a heading": layout(f"## {QUESTION}", INTRODUCTION, NUMBERED, SUMMARY, TAIL),
    "the question in bold": layout(f"**Question:** {QUESTION}", f"**Answer:** {INTRODUCTION}", NUMBERED, SUMMARY, TAIL),
    "the question and the answer": f"Question: {QUESTION}\nAnswer: {layout(INTRODUCTION, NUMBERED, SUMMARY, TAIL)}",
    "the question on the same line": layout(f"{QUESTION} {INTRODUCTION}", NUMBERED, SUMMARY, TAIL),
    "the question many times": layout(*[QUESTION] * 50, INTRODUCTION, NUMBERED, SUMMARY, TAIL),
    "labelled parts": layout(
        f"**Introduction:** {INTRODUCTION}", NUMBERED, f"### Summary\n\n{SUMMARY}", f"**Meta description:** {DESCRIPTION}",
        f"**Keywords**: {', '.join(KEYWORDS)}",
    ),
    "headings of all parts": layout(
        "## Introduction", INTRODUCTION, "## Key points", NUMBERED, "## Conclusion", SUMMARY, "## Description",
        DESCRIPTION, "## Keywords", "\n".join(f"- {word}" for word in KEYWORDS),
    ),
    "plain summary label": layout(INTRODUCTION, NUMBERED, f"Summary: {SUMMARY}", TAIL),
    "summary directly below the list": layout(INTRODUCTION, f"{NUMBERED}\n{SUMMARY}", TAIL),
    "metadata first": layout(TAIL, INTRODUCTION, NUMBERED, SUMMARY),
    "title and metadata first": layout("Title: Osmosis", TAIL, "---", INTRODUCTION, NUMBERED, SUMMARY),
    "metadata before the summary": layout(INTRODUCTION, NUMBERED, TAIL, SUMMARY),
    "keywords before the summary": layout(INTRODUCTION, NUMBERED, TAIL.split("\n\n")[1], SUMMARY, TAIL.split("\n\n")[0]),
    "metadata in a section": layout(
        INTRODUCTION, NUMBERED, SUMMARY, "---", "### SEO metadata", f"- **Description**: {DESCRIPTION}\n"
        f"- **Keywords**: {', '.join(KEYWORDS)}",
    ),
    "metadata without a blank line": "\n".join([layout(INTRODUCTION, NUMBERED, SUMMARY), *TAIL.split("\n\n")]),
    "names of the fields": layout(
        INTRODUCTION, NUMBERED, SUMMARY, f"page_description: {DESCRIPTION}", f"page_keywords: {', '.join(KEYWORDS)}"
    ),
    "lengths in the labels": layout(
        INTRODUCTION, NUMBERED, SUMMARY, f"**Meta Description (81 characters):** {DESCRIPTION}",
        f"**Keywords (5):** {', '.join(KEYWORDS)}",
    ),
    "keywords as a list": layout(
        INTRODUCTION, NUMBERED, SUMMARY, f"Description: {DESCRIPTION}",
        "**Keywords**:\n" + "\n".join(f"{n}. `{word}`" for n, word in enumerate(KEYWORDS, 1)),
    ),
    "keywords on two lines": layout(
        INTRODUCTION, NUMBERED, SUMMARY, f"Description: {DESCRIPTION}\nKeywords: osmosis, membrane,\nsolute, water, pressure."
    ),
    "semicolons": layout(
        INTRODUCTION, NUMBERED, SUMMARY, f"Description: {DESCRIPTION}\nKeywords: {'; '.join(KEYWORDS)}"
    ),
    "a chat after the keywords": layout(
        INTRODUCTION, NUMBERED, SUMMARY, TAIL, "---", "Let me know if you would like more detail on any of these points!"
    ),
    "a chat below the keywords": layout(INTRODUCTION, NUMBERED, SUMMARY, TAIL) + "\nWord count: 180",
    "a description on two lines": layout(
        INTRODUCTION, NUMBERED, SUMMARY, TAIL.replace("through a", "through\na")
    ),
    "german labels": layout(
        INTRODUCTION, NUMBERED, f"**Zusammenfassung**: {SUMMARY}", f"Beschreibung: {DESCRIPTION}",
        f"Schlüsselwörter: {', '.join(KEYWORDS)}",
    ),
}  # fmt: skip


@pytest.mark.parametrize("text", SURROUNDINGS.values(), ids=SURROUNDINGS.keys())
def test_parts_are_read_wherever_they_are(text: str) -> None:
    fields = read(text)
    assert fields["introduction"] == INTRODUCTION
    assert [point["explanation"] for point in fields["points"]] == list(TEXTS)
    assert fields["summary"] == SUMMARY
    assert fields["page_keywords"] == list(KEYWORDS)
    assert fields["page_description"] == (
        INTRODUCTION
        if "Description" not in text and "description" not in text and "Beschreibung" not in text
        else DESCRIPTION
    )


def test_a_missing_summary_and_missing_search_texts_cost_nothing() -> None:
    fields = read(layout(INTRODUCTION, NUMBERED))
    assert fields["summary"] is None
    assert fields["page_description"] == INTRODUCTION
    assert fields["page_keywords"] == ["gradient", "membrane", "pressure", "balance of cells", "osmosis"]


@pytest.mark.parametrize("question", ["Osmosis", "osmosis moves water", "What is osmosis", "Osmosis."])
def test_an_introduction_that_begins_with_the_words_of_the_question_is_kept(question: str) -> None:
    assert read(layout(INTRODUCTION, NUMBERED, TAIL), question=question)["introduction"] == INTRODUCTION
    repeated = layout(f"**{question}**", f"{question.rstrip('.')}: {INTRODUCTION}", NUMBERED, TAIL)
    assert read(repeated, question=question)["introduction"] == INTRODUCTION


def test_a_section_about_the_definition_is_a_point_after_an_introduction() -> None:
    points = BODIES["headings"].replace("Gradient", "Definition")
    fields = read(layout(INTRODUCTION, points, f"## Summary\n\n{SUMMARY}", TAIL))
    assert [point["heading"] for point in fields["points"]] == ["Definition", *HEADINGS[1:]]
    assert fields["introduction"] == INTRODUCTION


def test_the_last_paragraph_after_a_list_is_the_summary() -> None:
    last = "Water always moves to the side where more solute is, and nothing else needs to move."
    assert read(layout(INTRODUCTION, NUMBERED, last))["summary"] == last


@pytest.mark.parametrize(
    "phrase", ["**In summary**,", "**In summary,**", "**In summary**:", "*In summary*,", "__In summary:__"]
)
@pytest.mark.parametrize("shape", ["points", "table"])
def test_a_summary_may_begin_in_bold(phrase: str, shape: str) -> None:
    body = NUMBERED if shape == "points" else TABLE
    summary = SUMMARY.replace("In summary,", phrase)
    answer = parse(
        prompt_of(shape), layout(INTRODUCTION, body, summary, TAIL), QUESTION, layout=default_layout()
    ).fields
    assert isinstance(answer, Answer)
    assert answer.markdown().endswith(f"\n\n{SUMMARY}")


@pytest.mark.parametrize("label", ["**Worked example**: ", "Worked example: ", "### Example\n\n"])
def test_a_worked_example_has_its_own_field(label: str) -> None:
    example = "A raisin in a glass of water swells within a day, because its sugar cannot leave it."
    fields = read(layout(INTRODUCTION, NUMBERED, f"{label}{example}", SUMMARY, TAIL))
    assert (fields["worked_example"], fields["summary"]) == (example, SUMMARY)


def test_bold_words_in_sentences_are_no_headings() -> None:
    introduction = f"**Osmosis** is the movement of water. {INTRODUCTION}"
    points = list_of(lambda n, h, t: f"{n}. **{h}** is what counts. {t}")
    fields = read(layout(introduction, points, SUMMARY, TAIL))
    assert fields["introduction"] == introduction
    assert fields["points"][0] == {"heading": "Gradient", "explanation": f"**Gradient** is what counts. {TEXTS[0]}"}


def test_signs_and_marks_at_the_start_of_a_text_are_kept() -> None:
    starts = ("-5 °C is cold. ", "*Elodea* is a plant. ", ".NET is a framework. ", "_x_ stands for it. ")
    points = "\n\n".join(
        f"{n}. **{h}**: {start}{t}" for n, (h, start, t) in enumerate(zip(HEADINGS, starts, TEXTS, strict=True), 1)
    )
    fields = read(layout(INTRODUCTION, points, TAIL))
    assert [point["explanation"] for point in fields["points"]] == [s + t for s, t in zip(starts, TEXTS, strict=True)]


def test_a_paragraph_between_two_items_belongs_to_the_first() -> None:
    more = "This is the driving force of the whole process, and it ends only when both sides are equal."
    fields = read(layout(INTRODUCTION, NUMBERED.replace("\n\n2.", f"\n\n{more}\n\n2."), SUMMARY, TAIL))
    assert fields["points"][0]["explanation"] == f"{TEXTS[0]} {more}"
    assert [point["heading"] for point in fields["points"]] == list(HEADINGS)


def test_overall_in_a_point_is_no_summary() -> None:
    text = NUMBERED.replace("\n\n3.", "\n\n   Overall, the pores decide what passes through the wall.\n\n3.")
    fields = read(layout(INTRODUCTION, text, SUMMARY, TAIL))
    assert fields["points"][1]["explanation"].endswith("Overall, the pores decide what passes through the wall.")
    bold = layout(
        INTRODUCTION, *(f"**{h}**: {t}\n\nOverall, it matters much." for h, t in zip(HEADINGS, TEXTS, strict=True))
    )
    fields = read(layout(bold, SUMMARY, TAIL))
    assert [point["explanation"].endswith("it matters much.") for point in fields["points"]] == [
        True,
        True,
        True,
        False,
    ]
    assert fields["summary"] == f"Overall, it matters much. {SUMMARY}"


MATH = "$$\nV\n=\n- i R T\n$$"


def test_display_math_in_a_point_is_written_on_one_line() -> None:
    indented = MATH.replace("\n", "\n   ")
    inside = NUMBERED.replace(TEXTS[0], f"{TEXTS[0]}\n   {indented}\n   This is the law.")
    fields = read(layout(INTRODUCTION, inside, SUMMARY, TAIL))
    assert fields["points"][0]["explanation"] == f"{TEXTS[0]} $$ V = - i R T $$ This is the law."
    between = BODIES["headings"].replace(TEXTS[0], f"{TEXTS[0]}\n\n{MATH}\n\nThis is the law.")
    fields = read(layout(INTRODUCTION, between, SUMMARY, TAIL))
    assert fields["points"][0]["explanation"] == f"{TEXTS[0]} $$ V = - i R T $$ This is the law."
    assert len(fields["points"]) == 4


def test_math_with_a_comment_keeps_its_lines() -> None:
    text = BODIES["headings"].replace(TEXTS[0], f"{TEXTS[0]}\n\n$$\nx % the unknown\n+ 1\n$$")
    fields = read(layout(INTRODUCTION, text, SUMMARY, TAIL))
    assert fields["shape"] == "freeform"
    assert "$$\nx % the unknown\n+ 1\n$$" in fields["answer"]


KEPT = {
    "code in a point": NUMBERED.replace(TEXTS[1], f"{TEXTS[1]}\n\n   ```python\n   # Keywords: a, b, c\n   x = 1\n   ```"),
    "code between": NUMBERED.replace("\n\n2.", "\n\n```\nDescription: x\n```\n\n2."),
    "indented code": NUMBERED.replace(TEXTS[1], f"{TEXTS[1]}\n\n       x = 1"),
    "nested list": NUMBERED.replace(TEXTS[1], f"{TEXTS[1]}\n   - one pore\n   - two pores"),
    "bullets below headings": BODIES["headings"].replace(TEXTS[1], f"- {TEXTS[1]}\n- two pores"),
    "table": layout(NUMBERED, "| a | b |\n|---|---|\n| 1 | 2 |"),
    "quotation": layout(NUMBERED, "> Water is life, as a poet said.", "Another paragraph of the answer."),
    "two paragraphs after the list": layout(NUMBERED, "First remark on the list.", "Second remark on the list."),
    "a list before the points": layout("- water\n- salt", NUMBERED),
    "sections": layout("## Basics\n\n### Gradient", TEXTS[0], "### Membrane", TEXTS[1], "## Effects\n\n### Pressure", TEXTS[2]),
    "deep lists": NUMBERED + "".join(f"\n {'  ' * depth}- level {depth}" for depth in range(1, 40)),
}  # fmt: skip


@pytest.mark.parametrize("body", KEPT.values(), ids=KEPT.keys())
def test_what_points_cannot_express_is_kept_as_it_is(body: str) -> None:
    fields = read(layout(INTRODUCTION, body, SUMMARY, TAIL))
    assert fields["shape"] == "freeform"
    assert fields["answer"] == layout(INTRODUCTION, body, SUMMARY)
    assert fields["page_description"] == DESCRIPTION
    assert fields["page_keywords"] == list(KEYWORDS)


def test_the_description_of_a_kept_answer_is_one_of_its_sentences() -> None:
    body = layout("### Idea", "```python\nprint('A sentence that is code, which has about seventy characters.')\n```")
    fields = read(layout(body, INTRODUCTION, "### Cost", TEXTS[0], TEXTS[1], TEXTS[2]), "freeform")
    assert fields["page_description"] == INTRODUCTION


@pytest.mark.parametrize(
    ("line", "description"),
    [
        ("Description: Too short.", INTRODUCTION),
        (f"Description: {DESCRIPTION} {INTRODUCTION}", DESCRIPTION),
        ("Description: Water moves. Osmosis is its way through membranes.", "Water moves. Osmosis is its way through membranes."),
        ("Description: This answer explains what osmosis is and what it does in cells.", INTRODUCTION),
        ("Description: **Osmosis** is the passage of water through a membrane to the salty side.", INTRODUCTION),
        ("Description:", INTRODUCTION),
    ],
)  # fmt: skip
def test_a_description_that_does_not_fit_is_replaced(line: str, description: str) -> None:
    assert read(layout(INTRODUCTION, NUMBERED, SUMMARY, line))["page_description"] == description


def test_a_label_within_the_answer_belongs_to_it() -> None:
    headings = ("Title", "Description", "Keywords", "Price")
    points = "\n".join(f"- **{heading}**: {text}" for heading, text in zip(headings, TEXTS, strict=True))
    fields = read(layout(INTRODUCTION, points, SUMMARY, TAIL))
    assert [point["heading"] for point in fields["points"]] == list(headings)
    assert [point["explanation"] for point in fields["points"]] == list(TEXTS)
    assert fields["page_description"] == DESCRIPTION


def test_what_follows_the_keywords_is_kept_unless_it_is_chat() -> None:
    last = "**Worked example**: A raisin in a glass of water swells within a day, as sugar stays inside."
    fields = read(layout(INTRODUCTION, NUMBERED, TAIL, last))
    assert fields["worked_example"] == last.partition(": ")[2]


def test_non_english_text_is_read() -> None:
    introduction = "浸透は、溶質を通さない膜を通って水が移動する現象であり、両側の濃度が等しくなるまで続きます。この現象は生物の細胞にとって非常に重要です。"
    text = "水は溶質の多い側へ移動します。そこでは水自身の濃度が低いからです。膜の孔は糖やほとんどのイオンが通るには小さすぎるため、溶質は元の側に残ります。"
    points = "\n\n".join(f"{n}. **濃度勾配と膜{n}**：{text}" for n in range(1, 5))
    fields = read(
        layout(introduction, points, f"Description: {DESCRIPTION}\nKeywords：浸透、細胞膜、溶質、水分子、圧力差")
    )
    assert fields["introduction"] == introduction
    assert {point["explanation"] for point in fields["points"]} == {text}


# --- tables -----------------------------------------------------------------------------------------------------------

ROWS = ("**Wall** | Cellulose | None", "**Shape** | Regular | Round", "**Energy** | Sunlight | Food")
TABLE = "| Aspect | Plant cell | Animal cell |\n| --- | --- | --- |\n" + "\n".join(f"| {row} |" for row in ROWS)
TABLES = {
    "as requested": TABLE,
    "no outer pipes": "Aspect | Plant cell | Animal cell\n--- | --- | ---\n" + "\n".join(ROWS),
    "alignment": TABLE.replace("| --- | --- | --- |", "|:---|:---:|---:|"),
    "another first name": TABLE.replace("Aspect", "**Feature**"),
    "no first name": TABLE.replace("Aspect", ""),
    "no ruler": TABLE.replace("| --- | --- | --- |\n", ""),
    "plain aspects": TABLE.replace("**", ""),
    "a caption": f"### Comparison of the cells\n\n{TABLE}",
    "a last part": layout(TABLE, "### Summary"),
}


@pytest.mark.parametrize("table", TABLES.values(), ids=TABLES.keys())
def test_a_table_is_read_however_it_is_written(table: str) -> None:
    fields = read(layout(INTRODUCTION, table, SUMMARY, TAIL), "table")
    assert (fields["shape"], fields["introduction"], fields["summary"]) == ("table", INTRODUCTION, SUMMARY)
    assert fields["table"]["columns"] == ["Plant cell", "Animal cell"]
    assert [row["aspect"] for row in fields["table"]["rows"]] == ["Wall", "Shape", "Energy"]
    assert fields["table"]["rows"][2]["cells"] == ["Sunlight", "Food"]


WIDE = "| Aspect | a | b | c | d | e |\n" + "|---" * 6 + "|\n" + "| x | one | two | three | four | five |\n" * 3
KEPT_TABLES = {
    "two tables": layout(TABLE, "Another paragraph.", TABLE),
    "five things": WIDE.strip(),
    "a cell too many": TABLE.replace("| None |", "| None | lost |"),
    "a name that means something": TABLE.replace("Aspect", "Kind of organelle"),
    "no column of aspects": "| Plant cell | Animal cell |\n|---|---|\n| wall | none |\n| green | pale |",
    "cells without words": TABLE.replace("None", "–"),
    "a list": layout("- one\n- two", TABLE),
    "nine rows": TABLE + "".join(f"\n| row {n} | yes | no |" for n in range(6)),
}


@pytest.mark.parametrize("table", KEPT_TABLES.values(), ids=KEPT_TABLES.keys())
def test_another_table_is_kept_as_it_is(table: str) -> None:
    introduction = f"{INTRODUCTION} {TEXTS[0]} {TEXTS[1]}"
    fields = read(layout(introduction, table, SUMMARY, TAIL), "table")
    assert (fields["shape"], fields["answer"]) == ("freeform", layout(introduction, table, SUMMARY))


def test_a_comparison_in_points_is_accepted() -> None:
    assert read(layout(INTRODUCTION, NUMBERED, SUMMARY, TAIL), "table")["shape"] == "points"


# --- search texts alone -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        TAIL,
        TAIL.replace("Description", "**Meta description**").replace("Keywords", "**SEO keywords**"),
        f"{DESCRIPTION}\n\nKeywords: {', '.join(KEYWORDS)}",
        "### Description\n" + TAIL.removeprefix("Description: "),
        "Keywords:\n" + "\n".join(f"* {word}" for word in KEYWORDS) + f"\n\nDescription: {DESCRIPTION}",
        f"Title: Osmosis\n{TAIL}",
    ],
)
def test_search_texts_are_read_alone(text: str) -> None:
    assert read(text, "seo") == {
        "shape": "seo", "page_description": DESCRIPTION, "page_keywords": list(KEYWORDS)
    }  # fmt: skip


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (DESCRIPTION, "no line `Keywords:`"),
        (TAIL.split("\n\n")[1], "no line `Description:`"),
        ("Description: Short.\nKeywords: a1, b2, c3, d4, e5", "page_description: must have at least 50 characters, not 6"),
        (TAIL.replace("solute, water, pressure", "solute"), "page_keywords"),
    ],
)  # fmt: skip
def test_faults_of_search_texts_name_the_line(text: str, message: str) -> None:
    assert message in faults(text, "seo")


def test_too_many_keywords_are_cut() -> None:
    words = [f"term {n}" for n in range(20)]
    assert read(f"{TAIL}, {', '.join(words)}", "seo")["page_keywords"] == [*KEYWORDS, *words[:7]]


# --- faults -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "shape", "message"),
    [
        ("", "points", "the answer is empty"),
        ("  \n\n ", "points", "the answer is empty"),
        (f"Keywords: {', '.join(KEYWORDS)}", "points", "the answer is empty"),
        (f"{QUESTION}\n\n" * 30, "points", "only repeats the question"),
        (f"{QUESTION} " * 30, "points", "only repeats the question"),
        (layout(INTRODUCTION, *TEXTS), "points", "has no points; write numbered points"),
        (layout(NUMBERED, SUMMARY), "points", "has no introduction"),
        (layout(INTRODUCTION, "\n".join(f"{n}. {t}" for n, t in enumerate(TEXTS, 1))), "points",
         "the point `Water passes to the side that holds more` has no heading"),
        (layout(INTRODUCTION, NUMBERED.replace(f": {TEXTS[2]}", "")), "points", "the point `Pressure` has no explanation"),
        (layout(INTRODUCTION, "1.\n2. **A**: b"), "points", "point 1 is empty"),
        (layout(INTRODUCTION, NUMBERED.split("\n\n4.")[0]), "points", "points: must have at least 4 items, not 3"),
        (layout(INTRODUCTION, NUMBERED.replace(TEXTS[1], "Short.")), "points",
         "point 2, explanation: must have at least 60 characters, not 6"),
        (layout("Short.", NUMBERED), "points", "introduction: must have at least 60 characters, not 6"),
        (layout(INTRODUCTION, NUMBERED, "In summary, yes."), "points", "summary: must have at least 40 characters, not 16"),
        (INTRODUCTION, "table", "the answer has no table"),
        (layout(INTRODUCTION, TABLE.replace("| None |", "| |")), "table", "row 1 of the table has an empty cell"),
        (layout(TABLE, SUMMARY), "table", "no introduction; write one or two sentences above the table"),
        (layout(INTRODUCTION, TABLE.rpartition("\n")[0]), "table", "rows: must have at least 3 items, not 2"),
        (layout(INTRODUCTION, TABLE.replace("None", "x" * 161)), "table",
         "row 1, cell 2: must have at most 160 characters, not 161"),
        ("Osmosis is a thing. " * 2_500, "points", "has no points"),
        ("Osmosis is a thing. " * 2_500, "freeform", "answer: must have at most 4500 characters, not 49999"),
        (layout(INTRODUCTION, f"<div>\n{TEXTS[0]}\n</div>", NUMBERED), "points", "`<div>` is HTML; write Markdown"),
        (INTRODUCTION, "freeform", "answer: must have at least 300 characters, not 92"),
        ('{"introduction": "Osmosis moves wat', "points", "write plain Markdown and no JSON"),
    ],
)  # fmt: skip
def test_a_fault_names_the_real_problem(text: str, shape: str, message: str) -> None:
    assert message in faults(text, shape)


# --- nothing is lost --------------------------------------------------------------------------------------------------

words = st.text(st.characters(categories=["L", "N"]), min_size=1, max_size=12)
texts = st.lists(words, min_size=8, max_size=20).map(lambda found: " ".join(["Zeta", *found]) + ".")
MARKS = (
    "{n}. **{h}**: {t}",
    "- **{h}:** {t}",
    "### {h}\n\n{t}",
    "**{n}. {h}**\n{t}",
    "{n}. {h}\n\n   {t}",
    "{n}) {h} – {t}",
)
EXTRAS = (
    "", "\n\n   ```\n   code\n   ```", "\n\n   - a\n   - b", "\n\n$$\na\n= b\n$$", "\n\nFurther remark.",
    "\n   | a | b |\n   |---|---|\n   | 1 | 2 |", "\n\n> quoted", "\n\n[note]: http://example.org", "\n\n***",
)  # fmt: skip


@given(
    st.lists(st.tuples(texts, st.sampled_from(EXTRAS)), min_size=4, max_size=6),
    st.sampled_from(MARKS),
    st.sampled_from(["", "# Title", QUESTION]),
    st.sampled_from([TAIL, "", f"{TAIL}\n\nI hope this helps!"]),
    st.sampled_from(["\n", "\r\n", "\r"]),
)
def test_every_word_of_the_explanations_survives(
    points: Sequence[tuple[str, str]], mark: str, title: str, tail: str, line_break: str
) -> None:
    bodies = [mark.format(n=n, h=f"Heading {n}", t=text) + extra for n, (text, extra) in enumerate(points, 1)]
    text = layout(title, INTRODUCTION, *bodies, SUMMARY, tail).replace("\n", line_break)
    _, fields = read_markdown("points", text, QUESTION, layout=default_layout())
    kept = set(" ".join(_strings(fields)).split())
    for text, extra in points:
        assert set(text.split()) <= kept
        assert set(re.findall(r"\w+", extra)) <= set(re.findall(r"\w+", " ".join(kept)))


# Blocks with a place for a word that occurs once. The word of none of them may be lost, wherever the block is.
BLOCKS = (
    "{w} is a paragraph of the answer.", "**{w}**: a bold paragraph.", "**Bold** {w} goes on.", "### Heading\n\n{w}",
    "1. **One**: {w} is here.\n2. **Two**: there.", "- {w} alone", "- **One**: {w}\n\n  {w}b is a second paragraph.",
    "| Aspect | a | b |\n|---|---|---|\n| x | {w} | y |", "| a | b |\n|---|---|\n| x | y | {w} |", "In summary, {w} is it.",
    "**Summary**: {w}", "## Conclusion\n\n{w}", "Overall, {w} counts.", "**Worked example**: {w}", "Description of {w} follows.",
    "Keywords of {w}: one", "### Description\n\n{w} is long. " + "Much more follows. " * 25, "- **Keywords**: {w} matters here.",
    "```\n{w}\n```", "> {w}", "$$\n{w}\n$$", "---", "[{w}]: http://example.org", "What is osmosis in {w}?", "# Title",
)  # fmt: skip


@given(
    st.lists(st.sampled_from(BLOCKS), min_size=1, max_size=9),
    st.sampled_from(["points", "table", "freeform"]),
    st.booleans(),
)
def test_no_block_of_an_answer_is_lost(blocks: Sequence[str], shape: str, has_tail: bool) -> None:
    words = [f"zeta{number}q" for number in range(len(blocks))]
    body = layout(*(block.format(w=word) for word, block in zip(words, blocks, strict=True)))
    with suppress(AnswerError):  # a fault is reported, so nothing is lost silently
        _, fields = read_markdown(shape, layout(body, TAIL) if has_tail else body, QUESTION, layout=default_layout())
        kept = " ".join(_strings({**fields, "page_description": ""}))
        assert [word for word in words if word in body and word not in kept] == []


@given(
    st.text(max_size=400) | st.text("*_#-|`$ \n:.1aB>[]()\\", max_size=200),
    st.sampled_from(sorted(answers.shapes_of(default_profile()))),
)
def test_any_text_gives_fields_or_faults(text: str, shape: str) -> None:
    with suppress(AnswerError):  # any other error would be a crash
        found, fields = read_markdown(shape, text, QUESTION, layout=default_layout())
        assert set(fields) <= set(answers.shapes_of(default_profile())[found].model_fields)


def _strings(value: object) -> list[str]:
    if isinstance(value, str):
        return [value]
    items = value.values() if isinstance(value, dict) else value if isinstance(value, list) else []
    return [text for item in items for text in _strings(item)]
