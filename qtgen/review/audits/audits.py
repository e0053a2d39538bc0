"""Audits: which pages to read, and when the batch is accepted.

This module combines the others: `plans` keeps the frozen lists, `frames` reads the pages for them, `readings`
turns decisions into labels, and `progress` computes how far an audit is.
"""

import datetime as dt
from collections.abc import Sequence
from typing import NamedTuple

from qtgen.errors import UsageError
from qtgen.generation.decisions import DecisionLog, timestamp
from qtgen.review.audits.acceptance import Verdict, check_parameters, fixed_sample_size, limit_of
from qtgen.review.audits.frames import Frame, SourcePage, digests_from_files, read_frame
from qtgen.review.audits.plans import NEXT, FramePage, Kind, Plan, Plans, check_name, read_plan, read_plans, save_plan
from qtgen.review.audits.prediction import Model, fit
from qtgen.review.audits.progress import AuditProgress, outcomes, progress, second_readings
from qtgen.review.audits.readings import DigestsOf, Outcome, changed_unread, label_of, plans_that_read

__all__ = [
    "NEXT",
    "AuditProgress",
    "DigestsOf",
    "Frame",
    "Limits",
    "Outcome",
    "Plan",
    "Plans",
    "SourcePage",
    "Verdict",
    "changed_unread",
    "digests_from_files",
    "has_enough_labels",
    "make_plan",
    "outcomes",
    "plans_that_read",
    "progress",
    "read_frame",
    "read_plan",
    "read_plans",
    "save_plan",
    "second_readings",
]


class Limits(NamedTuple):
    """When a batch is accepted.

    Args:
        tolerance: The share of bad pages that is tolerated in the batch, between 0 and 1.
        confidence: The least probability that a batch with more bad pages is not accepted.
        allowed: The number of bad pages allowed in the sample, whose size is then fixed; None to check after each page.
    """

    tolerance: float
    confidence: float = 0.95
    allowed: int | None = 0


def make_plan(
    name: str, frame: Frame, log: DecisionLog, *, at: dt.datetime, seed: int, limits: Limits | None = None
) -> Plan:
    """Return a plan. It is not written; see `save_plan`. Raises UsageError.

    Args:
        name: The name of the audit, or `next`, whose plan has no limits.
        frame: The pages.
        log: Earlier decisions. The predictions are learned from those that concern the texts as they are.
        at: The time.
        seed: The seed of the order.
        limits: When the batch is accepted; None for `next`.
    """
    check_name(name)
    count = len(frame.pages)
    if not count:
        raise UsageError("there are no pages to plan")
    if (name == NEXT) != (limits is None):
        message = "the queue `next` accepts no batch" if limits else "an audit needs a share of bad pages to tolerate"
        raise UsageError(message, setting="tolerance")
    kind, sample = _kind(count, limits)
    model = _fitted(frame.pages, log)
    predictions = model.predict([page.features for page in frame.pages])
    groups = tuple(dict.fromkeys(group for page in frame.pages for group in page.digests))
    pages = tuple(
        FramePage(
            page.url,
            page.path,
            tuple(page.digests.get(group, "") for group in groups),
            round(float(value), 6),
            page.features.get("score"),
        )
        for page, value in zip(frame.pages, predictions, strict=True)
    )
    return Plan(
        name=name,
        kind=kind,
        made=timestamp(at),
        seed=seed,
        tolerance=limits.tolerance if limits else None,
        confidence=limits.confidence if limits else 0.95,
        allowed=limits.allowed if limits else None,
        sample=sample,
        groups=groups,
        features=model.names,
        labels=model.labels,
        excluded=frame.excluded,
        pages=pages,
    ).sealed()


def _kind(count: int, limits: Limits | None) -> tuple[Kind, int | None]:
    """Return the kind of a plan, and the number of pages that it reads if that is fixed. Raises UsageError."""
    if limits is None:
        return "next", None
    check_parameters(count, limits.tolerance, limits.confidence)
    if limits.allowed is None:
        return "sequential", None
    limit = limit_of(count, limits.tolerance)
    return "fixed", fixed_sample_size(count, limit, limits.confidence, limits.allowed)


def has_enough_labels(frame: Frame, log: DecisionLog) -> bool:
    """Return whether predictions can be learned, so that features of the pages are worth the time to collect them."""
    return _fitted(frame.pages, log).has_enough_labels


def _fitted(pages: Sequence[SourcePage], log: DecisionLog) -> Model:
    """Fit the prediction on the last label that each page's present text got."""
    labelled = [(page.features, label) for page in pages if (label := _last_label(page, log)) is not None]
    return fit([features for features, _ in labelled], [label for _, label in labelled])


def _last_label(page: SourcePage, log: DecisionLog) -> float | None:
    for decision in reversed(log.effective(page.url)):
        is_present = all(decision.texts.get(group) == digest for group, digest in page.digests.items())
        if is_present and (label := label_of(decision)) is not None:
            return label
    return None
