"""Plans and progress of audits, with decisions that never touch a file."""

from typing import Any

import numpy as np
import pytest

from qtgen.errors import UsageError
from qtgen.generation.decisions import Action, Decision, DecisionLog, Draw, timestamp
from qtgen.review.audits.audits import Frame, Limits, Plan, Verdict, make_plan, progress, second_readings
from support.audits import NOW, Review, audit, batch, source_page

Changes = dict[str, Any]

FIXED: Changes = {}
ALLOWING: Changes = {"allowed": 3}
SEQUENTIAL: Changes = {"allowed": None}


def next_plan(count: int, log: DecisionLog | None = None, frame: Frame | None = None) -> Plan:
    return make_plan("next", frame or batch(count), log or DecisionLog(), at=NOW, seed=3)


@pytest.mark.parametrize(
    ("limits", "first_step"),
    [
        (FIXED, "Read 145 more pages; if none is bad, the batch is accepted."),
        ({"allowed": 1}, "Read 229 more pages; if at most 1 is bad, the batch is accepted."),
        (ALLOWING, "Read 373 more pages; if at most 3 are bad, the batch is accepted."),
        (SEQUENTIAL, "Read 197 more pages; if none is bad, the batch is accepted."),
    ],
)
def test_the_first_step(limits: Changes, first_step: str) -> None:
    review = Review(audit(**limits))
    now = progress(review.plan, review.log, review.texts.get)
    assert now.next_sentence == first_step
    assert (now.verdict, now.read, now.bad, now.bad_range) == (Verdict.CONTINUE, 0, 0, (0.0, 1.0))
    assert now.pending == tuple(review.url(place) for place in range(1, min(now.remaining or 0, 200) + 1))


@pytest.mark.parametrize(("limits", "pages"), [(FIXED, 145), (ALLOWING, 373), (SEQUENTIAL, 197)])
def test_clean_pages_lead_to_acceptance(limits: Changes, pages: int) -> None:
    review = Review(audit(**limits))
    review.read(1, pages - 1)
    before = progress(review.plan, review.log, review.texts.get)
    assert (before.verdict, before.remaining, before.pending) == (Verdict.CONTINUE, 1, (review.url(pages),))
    review.decide(pages)
    now = progress(review.plan, review.log, review.texts.get)
    assert now.verdict is Verdict.ACCEPT
    assert now.next_sentence == f"The batch is accepted: {pages} pages were read, and none was bad."
    assert (now.remaining, now.pending) == (None, ())
    assert now.bad_range is not None
    assert now.bad_range[0] == 0.0
    assert now.bad_range[1] < 0.03


def test_a_fixed_plan_is_rejected_at_the_first_bad_page_too_many() -> None:
    review = Review(audit(allowed=1), bad=(4, 9))
    review.read(1, 8)
    assert progress(review.plan, review.log, review.texts.get).next_sentence == (
        "Read 221 more pages; if none is bad, the batch is accepted."
    )
    review.decide(9)
    now = progress(review.plan, review.log, review.texts.get)
    assert (now.verdict, now.read, now.bad_at) == (Verdict.REJECT, 9, (4, 9))
    assert now.next_sentence == (
        "The batch is not accepted: 9 pages were read, and 2 were bad; fix what they have in common, then plan a new "
        "audit."
    )


def test_a_verdict_stays_even_if_more_pages_are_read() -> None:
    review = Review(audit(allowed=None), bad=range(198, 400))
    review.read(1, 300)
    now = progress(review.plan, review.log, review.texts.get)
    assert (now.verdict, now.read) == (Verdict.ACCEPT, 197)


def test_only_the_complete_prefix_counts() -> None:
    review = Review(audit(allowed=None), bad=(40,))
    review.read(1, 9)
    review.read(11, 50)
    now = progress(review.plan, review.log, review.texts.get)
    assert (now.read, now.bad, now.ahead) == (9, 0, 40)
    assert now.pending[0] == review.url(10)
    review.decide(10)
    now = progress(review.plan, review.log, review.texts.get)
    assert (now.read, now.bad, now.ahead, now.bad_at) == (50, 1, 0, (40,))


def test_bad_pages_beyond_a_gap_are_announced() -> None:
    review = Review(audit(), bad=(2,))
    review.read(2, 145)
    now = progress(review.plan, review.log, review.texts.get)
    assert (now.verdict, now.remaining, now.pending) == (Verdict.CONTINUE, None, (review.url(1),))
    assert now.next_sentence == (
        "Read 1 more page; even if it is not bad, the batch is not accepted, because too many others are."
    )


