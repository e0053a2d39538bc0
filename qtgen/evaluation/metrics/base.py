"""What a metric is: one function from a case to a score, with its documentation, range, direction and cost."""

import inspect
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, NamedTuple

from qtgen._util.pydantic_errors import did_you_mean
from qtgen.errors import PluginError, UsageError
from qtgen.evaluation.metrics.text import AnalyzedText


class Score(NamedTuple):
    """The value of a metric, or None if the metric does not apply, and a note that explains it."""

    value: float | None
    note: str = ""


class Direction(StrEnum):
    """Which values of a metric are better. `NONE` marks a metric that is reported for context only."""

    HIGHER = "higher"
    LOWER = "lower"
    NONE = "none"


class Bounds(NamedTuple):
    """The least and the greatest number that a site allows; None for any."""

    least: float | None = None
    most: float | None = None

    def __contains__(self, number: object) -> bool:
        assert isinstance(number, int | float)  # noqa: S101 - numbers alone are compared
        return (self.least is None or number >= self.least) and (self.most is None or number <= self.most)


UNBOUNDED = Bounds()


@dataclass(frozen=True, slots=True)
class PageFacts:
    """The parts of a page around its answer.

    Args:
        description: What search engines show; None if the site's pages have no such field.
        keywords: The keywords in one text; None if the site's pages have none.
        errors: The codes of the rules of severity error that the page breaks.
        warnings: The codes of those of severity warning.
        separator: What separates the keywords.
        description_bounds: The characters that the site allows a description.
        keyword_bounds: The keywords that it allows.
    """

    description: str | None
    keywords: str | None
    errors: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    separator: str = ","
    description_bounds: Bounds = UNBOUNDED
    keyword_bounds: Bounds = UNBOUNDED

    @property
    def keyword_list(self) -> list[str]:
        """The keywords."""
        parts = (self.keywords or "").split(self.separator.strip(" ") or self.separator)
        return [word.strip() for word in parts if word.strip()]


@dataclass(frozen=True, slots=True)
class Case:
    """The input of a metric: a candidate answer, the question, and one or more references.

    `must` and `nice` are nuggets: claims that an answer must make or may make. `page` is None for an answer without a
    page. `source` is the text that the answer must be based on, or empty.
    """

    question: AnalyzedText
    references: tuple[AnalyzedText, ...]
    candidate: AnalyzedText
    must: tuple[AnalyzedText, ...] = ()
    nice: tuple[AnalyzedText, ...] = ()
    page: PageFacts | None = None
    source: str = ""

    def best(self, value: Callable[[AnalyzedText], float]) -> float:
        """Return the highest value over the references."""
        return max(map(value, self.references))


MetricFunction = Callable[[Case], Score]


@dataclass(frozen=True, slots=True)
class Metric:
    """A registered metric.

    `low` and `high` are the ends of its range, `cost` is the time that one case takes, in words, and `doc` is the
    function's docstring. `version` tells the scores of a plugin's metric before and after a change apart.
    """

    name: str
    function: MetricFunction = field(repr=False)
    direction: Direction
    low: float
    high: float
    cost: str
    doc: str
    version: int = 1

    @property
    def is_builtin(self) -> bool:
        """Whether the metric is part of qtgen, and so covered by the scorer's version."""
        return self.function.__module__.startswith("qtgen.evaluation.")

    def worst(self, default: float) -> float:
        """Return the worst value of the range, or `default` if neither end is better."""
        return {Direction.HIGHER: self.low, Direction.LOWER: self.high, Direction.NONE: default}[self.direction]


METRICS: dict[str, Metric] = {}
"""Every registered metric by name, in the order in which reports list them."""

JUDGE_METRICS = ("judge", "judge_must_recall", "judge_nice_recall")
"""Metrics that only a judge model gives, from 0 to 1; higher is better."""

_RESERVED = frozenset({"score", "length", "all", *JUDGE_METRICS})


def metric(
    *,
    direction: Direction | str = Direction.HIGHER,
    low: float = 0.0,
    high: float = 1.0,
    cost: str = "under 1 ms",
    version: int = 1,
) -> Callable[[MetricFunction], MetricFunction]:
    """Register a function as a metric under its own name; its docstring becomes the metric's documentation.

    Args:
        direction: `higher`, `lower`, or `none` for a metric that is reported for context only.
        low: The lowest possible value.
        high: The highest possible value.
        cost: The time that one case takes, for the documentation.
        version: Raise it if the values of a plugin's metric change. Baselines of another version are then scored again.

    Raises PluginError if the name is already used, or if the function has no docstring.
    """

    def register(function: MetricFunction) -> MetricFunction:
        name, doc = function.__name__, (function.__doc__ or "").strip()
        taken = METRICS.get(name)
        if name in _RESERVED or (taken and taken.function.__module__ != function.__module__):
            raise PluginError(f"a metric named `{name}` already exists", remedy="rename the function")
        if not doc:
            raise PluginError(f"the metric `{name}` has no docstring", remedy="say in one what it measures")
        METRICS[name] = Metric(name, function, Direction(direction), low, high, cost, doc, version)
        return function

    return register


def order_metrics(modules: Iterable[str]) -> None:
    """Sort METRICS by the modules that define them, so that the order of imports does not matter."""
    for module in modules:
        for name in [name for name, known in METRICS.items() if known.function.__module__ == module]:
            METRICS[name] = METRICS.pop(name)


def metric_directions() -> dict[str, Direction]:
    """Return the direction of every metric that a report can hold, the overall score first."""
    own = {name: known.direction for name, known in METRICS.items()}
    return {"score": Direction.HIGHER, **own, **dict.fromkeys(JUDGE_METRICS, Direction.HIGHER)}


def check_metric_names(names: Iterable[str], known: Iterable[str], **place: Any) -> None:
    """Raise UsageError for the first name that is not known.

    Args:
        names: Names of metrics.
        known: The names to choose from.
        place: Where the names were given, as fields of the error: `path`, `field` or `setting`.
    """
    choices = list(known)
    for name in names:
        if name not in choices:
            remedy = did_you_mean(name, choices) or f"choose from {', '.join(choices)}"
            raise UsageError(f"unknown metric `{name}`", remedy=remedy, **place)


_DIRECTION_WORDS = {
    Direction.HIGHER: "higher is better",
    Direction.LOWER: "lower is better",
    Direction.NONE: "for context: neither is better",
}


def describe_metric(known: Metric) -> str:
    """Return a metric's documentation for people."""
    facts = f"range {known.low:g} to {known.high:g}; {_DIRECTION_WORDS[known.direction]}; {known.cost} per case"
    return f"{known.name} ({facts})\n\n{inspect.cleandoc(known.doc)}"
