"""Suites: the shipped ones are whole, and what is not a suite is rejected."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from qtgen.errors import UsageError
from qtgen.evaluation.suites.suite import Nuggets, find_suite, load_suite
from qtgen.page.profile import default_profile
from support import ROOT


@pytest.mark.parametrize(("name", "references", "subjects"), [("core", 40, 12), ("smoke", 8, 8)])
def test_shipped_suites_are_whole(name: str, references: int, subjects: int) -> None:
    suite = load_suite(ROOT / "evals" / name, default_profile())
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
        load_suite(tmp_path, default_profile())
    (tmp_path / "suite.toml").write_text("")
    with pytest.raises(UsageError, match=r"references: contains no reference page"):
        load_suite(tmp_path, default_profile())


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
        load_suite(smoke, default_profile())
    assert f"suite.toml: {message}" in str(caught.value)


def test_the_metrics_of_the_gate_are_measured_as_well(smoke: Path) -> None:
    assert load_suite(smoke, default_profile()).settings.measured_metrics is None
    (smoke / "suite.toml").write_text('metrics = ["rouge_l"]\n[gate]\nmetrics = ["score", "must_recall"]')
    assert load_suite(smoke, default_profile()).settings.measured_metrics == ("rouge_l", "score", "must_recall")


def test_a_broken_reference_is_a_value_with_an_error(smoke: Path) -> None:
    pages = sorted((smoke / "references").glob("*.md"))
    pages[0].write_text("---\ntitle: >-\n    A?\n")
    pages[1].with_suffix(".nuggets.toml").write_text("must = 3")
    pages[2].with_suffix(".nuggets.toml").unlink()
    errors = [reference.error for reference in load_suite(smoke, default_profile()).references]
    assert [error and error.kind for error in errors] == ["no-reference", "no-reference", *[None] * 6]
    assert errors[0] is not None
    assert errors[0].message.endswith("`subject` is missing or empty")
    assert errors[1] is not None
    assert errors[1].message.endswith('nuggets.toml: `must` must be a list, ["…"]')


def test_the_digest_covers_references_and_nuggets(smoke: Path) -> None:
    digest = load_suite(smoke, default_profile()).digest
    next(smoke.glob("references/*.nuggets.toml")).write_text('must = ["Water is wet."]')
    assert load_suite(smoke, default_profile()).digest != digest


def test_only_what_is_scored_affects_a_digest(smoke: Path) -> None:
    before = load_suite(smoke, default_profile())
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
    after = load_suite(smoke, default_profile())
    assert after.digest == before.digest
    assert [item.digest for item in after.references] == [item.digest for item in before.references]
    assert [item.id for item in after.references] == [item.id for item in before.references]


def test_what_is_scored_affects_the_digest_of_its_reference_only(smoke: Path) -> None:
    before = load_suite(smoke, default_profile())
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
    after = load_suite(smoke, default_profile())
    digests = zip(before.references, after.references, strict=True)
    assert [old.digest == new.digest for old, new in digests] == [False, *[True] * 7]
    assert after.digest != before.digest


def test_a_renamed_reference_affects_the_digest_of_the_suite(smoke: Path) -> None:
    digest = load_suite(smoke, default_profile()).digest
    page = min(smoke.glob("references/*.md"))
    for file in smoke.glob(f"references/{page.stem}.*"):
        file.rename(file.with_name("a" + file.name))
    assert load_suite(smoke, default_profile()).digest != digest


def test_a_reference_may_have_a_source_text(smoke: Path) -> None:
    digest = load_suite(smoke, default_profile()).digest
    pages = sorted(smoke.glob("references/*.md"))
    pages[0].with_suffix(".context.txt").write_text("Water is wet.")
    pages[1].with_suffix(".context.txt").write_bytes(b"\xff")
    suite = load_suite(smoke, default_profile())
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


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["old.nuggets.toml"], "1 file belongs to no reference: old.nuggets.toml; references are NAME.md directly in"),
        (["old.context.txt"], "1 file belongs to no reference: old.context.txt"),
        (["Old.Context.TXT", "PAGE.nugget.toml"], "2 files belong to no reference: Old.Context.TXT, PAGE.nugget.toml"),
        (["maths/what-is-pi.md"], "1 file belongs to no reference: maths/what-is-pi.md"),
        (["a/b/c.nuggets.toml", "a/b/c.md"], "2 files belong to no reference: a/b/c.md, a/b/c.nuggets.toml"),
        (["page.MD", "page.markdown"], "2 files belong to no reference: page.MD, page.markdown"),
        ([f"{number:02}/p.md" for number in range(13)], "09/p.md, 3 more; references are"),
    ],
)
def test_files_that_belong_to_no_reference_are_named(smoke: Path, names: list[str], message: str) -> None:
    for name in names:
        path = smoke / "references" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("must = []")
    with pytest.raises(UsageError, match=f"references: .*{re.escape(message)}"):
        load_suite(smoke, default_profile())


@pytest.mark.parametrize("name", ["README.md", "notes.txt", "maths/ReadMe.md", ".DS_Store", ".cache/page.md", "x.md~"])
def test_other_files_may_lie_beside_references(smoke: Path, name: str) -> None:
    path = smoke / "references" / name
    path.parent.mkdir(exist_ok=True)
    path.write_text("About the references.")
    assert len(load_suite(smoke, default_profile()).references) == 8


def _copy(page: Path, name: str, **changes: str) -> None:
    text = page.read_text()
    for old, new in changes.items():
        assert old in text
        text = text.replace(old, new)
    page.with_name(name).write_text(text)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"prime?": "prime"},
        {"What makes": "What  makes"},
        {"What makes": "what Makes"},
        {"subject: Math": "subject: math"},
        {"\n    What makes": "\n    What\n    makes"},
    ],
)
def test_two_references_with_one_question_are_refused(smoke: Path, changes: dict[str, str]) -> None:
    page = smoke / "references" / "what-makes-a-number-prime.md"
    _copy(page, "another.md", **changes)
    with pytest.raises(UsageError) as caught:
        load_suite(smoke, default_profile())
    assert "references: another.md and what-makes-a-number-prime.md ask the same question" in str(caught.value)
    assert "set `repeats` in suite.toml" in str(caught.value)


def test_one_question_may_have_two_subjects_or_source_texts(smoke: Path) -> None:
    page = smoke / "references" / "what-makes-a-number-prime.md"
    _copy(page, "another.md", **{"subject: Math": "subject: Art"})
    _copy(page, "third.md")
    page.with_name("third.context.txt").write_text("A prime has two divisors.")
    assert len(load_suite(smoke, default_profile()).references) == 10
    page.with_suffix(".context.txt").write_text("A prime\nhas two  divisors.")
    with pytest.raises(UsageError, match=r"third\.md and what-makes-a-number-prime\.md"):
        load_suite(smoke, default_profile())


def test_names_that_differ_only_in_case_are_refused(smoke: Path) -> None:
    page = smoke / "references" / "what-makes-a-number-prime.md"
    _copy(page, "What-makes-a-number-prime.md", **{"prime?": "odd?"})
    with pytest.raises(
        UsageError, match=r"What-makes-a-number-prime\.md and what-makes-a-number-prime\.md differ only"
    ):
        load_suite(smoke, default_profile())


def test_a_key_in_the_address_of_a_suite_is_refused(smoke: Path) -> None:
    (smoke / "suite.toml").write_text('base_url = "http://h/v1?key=s3cret"')
    with pytest.raises(UsageError, match=r"suite\.toml: `base_url` must not contain query parameters") as caught:
        load_suite(smoke, default_profile())
    assert "s3cret" not in str(caught.value)
