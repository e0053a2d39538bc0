"""The metrics keep what they promise, the overall score sees planted defects, and it agrees with people as written."""

import itertools
import json
import math
import re
import runpy
import string
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qtgen.evaluation.agreement import agreement, sources_in
from qtgen.evaluation.metrics import METRICS, AnalyzedText, Case, Direction, PageFacts, Score, measured, overall
from qtgen.evaluation.metrics.contradiction import amounts
from qtgen.evaluation.metrics.overall import PARTS, WEIGHTS, on_scale
from qtgen.evaluation.scoring import Item, item_of, score, score_all
from qtgen.evaluation.suites import load_suite
from support import ROOT, SHARED

DOCS = ROOT / "docs" / "metrics.md"
REFERENCE = (
    "Light is scattered by the molecules of the air. Short waves are scattered about 9 times as strongly as long ones, "
    "so blue light of 450 nm reaches us from all of the sky.\n\n1. **At noon**: the way through the air is 10 km long.\n"
    "2. **At sunset**: the way is longer, and red light is left.\n\nIn summary, the sky is blue because of scattering."
)


def case(candidate: str, *references: str) -> Case:
    return Case(
        AnalyzedText("Why is the sky blue?"),
        tuple(AnalyzedText(text) for text in references or (REFERENCE,)),
        AnalyzedText(candidate),
    )


def value(name: str, candidate: str, *references: str) -> float:
    found = METRICS[name].of(case(candidate, *references)).value
    assert found is not None
    return found


words = st.text(string.ascii_letters + "äé 0123456789.,%-*#|$`\n", min_size=1, max_size=200).filter(
    lambda text: bool(re.search(r"[a-z]{2}", text))
)


@settings(max_examples=40, deadline=None)
@given(words, words)
def test_every_metric_stays_in_its_range(candidate: str, reference: str) -> None:
    one = case(candidate, reference)
    for name, found in measured(one).items():
        if found.value is not None:
            assert METRICS[name].low <= found.value <= METRICS[name].high + 1e-6, name


@pytest.mark.parametrize("name", [n for n, m in METRICS.items() if m.direction is Direction.HIGHER])
def test_the_reference_itself_is_as_good_as_it_gets(name: str) -> None:
    found = METRICS[name].of(case(REFERENCE)).value
    assert found is None or found == pytest.approx(1.0, abs=1e-5)


LINE, OTHER = "Red light is left.", "Red light is right."


@pytest.mark.parametrize(
    ("name", "candidate", "reference", "expected"),
    [
        ("token_f1", OTHER, LINE, 0.75),  # three of four words
        ("rouge_1", OTHER, LINE, 0.75),
        ("rouge_2", OTHER, LINE, 2 / 3),  # two of three pairs
        ("rouge_l", "left is light red", "red light is left", 0.25),  # one word in order
        ("bleu", "red light is", "red light is left", math.exp(1 - 4 / 3)),  # all runs right, but too short
        ("chrf", "abc", "abc", 1.0),
        ("idf_recall", "the of and", "the of and", 1.0),
        ("length_ratio", "one two three four", "one two", 2.0),
        ("readability", "The cat sat on the mat.", LINE, 206.835 - 1.015 * 6 - 84.6),  # one syllable a word
        ("repetition", "a b c d a b c d", LINE, 1 / 5),  # one of five runs of four words
        ("structure", "1. One\n2. Two", "1. One\n2. Two\n3. Three\n4. Four\n\nIn summary, four.", 0.25),  # half a list
        ("unsupported", f"{LINE} Bananas cost two pounds today.", LINE, 5 / 9),  # five of nine words
        ("similarity", "xyzzy", LINE, 0.0),
    ],
)
def test_a_metric_s_figure_on_texts_small_enough_to_count(
    name: str, candidate: str, reference: str, expected: float
) -> None:
    assert value(name, candidate, reference) == pytest.approx(expected, abs=0.15 if name == "similarity" else 1e-3)


def test_rare_words_count_more() -> None:
    assert value("idf_recall", "osmosis", "the osmosis") > 0.5 > value("idf_recall", "the", "the osmosis")


