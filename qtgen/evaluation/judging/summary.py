"""The judges of a report: their judgements, cost and agreement."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Literal

from qtgen.errors import Failure
from qtgen.llm.types import Usage


@dataclass(frozen=True, slots=True)
class JudgeUse:
    """The judgements of one judge and their cost in this run.

    Args:
        asked: Judgements that were requested. A judgement is one opinion on one text, a retry included.
        reused: Those of them that the ledger had an answer to. They cost nothing.
        retried: Those that needed a second request, because the first response could not be read.
        failed: Those without an opinion.
        cost_usd: US dollars, None if a price is unknown.
    """

    asked: int = 0
    reused: int = 0
    retried: int = 0
    failed: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cost_usd: float | None = 0.0

    def __add__(self, other: "JudgeUse") -> "JudgeUse":
        unknown = self.cost_usd is None or other.cost_usd is None
        return JudgeUse(
            self.asked + other.asked,
            self.reused + other.reused,
            self.retried + other.retried,
            self.failed + other.failed,
            self.prompt_tokens + other.prompt_tokens,
            self.completion_tokens + other.completion_tokens,
            None if unknown else (self.cost_usd or 0.0) + (other.cost_usd or 0.0),
        )


def paid_use(usage: Usage) -> JudgeUse:
    """Return the tokens and the cost of a response."""
    return JudgeUse(
        prompt_tokens=usage.prompt_tokens, completion_tokens=usage.completion_tokens, cost_usd=usage.charged_usd
    )


@dataclass(frozen=True, slots=True)
class JudgeAgreement:
    """The agreement of judgements of the same texts.

    Args:
        metric: The metric that the judgements are about.
        between: The model if its judgements are compared with each other, or `judges`.
        judgements: Number of judgements of each text.
        units: Number of texts or claims with at least two judgements.
        items: Number of items that these belong to.
        alpha: Krippendorff's alpha; None if all judgements are equal, or if there is nothing to compare.
        low, high: Its 95% interval over items; None with fewer than five items.
        equal: Share of the texts or claims whose judgements are all equal.
    """

    metric: str
    between: str
    judgements: int
    units: int
    items: int
    alpha: float | None
    low: float | None
    high: float | None
    equal: float | None


@dataclass(frozen=True, slots=True)
class Judging:
    """The judges of a run.

    Args:
        judges: The usage of each judge, by model.
        items: Number of items that were meant to be judged. The others have no judge metric, not even an empty one.
        judgements: Number of judgements of each text by each judge.
        scope: `all` items with a score, or only the `uncertain` ones.
        source: `requests`, or `recordings` if the judgements were replayed, which costs nothing.
        agreement: The agreement of the judgements.
        silent: Judges that had no opinion on any text, each with the metric (`gpt-4o (judge)`), and the first reason.
        ended: Why some items were not judged, such as a budget that is used up.
    """

    judges: dict[str, JudgeUse]
    items: int
    judgements: int = 1
    scope: Literal["all", "uncertain"] = "all"
    source: Literal["requests", "recordings"] = "requests"
    agreement: tuple[JudgeAgreement, ...] = ()
    silent: dict[str, str] = field(default_factory=dict)
    ended: Failure | None = None

    @property
    def total(self) -> JudgeUse:
        """The usage of all judges together."""
        return sum(self.judges.values(), JudgeUse())

    @property
    def has_failed(self) -> bool:
        """Whether judging ended early, or a judge had no opinion on any text. Such a run fails."""
        return self.ended is not None or bool(self.silent)

    def silent_by_metric(self) -> Iterator[tuple[str, str, str]]:
        """Yield the judge, the metric and the reason of each entry of `silent`."""
        for name, reason in self.silent.items():
            judge, _, metric = name.rpartition(" ")
            yield judge, metric.strip("()"), reason


def silent_judges(opinions: Iterable[tuple[str, str, Failure | None]]) -> dict[str, str]:
    """Return the judges without an opinion on any text, each with the metric and the first reason.

    `opinions` has the judge, the metric and why there is no opinion, for each judgement.
    """
    errors: dict[str, list[Failure | None]] = defaultdict(list)
    for model, metric, error in opinions:
        errors[f"{model} ({metric})"].append(error and replace(error, message=reason_of(error, model)))
    return {judge: found[0].message for judge, found in errors.items() if found[0] and all(found)}


def reason_of(error: Failure, model: str) -> str:
    """Return why a judge has no opinion, without its name."""
    return error.message.removeprefix(f"{model}: ")
