"""`qtgen review plan`: freeze which pages an audit reads, and when the batch is accepted."""

import datetime as dt
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from os.path import normpath
from pathlib import Path
from typing import TYPE_CHECKING

import click

from qtgen._util.text import pluralize
from qtgen.commands._echo import echo
from qtgen.commands._options import Grouped, folder, options_of
from qtgen.commands._output import note, warn
from qtgen.commands._paths import NonEmptyPath
from qtgen.commands._review_command import OUT_DEFAULT, review_command, settings_for_pages, stats_command
from qtgen.commands._site import profile_of, site_arguments, site_option
from qtgen.commands.review._decisions import read_log
from qtgen.errors import UsageError
from qtgen.generation.output import OutputFolder
from qtgen.review.audits.acceptance import FixedRule, Rule, check_parameters, fixed_sample_size, promise
from qtgen.review.audits.audits import (
    NEXT,
    Frame,
    Limits,
    Plan,
    has_enough_labels,
    make_plan,
    read_frame,
    save_plan,
)
from qtgen.review.audits.features import finding_features, rewrite_features
from qtgen.review.audits.plans import check_absent, check_name
from qtgen.review.decisions.rewrites import read_rewrites

if TYPE_CHECKING:
    from qtgen.generation.decisions import DecisionLog
    from qtgen.settings import Settings

_LOW_POWER = 0.8  # a chance of accepting a good batch, below which the command shows how to raise it
_SUGGESTED = 20  # allowed bad pages that are tried for that
_SEEDS = 2**31

_limits, _order, _output = options_of("Limits"), options_of("Order"), options_of("Output")


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanOptions:
    """The arguments of one call of the command."""

    name: str
    paths: tuple[Path, ...]
    tolerance: float | None
    confidence: float
    allow_bad: int | None
    sequential: bool
    site: Path | None
    out: Path | None
    seed: int | None

    def limits(self) -> Limits | None:
        """Return when the batch is accepted; None for the queue `next`. Raises UsageError."""
        if self.sequential and self.allow_bad is not None:
            raise UsageError("--sequential excludes --allow-bad, because it decides after every page")
        if self.name == NEXT:
            if self.tolerance is not None or self.sequential or self.allow_bad is not None:
                raise UsageError("the queue `next` accepts no batch", remedy="leave out the limits, or choose a name")
            return None
        if self.tolerance is None:
            raise UsageError("missing; give the share of bad pages to tolerate, such as 0.02", setting="tolerance")
        check_parameters(1, self.tolerance, self.confidence)  # before the pages are read
        return Limits(self.tolerance, self.confidence, None if self.sequential else self.allow_bad or 0)


@click.command("plan", cls=Grouped)
@click.argument("name")
@click.argument("paths", nargs=-1, required=True, type=NonEmptyPath(), metavar="PATHS…")
@_limits("--tolerance", type=float, metavar="SHARE", help="Tolerate this share of bad pages in the batch: 0.02 is 2%.")
@_limits(
    "--confidence",
    type=float,
    default=0.95,
    show_default=True,
    metavar="SHARE",
    help="Detect a batch with more bad pages with this probability.",
)
@_limits(
    "--allow-bad",
    type=click.IntRange(min=0),
    metavar="N",
    help="Accept the batch if at most N of the pages that are read are bad. A larger N reads more pages and rejects "
    "fewer good batches.  [default: 0]",
)
@_limits("--sequential", is_flag=True, help="Check after every page, and stop as early as possible.")
@_order("--seed", type=click.IntRange(min=0), metavar="N", help="Draw the order from this seed.  [default: random]")
@site_option(_output)
@_output("--out", type=folder, help=f"Write the plan to .qtgen/audits/ of this folder.  {OUT_DEFAULT}")
def command(**arguments: object) -> int:
    """Plan the audit NAME of the pages at PATHS.

    The plan freezes the pages, the order in which they are read, and when the batch is accepted. Commit it with the
    pages. `qtgen review` shows it as the queue audit:NAME, and `qtgen review stats` shows its result.

    The name `next` is special. It takes no limits, and freezes the order of the queue `next`, so that the pages read
    there show how many pages can be published.
    """
    options = PlanOptions(**arguments)  # type: ignore[arg-type]  # click has checked the types
    settings = settings_for_pages({"out": options.out, "site": options.site}, options.paths)
    profile = profile_of(settings)
    store = OutputFolder(settings.out)
    limits = options.limits()
    check_name(options.name)
    check_absent(store, options.name)  # before the pages are read, which takes a while
    frame, log = read_frame(options.paths, store.folder, profile), read_log(store)
    excluded = [f"{normpath(store.folder / path)}: not in the plan. {reason}" for path, reason in frame.excluded]
    warn(excluded, "page", " not in the plan")
    frame = _with_features(frame, log, options.paths, settings, store)
    seed = secrets.randbelow(_SEEDS) if options.seed is None else options.seed
    plan = make_plan(options.name, frame, log, at=dt.datetime.now(dt.UTC), seed=seed, limits=limits)
    path = save_plan(store, plan)
    for line in plan_lines(plan):
        echo(line)
    note(f"wrote {path}; commit it with the pages")
    site = site_arguments(profile)
    note(f"read the pages: {review_command(store.folder, options.paths, '--queue', _queue(plan), *site)}")
    if plan.rule is None:
        note(f"see the result: {stats_command(store.folder, plan.name, *site)}")
    else:
        gate = stats_command(store.folder, plan.name, "--require-accepted", *site)
        note(f"in a release pipeline, this command exits with 1 unless the batch is accepted: {gate}")
    return 0


