"""What decisions say about a page, and whether a rewrite was judged, also in a fresh clone."""

from dataclasses import replace

import pytest

from qtgen.generation.decisions import DecisionLog
from qtgen.review.index.review_status import encode_names, status_of
from support.review_pages import make_decision, make_rewrite

URL, TEXTS = "/a", {"answer": "1", "seo": "2"}


@pytest.mark.parametrize(
    ("saved_at", "made", "decided_at", "is_judged"),
    [
        ("2026-11-20T10:00:00.000Z", "2026-11-20", "2026-11-20T11:00:00.000Z", True),
        ("2026-11-20T10:00:00.000Z", "2026-11-20", "2026-11-20T09:00:00.000Z", False),  # it answers the decision
        ("2026-11-19T23:00:00.000Z", "2026-11-20", "2026-11-19T23:30:00.000Z", True),  # another time zone
        ("2026-12-24T10:00:00.000Z", "2026-11-20", "2026-11-21T09:00:00.000Z", True),  # cloned later
        ("2026-12-24T10:00:00.000Z", "2026-11-20", "2026-11-19T09:00:00.000Z", False),
        ("", "2026-11-20", "2026-11-20T09:00:00.000Z", True),
        ("2026-11-20T10:00:00.000Z", "", "2026-11-20T09:00:00.000Z", False),
        ("2026-11-20T10:00:00.000Z", "soon", "2026-11-20T11:00:00.000Z", False),
    ],
)
def test_a_rewrite_is_judged_by_a_later_decision(saved_at: str, made: str, decided_at: str, is_judged: bool) -> None:
    log = DecisionLog([make_decision(URL, TEXTS, "keep", at=decided_at)])
    rewrite = replace(make_rewrite(URL, date=made), saved_at=saved_at)
    assert status_of(log, URL, TEXTS, rewrite).is_judged is is_judged


def test_a_decision_about_another_text_judges_no_rewrite() -> None:
    log = DecisionLog([make_decision(URL, {**TEXTS, "answer": "0"}, "approve")])
    status = status_of(log, URL, TEXTS, make_rewrite(URL, is_taken=True))
    assert (status.state, status.rewrite, status.is_judged) == ("returned", "taken", False)


def test_skips_count_for_the_text_and_until_the_reader_decides() -> None:
    skip = make_decision(URL, TEXTS, "skip", "Ann", "2026-11-27T09:00:00.000Z")
    other = make_decision(URL, {**TEXTS, "seo": "0"}, "skip", "Ben", "2026-11-27T09:00:00.000Z")
    log = DecisionLog([skip, other])
    assert status_of(log, URL, TEXTS).skipped == encode_names(["Ann"]) == "\nAnn\n"
    log.add(make_decision(URL, TEXTS, "approve", "Ann", "2026-11-27T10:00:00.000Z"))
    assert status_of(log, URL, TEXTS).skipped == ""


def test_names_cannot_pass_for_two() -> None:
    assert encode_names(["Ann\nBen"]) == "\nAnn Ben\n"
    assert encode_names([]) == ""
