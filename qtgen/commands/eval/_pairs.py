"""Let judges compare the pages of two reports, each pair in both orders."""

import asyncio
from collections.abc import Sequence
from typing import Any, NamedTuple

from qtgen.commands._options import open_ledger, settings_from
from qtgen.commands._run import require_prices
from qtgen.commands._steps import progress_after
from qtgen.errors import BudgetReached, Failure, ProviderUnusable
from qtgen.evaluation.judging.judges import Preference, preference
from qtgen.evaluation.judging.summary import JudgeUse, Judging, reason_of, silent_judges
from qtgen.evaluation.report import EvalItem, EvalReport
from qtgen.llm.budget import Budget
from qtgen.llm.factory import open_clients
from qtgen.llm.ledger import open_writer
from qtgen.llm.types import Provider

_GIVEN_UP = JudgeUse(asked=1, failed=1)


class PairOpinion(NamedTuple):
    """The preference of a judge between the two pages for one reference."""

    id: str
    judge: str
    preference: Preference


class PairJudging(NamedTuple):
    """The preferences of all judges on all pairs, and the usage of the judges."""

    opinions: list[PairOpinion]
    judging: Judging

    @property
    def by_reference(self) -> list[tuple[str, Preference]]:
        """The preferences with the id of the reference."""
        return [(opinion.id, opinion.preference) for opinion in self.opinions]


def judge_pairs(
    before: EvalReport, after: EvalReport, models: Sequence[str], budget: float | None = None, *, fresh: bool = False
) -> PairJudging:
    """Return the preference of every judge on every pair of pages; the ledger records the requests.

    If the budget is exhausted or the judges become unusable, the remaining pairs have preferences with an error.

    Args:
        before: The report before.
        after: The report after.
        models: The judges.
        budget: The limit in US dollars, or None for the project's budget.
        fresh: Whether to request judgements again that the ledger has.

    Raises LedgerError and SettingsError.
    """
    flags: dict[str, Any] = {"model": tuple(models), **({} if budget is None else {"budget": budget})}
    return asyncio.run(_PairJudges(_page_pairs(before, after), flags, fresh).ask())


class _PairJudges:
    def __init__(self, pairs: list[tuple[EvalItem, EvalItem]], flags: dict[str, Any], fresh: bool) -> None:
        self._pairs, self._fresh = pairs, fresh
        self._settings = settings_from(flags)
        self._models: tuple[str, ...] = flags["model"]
        self._opinions: list[PairOpinion] = []
        self._ended: Failure | None = None
        require_prices(self._settings)

    async def ask(self) -> PairJudging:
        """Ask the judges and return their preferences."""
        settings, pairs = self._settings, self._pairs
        with (
            open_ledger(settings) as ledger,
            progress_after("Asking judges", len(pairs) * len(self._models)) as step,
        ):
            budget = Budget(settings.budget)
            async with (
                open_writer(ledger, fresh=self._fresh) as writer,
                open_clients(settings, writer, budget) as judges,
            ):
                for old, new in pairs:
                    for judge in judges:
                        self._opinions.append(PairOpinion(new.id, judge.model, await self._prefer(judge, old, new)))
                        step.advance()
                verdicts = (judge.brake.verdict() for judge in judges)
                if self._ended is None and (unusable := next(filter(None, verdicts), None)):
                    self._ended = Failure(unusable.kind, str(unusable))
        return PairJudging(self._opinions, self._judging())

    async def _prefer(self, judge: Provider, old: EvalItem, new: EvalItem) -> Preference:
        if self._ended:
            failure = Failure(self._ended.kind, f"{judge.model}: {self._ended.message}")
            return Preference(None, error=failure, use=_GIVEN_UP)
        try:
            found = await preference(judge, new.question, new.reference, old.candidate, new.candidate)
        except ProviderUnusable as error:
            self._ended = Failure(error.kind, str(error))
            return Preference(None, error=self._ended, use=_GIVEN_UP)
        if found.error and found.error.kind == BudgetReached.kind:
            reason = reason_of(found.error, judge.model)
            self._ended = Failure(found.error.kind, reason.partition(":")[0])
        return found

    def _judging(self) -> Judging:
        use = {model: JudgeUse() for model in self._models}
        for opinion in self._opinions:
            use[opinion.judge] = use.get(opinion.judge, JudgeUse()) + opinion.preference.use
        ended = self._ended
        if ended:
            failed = sum(opinion.preference.error is not None for opinion in self._opinions)
            total = len(self._opinions)
            ended = Failure(ended.kind, f"{failed:,} of {total:,} comparisons left: {ended.message}")
        opinions = ((one.judge, "preference", one.preference.error) for one in self._opinions)
        return Judging(use, items=len(self._pairs), silent=silent_judges(opinions), ended=ended)


def _page_pairs(before: EvalReport, after: EvalReport) -> list[tuple[EvalItem, EvalItem]]:
    """Return the items with an answer in both reports."""
    old_items = {(item.id, item.repeat): item for item in before.items if item.candidate}
    pairs = ((old_items.get((new.id, new.repeat)), new) for new in after.items if new.candidate)
    return [(old, new) for old, new in pairs if old]
