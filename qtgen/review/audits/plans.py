"""Plans of audits: the frozen list of pages, the order in which they are read, and when the batch is accepted.

A plan is a file below `.qtgen/audits/` of the output folder, committed with the pages. It is never changed, because
choosing pages or limits after looking at results would make its promise void. A digest over everything in it shows
whether somebody edited it. The plan of the queue `next` has no limits; it only freezes predictions and order.
"""

import hashlib
import re
from collections.abc import Mapping, Sequence
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Literal, NamedTuple

import msgspec
import numpy as np

from qtgen._util.files import publish_if_absent, staged_file
from qtgen.errors import UsageError
from qtgen.generation.decisions import Draw
from qtgen.generation.output import HIDDEN, OutputFolder
from qtgen.page import windows_fault
from qtgen.review.audits.acceptance import Bounds, FixedRule, Rule, SequentialRule, bounds_of
from qtgen.review.audits.sampling import Floats, inclusion_probabilities, order_of, uniform, uniforms, weights

VERSION = 1
NEXT = "next"
"""The name of the queue that has a plan without limits."""
RESERVED = ("rewrites", "taken", "flagged", "second", "returned", "failed", "mine")
"""Names of queues that are no draws."""
SECOND_SHARE = 0.1
"""The share of the pages of a draw that two reviewers judge, without seeing each other's decision."""

_NAME = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_NAME_MAX = 64
_NEXT_COUNT = 100  # the number of pages for which a draw of the queue `next` records probabilities

Kind = Literal["fixed", "sequential", "next"]


class FramePage(msgspec.Struct, frozen=True, array_like=True):
    """A page of the frozen list.

    Args:
        url: The page.
        path: Its file, relative to the output folder.
        digests: The digests of its texts, in the order of the plan's `groups`; empty for a group that it lacks.
        prediction: The predicted probability that it can be published.
        score: Its score when the plan was made.
    """

    url: str
    path: str
    digests: tuple[str, ...]
    prediction: float
    score: float | None = None


class Plan(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, dict=True):
    """A frozen draw of pages: an audit, or the queue `next`.

    Args:
        v: Version of the file.
        name: The name, which is also that of the file.
        kind: Whether the number of pages to read is fixed beforehand, or checked after every page. `next` has no limit.
        made: When the plan was made, in UTC.
        seed: The seed of the order.
        tolerance: The share of bad pages that is tolerated in the batch; None for `next`.
        confidence: The least probability that a batch with more bad pages is not accepted.
        allowed: The number of bad pages that are allowed in the sample of a fixed plan.
        sample: The number of pages that a fixed plan reads.
        second_share: The share of pages that get two blind reviewers.
        groups: The groups of fields that the digests belong to.
        features: What the predictions are based on; empty if they are constant.
        labels: The numbers of publishable and of bad pages that the predictions were learned from.
        excluded: Path and reason of each page that was left out. The promise does not cover them.
        pages: The pages, sorted by URL.
        digest: A digest over all other fields.
    """

    v: int = VERSION
    name: str
    kind: Kind
    made: str
    seed: int
    tolerance: float | None = None
    confidence: float = 0.95
    allowed: int | None = None
    sample: int | None = None
    second_share: float = SECOND_SHARE
    groups: tuple[str, ...]
    features: tuple[str, ...] = ()
    labels: tuple[int, int] = (0, 0)
    excluded: tuple[tuple[str, str], ...] = ()
    pages: tuple[FramePage, ...]
    digest: str = ""

    @cached_property
    def rule(self) -> Rule | None:
        """The rule of acceptance; None for `next`."""
        if self.tolerance is None:
            return None
        if self.allowed is None or self.sample is None:
            return SequentialRule(len(self.pages), self.tolerance, self.confidence)
        return FixedRule(len(self.pages), self.tolerance, self.confidence, self.allowed, self.sample)

    @cached_property
    def bounds(self) -> Bounds | None:
        """The numbers of bad pages with which the batch is accepted or not; None for `next`."""
        return None if self.rule is None else bounds_of(self.rule)

    @cached_property
    def order(self) -> tuple[int, ...]:
        """The positions of the pages in `pages`, in the order in which they are read."""
        urls = [page.url for page in self.pages]
        numbers = uniforms(self.seed, urls)
        keys = numbers / self.weights if self.kind == NEXT else numbers
        return tuple(order_of(keys, urls))

    @cached_property
    def places(self) -> Mapping[str, int]:
        """The place of each URL in `order`, from 0."""
        return {self.pages[position].url: place for place, position in enumerate(self.order)}

    @cached_property
    def positions(self) -> Mapping[str, int]:
        """The position of each URL in `pages`."""
        return {page.url: position for position, page in enumerate(self.pages)}

    @cached_property
    def predictions(self) -> Floats:
        """The predictions of the pages."""
        return np.array([page.prediction for page in self.pages], np.float64)

    @cached_property
    def weights(self) -> Floats:
        """The weights of the pages: all 1 in an audit, whose pages are drawn with equal probability."""
        return weights(self.predictions) if self.kind == NEXT else np.ones(len(self.pages))

    @cached_property
    def _drawn(self) -> Floats:
        count = self.sample or (_NEXT_COUNT if self.kind == NEXT else len(self.pages))
        return inclusion_probabilities(self.weights, count)

    def draw(self, url: str) -> Draw | None:
        """Return what a decision about a page records of this draw; None if the page is not in the plan.

        The probability is that of being in the sample of a fixed plan, or among the first hundred pages of `next`. It
        is 1 in a sequential plan, which may read every page. Estimates compute probabilities from the plan and from
        the number of pages that were read.
        """
        position = self.positions.get(url)
        return None if position is None else Draw(self.name, round(float(self._drawn[position]), 6))

    def wants_second(self, url: str) -> bool:
        """Return whether two reviewers judge a page. Both must not see score, comparison or the other's decision."""
        return url in self.positions and uniform(self.seed, url, "second") < self.second_share

    def digests_of(self, page: FramePage) -> dict[str, str]:
        """Return the digests of a page's texts by group of fields."""
        return {group: digest for group, digest in zip(self.groups, page.digests, strict=True) if digest}

    def sealed(self) -> "Plan":
        """Return the plan with its digest."""
        return msgspec.structs.replace(self, digest=_digest(self))


