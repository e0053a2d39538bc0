"""Candidates: pages of a folder by their file names, and generated pages."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from qtgen._util.concurrency import Stop
from qtgen.errors import BudgetReached, Refused
from qtgen.evaluation.suites.candidates import Candidate, find_candidates, generate_candidates, in_suite_order
from qtgen.evaluation.suites.suite import Suite, load_suite
from qtgen.generation.config import GenerationConfig
from qtgen.page.profile import default_profile
from qtgen.validation.selection import choose_rules
from support import Scripted, points_json
from support.default_tables import slug


def test_of_several_pages_with_one_name_the_one_of_the_subject_counts(smoke: Path, tmp_path: Path) -> None:
    suite = load_suite(smoke, default_profile())
    first, second, third, fourth = suite.references[:4]
    pages = tmp_path / "pages"
    for reference, folders in ((first, ("a", slug(first.question.subject), "z")), (second, ("a", "b"))):
        for folder in folders:
            (pages / folder).mkdir(parents=True, exist_ok=True)
            (pages / folder / reference.path.name).write_text(folder)
    (pages / third.path.name).mkdir()
    (pages / fourth.path.name).write_text("x")
    candidates = find_candidates(suite, pages)
    assert candidates[0].text == slug(first.question.subject)
    kinds = [candidate.error and candidate.error.kind for candidate in candidates[:4]]
    assert kinds == [None, "ambiguous-page", "no-page", None]


def test_a_page_that_cannot_be_read_is_an_error_of_its_candidate(smoke: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: str) -> bytes:
        raise PermissionError(13, "Permission denied", path)

    monkeypatch.setattr("qtgen.evaluation.suites.candidates.read_page_bytes", refuse)
    candidates = find_candidates(load_suite(smoke, default_profile()), smoke / "references")
    assert {candidate.error and candidate.error.kind for candidate in candidates} == {"unreadable-page"}


def break_first_reference(smoke: Path) -> Suite:
    min(smoke.glob("references/*.md")).write_text("no page")
    return load_suite(smoke, default_profile())


def test_a_reference_that_cannot_be_used_has_no_candidate(smoke: Path) -> None:
    suite = break_first_reference(smoke)
    assert find_candidates(suite, smoke / "references")[0].error == suite.references[0].error


def generate(suite: Suite, config: GenerationConfig, provider: Scripted, stop: Stop | None = None) -> list[Candidate]:
    async def collect() -> list[Candidate]:
        # Every question gets an answer in the form of points_json, which is about another one.
        points = replace(config, prompt="explain", rules=choose_rules(ignore=("QT609",), profile=default_profile()))
        pages = generate_candidates(suite, points, [provider], concurrency=1, stop=stop)
        return [candidate async for candidate, _ in pages]

    return in_suite_order(suite, asyncio.run(collect()))


def errors(candidates: Sequence[Candidate]) -> list[str | None]:
    return [candidate.error.kind if candidate.error else None for candidate in candidates]


def test_generated_pages_are_in_the_order_of_the_suite(smoke: Path, config: GenerationConfig) -> None:
    suite = break_first_reference(smoke)
    provider = Scripted(*[points_json()] * 5, Refused("no"), points_json())
    candidates = generate(suite, config, provider)
    assert [candidate.reference for candidate in candidates] == list(suite.references)
    assert errors(candidates) == ["no-reference", *[None] * 5, "refused", None]
    assert candidates[1].answer.startswith("Osmosis moves water")
    assert candidates[0].answer == ""
    assert candidates[1].usage.prompt_tokens == 100


def test_nothing_starts_once_the_budget_is_used_up(smoke: Path, config: GenerationConfig) -> None:
    provider = Scripted(points_json(), BudgetReached("used up"))
    candidates = generate(load_suite(smoke, default_profile()), config, provider)
    assert errors(candidates) == [None, "budget"]
