"""Labels of people: reading them, and finding the items they belong to."""

from pathlib import Path

import pytest

from qtgen.errors import UsageError
from qtgen.evaluation.people.calibration import JudgedItem
from qtgen.evaluation.people.labels import label_items, read_labels
from support.eval_reports import make_item, make_report, scored_report


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "labels.jsonl"


def test_verdicts_and_marks_become_labels(file: Path) -> None:
    file.write_text('{"id": "a", "pass": true}\n\n{"id": "b", "mark": 0.25}\n{"id": "c", "pass": false}\n')
    report = scored_report({"a": 0.9, "b": 0.8, "c": None, "d": 0.1})
    items = label_items(report, "score", read_labels(file))
    assert items == [JudgedItem("a", 0.9, 1.0), JudgedItem("b", 0.8, 0.25), JudgedItem("d", 0.1)]


def test_repeats_are_told_apart(file: Path) -> None:
    report = make_report([make_item(1), make_item(1, repeat=2, score=0.2)], None, repeats=2)
    file.write_text('{"id": "question-1", "repeat": 2, "pass": true}\n')
    assert [item.label for item in label_items(report, "score", read_labels(file))] == [None, 1.0]
    file.write_text('{"id": "question-1", "pass": true}\n')
    with pytest.raises(UsageError, match=r"labels.jsonl:1: the report has 2 answers to question-1; add `repeat`"):
        label_items(report, "score", read_labels(file))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "contains no label"),
        ("no\n", ":1: Expecting value"),
        ('{"id": "a", "pass": true}\n[]\n', ":2: "),
        ('{"id": "a"}\n', ":1: .*give either `pass`"),
        ('{"id": "a", "pass": true, "mark": 1}\n', ":1: .*give either `pass`"),
        ('{"id": "a", "pass": 1}\n', ":1: `pass` "),
        ('{"id": "a", "mark": 1.5}\n', ":1: `mark` "),
        ('{"id": "a", "mark": NaN}\n', ":1: `mark` "),
        ('{"id": "a", "pass": true, "score": 1}\n', ":1: `score` "),
        ('{"pass": true}\n', ":1: `id` is missing"),
        ('{"id": "zz", "pass": true}\n', ":1: the report does not have an item zz"),
        ('{"id": "a", "repeat": 3, "pass": true}\n', ":1: the report does not have repeat 3 of a"),
        ('{"id": "a", "pass": true}\n{"id": "a", "pass": true}\n', ":2: a has a label in .*:1 already"),
    ],
)
def test_an_unusable_label_is_named_with_its_line(file: Path, text: str, message: str) -> None:
    file.write_text(text)
    with pytest.raises(UsageError, match=message):
        label_items(scored_report({"a": 0.9, "b": 0.8}), "score", read_labels(file))


def test_a_missing_file_and_bytes_that_are_no_text_are_named(file: Path) -> None:
    with pytest.raises(UsageError, match="No such file"):
        read_labels(file)
    file.write_bytes(b"\xff\xfe")
    with pytest.raises(UsageError, match="can't decode"):
        read_labels(file)


def test_a_report_without_the_metric_and_one_whose_labels_have_no_value_are_named(file: Path) -> None:
    file.write_text('{"id": "a", "pass": true}\n')
    with pytest.raises(UsageError, match="the report has no values of `judge`; evaluate the suite with a judge"):
        label_items(scored_report({"a": 0.9}), "judge", read_labels(file))
    with pytest.raises(UsageError, match="no labelled item has a value of `score`"):
        label_items(scored_report({"a": None, "b": 0.4}), "score", read_labels(file))
