"""`qtgen review stats`: how far audits are, who decided what, and how far reviewers agree."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from qtgen._util.text import json_text, pluralize
from qtgen.commands._echo import echo
from qtgen.commands._options import folder, settings_from
from qtgen.commands._output import note, warn
from qtgen.commands._site import profile_of, site_option
from qtgen.commands._tables import print_facts, print_table
from qtgen.commands.review._decisions import OTHER_FOLDER, log_problems, note_file, read_log
from qtgen.generation.decisions import Action, DecisionLog
from qtgen.generation.output import OutputFolder
from qtgen.page.profile import Profile
from qtgen.review.audits.agreement import Agreement, Figure
from qtgen.review.audits.audits import (
    AuditProgress,
    Plan,
    Plans,
    Verdict,
    changed_unread,
    digests_from_files,
    progress,
    read_plan,
    read_plans,
)
from qtgen.review.audits.plans import UnknownPlan
from qtgen.review.audits.summary import Summary, summarize

VERSION = 1
"""Version of the JSON document."""
_NAMES = {"readers": "two reviewers", "score": "reviewer and score", "comparison": "reviewer and comparison"}


@dataclass(frozen=True, slots=True, kw_only=True)
class StatsOptions:
    """The arguments of one call of the command. `plan` is a name, or None for all plans."""

    plan: str | None
    as_json: bool
    require_accepted: bool
    site: Path | None
    out: Path | None


@click.command(
    "stats",
    epilog="Exit code 0; 1 with --require-accepted if an audit is not accepted, or if there is none; 2 if a plan was "
    "edited.",
)
@click.argument("plan", required=False)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.option("--require-accepted", is_flag=True, help="Exit with 1 unless the batch of every audit shown is accepted.")
@site_option()
@click.option(
    "--out",
    type=folder,
    help="Read plans and decisions in .qtgen/ of this folder.  [default: `out` in qtgen.toml, else outputs]",
)
def command(**options: Any) -> int:
    """Show the results of the audit PLAN, or of all audits, and how far reviewers agree.

    For each audit, it shows the verdict so far, the next step, and the interval of the share of bad pages in the batch.
    It also shows who decided what, and how far reviewers agree with each other, with the score, and with the comparison
    of rewrites.
    """
    return _run(StatsOptions(**options))


def _run(options: StatsOptions) -> int:
    settings = settings_from({"out": options.out, "site": options.site})
    store = OutputFolder(settings.out)
    profile = profile_of(settings)
    plans = _plans(store, options)
    log = read_log(store)
    drawn = _of_plan(log, options.plan)
    every = [progress(plan, drawn, digests_from_files(plan, store.folder, profile)) for plan in plans.plans.values()]
    summary = summarize(every, drawn)
    if options.as_json:
        problems = [*map(str, plans.problems), *log_problems(store, log)]
        echo(json_text({**as_dict(summary), "problems": problems}, indent=1))
    else:
        _print(summary, options.plan)
    _note_changes(store, summary, drawn, profile)
    note_file(store)
    is_accepted = bool(summary.audits) and all(one.verdict is Verdict.ACCEPT for one in summary.audits)
    if options.require_accepted and not is_accepted:
        none = f"there is no audit that accepts a batch in {store.folder}; {OTHER_FOLDER}"
        note("the batch is not accepted" if summary.audits else none)
        return 1
    return 0


def _plans(store: OutputFolder, options: StatsOptions) -> Plans:
    """Return the plans to show. Raises UsageError for one that was edited, unless it is only one of many."""
    if options.plan is not None:
        plan = _plan(store, options.plan)
        return Plans({plan.name: plan}, ())
    plans = read_plans(store)
    if plans.problems and options.require_accepted:
        raise plans.problems[0]
    warn([str(problem) for problem in plans.problems], "plan", " not shown")
    return plans


def _plan(store: OutputFolder, name: str) -> Plan:
    try:
        return read_plan(store, name)
    except UnknownPlan as error:
        error.remedy = f"{error.remedy}; {OTHER_FOLDER}"
        raise


def _of_plan(log: DecisionLog, name: str | None) -> DecisionLog:
    """Return the decisions of a draw with what undoes and settles them; all decisions without a name."""
    if name is None:
        return log
    drawn = {one.id: one for one in log if one.draw is not None and one.draw.plan == name}
    urls = {one.url for one in drawn.values()}
    related = (one for one in log if one.url in urls and one.action in (Action.UNDO, Action.ADJUDICATE))
    return DecisionLog([*drawn.values(), *(one for one in related if one.id not in drawn)])


def _print(summary: Summary, name: str | None) -> None:
    for one in (*summary.audits, *([summary.next] if summary.next else [])):
        print_facts([(one.plan.name, one.next_sentence), *(("", line) for line in _details(one))])
    if name is None and not summary.audits:
        note("there are no audits; `qtgen review plan NAME PATHS… --tolerance SHARE` plans one")
    if not summary.decisions:
        note("there are no decisions yet; `qtgen review PATHS…` opens the pages in the browser")
        return
    echo()
    _print_decisions(summary.by_reader)
    echo()
    _print_agreement(summary)


def _note_changes(store: OutputFolder, summary: Summary, log: DecisionLog, profile: Profile) -> None:
    """Note the accepted batches with pages that changed later. The verdict does not cover those pages."""
    for one in summary.audits:
        if one.verdict is Verdict.ACCEPT:
            changed = changed_unread(one.plan, log, digests_from_files(one.plan, store.folder, profile))
            if changed:
                texts = "the present text of 1 page" if changed == 1 else f"the present texts of {changed:,} pages"
                note(f"{one.plan.name}: the verdict does not cover {texts}, which nobody read since the plan was made")


def _details(now: AuditProgress) -> Iterator[str]:
    pages = pluralize(len(now.plan.pages), "page")
    yield f"{now.judged:,} of {pages} read, {now.judged_bad:,} bad"
    reasons = [(now.changed, "changed or gone since the plan"), (now.skipped, "skipped by two reviewers")]
    if any(count for count, _ in reasons):
        yield f"bad without being read: {', '.join(f'{count:,} {reason}' for count, reason in reasons if count)}"
    if now.bad_range and now.read:
        low, high = now.bad_range
        confidence = f"{now.plan.confidence * 100:.4g}% confidence"
        yield f"of all {pages}, between {low:.1%} and {high:.1%} are bad ({confidence})"
    elif now.plan.rule is None:
        yield "an estimate needs ten publishable and ten bad pages"
    if now.ahead:
        was, does = ("was", "does") if now.ahead == 1 else ("were", "do")
        yield f"{pluralize(now.ahead, 'page')} {was} read, but {does} not count yet, because an earlier page is unread"
    if now.changed_ahead:
        yield f"{pluralize(now.changed_ahead, 'page')} changed or gone since the plan, and will count as bad"
    if now.disputed:
        yield f"reviewers disagree about {pluralize(len(now.disputed), 'page')}"
    if now.needs_second:
        needs = "needs" if len(now.needs_second) == 1 else "need"
        yield f"{pluralize(len(now.needs_second), 'page')} {needs} a second reading"
    if now.plan.excluded:
        yield f"{pluralize(len(now.plan.excluded), 'page')} not in the plan"


def _print_decisions(by_reader: Mapping[str, Mapping[Action, int]]) -> None:
    used = [action for action in Action if any(action in actions for actions in by_reader.values())]
    rows = [
        [who, *(f"{actions.get(action, 0):,}" for action in used), f"{sum(actions.values()):,}"]
        for who, actions in by_reader.items()
    ]
    print_table(["reviewer", *used, "all"], rows)


def _print_agreement(summary: Summary) -> None:
    rows = [
        [
            _NAMES[name] + ("" if one.is_enough else " (too few pairs)"),
            f"{one.pairs:,}",
            *map(_cell, (one.raw, one.positive, one.negative)),
            *map(_interval, (one.kappa, one.alpha)),
        ]
        for name, one in summary.agreement.items()
        if one.pairs
    ]
    if not rows:
        note("agreement needs pages that two reviewers judged without seeing each other's decision")
        return
    print_table(["agreement", "pairs", "raw", "publishable", "bad", "κ", "α"], rows)


def _cell(figure: Figure) -> str:
    return "–" if figure.value is None else f"{figure.value:.0%}"


def _interval(figure: Figure) -> str:
    if figure.value is None:
        return "–"
    span = "" if figure.low is None else f" ({figure.low:.2f} to {figure.high:.2f})"
    return f"{figure.value:.2f}{span}"


# --- JSON: the keys are a contract --------------------------------------------------------------------------------


def as_dict(summary: Summary) -> dict[str, Any]:
    """Return the JSON document of `--json` without `problems`. `docs/review.md` describes its keys."""
    return {
        "version": VERSION,
        "audits": [_progress_dict(one) for one in summary.audits],
        "next": None if summary.next is None else _progress_dict(summary.next),
        "decisions": {
            "in_force": summary.decisions,
            "undone": summary.undone,
            "by_action": {action.value: summary.by_action.get(action, 0) for action in Action},
            "by_reader": {
                who: {action.value: count for action, count in actions.items()}
                for who, actions in summary.by_reader.items()
            },
        },
        "agreement": {name: _agreement_dict(one) for name, one in summary.agreement.items()},
        "score_from": summary.score_from,
    }


def _progress_dict(now: AuditProgress) -> dict[str, Any]:
    plan, rate = now.plan, now.rate
    return {
        "name": plan.name,
        "kind": plan.kind,
        "made": plan.made,
        "pages": len(plan.pages),
        "excluded": len(plan.excluded),
        "tolerance": plan.tolerance,
        "confidence": plan.confidence,
        "allowed": plan.allowed,
        "sample": plan.sample,
        "verdict": now.verdict.value,
        "next_step": now.next_sentence,
        "read": now.read,
        "bad": now.bad,
        "changed": now.changed,
        "skipped": now.skipped,
        "ahead": now.ahead,
        "remaining": now.remaining,
        "publishable": None
        if rate is None
        else {
            "value": _rounded(rate.value),
            "low": _rounded(rate.low),
            "high": _rounded(rate.high),
            "method": rate.method,
            "slope": _rounded(rate.slope),
        },
        "disputed": list(now.disputed),
        "needs_second": list(now.needs_second),
    }


def _agreement_dict(one: Agreement) -> dict[str, Any]:
    figures: Sequence[tuple[str, Figure]] = [
        ("raw", one.raw),
        ("publishable", one.positive),
        ("bad", one.negative),
        ("kappa", one.kappa),
        ("alpha", one.alpha),
    ]
    return {
        "pairs": one.pairs,
        "is_enough": one.is_enough,
        "table": [list(row) for row in one.table],
        **{name: dict(zip(("value", "low", "high"), map(_rounded, figure), strict=True)) for name, figure in figures},
    }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 6)