def test_a_changed_page_beyond_a_gap_is_announced_as_changed() -> None:
    review = Review(audit(8, tolerance=0.1))
    review.change(3)
    now = progress(review.plan, review.log, review.texts.get)
    assert (now.read, now.bad, now.ahead, now.changed_ahead) == (0, 0, 0, 1)
    assert now.next_sentence == (
        "Read 7 more pages; even if none of them is bad, the batch is not accepted, because 1 page changed since the "
        "plan, which counts as bad."
    )


def test_a_verdict_tells_changed_and_skipped_pages_from_those_that_were_read() -> None:
    review = Review(audit(8, tolerance=0.1))
    review.change(3)
    review.read(1, 2)
    now = progress(review.plan, review.log, review.texts.get)
    assert (now.verdict, now.judged, now.judged_bad) == (Verdict.REJECT, 2, 0)
    assert now.next_sentence == (
        "The batch is not accepted: 2 pages were read, and none was bad, but 1 page changed since the plan, which "
        "counts as bad; plan a new audit."
    )
    review = Review(audit(allowed=2), bad=(4,))
    review.change(1)
    review.decide(2, Action.SKIP, "ann")
    review.decide(2, Action.SKIP, "bob")
    review.read(3, 4)
    now = progress(review.plan, review.log, review.texts.get)
    assert (now.read, now.bad, now.judged, now.judged_bad) == (4, 3, 2, 1)
    assert now.next_sentence == (
        "The batch is not accepted: 2 pages were read, and 1 was bad; also, 1 page changed since the plan and 1 page "
        "was skipped by two reviewers, which count as bad; fix what they have in common, then plan a new audit."
    )


def test_a_page_that_two_readers_skipped_is_bad() -> None:
    review = Review(audit(allowed=None))
    review.decide(1, Action.SKIP, "ann")
    one = progress(review.plan, review.log, review.texts.get)
    assert (one.read, one.pending[0]) == (0, review.url(1))
    assert progress(review.plan, review.log, review.texts.get, "ann").pending[0] == review.url(2)
    review.decide(1, Action.SKIP, "ann")  # twice by the same reviewer
    assert progress(review.plan, review.log, review.texts.get).read == 0
    review.decide(1, Action.SKIP, "bob")
    now = progress(review.plan, review.log, review.texts.get)
    assert (now.read, now.bad, now.skipped) == (1, 1, 1)


def test_a_reader_who_skips_first_may_read_later() -> None:
    review = Review(audit(allowed=None))
    review.decide(1, Action.SKIP, "ann")
    review.decide(1, Action.SKIP, "bob")
    review.decide(1, Action.APPROVE, "ann")
    now = progress(review.plan, review.log, review.texts.get)
    assert (now.read, now.bad) == (1, 0)


def test_a_text_that_changed_before_it_was_read_is_bad() -> None:
    review = Review(audit(allowed=None))
    review.change(2)
    del review.texts[review.url(3)]  # the page was deleted
    review.decide(1)
    now = progress(review.plan, review.log, review.texts.get)
    assert (now.read, now.bad, now.changed, now.bad_at) == (3, 2, 2, (2, 3))
    review.decide(2)  # reading the changed text comes too late
    assert progress(review.plan, review.log, review.texts.get).changed == 2


def test_a_text_that_changes_after_it_was_read_keeps_its_label() -> None:
    review = Review(audit(allowed=None))
    review.decide(1)
    review.change(1)
    review.decide(1, Action.REJECT, "bob")  # another text
    now = progress(review.plan, review.log, review.texts.get)
    assert (now.read, now.bad, now.changed) == (1, 0, 0)


def test_new_links_change_nothing() -> None:
    review = Review(audit(allowed=None))
    url = review.url(1)
    review.texts[url] = {**review.texts[url], "related": "new"}
    review.decide(1)
    assert progress(review.plan, review.log, review.texts.get).bad == 0


@pytest.mark.parametrize(
    ("action", "acceptable", "is_bad"),
    [
        (Action.APPROVE, None, False),
        (Action.APPROVE, True, False),
        (Action.REJECT, None, True),
        (Action.REJECT, False, True),
        (Action.SEND_BACK, None, True),
        (Action.EDIT, True, False),  # polish only
        (Action.EDIT, False, True),
        (Action.EDIT, None, True),
        (Action.TAKE, True, False),
        (Action.KEEP, False, True),
    ],
)
def test_the_label_of_an_action(action: Action, acceptable: bool | None, is_bad: bool) -> None:
    review = Review(audit(allowed=None))
    review.decide(1, action, acceptable=acceptable)
    now = progress(review.plan, review.log, review.texts.get)
    assert (now.read, now.bad) == (1, is_bad)


