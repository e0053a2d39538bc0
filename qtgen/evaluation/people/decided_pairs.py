"""Pairs of answers that readers of a review compared: the old and the new answer of a rewrite, and which is better.

The texts come from the records of the rewrites, and the decisions from `OUT/.qtgen/decisions.jsonl`. A decision counts
only if the record still has the text that the reviewer saw. The reference of a pair is the answer that a reviewer
approved in the end, if that is neither of both.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from qtgen.generation.decisions import Decision, DecisionLog, State
from qtgen.generation.output import OutputFolder
from qtgen.generation.provenance import WRITTEN_GROUPS, group_digests, text_hash
from qtgen.page import Page, decode_answer, default_profile
from qtgen.site.discovery import read_page

_VERDICTS = ("new", "old", "same")


def decided_pairs(store: OutputFolder) -> Iterator[dict[str, Any]]:
    """Yield one JSON object for each decision that prefers the old or the new answer, or neither. Raises OutputError.

    Its fields are `id`, `url`, `question`, `references`, `old`, `new`, `prefers`, and the `verdict` of the comparison.
    """
    log = store.decision_log()
    records = _records(store)
    for url in log.urls():
        for decision in log.effective(url):
            if decision.prefers and (record := _record_of(decision, records.get(url, []))):
                yield _pair(decision, record, log)


class _Fields(msgspec.Struct, frozen=True):
    old: str
    new: str


class _Record(msgspec.Struct, frozen=True):
    """What is needed of the record of a rewrite of an answer."""

    path: str
    url: str
    fields: dict[str, Any]
    question: str = ""
    compared: dict[str, Any] | None = None

    @property
    def answer(self) -> _Fields:
        return msgspec.convert(self.fields["answer"], _Fields)


def _records(store: OutputFolder) -> dict[str, list[_Record]]:
    """Return the records of rewrites with answers by the URL of their page. Damaged records are left out."""
    records: dict[str, list[_Record]] = {}
    decode = msgspec.json.Decoder(_Record).decode
    for folder in (store.rejected_records, store.taken_records):
        for path in folder.paths():
            try:
                record = decode(path.read_bytes())
                _ = record.answer
            except (OSError, msgspec.MsgspecError, UnicodeDecodeError, KeyError):
                continue
            records.setdefault(record.url, []).append(record)
    return records


def _record_of(decision: Decision, records: list[_Record]) -> _Record | None:
    """Return the record of the rewrite that a decision is about, which has the answer that the reviewer saw."""
    seen = {decision.texts.get("answer"), decision.after.get("answer")}
    both = ((record, {text_hash(record.answer.old), text_hash(record.answer.new)}) for record in records)
    return next((record for record, digests in both if digests & seen), None)


def _pair(decision: Decision, record: _Record, log: DecisionLog) -> dict[str, Any]:
    profile = default_profile()  # TRANSITIONAL
    page = read_page(record.path, -1, profile) if Path(record.path).is_file() else None
    approved = _approved_answer(page, decision.url, log)
    old, new = record.answer.old, record.answer.new
    verdict = (record.compared or {}).get("verdict")
    return {
        "id": decision.id,
        "url": decision.url,
        "question": record.question or (page.text_of("question") if page else "") or "",
        "references": [decode_answer(approved)] if approved and approved not in (old, new) else [],
        "old": decode_answer(old),
        "new": decode_answer(new),
        "prefers": decision.prefers,
        "verdict": verdict if verdict in _VERDICTS else None,
    }


def _approved_answer(page: Page | None, url: str, log: DecisionLog) -> str | None:
    """Return the answer of a page if a reviewer approved it."""
    if page is None or log.state(url, group_digests(page, WRITTEN_GROUPS)) is not State.APPROVED:
        return None
    return page.text_of("answer")
