"""Describe the work of a run, so that processes with the same ledger and work share it."""

import json
from collections.abc import Mapping
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from qtgen.commands._run import Run
from qtgen.generation.config import GenerationConfig
from qtgen.generation.plan import QuestionIndex
from qtgen.llm.factory import endpoints_for
from qtgen.llm.ledger import LedgerGroup, Work
from qtgen.settings import Settings

if TYPE_CHECKING:
    from qtgen.commands._generation import GenerateOptions
    from qtgen.commands._regeneration import RegenerateOptions


def work_of(
    command: str,
    settings: Settings,
    config: GenerationConfig,
    facts: Mapping[str, Any],
    *,
    shares_answers: bool = False,
) -> Work:
    """Return what a run works on, by everything that decides which requests it sends.

    Args:
        command: Name of the command.
        settings: The settings in force.
        config: How texts are generated.
        facts: What is particular to the command, as JSON values.
        shares_answers: Whether fresh runs share their answers, because they share a list.
    """
    everything = {
        "models": [(endpoint.place, endpoint.model) for endpoint in endpoints_for(settings)],
        "prompts": config.template_digests(),
        "candidates": config.candidates,
        **facts,
    }
    digest = sha256(json.dumps(everything, sort_keys=True, default=str).encode("utf-8", "surrogatepass")).hexdigest()
    return Work(command, digest, settings.budget, shares_answers=shares_answers)


def generate_work(options: "GenerateOptions", config: GenerationConfig, index: QuestionIndex) -> Work:
    """Return the work of a run of `generate`. Names of files and folders can differ between machines."""
    facts = {"rows": index.contents.hexdigest(), "judges": options.judges, "fresh": options.fresh}
    if config.chosen_layout:
        facts["layout"] = config.chosen_layout.number
    return work_of("generate", options.settings, config, facts, shares_answers=options.share)


def regenerate_work(options: "RegenerateOptions", config: GenerationConfig, pages: int) -> Work:
    """Return the work of a run of `regenerate`. `pages` is the number of pages that it checks.

    The stale pages are no part of it, because they change while other processes rewrite them.
    """
    staleness = options.staleness
    facts = {
        "pages": pages,
        "reasons": sorted(reason.name for reason in staleness.reasons),
        "codes": sorted(staleness.codes),
        "groups": sorted(staleness.groups),
        "edited": staleness.include_edited,
        "older_than": options.older_than,
        "score_below": options.score_below,
        "judges": options.judges,
        "fresh": options.fresh,
        "writes": not options.diff,
    }
    return work_of("regenerate", options.settings, config, facts, shares_answers=options.share)


def announce_sharing(run: Run, group: LedgerGroup, noun: str) -> None:
    """Report how many processes share the list of a run, and warn about processes with another list."""
    _, members, unrelated = group.membership
    run.say(f"sharing the {noun}s with {_processes(members) if members else 'no other process so far'}")
    if unrelated:
        run.say(
            f"not sharing with {_processes(unrelated)} on this ledger, because the {noun}s, prompts, models or "
            "options differ"
        )


def _processes(count: int) -> str:
    return "1 other process" if count == 1 else f"{count:,} other processes"
