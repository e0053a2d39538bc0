"""What the eval commands do about judges: what the pages have cost before, and how an early end is reported."""

from collections.abc import Sequence

from qtgen.commands._echo import echo
from qtgen.errors import BudgetReached, Failure
from qtgen.evaluation.candidates import Candidate


def cost_of(candidates: Sequence[Candidate]) -> float:
    """Return what the pages of a batch run have cost, in US dollars, as far as it is known."""
    return sum(candidate.usage.charged_usd or 0.0 for candidate in candidates)


def report_end(failure: Failure, *, with_resume: bool) -> None:
    """Say on stderr why judging ended early and how to continue. It explains the exit code, so --quiet keeps it."""
    again = "run the same command with --resume to continue" if with_resume else "run the same command to continue"
    remedy = f"raise --budget and {again}" if failure.kind == BudgetReached.kind else again
    echo(f"qtgen: judging ended: {failure.message}; {remedy}", err=True)
