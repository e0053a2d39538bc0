"""Mismatches between a report and its recordings, for every format. Shared differences are shown once."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence

from qtgen._util.text import pluralize
from qtgen.evaluation.report import EvalItem, EvalReport
from qtgen.evaluation.reports.common import error_message, item_label
from qtgen.llm.cassettes import CassetteMiss


def recording_lists(report: EvalReport) -> Iterator[tuple[str, list[tuple[str, ...]]]]:
    """Yield a title and its entries for each way in which the report does not match its recordings.

    An entry is one text, or a text and its details.
    """
    use = report.recordings
    if use.unpublished:
        yield "the new recording is unfinished, so it does not replace the suite's", _entries(use.unpublished)
    if use.missed:
        entries: list[tuple[str, ...]] = [
            (_who_differs(count), line) for line, count in Counter(use.missed).most_common()
        ]
        yield f"{pluralize(len(use.missed), 'recording')} missed", entries
    if use.unused:
        yield f"{pluralize(len(use.unused), 'recording')} unused", _entries(use.unused)


def grouped_errors(report: EvalReport, items: Sequence[EvalItem]) -> list[tuple[str, str]]:
    """Return the items with their errors. Items whose requests changed in the same way are one entry."""
    groups: dict[tuple[str, str], list[EvalItem]] = defaultdict(list)
    for item in items:
        is_miss = item.error is not None and item.error.kind == CassetteMiss.kind
        groups["" if is_miss else item_label(report, item), error_message(item)].append(item)
    return [(_who(report, group), message) for (_, message), group in groups.items()]


def _who(report: EvalReport, items: Sequence[EvalItem]) -> str:
    label = item_label(report, items[0])
    return label if len(items) == 1 else f"{len(items):,} items, the first is {label}"


def _entries(texts: Sequence[str]) -> list[tuple[str, ...]]:
    return [(text,) for text in texts]


def _who_differs(count: int) -> str:
    if count == 1:
        return "1 request differs from its recording"
    return f"{count:,} requests differ from their recordings in the same way"
