from pathlib import Path

from qtgen.review.audits.features import finding_features, rewrite_features
from qtgen.review.audits.frames import Frame
from qtgen.review.types import Rewrite
from qtgen.validation.diagnostics import Diagnostic, Severity
from qtgen.validation.run import CheckedFile
from support.audits import source_page


def rewrite(measures: object) -> Rewrite:
    return Rewrite(url="/a", path="a.md", is_taken=False, old={}, new={}, compared={"measures": measures})


def test_measures_and_their_spread() -> None:
    found = rewrite_features(
        {"/a": rewrite({"information": 0.5, "similarity": 0.8, "note": "none", "odd": float("nan")})}
    )
    assert found == {"/a": {"measure:information": 0.5, "measure:similarity": 0.8, "spread": 0.8 - 0.5}}


def test_rewrites_without_measures_have_no_features() -> None:
    assert rewrite_features({"/a": rewrite({}), "/b": rewrite(None), "/c": rewrite([1])}) == {}


def test_findings_are_counted_by_severity() -> None:
    frame = Frame((source_page(1), source_page(2)))
    findings = [
        Diagnostic("out/biology/00001.md", 1, 1, 1, 1, "QT1", "a", severity, "")
        for severity in (Severity.ERROR, Severity.WARNING, Severity.WARNING, Severity.INFO)
    ]
    counted = finding_features(frame, [CheckedFile("out/biology/00001.md", findings)], Path("out"))
    assert counted == {
        frame.pages[0].url: {"errors": 1.0, "warnings": 2.0},
        frame.pages[1].url: {"errors": 0.0, "warnings": 0.0},
    }
