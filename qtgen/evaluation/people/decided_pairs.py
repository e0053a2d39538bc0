"""Pairs of answers that readers of a review compared: the old and the new answer of a rewrite, and which is better.

The texts come from the records of the rewrites, and the decisions from `OUT/.qtgen/decisions.jsonl`. A decision counts
only if the record still has the text that the reviewer saw. The reference of a pair is the answer that a reviewer
approved in the end, if that is neither of both.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from qtgen.generation.decisions import Decision, DecisionLog, State
from qtgen.generation.output import OutputFolder
from qtgen.generation.provenance import answer_group, group_digests, text_hash, written_groups
from qtgen.page import Page
from qtgen.page.compile import main_layout
from qtgen.page.layout import Layout
from qtgen.page.profile import Profile
from qtgen.site.discovery import read_page

_VERDICTS = ("new", "old", "same")


def decided_pairs(store: OutputFolder, profile: Profile) -> Iterator[dict[str, Any]]:
    """Yield one JSON object for each decision that prefers the old or the new answer, or neither. Raises OutputError.

    Its fields are `id`, `url`, `question`, `references`, `old`, `new`, `prefers`, and the `verdict` of the comparison.

    Args:
        store: The output folder with the decisions.
        profile: The page layout of the site. Without answers there are no pairs.
    """
    layout = main_layout(profile)
    if layout.roles.answer is None:
        return
    log = store.decision_log()
    records = _records(store, layout.roles.answer)
    for url in log.urls():
        for decision in log.effective(url):
            if decision.prefers and (record := _record_of(decision, records.get(url, []), layout)):
                yield _pair(decision, record, log, layout)


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


class _AnswerRecord(NamedTuple):
    """A record, and the old and the new answer."""

    record: _Record
    answer: _Fields


def _records(store: OutputFolder, answer: str) -> dict[str, list[_AnswerRecord]]:
    """Return the records of rewrites of answers by the URL of their page. Damaged records are left out.

    Args:
        store: The output folder.
        answer: The path of the answer.
    """
    records: dict[str, list[_AnswerRecord]] = {}
    decode = msgspec.json.Decoder(_Record).decode
    for folder in (store.rejected_records, store.taken_records):
        for path in folder.paths():
            try:
                record = decode(path.read_bytes())
                both = msgspec.convert(record.fields[answer], _Fields)
            except (OSError, msgspec.MsgspecError, UnicodeDecodeError, KeyError):
                continue
            records.setdefault(record.url, []).append(_AnswerRecord(record, both))
    return records


def _record_of(decision: Decision, records: list[_AnswerRecord], layout: Layout) -> _AnswerRecord | None:
    """Return the record of the rewrite that a decision is about, which has the answer that the reviewer saw."""
    group = answer_group(layout) or ""
    seen = {decision.texts.get(group), decision.after.get(group)}
    both = ((record, {text_hash(record.answer.old), text_hash(record.answer.new)}) for record in records)
    return next((record for record, digests in both if digests & seen), None)


def _pair(decision: Decision, rewrite: _AnswerRecord, log: DecisionLog, layout: Layout) -> dict[str, Any]:
    record, (old, new) = rewrite.record, msgspec.structs.astuple(rewrite.answer)
    page = read_page(record.path, -1, layout.profile) if Path(record.path).is_file() else None
    approved = _approved_answer(page, decision.url, log)
    verdict = (record.compared or {}).get("verdict")
    return {
        "id": decision.id,
        "url": decision.url,
        "question": record.question or (page.text_of(page.layout.roles.question) if page else "") or "",
        "references": [layout.decode(approved)] if approved and approved not in (old, new) else [],
        "old": layout.decode(old),
        "new": layout.decode(new),
        "prefers": decision.prefers,
        "verdict": verdict if verdict in _VERDICTS else None,
    }


def _approved_answer(page: Page | None, url: str, log: DecisionLog) -> str | None:
    """Return the answer of a page if a reviewer approved it."""
    if page is None or log.state(url, group_digests(page, written_groups(page.layout))) is not State.APPROVED:
        return None
    return page.text_of(page.layout.roles.answer or "")