@pytest.mark.parametrize("action", [Action.TAKE, Action.KEEP])
def test_comparing_two_texts_is_no_reading(action: Action) -> None:
    review = Review(audit(allowed=None))
    review.decide(1, action)
    assert progress(review.plan, review.log, review.texts.get).read == 0


def test_decisions_outside_the_draw_do_not_count() -> None:
    review = Review(audit(allowed=None))
    review.decide(1, draw=None)
    review.decide(1, draw=Draw("autumn", 0.03))
    assert progress(review.plan, review.log, review.texts.get).read == 0


def test_an_undone_decision_does_not_count() -> None:
    review = Review(audit(allowed=None), bad=(1,))
    decision = review.decide(1)
    review.decide(1, Action.UNDO, undoes=decision.id)
    assert progress(review.plan, review.log, review.texts.get).read == 0


def test_readers_who_disagree_leave_a_page_bad_until_somebody_adjudicates() -> None:
    review = Review(audit(allowed=None))
    review.decide(1)
    review.decide(1, Action.REJECT, "bob")
    now = progress(review.plan, review.log, review.texts.get)
    assert (now.read, now.bad, now.disputed) == (1, 1, (review.url(1),))
    review.decide(1, Action.ADJUDICATE, "eve", acceptable=True, draw=None)
    now = progress(review.plan, review.log, review.texts.get)
    assert (now.read, now.bad, now.disputed) == (1, 0, ())


def test_an_adjudication_without_a_dispute_is_no_reading() -> None:
    review = Review(audit(allowed=None))
    review.decide(1, Action.ADJUDICATE, "eve", acceptable=False)
    assert progress(review.plan, review.log, review.texts.get).read == 0
    review.decide(1)
    assert progress(review.plan, review.log, review.texts.get).bad == 0


def test_a_batch_is_not_rejected_for_pages_in_dispute() -> None:
    review = Review(audit())
    review.read(1, 145)
    review.decide(7, Action.REJECT, "bob")
    now = progress(review.plan, review.log, review.texts.get)
    assert (now.verdict, now.disputed) == (Verdict.CONTINUE, (review.url(7),))
    assert now.next_sentence == "Let a third reviewer settle 1 page about which two reviewers disagree."
    review.decide(7, Action.ADJUDICATE, "eve", acceptable=False)
    assert progress(review.plan, review.log, review.texts.get).verdict is Verdict.REJECT


def test_a_tenth_of_the_draw_gets_two_readers() -> None:
    plan = audit()
    chosen = [page.url for page in plan.pages if plan.wants_second(page.url)]
    assert len(chosen) == pytest.approx(500, abs=65)
    assert not plan.wants_second("/not/in/the/plan")
    review = Review(plan)
    review.read(1, 100, blind=True)
    expected = [review.url(place) for place in range(1, 101) if review.url(place) in chosen]
    assert list(progress(plan, review.log, review.texts.get).needs_second) == expected
    assert second_readings(plan, review.log, "bob") == expected
    assert second_readings(plan, review.log, "ann") == []
    place = next(place for place in range(1, 101) if review.url(place) == expected[0])
    review.decide(place, who="bob", blind=True)
    assert second_readings(plan, review.log, "eve") == expected[1:]


def test_a_page_that_changed_since_its_first_reading_gets_no_second_one() -> None:
    review = Review(audit(allowed=None))
    places = [place for place in range(1, 200) if review.plan.wants_second(review.url(place))][:2]
    review.read(1, places[1], blind=True)
    edited, changed = places
    review.decide(edited, Action.EDIT, acceptable=True, blind=True, after={"answer": "polished"})
    assert second_readings(review.plan, review.log, "bob") == [review.url(changed)]
    review.change(changed)
    review.decide(changed, who="bob", blind=True)  # of a text that nobody froze
    now = progress(review.plan, review.log, review.texts.get)
    assert now.bad == 0
    assert second_readings(review.plan, review.log, "bob") == []
    assert second_readings(review.plan, review.log, "eve") == [review.url(changed)]


def test_the_probability_of_a_draw() -> None:
    plan = audit()
    url = plan.pages[0].url
    assert plan.draw(url) == Draw("spring", round(145 / 5_000, 6))
    assert audit(allowed=None).draw(url) == Draw("spring", 1.0)
    assert plan.draw("/not/in/the/plan") is None
    doubtful = next_plan(500)
    drawn = [draw.probability for page in doubtful.pages if (draw := doubtful.draw(page.url))]
    assert sum(drawn) == pytest.approx(100)


