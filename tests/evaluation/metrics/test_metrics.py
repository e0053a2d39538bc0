"""All metrics: their ranges, their values on small texts, and their documentation."""

import math
import re
import string
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qtgen.evaluation.metrics import METRICS, AnalyzedText, Bounds, Case, Direction, PageFacts, Score, measure
from support import ROOT

REFERENCE = (
    "Light is scattered by the molecules of the air. Short waves are scattered about 9 times as strongly as long ones, "
    "so blue light of 450 nm reaches us from all of the sky.\n\n1. **At noon**: the way through the air is 10 km long.\n"
    "2. **At sunset**: the way is longer, and red light is left.\n\nIn summary, the sky is blue because of scattering."
)
LINE, OTHER_LINE = "Red light is left.", "Red light is right."
TEXTS = st.text(string.ascii_letters + "äé 0123456789.,%-*#|$`\n", min_size=1, max_size=200).filter(
    lambda text: bool(re.search(r"[a-z]{2}", text))
)


def make_case(candidate: str, *references: str) -> Case:
    analyzed = tuple(AnalyzedText(text) for text in references or (REFERENCE,))
    return Case(AnalyzedText("Why is the sky blue?"), analyzed, AnalyzedText(candidate))


def value(name: str, candidate: str, *references: str) -> float:
    result = METRICS[name].function(make_case(candidate, *references)).value
    assert result is not None
    return result


@settings(max_examples=40, deadline=None)
@given(TEXTS, TEXTS)
def test_every_metric_stays_in_its_range(candidate: str, reference: str) -> None:
    for name, score in measure(make_case(candidate, reference)).items():
        if score.value is not None:
            assert METRICS[name].low <= score.value <= METRICS[name].high + 1e-6, name


@pytest.mark.parametrize("name", [name for name, m in METRICS.items() if m.direction is Direction.HIGHER])
def test_the_reference_itself_has_the_best_value(name: str) -> None:
    score = METRICS[name].function(make_case(REFERENCE)).value
    assert score is None or score == pytest.approx(1.0, abs=1e-5)


@pytest.mark.parametrize(
    ("name", "candidate", "reference", "expected"),
    [
        ("token_f1", OTHER_LINE, LINE, 0.75),  # three of four words
        ("rouge_1", OTHER_LINE, LINE, 0.75),
        ("rouge_2", OTHER_LINE, LINE, 2 / 3),  # two of three pairs
        ("rouge_l", "left is light red", "red light is left", 0.25),  # one word in order
        ("bleu", "red light is", "red light is left", math.exp(1 - 4 / 3)),  # every sequence is right, but too short
        ("chrf", "abc", "abc", 1.0),
        ("idf_recall", "the of and", "the of and", 1.0),
        ("length_ratio", "one two three four", "one two", 2.0),
        ("readability", "The cat sat on the mat.", LINE, 206.835 - 1.015 * 6 - 84.6),  # one syllable per word
        ("repetition", "a b c d a b c d", LINE, 1 / 5),  # one of five runs of four words
        ("structure", "1. One\n2. Two", "1. One\n2. Two\n3. Three\n4. Four\n\nIn summary, four.", 0.25),  # half a list
        ("unsupported", f"{LINE} Bananas cost two pounds today.", LINE, 5 / 9),  # five of nine words
    ],
)
def test_the_value_on_a_text_that_is_small_enough_to_count(
    name: str, candidate: str, reference: str, expected: float
) -> None:
    assert value(name, candidate, reference) == pytest.approx(expected, abs=1e-3)


def test_an_unknown_word_has_no_similarity() -> None:
    assert value("similarity", "xyzzy", LINE) < 0.15


def test_rare_words_count_more() -> None:
    assert value("idf_recall", "osmosis", "the osmosis") > 0.5 > value("idf_recall", "the", "the osmosis")


def test_several_references_count_by_the_best() -> None:
    assert value("rouge_l", "red light is left", "blue light", "red light is left") == pytest.approx(1.0)
    assert value("similarity", "red light is left", "tax law", "red light is left") == pytest.approx(1.0, abs=1e-5)


