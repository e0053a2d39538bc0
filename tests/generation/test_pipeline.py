"""Many jobs at once: pages on disk, and when no further job starts."""

import asyncio
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

from qtgen._util.concurrency import Stop
from qtgen.errors import BudgetReached, Interrupted, OutputError, Refused
from qtgen.generation.config import GenerationConfig
from qtgen.generation.output import OutputFolder
from qtgen.generation.pipeline import StoppableProvider, generate_pages
from qtgen.generation.plan import Job
from qtgen.generation.types import Outcome, Question, Status
from qtgen.llm.types import STANDARD_STYLE, AnswerFormat, Completion, Prompt, PromptStyle, Usage
from support import TODAY, Scripted, points_about, points_json

ANSWER = points_json()


def job(name: str, number: int = 1) -> Job:
    question = Question(f"What is {name}?", "Biology", source="q.txt:1")
    return Job(question, number, TODAY, f"out/biology/what-is-{name}.md", f"/learn/biology/questions/what-is-{name}")


class Responder:
    """A provider that calls a function for each request."""

    name = model = "responder"
    style = STANDARD_STYLE

    def __init__(self, respond: Callable[[Prompt], str]) -> None:
        self.respond = respond
        self.requests = 0

    async def complete(self, prompt: Prompt) -> Completion:
        self.requests += 1
        await asyncio.sleep(0)
        return Completion(self.respond(prompt), self.model, Usage(1, 1))

    def reject(self, completion: Completion) -> None:
        pass

    def forget(self, completion: Completion) -> None:
        pass


def run(
    config: GenerationConfig, steps: Iterable[Job | Outcome], *providers: Any, stop: Stop | None = None
) -> dict[int, Outcome]:
    async def collect() -> dict[int, Outcome]:
        results = generate_pages(
            steps, config, providers, OutputFolder(Path("out")), concurrency=1, stop=stop or Stop()
        )
        return {position: outcome async for position, outcome in results}

    return asyncio.run(collect())


def test_pages_are_on_disk_and_known_outcomes_pass_through(config: GenerationConfig) -> None:
    known = Outcome(Question("x", "y"), Status.EXISTS)
    outcomes = run(config, [job("osmosis"), known], Scripted(ANSWER))
    assert outcomes[1] is known
    assert outcomes[0].status is Status.WRITTEN
    assert Path(job("osmosis").path).is_file()


def test_a_page_that_appears_meanwhile_is_not_overwritten(config: GenerationConfig) -> None:
    path = Path(job("osmosis").path)

    def respond(_: Prompt) -> str:
        path.parent.mkdir(parents=True)
        path.write_text("mine")
        return ANSWER

    assert run(config, [job("osmosis")], Responder(respond))[0].status is Status.EXISTS
    assert path.read_text() == "mine"


def test_a_failed_page_is_saved_for_inspection(config: GenerationConfig) -> None:
    assert run(config, [job("osmosis")], Scripted(Refused("no")))[0].status is Status.FAILED
    assert Path("out/.qtgen/failed/biology/what-is-osmosis.json").is_file()


def test_a_page_that_cannot_be_written_ends_the_run(config: GenerationConfig) -> None:
    Path("out").write_text("a file")
    with pytest.raises(OutputError):
        run(config, [job("osmosis")], Scripted(ANSWER))


def test_a_budget_that_is_used_up_starts_no_further_job(config: GenerationConfig) -> None:
    provider = Scripted(*[BudgetReached("used up")] * 4)
    outcomes = run(config, [job(f"thing{number}") for number in range(20)], provider)
    assert {outcome.status for outcome in outcomes.values()} == {Status.SKIPPED}
    assert len(outcomes) <= 4, "what was in the making"


@pytest.mark.parametrize("answer", ["nonsense", points_about("thing")])
def test_after_a_stop_nothing_is_sent(config: GenerationConfig, answer: str) -> None:
    stop = Stop()

    def respond(_: Prompt) -> str:
        stop.request()
        return answer

    first, fallback = Responder(respond), Responder(respond)
    outcomes = run(config, [job(f"thing{number}") for number in range(20)], first, fallback, stop=stop)
    assert first.requests in (1, 2), "no repair, and no further page"
    assert fallback.requests == 0
    kinds = {outcome.error.kind if outcome.error else outcome.status.value for outcome in outcomes.values()}
    assert kinds <= {"interrupted", "written"}
    assert ("written" in kinds) == (answer != "nonsense"), "what was in flight is written"


def test_a_stoppable_provider_passes_everything_else_on() -> None:
    inner, stop = Scripted("answer"), Stop()
    provider = StoppableProvider(inner, stop)
    completion = asyncio.run(provider.complete("prompt"))  # type: ignore[arg-type]
    provider.reject(completion)
    provider.forget(completion)
    assert (provider.name, provider.model) == (inner.name, inner.model)
    assert (inner.rejected, inner.forgotten) == (1, ["answer"])
    stop.request()
    with pytest.raises(Interrupted):
        asyncio.run(provider.complete("prompt"))  # type: ignore[arg-type]


def test_a_stoppable_provider_follows_the_style_of_its_provider() -> None:
    inner = Scripted()
    provider = StoppableProvider(inner, Stop())
    inner.style = PromptStyle(AnswerFormat.MARKDOWN)
    assert provider.style == PromptStyle(AnswerFormat.MARKDOWN)
