"""The brake on runs whose requests all fail alike."""

import pytest

from qtgen.errors import BadRequest, Denied, ErrorReply, ProviderUnusable, Retryable
from qtgen.llm.brake import ALIKE, MANY, Brake
from qtgen.llm.types import Usage


def denied(status: int = 403, code: str = "") -> Denied:
    return Denied(
        "the endpoint rejected the key", setting="api_key", remedy="check it", reply=ErrorReply(status, code=code)
    )


def reject(brake: Brake, number: int, error: BadRequest, model: str = "m") -> ProviderUnusable | None:
    ticket = brake.begin()
    brake.resolve(ticket)
    return brake.rejected(model, str(number).encode(), error, ticket)


def test_requests_that_are_all_rejected_alike_end_the_run() -> None:
    brake = Brake()
    assert [reject(brake, number, denied()) for number in range(ALIKE - 1)] == [None] * (ALIKE - 1)
    ending = reject(brake, ALIKE, denied())
    assert ending is not None
    assert (str(ending), ending.setting) == (
        "none of 12 requests was answered: the endpoint rejected the key; check it",
        "api_key",
    )


def test_an_answer_between_them_means_that_they_have_causes_of_their_own() -> None:
    brake = Brake()
    for number in range(100):
        if number % (ALIKE - 1) == 0:
            brake.answered()
        assert reject(brake, number, denied()) is None
    assert brake.verdict() is None


def test_a_key_that_is_revoked_in_the_middle_ends_the_run() -> None:
    brake = Brake()
    brake.answered()
    endings = [reject(brake, number, denied(401)) for number in range(ALIKE)]
    assert str(endings[-1]).startswith("none of the last 12 requests was answered: ")


def test_different_failures_are_not_alike() -> None:
    brake = Brake()
    for number in range(ALIKE - 1):
        for error in (denied(401), denied(403), denied(403, "blocked"), BadRequest("no", reply=ErrorReply(400))):
            assert reject(brake, number, error) is None
        assert reject(brake, number, denied(401), "another model") is None


def test_one_request_alone_ends_no_run() -> None:
    brake = Brake()
    error = Retryable("no answer", kind="timeout")
    assert [brake.attempted("m", bytes([number % 2]), error, 1) for number in range(50)] == [None] * 50
    assert brake.attempted("m", b"third", error, 1)


@pytest.mark.parametrize("kind", ["unavailable", "rate-limited", "unreachable"])
def test_attempts_that_cost_nothing_do_not_count(kind: str) -> None:
    brake = Brake()
    assert not any(brake.attempted("m", bytes([number]), Retryable("x", kind=kind), 1) for number in range(50))


def test_the_verdict_of_a_run_without_an_answer_is_its_last_rejection() -> None:
    brake = Brake()
    assert brake.verdict() is None
    reject(brake, 1, denied())
    assert str(brake.verdict()) == "the endpoint rejected the key; check it"
    reject(brake, 2, denied())
    assert str(brake.verdict()) == "none of 2 requests was answered: the endpoint rejected the key; check it"
    brake.answered()
    assert brake.verdict() is None


def test_rejections_that_overtake_slow_answers_end_no_run() -> None:
    brake = Brake()
    slow = brake.begin()
    assert not any(reject(brake, number, denied()) for number in range(5 * ALIKE))
    brake.resolve(slow)
    assert reject(brake, 1_000, denied()), "the older request was not answered either"


def test_a_request_that_hangs_does_not_hold_up_the_end_for_ever() -> None:
    brake = Brake()
    brake.begin()
    assert any(reject(brake, number, denied()) for number in range(MANY))


def test_an_endpoint_that_has_answered_may_block_many_questions() -> None:
    for brake in (Brake(is_known=True), Brake()):
        brake.answered()
        assert not any(reject(brake, number, denied()) for number in range(MANY - 1))
        assert reject(brake, MANY, denied())
    known = Brake(is_known=True)
    assert not any(reject(known, number, denied()) for number in range(ALIKE))
    assert known.verdict() is None
    assert any(reject(known, number, denied(401)) for number in range(ALIKE))


@pytest.mark.parametrize(
    "error", [Retryable("lost", kind="dropped"), Retryable("HTTP 500", usage=Usage(10, 5, 0, None))]
)
def test_attempts_that_may_be_billed_count_until_the_endpoint_has_answered(error: Retryable) -> None:
    brake, known = Brake(), Brake(is_known=True)
    assert any(brake.attempted("m", bytes([number]), error, number) for number in range(ALIKE))
    assert not any(known.attempted("m", bytes([number]), error, number) for number in range(5 * ALIKE))
