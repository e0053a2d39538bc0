"""Answers: what is accepted, what is cleaned up, and the faults that the model gets back."""

import json
import re
from typing import Any

import jsonschema
import pytest

from qtgen.errors import AnswerError
from qtgen.generation import answers
from qtgen.generation.answer_parts import Answer, FreeformAnswer, SearchFields, TableAnswer
from qtgen.generation.cleanup import trim_to_sentence
from qtgen.llm.dialect.value import without_keywords
from qtgen.page import Value
from qtgen.page.compile import default_layout
from qtgen.page.profile import default_profile
from support import POINTS, parse_json, points_json

SEO = {key: POINTS[key] for key in ("page_description", "page_keywords")}
TABLE: dict[str, Any] = {
    "introduction": "Weather is what happens today, climate is what can be expected over many years.",
    "table": {
        "columns": ["Weather", "Climate"],
        "rows": [{"aspect": name, "cells": ["short | quick", "long"]} for name in ("Time", "Place", "Method")],
    },
    "summary": "Weather changes within hours, while climate changes over decades and centuries.",
    **SEO,
}
FREE: dict[str, Any] = {"answer": "Given \\(a\\), we show $$b$$.\n\n" + "One step follows from the last. " * 12, **SEO}


def parse_page(shape: str, text: str) -> Answer:
    answer = parse_json(shape, text).fields
    assert isinstance(answer, Answer)
    return answer


def test_points_become_a_numbered_list_with_bold_headings() -> None:
    text = answers.to_markdown(
        parse_page("points", points_json(worked_example="Put a raisin into water: it swells overnight.")),
        layout=default_layout(),
    )
    assert text.split("\n\n")[1].startswith("1. **Gradient**: Gradient matters")
    assert "\n\n**Worked example**: Put a raisin" in text
    assert text.endswith("In summary, Osmosis evens out concentrations by moving the water and not the solute.")


def test_a_comparison_becomes_a_table() -> None:
    text = answers.to_markdown(parse_page("table", json.dumps(TABLE)), default_layout())
    assert "| Aspect | Weather | Climate |\n| --- | --- | --- |\n| **Time** | short \\| quick | long |" in text


def test_freeform_markdown_has_its_math_in_dollar_signs() -> None:
    assert answers.to_markdown(parse_page("freeform", json.dumps(FREE)), default_layout()).startswith(
        "Given $a$, we show $$b$$."
    )


@pytest.mark.parametrize(
    ("shape", "text", "fault"),
    [
        ("points", "utter nonsense", "the answer is prose; write one JSON object"),
        ("points", "", "the answer is empty"),
        ("points", "[]", "the answer is no object; write one JSON object"),
        ("points", points_json(summary="Too short."), "summary: must have at least 40 characters, not 10"),
        ("points", json.dumps({key: value for key, value in POINTS.items() if key != "points"}), "the object lacks `points`"),
        ("points", points_json(points=[{"heading": "One"}] * 4), "points.0 lacks `explanation`"),
        ("points", f"```json\n{points_json(summary='Too short.')}\n```", "; write the JSON object alone, without a code fence"),
        ("points", points_json(extra=1), "extra: Extra inputs are not permitted"),
        ("points", points_json(points=[POINTS["points"][0]] * 4), "fewer than three different headings"),
        ("freeform", json.dumps({**FREE, "page_keywords": ["a b"] * 6}), "fewer than 5 different keywords"),
        ("points", points_json(introduction="<pre><code>" + POINTS["introduction"]), "`<pre>` is HTML; write Markdown"),
        ("points", points_json(introduction="[JSON] " + POINTS["introduction"]), "`[JSON]` is a placeholder; write the text itself"),
        ("points", points_json(introduction="-" * 80), "introduction: holds no word"),
        ("table", json.dumps({**TABLE, "table": {**TABLE["table"], "columns": ["A", "B", "C"]}}), "table.rows.0.cells: "),
        ("table", json.dumps({**TABLE, "table": "none"}), "table: "),
        ("freeform", json.dumps({**FREE, "answer": FREE["answer"] + "\n```python\nx"}), "a code fence is opened"),
        ("freeform", json.dumps({**FREE, "answer": FREE["answer"] + "$$x"}), "a `$$` is opened"),
    ],
)  # fmt: skip
def test_an_invalid_answer_has_faults_for_the_model(shape: str, text: str, fault: str) -> None:
    with pytest.raises(AnswerError) as caught:
        parse_json(shape, text)
    assert fault in str(caught.value)


def test_code_may_contain_html() -> None:
    html = FREE["answer"] + "\n\n```html\n<div>TODO</div>\n```"
    assert "<div>" in answers.to_markdown(
        parse_page("freeform", json.dumps({**FREE, "answer": html})), default_layout()
    )


def test_a_text_that_hit_its_limit_ends_with_its_last_whole_sentence() -> None:
    assert trim_to_sentence("One is here. Two is here. Three wa", 5, 34) == "One is here. Two is here."
    assert trim_to_sentence("No end in sight at al", 5, 21) == "No end in sight at."
    assert trim_to_sentence("Short", 2, 100) == "Short"


def keywords_of(answer: SearchFields) -> Value:
    return answers.values_of(answer, default_layout())["seo.page_keywords"]


def test_keywords_are_listed_once_without_commas_inside() -> None:
    words = ["Water", "water", "a, b", "solute", "cell", "membrane."]
    answer = parse_json("points", points_json(page_keywords=words)).fields
    assert keywords_of(answer) == "Water, a  b, solute, cell, membrane"


