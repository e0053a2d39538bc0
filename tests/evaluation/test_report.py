"""The report as JSON: what is written is read back, and what is not a report is rejected by its field."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qtgen.errors import UsageError
from qtgen.evaluation.report import EvalReport, RecordingUse, Verdict, load_report
from support import ROOT
from support.eval_reports import HOSTILE, SIXTY, VARIANTS, make_item, poisoned_report

TEXTS = st.text(st.characters(codec=None), max_size=60) | st.just(HOSTILE)


@pytest.mark.parametrize("name", VARIANTS)
def test_a_written_report_is_read_back(name: str) -> None:
    report = VARIANTS[name]
    assert EvalReport.from_json(report.to_json()) == report


@pytest.mark.parametrize("suite", ["core", "smoke"])
def test_a_baseline_keeps_its_keys_and_values(suite: str) -> None:
    path = ROOT / "evals" / suite / "baseline.json"
    before = json.loads(path.read_text())
    after = json.loads(load_report(path).to_json())
    pairs = [(after, before), *zip(after.pop("items"), before.pop("items"), strict=True)]
    for new, old in pairs:
        assert {key: new[key] for key in old} == old  # a baseline of an older version lacks the keys of later ones


@given(TEXTS)
def test_json_can_be_written_and_read_whatever_the_text(text: str) -> None:
    report = poisoned_report(text)
    written = report.to_json().encode("utf-8")
    assert json.loads(written)["suite"] == text
    assert EvalReport.from_json(written.decode("utf-8")).suite == text.encode("utf-8", "replace").decode("utf-8")


def test_json_cannot_express_nan() -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        replace(SIXTY, items=(make_item(1, score=float("nan")),)).to_json()


def remove(*keys: Any) -> Callable[[dict[str, Any]], None]:
    def change(document: Any) -> None:
        for key in keys[:-1]:
            document = document[key]
        del document[keys[-1]]

    return change


def put(value: Any, *keys: Any) -> Callable[[dict[str, Any]], None]:
    def change(document: Any) -> None:
        for key in keys[:-1]:
            document = document[key]
        document[keys[-1]] = value

    return change


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (put(1e999, "items", 0, "score"), "`items.0.score` must be a finite number"),
        (remove("items", 0, "score"), "`items.0.score` is missing"),
        (put("high", "items", 0, "score"), "`items.0.score` must be a number"),
        (put(1e999, "items", 0, "metrics", "bleu"), "`items.0.metrics.bleu` must be a finite number"),
        (put(None, "items"), "`items` must be a list"),
        (remove("usage"), "`usage` is missing"),
        (put("bad", "gate", "verdict"), "`gate.verdict` input should be 'worse'"),
        (put(2, "version"), "a report of version 2; this qtgen reads version 1"),
        (remove("suite_digest"), "not an evaluation report"),
    ],
)
def test_an_unusable_report_is_rejected_by_its_field(
    tmp_path: Path, change: Callable[[dict[str, Any]], None], message: str
) -> None:
    document = json.loads(SIXTY.to_json())
    change(document)
    path = tmp_path / "report.json"
    path.write_text(json.dumps(document).replace("Infinity", "1e999"))
    with pytest.raises(UsageError) as caught:
        load_report(path)
    assert str(caught.value).startswith(f"{path}: {message}")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"suite": NaN}', "not JSON: NaN is not a JSON number"),
        ("[" * 100_000, "not JSON: "),
        ("{}", "not an evaluation report"),
        ("[]", "not an evaluation report"),
    ],
)
def test_a_file_that_is_not_a_report_is_rejected(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "report.json"
    path.write_text(text)
    with pytest.raises(UsageError, match=message):
        load_report(path)


def test_a_report_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"none\.json: No such file or directory"):
        load_report(tmp_path / "none.json")
    (tmp_path / "latin.json").write_bytes(b'{"suite": "\xe9"}')
    with pytest.raises(UsageError, match=r"latin\.json: 'utf-8' codec"):
        load_report(tmp_path / "latin.json")


def test_a_report_knows_its_values_and_what_has_no_score() -> None:
    report = VARIANTS["empty answer"]
    assert [item.has_failed for item in report.items] == [False, False, True]
    assert [item.id for item in report.unscored] == ["question-3"]
    assert report.values("score") == [0.0, report.items[1].score]
    assert report.values("words") == [120.0]
    assert RecordingUse(("a",)) + RecordingUse(("b",), ("c",)) == RecordingUse(("a", "b"), ("c",))
    assert set(Verdict) == {"worse", "no change shown", "too few items to tell", "better"}
