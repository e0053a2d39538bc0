import numpy as np
import pytest

from qtgen.generation.decisions import Action, Decision, DecisionLog, Seen, timestamp
from qtgen.review.audits.audits import Frame, Limits, make_plan, progress
from qtgen.review.audits.summary import COMPARISON, READERS, SCORE, Summary, summarize
from support.audits import NOW, Review, audit, source_page


def summary_of(*reviews: Review) -> Summary:
    log = DecisionLog(decision for review in reviews for decision in review.log)
    texts = {url: digests for review in reviews for url, digests in review.texts.items()}
    return summarize([progress(review.plan, log, texts.get) for review in reviews], log)


def scored_review(good: int, bad: int, *, name: str = "spring") -> Review:
    """Return a review of a batch whose score tells the first `good` pages from the others."""
    count = good + bad
    frame = Frame(tuple(source_page(number, score=0.9 if number < good else 0.3) for number in range(count)))
    limits = None if name == "next" else Limits(0.5, 0.95, None)
    plan = make_plan(name, frame, DecisionLog(), at=NOW, seed=5, limits=limits)
    bad_places = [place for place, position in enumerate(plan.order, 1) if position >= good]
    return Review(plan, bad_places)


def test_nothing_was_decided() -> None:
    summary = summary_of(Review(audit()))
    assert (summary.decisions, summary.undone, dict(summary.by_action)) == (0, 0, {})
    assert [one.read for one in summary.audits] == [0]
    assert summary.next is None
    assert summary.score_from is None
    assert {name: one.pairs for name, one in summary.agreement.items()} == {READERS: 0, SCORE: 0, COMPARISON: 0}


def test_decisions_are_counted_by_reader_and_action() -> None:
    review = Review(audit(allowed=None), bad=(2,))
    review.read(1, 3)
    slip = review.decide(4, Action.REJECT, "bob")
    review.decide(4, Action.UNDO, "bob", undoes=slip.id)
    review.decide(5, Action.SKIP, "bob")
    summary = summary_of(review)
    assert summary.by_reader == {
        "ann": {Action.APPROVE: 2, Action.REJECT: 1},
        "bob": {Action.SKIP: 1},
    }
    assert (summary.decisions, summary.undone) == (4, 1)
    assert dict(summary.by_action) == {Action.APPROVE: 2, Action.REJECT: 1, Action.SKIP: 1}


def test_only_pairs_of_blind_readings_count() -> None:
    review = Review(audit(allowed=None), bad=(3,))
    review.read(1, 6, blind=True)
    review.read(1, 4, "bob", blind=True)
    review.decide(4, Action.REJECT, "bob", blind=True)  # bob changed his mind
    review.decide(5, who="bob", blind=False)
    agreement = summary_of(review).agreement[READERS]
    assert agreement.pairs == 4
    assert agreement.raw.value == 0.75
    assert sum(map(sum, agreement.table)) == 4
    assert agreement.table[0][0] == 1


def test_pages_that_do_not_count_are_left_out() -> None:
    review = Review(audit(allowed=None))
    review.read(3, 9, blind=True)
    review.read(3, 9, "bob", blind=True)
    assert summary_of(review).agreement[READERS].pairs == 0


def test_a_score_that_orders_pages_as_readers_do_agrees_completely() -> None:
    review = scored_review(60, 40)
    review.read(1, 12)
    summary = summary_of(review)
    read = summary.audits[0].read
    assert summary.agreement[SCORE].pairs == read
    assert summary.agreement[SCORE].kappa.value == 1.0
    assert summary.score_from == 0.9


def test_the_score_is_cut_so_that_it_approves_as_many_pages_as_readers() -> None:
    review = scored_review(60, 40)
    every = range(1, 101)
    review.bad = frozenset(place for place in every if np.random.default_rng(place).random() < 0.4)
    review.read(1, 15)
    summary = summary_of(review)
    assert summary.score_from in (0.3, 0.9)
    assert summary.agreement[SCORE].kappa.value != 1.0


def test_each_page_of_next_stands_for_as_many_as_its_probability_says() -> None:
    frame = Frame(tuple(source_page(number, score=number / 400) for number in range(400)))
    log = DecisionLog()
    for number, page in enumerate(frame.pages[::2]):
        action = Action.APPROVE if number >= 100 else Action.REJECT
        texts = dict(page.digests)
        log.add(Decision(id=f"x{number}", at=timestamp(NOW), who="ann", action=action, url=page.url, texts=texts))
    plan = make_plan("next", frame, log, at=NOW, seed=5)
    assert np.ptp(plan.weights) > 0.5
    review = Review(plan)
    review.bad = frozenset(place for place, position in enumerate(plan.order, 1) if position < 200)
    review.read(1, 120, blind=True)
    review.read(1, 120, "bob", blind=True)
    disagreeing = [place for place in range(1, 121) if plan.weights[plan.order[place - 1]] > 1.2]
    for place in disagreeing:
        review.decide(place, Action.REJECT if place not in review.bad else Action.APPROVE, "bob", blind=True)
    raw = summary_of(review).agreement[READERS].raw.value
    assert raw is not None
    assert raw > 1 - len(disagreeing) / 120  # doubtful pages are drawn too often, so they count less
    assert summary_of(review).next is not None


def test_readers_are_compared_with_the_comparison_of_rewrites() -> None:
    log = DecisionLog()
    rows = [
        ("take", None, "new"), ("take", None, "old"), ("keep", None, "old"), ("keep", None, "new"),
        ("approve", "new", "new"), ("approve", "same", "new"), ("approve", None, "new"), ("keep", None, ""),
    ]  # fmt: skip
    for number, (action, prefers, compared) in enumerate(rows):
        log.add(
            Decision(
                id=str(number), at=timestamp(NOW), who="ann", action=Action(action), url=f"/{number}", texts={},
                prefers=prefers, seen=Seen(compared=compared),  # type: ignore[arg-type]
            )
        )  # fmt: skip
    agreement = summarize([], log).agreement[COMPARISON]
    assert agreement.pairs == 5
    assert agreement.table == ((1, 1), (1, 2))
    assert agreement.kappa.value == pytest.approx(1 / 6)
