"""The library function `generate`, and what importing the package loads."""

import asyncio
import inspect
import json
import subprocess
import sys
import textwrap
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import qtgen.generation
from qtgen.errors import PromptError, ProviderUnusable, Refused
from qtgen.generation import GenerationConfig, Outcome, Question, Status, generate
from support import Scripted, points_about, points_json

QUESTIONS = [Question("What is osmosis?", "Biology"), Question("What is diffusion?", "Biology")]


def run(questions: Sequence[Question], *script: str | Exception, **options: Any) -> list[Outcome]:
    async def collect() -> list[Outcome]:
        provider = options.pop("provider", None) or Scripted(*script)
        return [outcome async for outcome in generate(questions, provider=provider, concurrency=1, **options)]

    return asyncio.run(collect())


def test_pages_are_written_with_consecutive_ids() -> None:
    outcomes = run(QUESTIONS, points_json(), points_about("diffusion"), out="site")
    assert [outcome.status for outcome in outcomes] == [Status.WRITTEN, Status.WRITTEN]
    assert [outcome.draft for outcome in outcomes] == [None, None]
    lines = Path("site/.qtgen/provenance.jsonl").read_text().splitlines()
    assert sorted(json.loads(line)["id"] for line in lines) == [1, 2]
    assert all(Path(str(outcome.path)).is_file() for outcome in outcomes)
    assert [outcome.status for outcome in run(QUESTIONS, out="site")] == [Status.EXISTS, Status.EXISTS]


@pytest.mark.parametrize("options", [{"provider": []}, {"provider": Scripted(), "concurrency": 0}])
def test_a_call_that_could_write_no_page_is_an_error(options: dict[str, Any]) -> None:
    async def collect() -> list[Outcome]:
        return [outcome async for outcome in generate(QUESTIONS, **options)]

    with pytest.raises(ValueError, match="needs a provider"):
        asyncio.run(collect())


def test_ids_continue_after_the_highest_one_and_around_those_that_questions_ask_for() -> None:
    run(QUESTIONS[:1], points_json(), out="site")
    more = [Question("What is A?", "B"), Question("What is C?", "B", id=3), Question("What is D?", "B")]
    run(more, *[points_json()] * 3, out="site")
    lines = Path("site/.qtgen/provenance.jsonl").read_text().splitlines()
    assert {json.loads(line)["url"][-1]: json.loads(line)["id"] for line in lines[1:]} == {"a": 2, "c": 3, "d": 4}


def test_the_documented_example_works() -> None:
    documentation = inspect.getdoc(generate) or ""
    example = documentation[documentation.index("    import asyncio") : documentation.index("Args:")]
    names: dict[str, Any] = {"provider": Scripted(points_json())}
    exec(textwrap.dedent(example), names)
    assert names["statuses"] == {"outputs/biology/what-is-osmosis.md": Status.WRITTEN}


def test_without_a_folder_the_outcome_carries_the_page() -> None:
    (outcome,) = run(QUESTIONS[:1], points_json())
    assert outcome.draft
    assert outcome.draft.text.startswith("---\n_schema: default\nid: 1\n")
    assert outcome.path == "biology/what-is-osmosis.md"
    assert list(Path().iterdir()) == []


def test_failures_and_duplicates_are_outcomes() -> None:
    outcomes = run([*QUESTIONS, QUESTIONS[0]], Refused("no"), points_about("diffusion"))
    assert sorted(outcome.status for outcome in outcomes) == [Status.FAILED, Status.SKIPPED, Status.WRITTEN]


def test_later_providers_are_fallbacks() -> None:
    providers = [Scripted(Refused("no")), Scripted(points_json())]
    (outcome,) = run(QUESTIONS[:1], provider=providers)
    assert (outcome.status, outcome.attempts) == (Status.WRITTEN, 2)


def test_a_deleted_page_is_written_again_only_if_that_is_asked_for() -> None:
    run(QUESTIONS, points_json(), points_about("diffusion"), out="site")
    page = Path("site/biology/what-is-osmosis.md")
    page.unlink()
    assert {outcome.status for outcome in run(QUESTIONS, out="site")} == {Status.EXISTS, Status.SKIPPED}
    assert not page.exists()
    run(QUESTIONS, points_json(), out="site", recreate=True)
    assert page.exists()


def test_errors_that_concern_all_questions_raise(config: GenerationConfig) -> None:
    with pytest.raises(ProviderUnusable):
        run(QUESTIONS[:1], ProviderUnusable("wrong key"))
    with pytest.raises(PromptError, match="no prompt `nosuch`"):
        run(QUESTIONS, config=replace(config, prompt="nosuch"))


def test_the_public_names_are_those_of_all() -> None:
    assert qtgen.generation.__all__ == sorted(qtgen.generation.__all__)
    for name in qtgen.generation.__all__:
        assert getattr(qtgen.generation, name).__name__ == name
        assert name in dir(qtgen.generation)
    with pytest.raises(AttributeError, match="nosuch"):
        qtgen.generation.nosuch  # type: ignore[attr-defined]  # noqa: B018


def test_the_types_load_neither_a_client_nor_a_template_engine() -> None:
    code = (
        "import sys, qtgen.errors, qtgen.generation.types; from qtgen.generation import Question, Outcome;"
        "print(sorted({'openai', 'jinja2', 'tenacity', 'sqlalchemy', 'frontmatter', 'rich', 'numpy'} & {*sys.modules}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
