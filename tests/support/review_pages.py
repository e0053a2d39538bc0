"""A review of a small site: pages, decisions and the index of both."""

import json
import re
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import unescape
from pathlib import Path
from typing import Any

from qtgen.generation.decisions import Action, Decision, DecisionLog
from qtgen.generation.output import OutputFolder
from qtgen.generation.provenance import group_digests
from qtgen.page.profile import default_profile
from qtgen.review.audits.audits import AuditProgress
from qtgen.review.index.index import IndexSources, ReviewIndex
from qtgen.review.index.queues import Queues, QueueSources
from qtgen.review.types import Rewrite, View, Viewer
from qtgen.review.web.templating import environment
from qtgen.validation.run import ValidationOptions
from qtgen.validation.selection import choose_rules
from support.default_site import WRITTEN_GROUPS
from support.default_tables import read
from support.sites import make_page

LATER_NS = 10**11
"""So much later than the files do the tests of the index run: it trusts files that are older than two seconds."""


def write_site(titles: Sequence[str], subject: str = "Biology", **changes: Any) -> list[str]:
    """Write a page for each title below `site`, and return their URLs."""
    urls = []
    existing = sum(1 for _ in Path("site").rglob("*.md"))
    for number, title in enumerate(titles, existing + 1):
        path, raw = make_page(title, subject, number, **changes)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(raw)
        urls.append(str(read(raw).values["url"]))
    return urls


_opened: list[ReviewIndex] = []


def close_indexes() -> None:
    """Close every index that `open_index` returned since the last call."""
    while _opened:
        _opened.pop().close()


def open_index(
    *paths: str, log: DecisionLog | None = None, out: str = "site", now_ns: int | None = None, **checks: Any
) -> ReviewIndex:
    """Return the index of pages, by default of those below `site`."""
    store = OutputFolder(Path(out))
    profile = checks.pop("profile", default_profile())
    newest = max((path.stat().st_ctime_ns for path in Path().rglob("*.md")), default=0)
    sources = IndexSources(
        paths=[Path(path) for path in paths or ("site",)],
        store=store,
        checks=ValidationOptions(checks.pop("rules", choose_rules(profile=profile)), **checks, profile=profile),
        project=Path(),
        clock=lambda: now_ns or newest + LATER_NS,
    )
    _opened.append(ReviewIndex(sources, store.decision_log() if log is None else log))
    return _opened[-1]


def digests_at(path: str | Path) -> dict[str, str]:
    """Return the digests of the texts of a page."""
    return group_digests(read(Path(path).read_bytes()), WRITTEN_GROUPS)


def decide(
    index: ReviewIndex,
    url: str,
    action: str = "approve",
    who: str = "Ann",
    at: str = "2026-11-27T09:30:00.000Z",
    **more: Any,
) -> Decision:
    """Return a decision about a page as it is, recorded in the index."""
    page = index.page(url)
    assert page is not None
    decision = make_decision(url, page.digests, action, who, at, **more)
    index.record(decision)
    return decision


def make_decision(
    url: str,
    texts: Mapping[str, str],
    action: str = "approve",
    who: str = "Ann",
    at: str = "2026-11-27T09:30:00.000Z",
    **more: Any,
) -> Decision:
    """Return a decision about a page."""
    return Decision(id=str(uuid.uuid4()), at=at, who=who, action=Action(action), url=url, texts=dict(texts), **more)


def append_decision(decision: Decision, out: str = "site") -> None:
    """Append a decision to its file, as another process does."""
    file = Path(out, ".qtgen", "decisions.jsonl")
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("a", encoding="utf-8") as lines:
        lines.write(decision.line() + "\n")


def append_provenance(url: str, date: str, model: str, out: str = "site") -> None:
    """Append a line about the request that wrote a page."""
    file = Path(out, ".qtgen", "provenance.jsonl")
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("a", encoding="utf-8") as lines:
        lines.write(json.dumps({"url": url, "date": date, "asked_model": model}) + "\n")


def make_rewrite(url: str, *, is_taken: bool = False, date: str = "2026-11-20") -> Rewrite:
    """Return a rewrite of the answer of a page."""
    return Rewrite(
        url=url, path="", is_taken=is_taken, old={"answer": "Old."}, new={"answer": "New."}, made={"date": date}
    )


@dataclass(frozen=True)
class Lists:
    """What the overview, the list and the history need of a workspace."""

    index: ReviewIndex
    queues: Queues
    log: DecisionLog
    running: Sequence[AuditProgress] = ()

    def audits(self) -> Sequence[AuditProgress]:
        return self.running


def open_lists(sources: QueueSources | None = None, running: Sequence[AuditProgress] = (), **options: Any) -> Lists:
    """Return the index and the queues of the pages below `site`, with the decisions that are on the disk."""
    log = OutputFolder(Path("site")).decision_log()
    index = open_index(log=log, **options)
    return Lists(index, Queues(index, sources), log, running)


def render(view: View, name: str = "Ann") -> str:
    """Return the HTML of a screen."""
    template = environment().get_template(view.template)
    return template.render(viewer=Viewer(name), nav=[], **view.context)


def words(html: str) -> str:
    """Return the texts of a screen with one space between the words."""
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", html)).split())
