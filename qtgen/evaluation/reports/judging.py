"""Sentences about judges that all formats of the evaluation report share."""

from collections.abc import Iterator

from qtgen._util.text import money, pluralize
from qtgen.evaluation.judging.summary import JudgeAgreement, JudgeUse, Judging
from qtgen.evaluation.reports.common import format_interval, format_number


def judging_lines(judging: Judging | None) -> Iterator[str]:
    """Yield sentences about the judges of a run: what each was asked and cost, and how they agree.

    An early end is a failure of the run, which every format names at its top.
    """
    if judging is None:
        return
    if not judging.ended:
        yield from (f"no opinion on any item: {judge}: {reason}" for judge, reason in judging.silent.items())
    if judging.scope == "uncertain":
        yield f"judged only items with a low confidence: {pluralize(judging.items, 'item')}"
    for model, use in judging.judges.items():
        yield f"judge {model}: {_counts(use)}; {_cost(use, judging)}"
    yield from map(_agreement, judging.agreement)


def _counts(use: JudgeUse) -> str:
    details = [
        f"{count:,} {words}"
        for count, words in (
            (use.reused, "reused"),
            (use.retried, "retried"),
            (use.failed, "without an opinion"),
        )
        if count
    ]
    return pluralize(use.asked, "judgement") + (f" ({', '.join(details)})" if details else "")


def _cost(use: JudgeUse, judging: Judging) -> str:
    tokens = f"{use.prompt_tokens:,} prompt and {use.completion_tokens:,} completion tokens"
    return f"{tokens}; " + ("replayed at no cost" if judging.source == "recordings" else money(use.cost_usd))


def _agreement(found: JudgeAgreement) -> str:
    judges = f"{found.judgements} judgements of {found.between}"
    if found.between == "judges":
        judges = f"{found.judgements} judges"
    alpha = "alpha undefined"
    if found.alpha is not None:
        alpha = f"alpha {format_number(found.alpha)}"
        alpha += f" ({format_interval(found)})" if found.low is not None else ""
    units = pluralize(found.items, "item")
    if found.units != found.items:
        units = f"{pluralize(found.units, 'claim')} of {units}"
    return f"agreement on {found.metric}, {judges}: {alpha}; all equal on {found.equal or 0.0:.0%} of {units}"
