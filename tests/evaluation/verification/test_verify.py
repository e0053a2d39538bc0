"""Verification: whatever is edited in a report, or changed in its suite, is noticed at its place."""

import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from qtgen.evaluation.gate.comparison import compare_reports, summarize
from qtgen.evaluation.metrics import metric_directions
from qtgen.evaluation.offline import evaluate
from qtgen.evaluation.report import EvalReport
from qtgen.evaluation.suites.suite import Suite, load_suite
from qtgen.evaluation.verification.evidence import Evidence, compare_again, gather_evidence
from qtgen.evaluation.verification.verify import FREE_FIELDS, Verification, verify
from qtgen.page.profile import default_profile
from qtgen.settings import Settings, load_settings
from support import ROOT
from support.suites import make_small_suite

Place = tuple[str | int, ...]


class Verified(NamedTuple):
    """A suite, a report of it, its settings, and the evidence for the report."""

    suite: Suite
    report: EvalReport
    settings: Settings
    evidence: Evidence

    def check(self, **changes: Any) -> Verification:
        """Verify the report with other fields, with fresh evidence."""
        report = replace(self.report, **changes)
        return verify(report, gather_evidence(report, self.suite, self.settings), self.suite.settings.gate)


def _verified(suite: Path, pages: Path | None = None) -> Verified:
    loaded, own = load_suite(suite, default_profile()), load_settings(suite, {}, {}).settings
    report = EvalReport.from_json(replace(evaluate(suite, pages=pages, settings=own), gate=None).to_json())
    return Verified(loaded, report, own, gather_evidence(report, loaded, own))


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Verified:
    """A report on pages of a folder."""
    return _verified(*make_small_suite(tmp_path_factory.mktemp("small")))


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Verified:
    """A report on recorded responses."""
    return _verified(Path(shutil.copytree(ROOT / "evals" / "smoke", tmp_path_factory.mktemp("recorded") / "smoke")))


def places(outcome: Verification) -> set[str]:
    return {difference.place for difference in outcome.contradicted}


def leaves(document: Any, place: Place = ()) -> Iterator[Place]:
    """Yield the place of every number and text."""
    if isinstance(document, dict | list):
        for key, part in document.items() if isinstance(document, dict) else enumerate(document):
            yield from leaves(part, (*place, key))
    elif document is not None:
        yield place


def edited(report: EvalReport, place: Place, value: Any) -> EvalReport:
    """Return the report with another value at a place."""
    document = json.loads(report.to_json())
    part = document
    for key in place[:-1]:
        part = part[key]
    part[place[-1]] = value
    return EvalReport.from_json(json.dumps(document))


def value_at(report: EvalReport, place: Place) -> Any:
    part = json.loads(report.to_json())
    for key in place:
        part = part[key]
    return part


def test_reports_that_nobody_touched_are_proved(small: Verified, recorded: Verified) -> None:
    for verified in (small, recorded):
        outcome = verify(verified.report, verified.evidence, verified.suite.settings.gate)
        assert outcome == Verification(())


@given(st.data())
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_any_edited_number_or_text_is_noticed(small: Verified, data: st.DataObject) -> None:
    known = [place for place in leaves(json.loads(small.report.to_json())) if place[0] not in (*FREE_FIELDS, "version")]
    place = data.draw(st.sampled_from(known))
    value = value_at(small.report, place)
    if isinstance(value, str):
        new = {"higher": "lower", "lower": "none", "none": "higher"}[value] if place[-1] == "direction" else value + "x"
    else:
        new = value + data.draw(st.sampled_from([1, -1, 2])) * (1 if isinstance(value, int) else 0.00001)
    tampered, evidence = edited(small.report, place, new), small.evidence
    if {place[0], place[-1]} & {"provider", "model", "judges", "scorer", "repeat"}:  # they say what to make again
        evidence = gather_evidence(tampered, small.suite, small.settings)
    assert verify(tampered, evidence, small.suite.settings.gate).differences