def test_headings_replace_repeated_keywords_and_repeated_points_are_dropped() -> None:
    points = [*POINTS["points"], {**POINTS["points"][0], "heading": "GRADIENT"}]
    answer = parse_page("points", points_json(page_keywords=["a b"] * 6, points=points))
    assert keywords_of(answer) == "a b, Gradient, Membrane, Pressure, Balance"
    assert "5. **" not in answer.markdown()


def test_latex_that_json_swallowed_is_restored() -> None:
    swallowed = "Given $\beta + \frac{1}{2} \times \theta + \rho$ and much more of it\u0001, the rest follows at once."
    assert "\x08" in swallowed, "a model that forgets to escape"
    text = points_json(introduction=swallowed)
    assert (
        r"$\beta + \frac{1}{2} \times \theta + \rho$ and much more of it, the" in parse_page("points", text).markdown()
    )


@pytest.mark.parametrize("shape", list(answers.shapes_of(default_profile())))
def test_schemas_are_strict(shape: str) -> None:
    schema = answers.schema(shape, default_profile())
    jsonschema.Draft202012Validator.check_schema(schema)

    def check(node: Any) -> None:
        if isinstance(node, dict):
            assert "$ref" not in node
            if node.get("type") == "object":
                assert node["additionalProperties"] is False
                assert set(node["required"]) == set(node["properties"])
            for value in node.values():
                check(value)
        elif isinstance(node, list):
            for item in node:
                check(item)

    check(schema)
    assert list(schema["properties"])[-2:] == ["page_description", "page_keywords"], "the answer is written first"
    assert schema["properties"]["page_description"] == {"maxLength": 122, "minLength": 50, "type": "string"}
    assert "maxLength" not in json.dumps(without_keywords(schema, ("minLength", "maxLength")))


@pytest.mark.parametrize(("shape", "data"), [("points", POINTS), ("table", TABLE), ("freeform", FREE)])
def test_an_answer_that_fits_the_schema_is_accepted(shape: str, data: dict[str, Any]) -> None:
    jsonschema.validate(data, answers.schema(shape, default_profile()))
    parse_json(shape, json.dumps(data))


@pytest.mark.parametrize(
    "text", [points_json(introduction="Half \ud83d of it. " * 6), points_json(**{"\udc00": 1}), "[" * 100_000]
)
def test_json_that_utf8_cannot_express_is_a_fault(text: str) -> None:
    with pytest.raises(AnswerError, match=r"torn|nested too deeply") as caught:
        parse_json("points", text)
    str(caught.value).encode()


WORDS = ["osmosis", "membrane", "solute", "water", "pressure"]
SENTENCE = "Osmosis is the passage of water through a membrane."


def stopped(text: str, length: int) -> str:
    """Return a text as a model leaves it when it hits a limit of characters."""
    return (text + " again" * 30)[:length]


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        (f"[*] {SENTENCE}", SENTENCE),
        (f"- {SENTENCE}", SENTENCE),
        (stopped(f"{SENTENCE} It goes", 119), stopped(f"{SENTENCE} It goes", 119)),
        (stopped(f"{SENTENCE} It goes", 122), SENTENCE),
    ],
)
def test_search_fields_are_trimmed_to_whole_sentences(written: str, kept: str) -> None:
    found = parse_json("seo", json.dumps({"page_description": written, "page_keywords": WORDS})).fields
    assert vars(found)["page_description"] == kept


@pytest.mark.parametrize(
    ("written", "fault"),
    [
        (stopped("Osmosis goes", 121), "was cut off at 122 characters; write one shorter sentence"),
        ("Osmosis is the passage of water through a membrane and the.", "ends in `the.`; write one whole sentence"),
        ("Osmosis is the passage of water through a membrane,", "ends in `,`; write one whole sentence"),
        ("Osmosis [#] is the passage of water through a membrane.", "has the markup `[#]`"),
        ("This answer tells how water passes through a membrane.", "speaks of the answer; name the matter itself"),
        (SENTENCE.replace("water", "`water`"), "has the markup ```; write plain text"),
        (f") {SENTENCE}", "begins with `)`; begin with a word"),
    ],
)
def test_search_fields_that_are_no_sentence_are_rejected(written: str, fault: str) -> None:
    with pytest.raises(AnswerError, match=re.escape(fault)):
        parse_json("seo", json.dumps({"page_description": written, "page_keywords": WORDS}))


def test_a_row_that_repeats_an_aspect_is_left_out() -> None:
    rows = [{"aspect": aspect, "cells": ["x", "y"]} for aspect in ("Unit", "Kind", "unit", "Sign", "Kind")]
    answer = parse_json("table", json.dumps({**TABLE, "table": {**TABLE["table"], "rows": rows}})).fields
    assert isinstance(answer, TableAnswer)
    assert [line.split(" | ")[0] for line in answer.markdown().splitlines() if line.startswith("| **")] == [
        "| **Unit**", "| **Kind**", "| **Sign**",
    ]  # fmt: skip
    with pytest.raises(AnswerError, match="fewer than three different aspects"):
        parse_json("table", json.dumps({**TABLE, "table": {**TABLE["table"], "rows": rows[:3]}}))


def test_dollars_in_code_open_no_formula() -> None:
    code = "\n\n```sh\nkill $$\n```\n\nThe shell's number is `$$`."
    answer = parse_json("freeform", json.dumps({**FREE, "answer": FREE["answer"] + code})).fields
    assert isinstance(answer, FreeformAnswer)
    assert answer.markdown().endswith(code)
