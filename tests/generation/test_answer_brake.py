"""The brake on runs whose first answers all have the same fault."""

import pytest

from qtgen._util.concurrency import Stop
from qtgen.errors import ProviderUnusable
from qtgen.generation.answer_brake import ALIKE, AnswerBrake
from qtgen.llm.types import Completion, Usage

PROSE = "the answer is prose; write one JSON object"


def completion(text: str = "Osmosis is …", kind: str = "ok", *, reused: bool = False) -> Completion:
    return Completion(text, "m", Usage(), kind=kind, reused=reused)


@pytest.fixture
def brake() -> tuple[AnswerBrake, Stop]:
    stop = Stop()
    return AnswerBrake(stop), stop


Pair = tuple[AnswerBrake, Stop]


def reject(
    brake: AnswerBrake, count: int, fault: str = PROSE, answer: Completion | None = None, *, is_final: bool = True
) -> None:
    for number in range(count):
        brake.rejected("m", f"q.csv:{number}", answer or completion(), fault, is_final=is_final)


def test_a_dozen_answers_with_the_same_fault_end_the_run(brake: Pair) -> None:
    reject(brake[0], ALIKE - 1)
    assert not brake[1].requested
    reject(brake[0], 1)
    assert isinstance(brake[1].failure, ProviderUnusable)
    assert str(brake[1].failure) == (
        "the first 12 answers of m all have the same fault: the answer is prose (the last one begins: Osmosis is …); "
        'set `answer_format = "markdown"` for a model that does not write JSON'
    )


@pytest.mark.parametrize(
    ("kind", "fault", "remedy"),
    [
        ("truncated", "the answer was cut off at the token limit", "raise `max_tokens`"),
        ("refused", "the model declined: no", "rephrase the prompt, or use another model"),
        ("ok", "`answer` is not coherent text", "use another model or prompt"),
    ],
)
def test_the_line_ends_with_a_remedy(brake: Pair, kind: str, fault: str, remedy: str) -> None:
    reject(brake[0], ALIKE, fault, completion(kind=kind))
    assert str(brake[1].failure).endswith(f"; {remedy}")


def test_faults_that_differ_only_in_fields_and_figures_are_the_same(brake: Pair) -> None:
    for number in range(ALIKE):
        brake[0].rejected("m", f"q:{number}", completion(), f"`field {number}` has {number} characters", is_final=True)
    assert brake[1].requested


def test_one_good_answer_is_enough_for_the_whole_run(brake: Pair) -> None:
    reject(brake[0], ALIKE - 1)
    brake[0].accepted("m")
    reject(brake[0], 5 * ALIKE)
    assert not brake[1].requested


def test_different_faults_do_not_end_the_run(brake: Pair) -> None:
    reject(brake[0], 1, "the answer is empty")
    reject(brake[0], 5 * ALIKE)
    assert not brake[1].requested


def test_one_question_alone_does_not_end_the_run(brake: Pair) -> None:
    for _ in range(5 * ALIKE):
        brake[0].rejected("m", "q.csv:2", completion(), PROSE, is_final=True)
    assert not brake[1].requested


def test_what_a_filter_stops_does_not_count(brake: Pair) -> None:
    reject(brake[0], 5 * ALIKE, answer=completion(kind="filtered"))
    assert not brake[1].requested


def test_reused_answers_do_not_count(brake: Pair) -> None:
    reject(brake[0], 5 * ALIKE, answer=completion(reused=True))
    assert not brake[1].requested


def test_a_model_that_corrects_its_fault_in_the_repair_is_not_stopped(brake: Pair) -> None:
    reject(brake[0], 2 * ALIKE, is_final=False)
    assert not brake[1].requested
    brake[0].accepted("m")
    reject(brake[0], 2 * ALIKE)
    assert not brake[1].requested


def test_a_useless_model_is_dropped_while_there_is_a_fallback() -> None:
    stop = Stop()
    brake = AnswerBrake(stop, ["m", "fallback"])
    reject(brake, 2 * ALIKE)
    assert [*brake.dropped] == ["m"]
    assert not stop.requested
    assert not brake.drop("fallback", ProviderUnusable("no credit")), "the last one ends the run"
