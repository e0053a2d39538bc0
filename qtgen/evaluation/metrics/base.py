"""What a metric is: one function from a case to a score, with its documentation, range, direction and cost."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

from qtgen.evaluation.metrics.text import AnalyzedText


class Score(NamedTuple):
    """value: None where the metric does not apply; note: one line on how it came about."""

    value: float | None
    note: str = ""


class Direction(StrEnum):
    HIGHER = "higher"
    LOWER = "lower"
    NONE = "none"  # for control: neither is better


@dataclass(frozen=True, slots=True)
class PageFacts:
    """What stands around an answer on a whole page. findings: codes of the validator's errors and warnings."""

    description: str
    keywords: str
    errors: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Case:
    """A candidate and what it is held against. must, nice: nuggets, claims that an answer has to make or may make."""

    question: AnalyzedText
    references: tuple[AnalyzedText, ...]
    candidate: AnalyzedText
    must: tuple[AnalyzedText, ...] = ()
    nice: tuple[AnalyzedText, ...] = ()
    page: PageFacts | None = None

    def best(self, of: Callable[[AnalyzedText], float]) -> float:
        """The highest figure over the references."""
        return max(map(of, self.references))


@dataclass(frozen=True, slots=True)
class Metric:
    """cost: what one case takes, in words. `doc` is the function's docstring."""

    name: str
    of: Callable[[Case], Score] = field(repr=False)
    direction: Direction
    low: float
    high: float
    cost: str
    doc: str

    def worst(self, other: float) -> float:
        """The end of the range that nobody wants; `other` where neither is better."""
        return {Direction.HIGHER: self.low, Direction.LOWER: self.high, Direction.NONE: other}[self.direction]


METRICS: dict[str, Metric] = {}


def metric(
    *, direction: Direction = Direction.HIGHER, low: float = 0.0, high: float = 1.0, cost: str = "under 1 ms"
) -> Callable[[Callable[[Case], Score]], Callable[[Case], Score]]:
    """Put a function into the table of metrics, under its own name."""

    def add(of: Callable[[Case], Score]) -> Callable[[Case], Score]:
        name = of.__name__
        METRICS[name] = Metric(name, of, direction, low, high, cost, (of.__doc__ or "").strip())
        return of

    return add


def describe_metric(one: Metric) -> str:
    """A metric's documentation for people."""
    better = {"higher": "higher is better", "lower": "lower is better", "none": "for control: neither is better"}
    facts = f"range {one.low:g} to {one.high:g}; {better[one.direction.value]}; {one.cost} a case"
    return f"{one.name} ({facts})\n\n{inspect.cleandoc(one.doc)}"
