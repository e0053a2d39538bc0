"""Helpers for judges in the eval commands: the cost of pages so far, and the message about an early end."""

from collections.abc import Sequence

from qtgen.commands._echo import echo
from qtgen.errors import BudgetReached, Failure
from qtgen.evaluation.suites.candidates import Candidate


def cost_of(candidates: Sequence[Candidate]) -> float:
    """Return the known cost of the pages of a batch run in US dollars."""
    return sum(candidate.usage.charged_usd or 0.0 for candidate in candidates)


def report_end(failure: Failure, *, with_resume: bool) -> None:
    """Print on stderr why judging ended early and how to continue, even with --quiet."""
    again = "run the same command with --resume to continue" if with_resume else "run the same command to continue"
    remedy = f"raise --budget and {again}" if failure.kind == BudgetReached.kind else again
    echo(f"qtgen: judging ended: {failure.message}; {remedy}", err=True)