def test_free_fields_may_change(small: Verified) -> None:
    outcome = small.check(created="2020-01-01T00:00:00+00:00", qtgen="9.9", libraries={"numpy": "0.1"})
    assert not outcome.differences
    assert outcome.notes[0].startswith(
        "library versions differ from the report's, which can move scores: numpy 0.1 -> "
    )


def test_an_edited_score_and_its_mean_are_both_named(recorded: Verified) -> None:
    tampered = edited(recorded.report, ("items", 2, "score"), 0.99)
    outcome = verify(tampered, recorded.evidence)
    assert places(outcome) == {"items[2].score", "metrics.score"}
    assert outcome.contradicted[1].message.startswith("mean, low, high: the report has ")
    first = outcome.contradicted[0]
    assert first.item == tampered.items[2].id
    assert first.message.startswith("the report has 0.99, scoring the answer gives 0.")


def test_a_score_whose_mean_was_edited_too_is_named(recorded: Verified) -> None:
    tampered = edited(recorded.report, ("items", 2, "score"), 0.99)
    tampered = replace(tampered, metrics=summarize(tampered.items, metric_directions()))
    assert places(verify(tampered, recorded.evidence)) == {"items[2].score"}


def test_a_swapped_answer_is_named_with_its_first_difference(recorded: Verified) -> None:
    items = recorded.report.items
    swapped = (replace(items[0], candidate=items[1].candidate), *items[1:])
    outcome = verify(replace(recorded.report, items=swapped), recorded.evidence)
    assert places(outcome) == {"items[0].candidate"}
    assert "it is not the answer that was made: the report has" in outcome.contradicted[0].message


def test_cherry_picking_is_named(recorded: Verified) -> None:
    left = recorded.report.items[1:]
    tampered = replace(recorded.report, items=left, metrics=summarize(left, metric_directions()))
    outcome = verify(tampered, recorded.evidence)
    assert [difference for difference in outcome.contradicted if difference.item] == [outcome.contradicted[0]]
    assert outcome.contradicted[0].item == recorded.report.items[0].id
    assert outcome.contradicted[0].message == "removed: the report has no item for the reference"


def test_repeated_and_invented_items_are_named(recorded: Verified) -> None:
    items = recorded.report.items
    invented = replace(items[0], id="invented", cluster="invented")
    tampered = replace(recorded.report, items=(*items, items[0], invented, replace(items[1], repeat=7)))
    messages = {difference.message for difference in verify(tampered, recorded.evidence).contradicted}
    assert {
        "the report has this item 2 times", "added: the suite has no such reference", "added: there is no repeat 7",
    } <= messages  # fmt: skip


def test_a_report_without_items_and_one_with_absurd_repeats_are_refuted(recorded: Verified) -> None:
    assert len(recorded.check(items=()).contradicted) >= len(recorded.report.items)
    absurd = tuple(replace(item, repeat=10**9) for item in recorded.report.items)
    assert "repeats" in places(recorded.check(items=absurd, repeats=10**9))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("suite", "other"), ("suite_digest", "0" * 16), ("provider", "openai"), ("model", "gpt-9"), ("repeats", 2),
        ("prompts", {}), ("judges", ("gpt-9",)),
    ],
)  # fmt: skip
def test_claims_about_the_run_are_checked(recorded: Verified, field: str, value: Any) -> None:
    differences = recorded.check(**{field: value}).differences
    assert any(difference.place.startswith(field) for difference in differences)


def test_a_changed_reference_is_named(small: Verified, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(small.suite.folder, tmp_path / "small"))
    page = min((folder / "references").glob("*.md"))
    page.write_text(page.read_text(encoding="utf-8").replace("the", "a", 40), encoding="utf-8")
    suite = load_suite(folder, default_profile())
    outcome = verify(small.report, gather_evidence(small.report, suite, small.settings))
    assert {"suite_digest", "items[0].reference"} <= places(outcome)
    assert not any(place.startswith("items[1]") for place in places(outcome))


def test_changed_nuggets_change_what_the_answers_score(small: Verified, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(small.suite.folder, tmp_path / "small"))
    nuggets = min((folder / "references").glob("*.nuggets.toml"))
    nuggets.write_text('must = ["Bread is baked."]\n')
    outcome = verify(small.report, gather_evidence(small.report, load_suite(folder, default_profile()), small.settings))
    assert "suite_digest" in places(outcome)
    assert places(outcome) & {"items[0].digest", "items[0].metrics.must_recall"}  # old reports have no digest


