"""`qtgen batch`: the batches of the provider's Batch API."""

import asyncio
from collections import Counter
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import aclosing, contextmanager
from pathlib import Path
from typing import Any

import click

from qtgen._util.text import json_text, pluralize
from qtgen.commands._batch_report import (
    ID_SHOWN,
    cost_of,
    outcome_line,
    print_records,
    record_dict,
    report_dict,
    report_errors,
    warn_about_lines,
)
from qtgen.commands._echo import echo
from qtgen.commands._options import open_ledger, settings_from
from qtgen.commands._output import note
from qtgen.commands._paths import NonEmptyPath
from qtgen.commands._site import profile_of, site_option
from qtgen.errors import LedgerError, ProviderError, UsageError
from qtgen.generation.config import load_library
from qtgen.llm.batch.collection import CollectReport, summary
from qtgen.llm.batch.manager import BatchManager, BatchNews
from qtgen.llm.factory import ledger_url
from qtgen.llm.ledger import Ledger
from qtgen.llm.ledger.batch_types import BatchRecord, BatchState
from qtgen.settings import Settings

_FIRST_POLL, _LAST_POLL, _SLOWER = 0.5, 60.0, 1.3  # seconds between two looks, and the factor from one to the next
_JUDGES = "judge_"  # prompts that no template file contains
BatchWork = Callable[[BatchManager, BatchRecord], Coroutine[Any, Any, BatchNews]]
_ids = click.argument("ids", nargs=-1, metavar="[ID]…")
_json = click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")


@click.group()
def command() -> None:
    """List, watch, collect and cancel batches.

    `qtgen generate --batch` submits batches and records them in the ledger. These commands work on every machine that
    uses the same ledger. ID is the beginning of a batch's id, or the provider's id.
    """


@command.command("list", epilog="Exit code 0.")
@click.option("--all", "show_all", is_flag=True, help="Include batches that are finished.")
@_json
def list_batches(show_all: bool, as_json: bool) -> int:
    """List the batches that the ledger has recorded.

    This sends no request. `qtgen batch status` requests the state from the provider.
    """
    with _manager() as manager:
        records = (manager.store.records() if show_all else manager.find(())) if manager else []
    print_records(records, as_json=as_json, empty="no batches" if show_all else "no unfinished batches")
    return 0


@command.command("status", epilog="Exit code 0, or 1 if a batch cannot be found at its provider.")
@_ids
@_json
def status(ids: tuple[str, ...], as_json: bool) -> int:
    """Show the state of batches at the provider.

    Without ID, show all unfinished batches.
    """

    async def look(manager: BatchManager, record: BatchRecord) -> BatchNews:
        return BatchNews((await manager.refresh(record))[0])

    news = _each(ids, look)
    print_records([one.record for one in news], as_json=as_json, empty="no unfinished batches")
    return report_errors(news)


@command.command("collect", epilog="Exit code 0, or 1 if a batch cannot be collected or a line cannot be used.")
@_ids
@click.option("--wait", is_flag=True, help="Wait until the batches are finished.")
@click.option(
    "--from",
    "files",
    type=NonEmptyPath(dir_okay=False),
    multiple=True,
    metavar="FILE",
    help="Read results from this file, for requests from --batch-files. Repeat for several files.",
)
@site_option()
@_json
def collect(ids: tuple[str, ...], wait: bool, files: tuple[Path, ...], site: Path | None, as_json: bool) -> int:
    """Record the results of finished batches in the ledger.

    The next `qtgen generate` writes the pages without sending these requests again. Without ID, collect all finished
    batches. You can collect a batch twice, or on two machines at once, without harm.
    """
    if files and (ids or wait):
        raise UsageError("--from reads files instead of the provider's results", remedy="leave out ID and --wait")
    settings = settings_from({"site": site})
    if files:
        return _collect_files(files, settings, as_json=as_json)

    async def collect_one(manager: BatchManager, record: BatchRecord) -> BatchNews:
        pause, can_finish = _FIRST_POLL, record.state is not BatchState.WRITTEN
        while (news := await manager.collect(record)).record.is_unfinished and wait and can_finish and not news.error:
            await asyncio.sleep(pause)
            pause = min(_SLOWER * pause, _LAST_POLL)
        return news

    news = _each(ids, collect_one)
    stale = _stale_answers([one.record.id for one in news if one.report], settings)
    if as_json:
        rows = [{**record_dict(one.record), **report_dict(one.report)} for one in news]
        echo(json_text({"batches": rows, "stale_answers": stale}, indent=1))
    for one in news:
        if not as_json:
            echo(f"batch {one.record.id[:ID_SHOWN]}: {outcome_line(one)}")
        warn_about_lines(one.report)
    if not news:
        note("no unfinished batches")
    _note_stale(stale)
    return max(report_errors(news), int(any(one.report and one.report.bad for one in news)))


