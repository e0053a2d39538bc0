"""Batches as tables, lines and JSON."""

import datetime as dt
from collections.abc import Sequence
from typing import Any

from qtgen._util.text import json_text, pluralize
from qtgen.commands._echo import echo
from qtgen.commands._errors import describe
from qtgen.commands._output import money, note
from qtgen.commands._tables import print_table
from qtgen.llm.batch.collection import CollectReport, summary
from qtgen.llm.batch.manager import BatchNews
from qtgen.llm.ledger.batch_types import BatchRecord, BatchState

ID_SHOWN = 12


def print_records(records: Sequence[BatchRecord], *, as_json: bool, empty: str) -> None:
    if as_json:
        echo(json_text([record_dict(record) for record in records], indent=1))
    elif not records:
        note(empty)
    else:
        headers = ["batch", "state", "model", "provider's id", "since", "requests", "done", "set aside", "cost"]
        print_table(headers, [_cells(record) for record in records], left=5)


def _state(record: BatchRecord) -> str:
    if record.state is not BatchState.SUBMITTED:
        return record.state.value
    return record.status or record.state.value


def _cells(record: BatchRecord) -> list[str]:
    done = record.completed if record.is_unfinished and record.completed is not None else record.collected
    return [
        record.id[:ID_SHOWN],
        _state(record),
        record.model,
        record.remote_id or "—",
        dt.datetime.fromtimestamp(record.created, dt.UTC).strftime("%Y-%m-%d %H:%M"),
        f"{record.requests:,}",
        f"{done:,}",
        money(record.left_aside_usd) if record.set_aside_usd is not None else "unknown",
        money(record.cost_usd) + (" + unknown" if record.unpriced else ""),
    ]


def record_dict(record: BatchRecord) -> dict[str, Any]:
    """Return the JSON object of a batch."""
    return {
        "id": record.id,
        "state": record.state.value,
        "provider_state": record.status,
        "provider_id": record.remote_id,
        "model": record.model,
        "requests": record.requests,
        "completed": record.completed,
        "collected": record.collected,
        "answered": record.answered,
        "prompt_tokens_estimate": record.tokens,
        "set_aside_usd": None if record.set_aside_usd is None else round(record.left_aside_usd, 6),
        "cost_usd": None if record.unpriced else round(record.cost_usd, 6),
        "known_cost_usd": round(record.cost_usd, 6),
        "created_at": _timestamp(record.created),
        "submitted_at": _timestamp(record.submitted),
        "finished_at": _timestamp(record.finished),
        "note": record.note,
    }


def _timestamp(seconds: float | None) -> str | None:
    return None if seconds is None else dt.datetime.fromtimestamp(seconds, dt.UTC).isoformat(timespec="seconds")


def report_dict(report: CollectReport | None) -> dict[str, Any]:
    """Return what was collected now, for JSON."""
    report = report or CollectReport()
    return {
        "new_answers": report.answered,
        "rejected": report.rejected,
        "failed": report.again,
        "not_executed": report.free + report.unexecuted,
        "unusable_lines": report.bad,
        "problems": report.named,
    }


def outcome_line(news: BatchNews) -> str:
    if news.record.state is BatchState.WRITTEN:
        return "written to a file; --from reads its results"
    if news.report is None:
        return f"{_state(news.record)}, not finished" if news.record.is_unfinished else _state(news.record)
    return f"{_state(news.record)}, {summary(news.report)}; {cost_of(news.report)}"


def cost_of(report: CollectReport) -> str:
    return money(report.cost_usd) + (" + unknown" if report.unpriced else "")


def warn_about_lines(report: CollectReport | None) -> None:
    for line in report.named if report else ():
        echo(f"warning: {line}", err=True)
    if report and report.bad > len(report.named):
        echo(f"warning: {pluralize(report.bad, 'line')} cannot be used", err=True)


def report_errors(news: Sequence[BatchNews]) -> int:
    """Print the error of each batch with the batch's id, and return the exit code."""
    failed = [(one.record.id[:ID_SHOWN], describe(one.error)) for one in news if one.error]
    for name, words in failed:
        echo(f"qtgen: {words}" if name in words else f"qtgen: batch {name}: {words}", err=True)
    return int(bool(failed))