def _queue(plan: Plan) -> str:
    return NEXT if plan.rule is None else f"audit:{plan.name}"


def _with_features(
    frame: Frame, log: "DecisionLog", paths: tuple[Path, ...], settings: "Settings", store: OutputFolder
) -> Frame:
    """Return the frame with the features that predictions use, if there are enough decisions to learn from."""
    if not has_enough_labels(frame, log):
        return frame
    from qtgen.site.discovery import iter_batches
    from qtgen.validation.plugins import load_plugins
    from qtgen.validation.project_cache import project_cache
    from qtgen.validation.rules.settings import rule_settings
    from qtgen.validation.run import ValidationOptions, ValidationResult
    from qtgen.validation.selection import choose_rules

    load_plugins(settings)
    rules, profile = rule_settings(settings), profile_of(settings)
    chosen = choose_rules(settings.select, settings.ignore, rules.requested, profile=profile)
    cache = project_cache(rules, profile=profile)
    options = ValidationOptions(chosen, corpus=settings.corpus, cache=cache, settings=rules, profile=profile)
    try:
        with ValidationResult(iter_batches(paths), options) as result:
            findings = finding_features(frame, result, store.folder)
    finally:
        cache.close()
    return frame.with_features(findings).with_features(rewrite_features(read_rewrites(store, profile)))


def plan_lines(plan: Plan) -> Iterator[str]:
    """Yield what a plan asks for and what it promises, in plain words."""
    rule = plan.rule
    if rule is None:
        yield f"The queue `next` has {pluralize(len(plan.pages), 'page')} in a frozen order."
        yield "Read its pages in this order. `qtgen review stats` then estimates how many pages can be published."
    else:
        yield from _task(plan, rule)
        yield from _promises(plan, rule)
    if plan.excluded:
        left_out = f"{pluralize(len(plan.excluded), 'page')} {'is' if len(plan.excluded) == 1 else 'are'}"
        yield f"{left_out} not in the plan, so it says nothing about {'it' if len(plan.excluded) == 1 else 'them'}."
    if plan.features:
        yield f"Predictions use {', '.join(plan.features)}, learned from {pluralize(sum(plan.labels), 'decision')}."


def _task(plan: Plan, rule: Rule) -> Iterator[str]:
    queue = f"in the order of the queue audit:{plan.name}"
    if isinstance(rule, FixedRule):
        yield f"Read {rule.sample:,} of {pluralize(len(plan.pages), 'page')}, {queue}."
        yield f"The batch is accepted if {_allowed(rule)}. Reading stops {_stop(rule)}."
    else:
        clean = promise(rule, 0).mean_read
        yield f"Read pages {queue}, until the audit has a result."
        yield f"If no page is bad, {clean:,.0f} of {len(plan.pages):,} are enough. Each bad page adds some."
    yield f"A second reviewer judges {_percent(plan.second_share)} of them, which shows how far reviewers agree."


def _allowed(rule: FixedRule) -> str:
    if not rule.allowed:
        return "none of them is bad"
    return f"at most {rule.allowed:,} of them {'is' if rule.allowed == 1 else 'are'} bad"


def _stop(rule: FixedRule) -> str:
    return "as soon as more are bad" if rule.allowed else "at the first bad page"


def _promises(plan: Plan, rule: Rule) -> Iterator[str]:
    tolerated, half = rule.limit - 1, (rule.limit - 1) // 2
    bad = f"more than {pluralize(tolerated, 'bad page')}" if tolerated else "a bad page"
    share = f"{_percent(plan.tolerance or 0.0)} of {pluralize(rule.pages, 'page')}"
    yield f"A batch with {bad} ({share}) is accepted with a chance of at most {_percent(1 - plan.confidence)}."
    good = promise(rule, half)
    read = f", after {good.mean_read:,.0f} pages on average" if not isinstance(rule, FixedRule) else ""
    better = f"that is half as bad ({pluralize(half, 'bad page')})" if half else "without bad pages"
    yield f"A batch {better} is accepted with a chance of {_percent(good.accepted)}{read}."
    if isinstance(rule, FixedRule) and good.accepted < _LOW_POWER:
        yield from _suggestion(plan, rule, half)


def _suggestion(plan: Plan, rule: FixedRule, half: int) -> Iterator[str]:
    """Yield how to accept good batches more often."""
    for allowed in range(rule.allowed + 1, min(_SUGGESTED, rule.limit - 1) + 1):
        sample = fixed_sample_size(rule.pages, rule.limit, plan.confidence, allowed)
        chance = promise(FixedRule(rule.pages, rule.tolerance, rule.confidence, allowed, sample), half).accepted
        if chance >= _LOW_POWER:
            yield f"To raise that to {_percent(chance)}, plan with --allow-bad {allowed}, which reads {sample:,} pages."
            return


def _percent(share: float) -> str:
    """Return a share as a percentage with at most two significant digits."""
    if share > 0.999:
        return "100%" if share > 1 - 1e-9 else "over 99.9%"
    if 0 < share < 0.001:
        return "under 0.1%"
    return f"{share * 100:.2g}%" if share < 0.995 else f"{share * 100:.3g}%"
