"""Suites: the shipped ones are whole, and what is not a suite is rejected."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from qtgen.errors import UsageError
from qtgen.evaluation.suites import Nuggets, find_suite, load_suite
from support import ROOT


@pytest.mark.parametrize(("name", "references", "subjects"), [("core", 40, 12), ("smoke", 8, 8)])
def test_shipped_suites_are_whole(name: str, references: int, subjects: int) -> None:
    suite = load_suite(ROOT / "evals" / name)
    assert len(suite.references) >= references
    assert len({reference.question.subject for reference in suite.references}) >= subjects
    for reference in suite.references:
        assert reference.error is None
        assert reference.nuggets.must
        assert reference.nuggets.nice
    answers = "\n".join(reference.answer for reference in suite.references)
    assert all(mark in answers for mark in ("```", "$", "---", "1. **"))


def test_a_folder_that_is_not_a_suite_is_rejected(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"suite\.toml: No such file or directory; a suite is a folder with"):
        load_suite(tmp_path)
    (tmp_path / "suite.toml").write_text("")
    with pytest.raises(UsageError, match=r"references: contains no reference page"):
        load_suite(tmp_path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("repeats = 0", "`repeats` must be at least 1"),
        ("repeats = ", "Invalid value"),
        ('metrics = ["must_recal"]', "`metrics`: unknown metric `must_recal`; did you mean `must_recall`?"),
        ('[gate]\nmetrics = ["scor"]', "`gate.metrics`: unknown metric `scor`"),
        ('[gate]\nmetrics = ["readability"]', "`gate.metrics`: unknown metric `readability`"),
        ("[gate]\nmax_fall = inf", "`gate.max_fall` must be a finite number"),
        ("[gate]\nmatters = nan", "`gate.matters` must be "),
    ],
)
def test_an_unusable_field_is_named(smoke: Path, text: str, message: str) -> None:
    (smoke / "suite.toml").write_text(text)
    with pytest.raises(UsageError) as caught:
        load_suite(smoke)
    assert f"suite.toml: {message}" in str(caught.value)


def test_the_metrics_of_the_gate_are_measured_as_well(smoke: Path) -> None:
    assert load_suite(smoke).settings.measured_metrics is None
    (smoke / "suite.toml").write_text('metrics = ["rouge_l"]\n[gate]\nmetrics = ["score", "must_recall"]')
    assert load_suite(smoke).settings.measured_metrics == ("rouge_l", "score", "must_recall")


def test_a_broken_reference_is_a_value_with_an_error(smoke: Path) -> None:
    pages = sorted((smoke / "references").glob("*.md"))
    pages[0].write_text("---\ntitle: >-\n    A?\n")
    pages[1].with_suffix(".nuggets.toml").write_text("must = 3")
    pages[2].with_suffix(".nuggets.toml").unlink()
    errors = [reference.error for reference in load_suite(smoke).references]
    assert [error and error.kind for error in errors] == ["no-reference", "no-reference", *[None] * 6]
    assert errors[0] is not None
    assert errors[0].message.endswith("`subject` is missing or empty")
    assert errors[1] is not None
    assert errors[1].message.endswith('nuggets.toml: `must` must be a list, ["…"]')


def test_the_digest_covers_references_and_nuggets(smoke: Path) -> None:
    digest = load_suite(smoke).digest
    next(smoke.glob("references/*.nuggets.toml")).write_text('must = ["Water is wet."]')
    assert load_suite(smoke).digest != digest


def test_only_what_is_scored_affects_a_digest(smoke: Path) -> None:
    before = load_suite(smoke)
    references = smoke / "references"
    for path in references.iterdir():
        path.write_bytes(path.read_bytes().replace(b"\r\n", b"\n").replace(b"\n", b"\r\n"))
    page = before.references[0].path
    text = page.read_bytes().decode()
    changed = re.sub(r"(?m)^(date|id|author|score): .*?(?=\r?$)", r"\1: 7", text)
    assert changed.count(": 7\r\n") == 4
    page.write_bytes(changed.encode())
    for name in ("README.md", "readme.MD"):
        (references / name).write_text("About the references.")
    after = load_suite(smoke)
    assert after.digest == before.digest
    assert [item.digest for item in after.references] == [item.digest for item in before.references]
    assert [item.id for item in after.references] == [item.id for item in before.references]


def test_what_is_scored_affects_the_digest_of_its_reference_only(smoke: Path) -> None:
    before = load_suite(smoke)
    nuggets = before.references[0].nuggets
    for change in (
        {"question": replace(before.references[0].question, text="Why?")},
        {"question": replace(before.references[0].question, subject="Art")},
        {"question": replace(before.references[0].question, context="Water is wet.")},
        {"answer": "Water."},
        {"answer": before.references[0].answer.replace("\n", " ")},
        {"nuggets": Nuggets(must=nuggets.must[1:], nice=nuggets.nice)},
        {"nuggets": Nuggets(must=nuggets.nice, nice=nuggets.must)},
    ):
        reference = replace(before.references[0], **change)
        assert reference.digest != before.references[0].digest, change
    path = before.references[0].path
    path.write_text(path.read_text().replace("subject: ", "subject: A "))
    after = load_suite(smoke)
    digests = zip(before.references, after.references, strict=True)
    assert [old.digest == new.digest for old, new in digests] == [False, *[True] * 7]
    assert after.digest != before.digest


def test_a_renamed_reference_affects_the_digest_of_the_suite(smoke: Path) -> None:
    digest = load_suite(smoke).digest
    page = min(smoke.glob("references/*.md"))
    for file in smoke.glob(f"references/{page.stem}.*"):
        file.rename(file.with_name("a" + file.name))
    assert load_suite(smoke).digest != digest


def test_a_reference_may_have_a_source_text(smoke: Path) -> None:
    digest = load_suite(smoke).digest
    pages = sorted(smoke.glob("references/*.md"))
    pages[0].with_suffix(".context.txt").write_text("Water is wet.")
    pages[1].with_suffix(".context.txt").write_bytes(b"\xff")
    suite = load_suite(smoke)
    assert suite.digest != digest
    assert [reference.question.context for reference in suite.references] == ["Water is wet.", *[None] * 7]
    error = suite.references[1].error
    assert error is not None
    assert ".context.txt: " in error.message
    assert suite.references[0].error is None


def test_a_suite_is_found_by_name_or_by_path(smoke: Path, tmp_path: Path) -> None:
    (tmp_path / "qtgen.toml").write_text("")
    assert find_suite("smoke") == smoke
    assert find_suite("other/suite") == Path("other/suite")
