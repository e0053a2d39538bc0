"""Reservations are hints: who has a page open, and for how long."""

from qtgen.review.web.reservations import Reservation, Reservations


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_others_see_who_has_a_page_open() -> None:
    clock = Clock()
    reservations = Reservations(clock)
    assert reservations.reserve("/a", "ada") == []
    clock.now = 185.0
    assert reservations.reserve("/a", "bob") == [Reservation("ada", 3)]
    assert reservations.reserve("/a", "ada") == [Reservation("bob", 0)]
    assert reservations.reserve("/b", "bob") == []


def test_a_reservation_ends_after_ten_minutes_unless_it_is_renewed() -> None:
    clock = Clock()
    reservations = Reservations(clock)
    reservations.reserve("/a", "ada")
    clock.now = 500.0
    reservations.reserve("/a", "ada")
    clock.now = 1_000.0
    assert reservations.reserve("/a", "bob") == [Reservation("ada", 16)]
    clock.now = 1_101.0
    assert reservations.reserve("/a", "bob") == []


def test_a_decision_ends_a_reservation() -> None:
    reservations = Reservations(Clock())
    reservations.reserve("/a", "ada")
    reservations.release("/a", "ada")
    reservations.release("/a", "ada")
    assert reservations.reserve("/a", "bob") == []
