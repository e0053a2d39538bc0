"""The screen that shows how far reviewers agree with each other, with the score and with the comparison of rewrites."""

from collections.abc import Mapping
from typing import Any

from qtgen._util.text import pluralize
from qtgen.generation.decisions import Action
from qtgen.review.audits.agreement import MIN_PAIRS, Agreement, Figure
from qtgen.review.audits.audits import AuditProgress, read_plans, second_readings
from qtgen.review.audits.summary import COMPARISON, READERS, SCORE, Summary, summarize
from qtgen.review.types import View, Viewer
from qtgen.review.web.views.audit import AuditWorkspace, percent
from qtgen.review.web.views.lists import coded

_TITLES = {
    READERS: "Two reviewers",
    SCORE: "Reviewers and the score",
    COMPARISON: "Reviewers and the comparison",
}
_MEANINGS = {
    READERS: "Two reviewers judged the same page, and neither saw the other's decision. If they often disagree, first "
    "agree on what a good page is.",
    SCORE: "Whether the score tells good pages from bad ones as reviewers do. If it does not, "
    "don't publish by score alone.",
    COMPARISON: "Whether reviewers choose the same text of a rewrite as `qtgen regenerate` did. These rewrites were "
    "not drawn at random, so the figures describe them and no others.",
}
FIGURES = (
    ("Same verdict", "The share of pages about which both agree. It is high by chance if nearly all pages are good."),
    ("On good pages", "When one of them calls a page good, how often the other one does too."),
    ("On bad pages", "When one of them calls a page bad, how often the other one does too."),
    (
        "Beyond chance (κ)",
        "Cohen's kappa: 0 is no better than guessing, 1 is full agreement. Above 0.6 is usually called good.",
    ),
    (
        "Reliability (α)",
        "Krippendorff's alpha: like kappa, but it does not matter who of the two is who. Below 0.67, conclusions are "
        "risky.",
    ),
)
"""The names of the columns, and what each figure means."""
_ACTIONS = {
    Action.APPROVE: "Approved",
    Action.REJECT: "Rejected",
    Action.TAKE: "Took new",
    Action.KEEP: "Kept old",
    Action.EDIT: "Edited",
    Action.SEND_BACK: "Sent back",
    Action.SKIP: "Skipped",
    Action.ADJUDICATE: "Settled",
}


def agreement_view(
    workspace: AuditWorkspace,
    query: Mapping[str, str],  # noqa: ARG001 - every screen takes it
    viewer: Viewer,
) -> View:
    """Return the screen. Plans that cannot be used are listed, and the others count."""
    plans = read_plans(workspace.store)
    summary = summarize(workspace.progress_of([*plans.plans.values()]), workspace.log)
    waiting = {url for plan in plans.plans.values() for url in second_readings(plan, workspace.log, viewer.name)}
    return View(
        "agreement.html.j2",
        {
            "rows": [_row(name, one, summary) for name, one in summary.agreement.items()],
            "figures": FIGURES,
            "min_pairs": MIN_PAIRS,
            "waiting": len(waiting),
            "rate": _rate(summary.next),
            "audits": [
                {"name": one.plan.name, "sentence": one.next_sentence, "link": f"/audits/{one.plan.name}"}
                for one in summary.audits
            ],
            "readers": _readers(summary),
            "decisions": summary.decisions,
            "undone": summary.undone,
            "problems": [str(problem) for problem in plans.problems],
        },
    )


def _row(name: str, one: Agreement, summary: Summary) -> dict[str, Any]:
    note = ""
    if name == SCORE and summary.score_from is not None and one.pairs:
        note = (
            f"A score from {summary.score_from:.2f} counts as good here, because it then approves as many pages as the "
            "reviewers do."
        )
    (both_bad, only_second), (only_first, both_good) = one.table
    return {
        "name": name,
        "title": _TITLES[name],
        "meaning": coded(_MEANINGS[name]),
        "note": note,
        "pairs": one.pairs,
        "is_enough": one.is_enough,
        "counts": f"{both_good:,} both good, {both_bad:,} both bad, {only_first + only_second:,} different"
        if name != COMPARISON
        else f"{both_good:,} both new, {both_bad:,} both old, {only_first + only_second:,} different",
        "cells": [
            *(_share(figure) for figure in (one.raw, one.positive, one.negative)),
            *(_coefficient(figure) for figure in (one.kappa, one.alpha)),
        ],
    }


def _share(figure: Figure) -> dict[str, str]:
    if figure.value is None:
        return {"value": "–", "range": ""}
    span = (
        f"{percent(figure.low)} to {percent(figure.high)}" if figure.low is not None and figure.high is not None else ""
    )
    return {"value": percent(figure.value), "range": span}


def _coefficient(figure: Figure) -> dict[str, str]:
    if figure.value is None:
        return {"value": "–", "range": ""}
    return {
        "value": f"{figure.value:.2f}",
        "range": "" if figure.low is None else f"{figure.low:.2f} to {figure.high:.2f}",
    }


def _rate(now: AuditProgress | None) -> dict[str, str] | None:
    """Return the estimate for all pages from the queue `next`; None if it has no plan."""
    if now is None:
        return None
    pages = pluralize(len(now.plan.pages), "page")
    read = f"{now.read:,} of {pages} of the queue were read."
    if now.rate is None or now.rate.value is None:
        return {"value": "", "sentence": f"{read} An estimate needs ten good and ten bad ones among them."}
    low, high = percent(now.rate.low), percent(now.rate.high)
    return {
        "value": percent(now.rate.value),
        "sentence": f"{read} Between {low} and {high} of all {pages} can be published, at 95% confidence.",
    }


def _readers(summary: Summary) -> dict[str, Any]:
    used = [action for action in _ACTIONS if summary.by_action.get(action)]
    return {
        "actions": [_ACTIONS[action] for action in used],
        "rows": [
            {"who": who, "counts": [counts.get(action, 0) for action in used], "all": sum(counts.values())}
            for who, counts in summary.by_reader.items()
        ],
    }