def test_what_stands_around_an_answer_counts_by_itself() -> None:
    page = PageFacts("Why is the sky blue by day?", "sky, light, bananas, air", ("QT101",), ("QT601", "QT602"))
    one = replace(case(REFERENCE), page=page)
    assert METRICS["keyword_quality"].of(one).value == pytest.approx(0.8 * 3 / 4)  # four of five, one not spoken of
    assert METRICS["page_health"].of(one).value == pytest.approx(0.5 * 0.9**2)
    short, fits = (METRICS["description_quality"].of(replace(case(REFERENCE), page=PageFacts(text, ""))).value
                   for text in ("Why is the sky blue?", "Why is the sky blue?" + " " * 40))  # fmt: skip
    assert fits == pytest.approx(1.0, abs=1e-5)
    assert short == pytest.approx(0.5, abs=1e-5)


@pytest.mark.parametrize("name", METRICS)
def test_every_metric_says_what_it_is(name: str) -> None:
    doc = METRICS[name].doc
    assert doc.splitlines()[0].endswith((".", ","))
    assert f"## {name}\n" in (ROOT / "docs" / "metric-reference.md").read_text()


def test_several_references_count_by_the_best() -> None:
    assert value("rouge_l", "red light is left", "blue light", "red light is left") == pytest.approx(1.0)
    assert value("similarity", "red light is left", "tax law", "red light is left") == pytest.approx(1.0, abs=1e-5)


@given(st.lists(st.floats(0, 1), min_size=len(PARTS), max_size=len(PARTS)), st.sampled_from(PARTS), st.floats(0, 1))
def test_the_overall_score_is_monotone(values: list[float], part: str, other: float) -> None:
    before = dict(zip(PARTS, map(Score, values), strict=True))
    after = {**before, part: Score(other)}
    better = other - (before[part].value or 0.0)
    change = (overall(after).value or 0.0) - (overall(before).value or 0.0)
    assert change * better * (-1 if part in WEIGHTS.penalties else 1) >= -1e-12


def test_the_scale_runs_from_0_to_1_without_a_step() -> None:
    values = [on_scale(n / 1000) for n in range(-5, 1006)]
    assert values[0] == 0 and values[-1] == 1  # noqa: PT018
    assert all(0 <= b - a < 0.01 for a, b in itertools.pairwise(values))
    assert sum(WEIGHTS.weights.values()) == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("sentence", "why"),
    [
        ("Short waves are scattered about 4 times as strongly as long ones.", "another number (4)"),
        ("At noon the way through the air is 10 m long.", "another unit (10m)"),
        ("The sky is not blue because of scattering.", "a negation"),
        ("At noon the way through the air is 10 kilometres long.", ""),
        ("At noon the way through the air is 0.5 km long.", "another number (0.5km)"),
        ("Short waves are scattered about 9 times as strongly as long ones.", ""),
        ("Bananas are yellow, and 7 of them make a bunch.", ""),
    ],
)
def test_contradictions_are_flagged(sentence: str, why: str) -> None:
    found = METRICS["contradiction"].of(case(sentence))
    assert found.note.startswith(why)
    assert (found.value == 1.0) is bool(why)


def test_amounts_are_read_with_their_units() -> None:
    assert amounts("1,200 km in 2.5 h, 7 apples and 30%") == [(1200.0, "km"), (2.5, "h"), (7.0, ""), (30.0, "%")]
    assert amounts("10 000 metres at -5 degrees Celsius in the 1990s, 3-4 s") == [
        (10000.0, "m"), (-5.0, "°C"), (1990.0, ""), (3.0, ""), (4.0, "s")
    ]  # fmt: skip


def test_nuggets_are_recalled_apart() -> None:
    claims = (
        "Short waves are scattered more strongly than long ones.",
        "The Treaty of Westphalia ended a war in 1648.",
    )
    one = Case(*(getattr(case(REFERENCE), name) for name in ("question", "references", "candidate")), must=tuple(AnalyzedText(c) for c in claims))  # fmt: skip
    found = METRICS["must_recall"].of(one)
    assert found == Score(0.5, f"1 of 2; missing: {claims[1]}")
    assert METRICS["nice_recall"].of(one).value is None