def test_added_and_removed_references_are_named(small: Verified, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(small.suite.folder, tmp_path / "small"))
    pages = sorted((folder / "references").glob("*.md"))
    for file in (folder / "references").glob(f"{pages[0].stem}.*"):
        file.rename(file.with_name(file.name.replace(pages[0].stem, "another")))
    outcome = verify(small.report, gather_evidence(small.report, load_suite(folder, default_profile()), small.settings))
    by_item = {difference.item: difference.message for difference in outcome.contradicted if difference.item}
    assert by_item[pages[0].stem] == "added: the suite has no such reference"
    assert by_item["another"] == "removed: the report has no item for the reference"


def test_a_changed_page_is_noticed(tmp_path: Path) -> None:
    folder, pages = make_small_suite(tmp_path)
    verified = _verified(folder, pages)
    page = min(pages.glob("*.md"))
    page.write_text(page.read_text(encoding="utf-8").replace("the", "a", 40), encoding="utf-8")
    assert "items[0].candidate" in places(verified.check())


def test_without_its_pages_a_report_is_proved_in_part(tmp_path: Path) -> None:
    folder, pages = make_small_suite(tmp_path)
    verified = _verified(folder, pages)
    shutil.rmtree(pages)
    outcome = verified.check()
    assert not outcome.contradicted
    unproven = {difference.place for difference in outcome.unproven}
    assert {"items[].candidate", "items[].metrics.page_health"} <= unproven
    tampered = edited(verified.report, ("items", 1, "metrics", "rouge_l"), 0.99)
    outcome = verify(tampered, gather_evidence(tampered, verified.suite, verified.settings))
    assert "items[1].metrics.rouge_l" in places(outcome)


def test_scores_of_another_scorer_version_are_not_proved(small: Verified) -> None:
    outcome = small.check(scorer="1")
    assert not outcome.contradicted
    assert [difference.place for difference in outcome.unproven] == ["items[].score"]
    assert "version 1 of the scorer made them" in outcome.unproven[0].message


def test_judgements_without_recordings_are_not_proved(small: Verified) -> None:
    items = tuple(replace(item, metrics={**item.metrics, "judge": 0.5}) for item in small.report.items)
    metrics = summarize(items, metric_directions())
    outcome = small.check(items=items, metrics=metrics, judges=("gpt-9",))
    assert (places(outcome), [difference.place for difference in outcome.unproven]) == (set(), ["judges"])
    assert "items[0].metrics.judge" in places(small.check(items=items, metrics=metrics))


def test_the_figures_of_the_gate_follow_from_the_baseline(small: Verified) -> None:
    settings = small.suite.settings.gate
    before = edited(small.report, ("items", 0, "score"), 0.9)
    gate = compare_reports(before, small.report, settings, "old.json")
    report = EvalReport.from_json(replace(small.report, gate=gate).to_json())
    compare = partial(compare_again, baseline=before, suite=small.suite)
    assert not verify(report, small.evidence, settings, compare).differences
    tampered = edited(report, ("gate", "verdict"), "better")
    assert places(verify(tampered, small.evidence, settings, compare)) == {"gate.verdict"}
    tampered = edited(report, ("gate", "comparisons", 0, "p"), 0.7)
    assert places(verify(tampered, small.evidence, settings, compare)) == {"gate.comparisons[0].p"}
    assert [difference.place for difference in verify(report, small.evidence, settings).unproven] == ["gate"]
    compare = partial(compare_again, baseline=replace(before, suite="other"), suite=small.suite)
    assert places(verify(report, small.evidence, settings, compare)) == {"gate"}


def test_fields_that_others_imply_are_compared_as_they_are_written(small: Verified) -> None:
    document = json.loads(small.report.to_json())
    assert not verify(small.report, small.evidence, document=document).differences
    assert places(verify(small.report, small.evidence, document={**document, "verdict": "better"})) == {"verdict"}
