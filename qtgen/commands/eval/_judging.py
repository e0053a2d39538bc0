"""What the eval commands do about judges: what the pages cost before, and how it reports an early end."""

from collections.abc import Sequence

from qtgen.commands._echo import echo
from qtgen.errors import BudgetReached, Failure
from qtgen.evaluation.candidates import Candidate
from qtgen.evaluation.judging import Judging


def cost_of(candidates: Sequence[Candidate]) -> float:
    """Return what the pages of a batch run have cost, in US dollars, as far as it is known."""
    return sum(candidate.usage.charged_usd or 0.0 for candidate in candidates)


def has_ended_early(judging: Judging | None) -> bool:
    """Return whether some items were not judged, because of the budget or because no judge could be asked."""
    return judging is not None and judging.ended is not None


def report_end(failure: Failure, *, with_resume: bool) -> None:
    """Say on stderr why judging ended early and how to continue. It explains the exit code, so --quiet keeps it."""
    again = "run the same command with --resume to continue" if with_resume else "run the same command to continue"
    remedy = f"raise --budget and {again}" if failure.kind == BudgetReached.kind else again
    echo(f"qtgen: judging ended: {failure.message}; {remedy}", err=True)
