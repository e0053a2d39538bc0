"""The overall score: monotone, continuous, documented, and lowered by planted defects."""

import itertools
import runpy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qtgen.evaluation.metrics import SCORER, Score, describe_score, overall
from qtgen.evaluation.metrics.overall import PARTS, WEIGHTS, to_scale
from qtgen.evaluation.report import Verdict, load_report
from qtgen.evaluation.suites.suite import load_suite
from qtgen.page.profile import default_profile
from support import ROOT


@given(st.lists(st.floats(0, 1), min_size=len(PARTS), max_size=len(PARTS)), st.sampled_from(PARTS), st.floats(0, 1))
def test_the_score_is_monotone_in_each_part(values: list[float], part: str, other: float) -> None:
    before = dict(zip(PARTS, map(Score, values), strict=True))
    after = {**before, part: Score(other)}
    improvement = other - (before[part].value or 0.0)
    change = (overall(after).value or 0.0) - (overall(before).value or 0.0)
    is_better_low = part in WEIGHTS.penalties or WEIGHTS.weights.get(part, 1.0) < 0
    assert change * improvement * (-1 if is_better_low else 1) >= -1e-12


def test_the_scale_runs_from_0_to_1_without_a_step() -> None:
    values = [to_scale(n / 1000) for n in range(-5, 1006)]
    assert (values[0], values[-1]) == (0, 1)
    assert all(0 <= second - first < 0.01 for first, second in itertools.pairwise(values))
    assert sum(weight for weight in WEIGHTS.weights.values() if weight > 0) == pytest.approx(1.0)


def test_the_documentation_shows_every_weight_and_penalty() -> None:
    text = describe_score()
    assert text.startswith(f"score (range 0 to 1; higher is better; scorer version {SCORER})\n")
    for name, weight in WEIGHTS.weights.items():
        assert f"  {weight:+.3f}  {name}\n" in text
    for name, penalty in WEIGHTS.penalties.items():
        assert (
            f"  {name}: nothing up to {penalty.start:g}, {penalty.most:.0%} of the score from {penalty.end:g} on\n"
            in text
        )
    assert "0.45 -> 0.26" in text
    assert "docs/explanation/scoring.md" in text


def documented_defects() -> dict[str, list[str]]:
    """Return the rows of the first table of defects in docs/explanation/scoring.md, by their first cell."""
    section = (
        (ROOT / "docs" / "explanation" / "scoring.md")
        .read_text()
        .partition("## Known defects\n")[2]
        .partition("\n## ")[0]
    )
    table = section.partition("\n\n|")[2].partition("\n\n")[0]
    cells = ([cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines())
    return {first: rest for first, *rest in cells}


def test_planted_defects_lower_the_score_as_documented() -> None:
    defects = runpy.run_path(str(ROOT / "benchmarks" / "defects.py"))
    references = list(load_suite(ROOT / "evals" / "core", default_profile()).references)
    documented = documented_defects()
    ids = [reference.id for reference in references]
    whole_scores = dict(zip(ids, defects["scores_of"](None, references), strict=True))
    for defect in defects["DEFECTS"]:
        affected = defects["touched"](defect, references)
        whole = [whole_scores[reference.id] for reference in affected]
        broken = defects["scores_of"](defect, affected)
        name = defect.__name__.replace("_", " ")
        assert all(new < old for old, new in zip(whole, broken, strict=True)), name
        fall = sum(whole) / len(whole) - sum(broken) / len(broken)
        assert fall == pytest.approx(float(documented[name][3].split()[0]), abs=0.01), name


@pytest.mark.parametrize("name", ["drop_a_section", "swap_the_subject", "pad", "cut_in_half", "repeat"])
def test_the_gate_of_core_sees_a_defect_of_its_recorded_answers(name: str) -> None:
    defects = runpy.run_path(str(ROOT / "benchmarks" / "defects.py"))
    suite = load_suite(ROOT / "evals" / "core", default_profile())
    result = defects["gate_on"](defects[name], suite, load_report(suite.baseline))
    assert result.verdict is Verdict.WORSE
    assert "score" in {comparison.metric for comparison in result.comparisons if comparison.verdict is Verdict.WORSE}