def test_nuggets_are_recalled_one_by_one() -> None:
    claims = "Short waves are scattered more strongly than long ones.", "The Treaty of Westphalia ended a war in 1648."
    case = replace(make_case(REFERENCE), must=tuple(map(AnalyzedText, claims)))
    assert METRICS["must_recall"].function(case) == Score(0.5, f"1 of 2; missing: {claims[1]}")
    assert METRICS["nice_recall"].function(case).value is None


def page_value(name: str, page: PageFacts) -> Score:
    return METRICS[name].function(replace(make_case(REFERENCE), page=page))


def test_keywords_count_if_question_or_reference_contain_them() -> None:
    score = page_value("keyword_quality", PageFacts("", "sky, light, bananas, air", keyword_bounds=Bounds(5, 20)))
    assert score.value == pytest.approx(0.8 * 3 / 4)  # four of at least five keywords, one of them unrelated
    assert score.note == "not in question or reference: bananas"
    assert page_value("keyword_quality", PageFacts("", " , ")) == Score(0.0, "no keywords")


def test_findings_lower_the_health_of_a_page() -> None:
    score = page_value("page_health", PageFacts("", "", ("QT101",), ("QT601", "QT602")))
    assert score.value == pytest.approx(0.5 * 0.9**2)
    assert score.note == "QT101, QT601, QT602"


def test_a_description_of_the_wrong_length_counts_half() -> None:
    question = "Why is the sky blue?"
    within, short = (
        PageFacts(text, "", description_bounds=Bounds(50, 122)) for text in (question + " " * 40, question)
    )
    assert page_value("description_quality", within).value == pytest.approx(1.0, abs=1e-5)
    assert page_value("description_quality", short).value == pytest.approx(0.5, abs=1e-5)
    assert page_value("description_quality", PageFacts(question, "")).value == pytest.approx(1.0, abs=1e-5)  # no bounds


def test_page_metrics_of_fields_that_a_site_lacks_do_not_apply() -> None:
    assert page_value("description_quality", PageFacts(None, "sky")) == Score(None)
    assert page_value("keyword_quality", PageFacts("", None)) == Score(None)


def test_keywords_of_a_list_may_contain_commas() -> None:
    facts = PageFacts("", "light, blue\nair", separator="\n")
    assert facts.keyword_list == ["light, blue", "air"]


@pytest.mark.parametrize("name", ["keyword_quality", "page_health", "description_quality"])
def test_page_metrics_do_not_apply_without_a_page(name: str) -> None:
    assert METRICS[name].function(make_case(REFERENCE)).value is None


@pytest.mark.parametrize(("name", "candidate", "reference"), [("structure", LINE, LINE), ("readability", "…", LINE)])
def test_a_metric_that_does_not_apply_has_no_value(name: str, candidate: str, reference: str) -> None:
    assert METRICS[name].function(make_case(candidate, reference)).value is None


@pytest.mark.parametrize("name", METRICS)
def test_every_metric_is_documented(name: str) -> None:
    assert METRICS[name].doc.splitlines()[0].endswith((".", ",", "similarity"))
    assert f"## {name}\n" in (ROOT / "docs" / "reference" / "metrics.md").read_text()


def test_metrics_are_listed_by_family() -> None:
    known = ["semantic", "nuggets", "contradiction", "soundness", "grounding", "structure", "overlap", "confidence"]
    families = [one.function.__module__.rpartition(".")[2] for one in METRICS.values()]
    assert list(dict.fromkeys(families)) == known
    assert families == sorted(families, key=known.index)


def test_texts_are_english_or_not() -> None:
    assert AnalyzedText(REFERENCE).is_english()
    assert AnalyzedText("Osmosis.").is_english()
    assert not AnalyzedText("水在一百度沸腾。").is_english()
    assert not AnalyzedText("Der Himmel ist blau, weil kurze Wellen in der Luft gestreut werden. " * 3).is_english()
    assert not AnalyzedText("xqzt " * 30).is_english()


def test_the_key_vector_of_common_words_only_is_zero() -> None:
    assert not AnalyzedText("…").key_vector.any()