def _digest(plan: Plan) -> str:
    contents = msgspec.json.encode(msgspec.structs.replace(plan, digest=""))
    return hashlib.sha256(contents).hexdigest()


class UnknownPlan(UsageError):
    """No audit of the output folder has this name."""


class Plans(NamedTuple):
    """All plans by name, the oldest first, and the errors of the files that cannot be used."""

    plans: Mapping[str, Plan]
    problems: Sequence[UsageError]

    @property
    def audits(self) -> list[Plan]:
        """The plans that have limits."""
        return [plan for plan in self.plans.values() if plan.kind != NEXT]

    @property
    def next(self) -> Plan | None:
        """The plan of the queue `next`."""
        return self.plans.get(NEXT)


def check_name(name: str) -> None:
    """Raise UsageError if no plan can have a name, which becomes that of a file and part of addresses."""
    if not _NAME.fullmatch(name) or len(name) > _NAME_MAX:
        message = f"{name!r} is not a name of an audit; use lowercase letters, digits and hyphens, such as spring-2027"
        raise UsageError(message)
    if name in RESERVED or windows_fault(f"{name}.json"):
        raise UsageError(f"an audit cannot have the name {name}, which is reserved; choose another name")


def plan_file(store: OutputFolder, name: str) -> Path:
    """Return the file of a plan."""
    return store.folder / HIDDEN / "audits" / f"{name}.json"


def read_plans(store: OutputFolder) -> Plans:
    """Return the plans of an output folder. A file that did not change is not read again."""
    plans, problems = [], []
    for path in sorted(plan_file(store, NEXT).parent.glob("*.json")):
        try:
            plans.append(_read(path))
        except UsageError as error:
            problems.append(error)
    return Plans({plan.name: plan for plan in sorted(plans, key=lambda one: (one.made, one.name))}, problems)


def read_plan(store: OutputFolder, name: str) -> Plan:
    """Return a plan. Raises UnknownPlan if there is none of this name, and UsageError if it was edited."""
    path = plan_file(store, name)
    if not _NAME.fullmatch(name) or not path.exists():
        names = list(read_plans(store).plans)
        remedy = f"there is {', '.join(names)}" if names else "there are no audits yet"
        raise UnknownPlan(f"no audit has the name {name!r} in {store.folder}", remedy=remedy)
    return _read(path)


def _read(path: Path) -> Plan:
    try:
        status = path.stat()
        return _read_version(path, path.absolute(), (status.st_ino, status.st_mtime_ns, status.st_size))
    except OSError as error:
        raise UsageError(error.strerror or str(error), path=path) from None


@lru_cache(maxsize=32)
def _read_version(path: Path, _place: Path, _state: tuple[int, int, int]) -> Plan:
    contents = path.read_bytes()
    try:
        version = msgspec.json.decode(contents, type=_Version).v
        if version > VERSION:
            raise UsageError(f"this plan was written by a newer qtgen (version {version})", path=path)
        plan = msgspec.json.decode(contents, type=Plan)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        message = f"this file is not a plan of an audit: {error}"
        raise UsageError(message, path=path, remedy="restore it from git") from None
    if plan.digest != _digest(plan) or plan.name != path.stem:
        message = "this plan was changed after it was made, so its result means nothing"
        raise UsageError(message, path=path, remedy="restore it from git, or plan a new audit under another name")
    return plan


class _Version(msgspec.Struct):
    v: int


def save_plan(store: OutputFolder, plan: Plan) -> Path:
    """Write a plan into its file, as a whole. Raises UsageError if there is one of this name, and OutputError."""
    check_absent(store, plan.name)
    path = plan_file(store, plan.name)
    with staged_file(path, _document(plan)) as temporary:
        if not publish_if_absent(temporary, path):
            check_absent(store, plan.name)
    return path


def check_absent(store: OutputFolder, name: str) -> None:
    """Raise UsageError if there is a plan of this name."""
    path = plan_file(store, name)
    if path.exists():
        remedy = "delete the file to draw a new order" if name == NEXT else "choose another name"
        raise UsageError("there is a plan of this name already", path=path, remedy=remedy)


def _document(plan: Plan) -> str:
    """Return the plan as JSON with one line for each field and each page, so that git shows what changed."""
    fields = {name: msgspec.json.encode(getattr(plan, name)).decode() for name in plan.__struct_fields__}
    rows = ",\n".join(f"  {msgspec.json.encode(page).decode()}" for page in plan.pages)
    lines = [f' "{name}": {value}' for name, value in fields.items() if name != "pages"]
    return "{\n" + ",\n".join([*lines, f' "pages": [\n{rows}\n ]']) + "\n}\n"
