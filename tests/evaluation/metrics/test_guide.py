"""Metrics in one sentence each."""

import pytest

from qtgen.evaluation.metrics import METRICS, metric_directions
from qtgen.evaluation.metrics.guide import JUDGE_DOCS, guide_to
from qtgen.evaluation.metrics.overall import PARTS


@pytest.mark.parametrize("name", metric_directions())
def test_every_metric_that_a_report_can_hold_has_a_guide(name: str) -> None:
    guide = guide_to(name)
    assert guide
    assert guide.sentence.endswith(".")
    assert "\n" not in guide.sentence
    assert guide.low < guide.high


def test_the_guide_is_the_first_paragraph_of_the_documentation() -> None:
    guide = guide_to("coverage")
    assert guide == ("Share of the reference that the candidate says in the same or similar words.", 0.0, 1.0)
    assert (METRICS["coverage"].low, METRICS["coverage"].high) == (0.0, 1.0)


def test_the_guide_to_the_score_names_its_parts() -> None:
    guide = guide_to("score")
    assert guide
    assert all(part in guide.sentence for part in PARTS)


def test_an_unknown_metric_has_no_guide() -> None:
    assert guide_to("nothing") is None
    assert set(JUDGE_DOCS) <= set(metric_directions())
