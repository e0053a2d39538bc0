"""An audit of 5,000 pages with planted faults ends as its plan promises."""

from typing import Any

import numpy as np
import pytest

from qtgen.generation.decisions import Action
from qtgen.review.audits.acceptance import promise
from qtgen.review.audits.audits import AuditProgress, Plan, Verdict, progress
from qtgen.review.audits.sampling import order_of, uniforms
from support.audits import Review, audit

Changes = dict[str, Any]

_STEP = 50  # pages between two looks at the progress: it finds the first moment of a verdict by itself


def finish(plan: Plan, bad: set[str]) -> tuple[AuditProgress, Review]:
    """Read pages in order as the progress asks for them, until there is a verdict."""
    places = [place for place, position in enumerate(plan.order, 1) if plan.pages[position].url in bad]
    review, read = Review(plan, places), 0
    while True:
        now = progress(plan, review.log, review.texts.get)
        if now.verdict is not Verdict.CONTINUE:
            return now, review
        step = min(_STEP, len(now.pending))
        assert list(now.pending[:step]) == [review.url(read + number) for number in range(1, step + 1)]
        review.read(read + 1, read + step)
        read += step


def planted(plan: Plan, count: int, seed: int) -> set[str]:
    chosen = np.random.default_rng(seed).choice(len(plan.pages), count, replace=False)
    return {plan.pages[position].url for position in chosen}


@pytest.mark.parametrize("limits", [{"allowed": 3}, {"allowed": None}], ids=["fixed", "sequential"])
@pytest.mark.parametrize(("bad_share", "verdict"), [(0.002, Verdict.ACCEPT), (0.06, Verdict.REJECT)])
def test_good_batches_are_accepted_and_bad_ones_are_not(limits: Changes, bad_share: float, verdict: Verdict) -> None:
    """All these promises are over 95%, so fewer than 5 of 6 runs would be a sign of a fault."""
    bad = round(5_000 * bad_share)
    rule = audit(**limits).rule
    assert rule is not None
    accepted = promise(rule, bad).accepted
    assert accepted > 0.95 if verdict is Verdict.ACCEPT else accepted < 0.05
    ends = []
    for seed in range(6):
        plan = audit(seed=seed, **limits)
        now, review = finish(plan, planted(plan, bad, seed + 100))
        ends.append(now.verdict)
        assert now.bad == sum(review.url(place) in planted(plan, bad, seed + 100) for place in range(1, now.read + 1))
        assert now.bad_range is not None
        assert now.bad_range[0] <= now.bad / now.read <= now.bad_range[1]
    assert ends.count(verdict) >= 5


@pytest.mark.parametrize("limits", [{}, {"allowed": None}], ids=["fixed", "sequential"])
def test_a_batch_at_the_limit_is_accepted_in_at_most_one_of_twenty_orders(limits: Changes) -> None:
    """One batch with 21 bad pages, read in the orders of many seeds: hashing is as good as shuffling."""
    accepted, runs = 0, 400
    plan = audit(1_000, **limits)
    assert plan.bounds is not None
    urls = [page.url for page in plan.pages]
    bad = planted(plan, 21, 1)
    is_bad = np.array([url in bad for url in urls])
    for seed in range(runs):
        order = order_of(uniforms(seed, urls), urls)[: len(plan.bounds.accept) - 1]
        found = np.cumsum(is_bad[order])
        accepts, rejects = found <= plan.bounds.accept[1:], found >= plan.bounds.reject[1:]
        accepted += bool(accepts[int(np.argmax(accepts | rejects))])
    assert accepted / runs <= 0.05 + 0.022  # plus two standard errors


def test_readers_who_make_slips_and_disagree_still_end_it() -> None:
    """Ann reads everything, skips some, undoes a slip; Bob reads what she skipped and the second readings."""
    plan = audit(allowed=3)
    review = Review(plan, bad=(20, 200))
    review.read(1, 200, blind=True)
    slip = review.decide(201, Action.REJECT)
    review.decide(201, Action.UNDO, undoes=slip.id)
    review.decide(202, Action.SKIP)
    review.decide(203, Action.SKIP)
    review.read(204, 373, blind=True)
    now = progress(plan, review.log, review.texts.get, "bob")
    assert (now.read, now.bad, now.ahead) == (200, 2, 170)
    assert now.pending == (review.url(201), review.url(202), review.url(203))
    review.decide(201, who="bob")
    review.decide(202, who="bob")
    review.decide(203, Action.SKIP, "bob")  # nobody can judge it
    now = progress(plan, review.log, review.texts.get)
    assert (now.verdict, now.bad, now.skipped, now.bad_at) == (Verdict.ACCEPT, 3, 1, (20, 200, 203))
    place = next(place for place in range(1, 374) if review.url(place) in now.needs_second)
    review.decide(place, Action.REJECT, "bob", blind=True)
    now = progress(plan, review.log, review.texts.get)
    assert (now.verdict, now.disputed) == (Verdict.CONTINUE, (review.url(place),))
    assert now.next_sentence == "Let a third reviewer settle 1 page about which two reviewers disagree."
    review.decide(place, Action.ADJUDICATE, "eve", acceptable=True)
    assert progress(plan, review.log, review.texts.get).verdict is Verdict.ACCEPT