# --- what goes wrong -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("record", "kind", "number"),
    [
        ({"id": 1, "reference": "", "candidate": "a"}, "no-reference", None),
        ({"id": 1, "candidate": "a"}, "malformed", None),
        ({"id": 1, "reference": ["a", 3], "candidate": "a"}, "malformed", None),
        ({"id": 1, "reference": "Water boils.", "candidate": None}, "malformed", None),
        ({"id": 1, "reference": "Water boils."}, "malformed", None),
        ({"id": 1, "reference": "Water boils.", "candidate": float("nan")}, "malformed", None),
        ({"id": 1, "reference": "…", "candidate": "a"}, "no-reference", None),
        ({"id": 1, "reference": "Water boils at 100 degrees.", "candidate": " "}, "empty-candidate", 0.0),
        ({"id": 1, "reference": "Water boils.", "candidate": "x" * 1_000_000}, "too-large", None),
        (
            {"id": 1, "reference": "Das Licht der Sonne wird an den Molekülen der Luft gestreut, und kurze Wellen werden "
             "stärker gestreut als lange, deshalb erscheint uns der Himmel am Tage blau.", "candidate": "It is blue."},
            "language", None,
        ),
        ({"id": 1, "reference": "水在一百度沸腾。", "candidate": "It is blue."}, "language", None),
    ],
)  # fmt: skip
def test_what_cannot_be_scored_is_named(record: dict[str, Any], kind: str, number: float | None) -> None:
    found = score(item_of(record))
    assert found.error
    assert found.error.kind == kind
    assert found.score == number
    assert json.dumps(found.as_dict(), allow_nan=False)


def test_several_processes_find_the_same() -> None:
    items = [Item(n, "Why?", (REFERENCE,), REFERENCE[: 40 + 5 * n]) for n in range(70)]
    alone = [one.as_dict() for one in score_all(items, [], jobs=1)]
    assert [one.as_dict() for one in score_all(items, [], jobs=2)] == alone
    assert [one["id"] for one in alone] == list(range(70))


# --- what it is worth ------------------------------------------------------------------------------------------------


def rows(heading: str) -> dict[str, list[str]]:
    """The rows of the table under a heading of docs/metrics.md."""
    section = DOCS.read_text().partition(f"## {heading}\n")[2].partition("\n## ")[0]
    cells = ([cell.strip() for cell in line.strip("|").split("|")] for line in section.splitlines() if line[:1] == "|")
    return {first: rest for first, *rest in cells}


def test_planted_defects_lower_the_score_by_what_the_docs_say() -> None:
    defects = runpy.run_path(str(ROOT / "benchmarks" / "defects.py"))
    references = list(load_suite(ROOT / "evals" / "core").references)
    written = rows("Known defects")
    for defect in defects["DEFECTS"]:
        some = defects["touched"](defect, references)
        whole, broken = defects["scores_of"](None, some), defects["scores_of"](defect, some)
        name = defect.__name__.replace("_", " ")
        assert all(new < old for old, new in zip(whole, broken, strict=True)), name
        fall = sum(whole) / len(whole) - sum(broken) / len(broken)
        assert fall == pytest.approx(float(written[name][3].split()[0]), abs=0.01), name


@pytest.mark.skipif(not (SHARED / "data").is_dir(), reason="the judged answers of ../shared/data are not here")
def test_agreement_with_people_is_what_the_docs_say() -> None:
    written = rows("Agreement with people")
    sources = sources_in(SHARED / "data")
    found = [
        agreement(name, judged, list(score_all((one.item for one in judged), ["rouge_l"])), ["score", "rouge_l"])
        for name, judged in sources.items()
    ]
    for place, of_source in enumerate(found):
        for row in of_source:
            assert row.value >= float(written[row.metric][place].split()[0]) - 0.0006, (row.source, row.metric)
