"""The metric groundedness: with and without a source text."""

import pytest

from qtgen.evaluation.metrics import METRICS, AnalyzedText, Case
from qtgen.evaluation.scoring import Sample, parse_sample, score, score_sample

SOURCE = "Light is scattered by the molecules of the air. Short waves are scattered more strongly than long ones."
STRAY = "Penguins breed on ice during the long polar winter."


def groundedness(candidate: str, source: str) -> tuple[float | None, str]:
    case = Case(AnalyzedText("Why is the sky blue?"), (AnalyzedText(SOURCE),), AnalyzedText(candidate), source=source)
    return METRICS["groundedness"].function(case)


def test_it_is_the_share_of_supported_sentences() -> None:
    assert groundedness(SOURCE, SOURCE) == (1.0, "")
    assert groundedness(f"{SOURCE} {STRAY} {STRAY}", SOURCE)[0] == 0.5
    assert groundedness(STRAY, SOURCE)[0] == 0.0
    assert groundedness("The molecules in the air scatter light.", SOURCE)[0] == 1.0


def test_the_note_lists_what_the_source_lacks() -> None:
    assert groundedness(f"{SOURCE} In 1871, Rayleigh found 37%.", SOURCE)[1] == (
        "3 not in the source, for example: date 1871, name Rayleigh, figure 37%"
    )


@pytest.mark.parametrize(
    "source", ["", "  ", "Das Licht der Sonne wird an der Luft gestreut, deshalb ist es blau. " * 4]
)
def test_it_has_no_value_without_a_source_in_the_same_language(source: str) -> None:
    assert groundedness(SOURCE, source)[0] is None


def test_a_line_may_have_a_context() -> None:
    record = {"id": 1, "question": "Why?", "reference": SOURCE, "candidate": SOURCE}
    without = score_sample(parse_sample(record))
    with_source = score_sample(parse_sample({**record, "context": SOURCE}))
    assert (without.metrics["groundedness"], with_source.metrics["groundedness"]) == (None, 1.0)
    assert without.score == with_source.score, "the overall score does not use it"
    assert score_sample(parse_sample({**record, "context": None})).metrics["groundedness"] is None
    malformed = score_sample(parse_sample({**record, "context": ["a"]}))
    assert malformed.error is not None
    assert malformed.error.message == "`context` must be a text"
    assert score("Why?", SOURCE, SOURCE, context=STRAY).metrics["groundedness"] == 0.0


def test_an_empty_answer_has_no_groundedness() -> None:
    assert score_sample(Sample("a", "Why?", (SOURCE,), " ", source=SOURCE)).metrics["groundedness"] is None