@command.command("cancel", epilog="Exit code 0, or 1 if a batch cannot be cancelled.")
@_ids
@_json
def cancel(ids: tuple[str, ...], as_json: bool) -> int:
    """Cancel batches at the provider.

    The provider finishes requests that are in progress. `qtgen batch collect` then records their answers and releases
    the others. If the provider does not have a batch, its requests are released at once. Without ID, cancel all
    unfinished batches.
    """

    async def cancel_one(manager: BatchManager, record: BatchRecord) -> BatchNews:
        return await manager.cancel(record)

    news = _each(ids, cancel_one)
    print_records([one.record for one in news], as_json=as_json, empty="no unfinished batches")
    return report_errors(news)


# --- helpers ----------------------------------------------------------------------------------------------------------


@contextmanager
def _manager() -> Iterator[BatchManager | None]:
    """Open the ledger in the settings and yield a manager of its batches. Yield None if there is no ledger."""
    settings = settings_from({})
    file = ledger_url(settings).removeprefix("sqlite:///")
    if "://" not in file and not Path(file).exists():
        note(f"no ledger at {file}")
        yield None
        return
    with open_ledger(settings) as ledger:
        yield BatchManager(settings, ledger)


def _each(ids: Sequence[str], work: BatchWork) -> list[BatchNews]:
    """Do the work for one batch after the other. The error of a batch is part of its result."""
    with _manager() as manager:
        if manager is None and ids:
            raise UsageError(f"there is no batch `{ids[0]}`", remedy="use the folder or the ledger of the run")
        return [] if manager is None else _run(manager, ids, work)


def _run(manager: BatchManager, ids: Sequence[str], work: BatchWork) -> list[BatchNews]:
    async def run() -> list[BatchNews]:
        news = []
        async with aclosing(manager):
            for record in manager.find(ids):
                try:
                    news.append(await work(manager, record))
                except (ProviderError, LedgerError, UsageError) as error:
                    news.append(BatchNews(record, error=error))
        return news

    return asyncio.run(run())


def _collect_files(files: Sequence[Path], settings: Settings, *, as_json: bool) -> int:
    with open_ledger(settings) as ledger:
        results = asyncio.run(_read_files(files, settings, ledger))
        reports = [report for report, _ in results]
        records = results[-1][1]
    stale = _stale_answers([record.id for record in records], settings)
    if as_json:
        rows = [{"path": str(path), **report_dict(report)} for path, report in zip(files, reports, strict=True)]
        document = {"files": rows, "batches": [record_dict(record) for record in records], "stale_answers": stale}
        echo(json_text(document, indent=1))
    for path, report in zip(files, reports, strict=True):
        if not as_json:
            echo(f"{path}: {summary(report)}; {cost_of(report)}")
        warn_about_lines(report)
    for record in records:
        if record.is_unfinished and record.collected:
            left = pluralize(record.requests - record.collected, "request")
            note(f"batch {record.id[:ID_SHOWN]}: {left} without a result, which `qtgen batch cancel` frees")
    _note_stale(stale)
    return int(any(report.bad for report in reports))


async def _read_files(
    files: Sequence[Path], settings: Settings, ledger: Ledger
) -> list[tuple[CollectReport, list[BatchRecord]]]:
    async with aclosing(BatchManager(settings, ledger)) as manager:
        return [await manager.collect_file(path) for path in files]


def _stale_answers(batches: Sequence[str], settings: Settings) -> int:
    """Return how many answers of batches belong to prompts that have changed since, or that do not exist any more."""
    if not batches:
        return 0
    library = load_library(settings, profile_of(settings))
    parameters = {"temperature": settings.temperature, "max_tokens": settings.max_tokens}
    current = {(name, wording[:8] + schema[:8]) for name, (wording, schema) in library.digests(**parameters).items()}
    with open_ledger(settings) as ledger:
        answers = ledger.batches.answers_by_template(batches)
    stale = Counter({key: count for key, count in answers.items() if key not in current and _JUDGES not in key[0]})
    return stale.total()


def _note_stale(count: int) -> None:
    if count:
        note(f"{pluralize(count, 'paid answer')} of these batches belong to prompts that have changed since")