def test_the_order_is_random_and_reproducible() -> None:
    plan, other = audit(), audit(seed=2)
    assert plan.order == audit().order
    assert plan.order != other.order
    assert sorted(plan.order) == list(range(5_000))
    assert abs(float(np.corrcoef(plan.order, np.arange(5_000))[0, 1])) < 0.05


def test_predictions_are_learned_from_decisions_about_the_present_texts() -> None:
    frame = Frame(tuple(source_page(number, score=number / 200) for number in range(200)))
    log = DecisionLog()
    for number, page in enumerate(frame.pages):
        texts = {"answer": "old", "seo": "old"} if number % 10 == 0 else dict(page.digests)
        action = Action.APPROVE if number >= 100 else Action.REJECT
        log.add(Decision(id=str(number), at=timestamp(NOW), who="ann", action=action, url=page.url, texts=texts))
    plan = make_plan("spring", frame, log, at=NOW, seed=1, limits=Limits(0.1))
    assert plan.labels == (90, 90)
    assert plan.features == ("score",)
    assert plan.pages[5].prediction < 0.2 < 0.8 < plan.pages[195].prediction
    assert [plan.pages[5].score, plan.pages[100].score] == [0.025, 0.5]
    doubtful = next_plan(200, log, frame)
    early = [doubtful.pages[position].prediction for position in doubtful.order[:60]]
    late = [doubtful.pages[position].prediction for position in doubtful.order[60:]]
    assert np.mean(np.abs(np.array(early) - 0.5)) < np.mean(np.abs(np.array(late) - 0.5))


def test_the_queue_next_has_no_verdict_and_an_estimate_once_there_are_ten_of_each() -> None:
    review = Review(next_plan(300), bad=range(1, 300, 5))
    review.read(1, 40)
    now = progress(review.plan, review.log, review.texts.get)
    assert (now.verdict, now.rate, now.remaining) == (Verdict.CONTINUE, None, 260)
    assert now.next_sentence == "Read the next page; 260 pages are left."
    review.read(41, 100)
    rate = progress(review.plan, review.log, review.texts.get).rate
    assert rate is not None
    assert rate.method == "weighted"
    assert rate.low < 0.8 < rate.high
    review.read(101, 300)
    assert progress(review.plan, review.log, review.texts.get).next_sentence == "All pages of this queue were read."


def test_the_smallest_batch() -> None:
    for limits in (FIXED, SEQUENTIAL):
        review = Review(audit(1, **{"tolerance": 0.5, **limits}))
        assert progress(review.plan, review.log, review.texts.get).next_sentence == (
            "Read 1 more page; if it is not bad, the batch is accepted."
        )
        review.decide(1)
        now = progress(review.plan, review.log, review.texts.get)
        assert (now.verdict, now.bad_range) == (Verdict.ACCEPT, (0.0, 0.0))


def test_a_sequential_audit_of_a_hopeless_batch_ends_early() -> None:
    review = Review(audit(allowed=None), bad=range(1, 5_001, 3))
    review.read(1, 60)
    now = progress(review.plan, review.log, review.texts.get)
    assert now.verdict is Verdict.REJECT
    assert now.read < 60


@pytest.mark.parametrize(
    ("name", "limits", "message"),
    [
        ("next", Limits(0.02), "accepts no batch"),
        ("spring", None, "needs a share"),
        ("Spring 2027", Limits(0.02), "is not a name"),
        ("../spring", Limits(0.02), "is not a name"),
        ("", Limits(0.02), "is not a name"),
        ("x" * 65, Limits(0.02), "is not a name"),
        ("rewrites", Limits(0.02), "reserved"),
        ("con", Limits(0.02), "reserved"),
        ("spring", Limits(0.0), "not a share"),
        ("spring", Limits(1.0), "not a share"),
        ("spring", Limits(0.02, 0.1), "not between"),
        ("spring", Limits(0.02, 0.95, 40), "cannot be allowed"),
    ],
)
def test_plans_that_cannot_be_made(name: str, limits: Limits | None, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        make_plan(name, batch(50), DecisionLog(), at=NOW, seed=1, limits=limits)


def test_a_plan_without_pages_is_refused() -> None:
    with pytest.raises(UsageError, match="no pages"):
        make_plan("spring", Frame(()), DecisionLog(), at=NOW, seed=1, limits=Limits(0.02))
