"""Pages, rewrites and requests for tests of the review."""

import datetime as dt
import json
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from qtgen.generation.config import GenerationConfig
from qtgen.generation.decisions import Action
from qtgen.generation.output import OutputFolder
from qtgen.generation.provenance import group_digests
from qtgen.review.decisions.actions import Actions
from qtgen.review.files import file_digest
from qtgen.review.types import ActionRequest
from support.default_site import WRITTEN_GROUPS
from support.default_tables import read
from support.pages import SHORT_DESCRIPTION, page_path, write_site

NOW = dt.datetime(2026, 11, 27, 9, 30, tzinfo=dt.UTC)
DESCRIPTION = "seo.page_description"


def url_of(name: str = "osmosis") -> str:
    return f"/learn/biology/questions/what-is-{name}"


def request_for(action: Action | str, name: str = "osmosis", **values: Any) -> ActionRequest:
    """Return a request about a page as it is on the disk now."""
    path = Path(page_path(name))
    digest = file_digest(path.read_bytes()) if path.exists() else ""
    defaults = {"id": str(uuid.uuid4()), "who": "ada", "url": url_of(name), "file_digest": digest}
    return ActionRequest(**{**defaults, "action": Action(action), **values})


def make_actions(config: GenerationConfig, store: OutputFolder | None = None) -> Actions:
    """Return the actions on the pages below `site/`, with the decisions that are on the disk."""
    store = store or OutputFolder(Path("out"))
    return Actions(store, store.decision_log(), config, folders=[Path("site")], clock=lambda: NOW)


def save_rewrite(
    store: OutputFolder, new: Mapping[str, Any] | None = None, *, name: str = "osmosis", is_taken: bool = False
) -> dict[str, Any]:
    """Save the record of a rewrite of a page that is on the disk, and return it. A taken one is put into the page."""
    path = page_path(name)
    page = read(Path(path).read_bytes())
    new = new or {DESCRIPTION: SHORT_DESCRIPTION}
    groups = [group for group in WRITTEN_GROUPS if any(field.startswith(group) for field in new)]
    record = {
        "path": path,
        "url": url_of(name),
        "reasons": ["QT601"],
        "why": "" if is_taken else "the new description says less",
        "compared": {"by": "metrics", "judges": [], "verdict": "old", "measures": {"information": 0.5}},
        "fields": {field: {"old": page.values.get(field), "new": value} for field, value in new.items()},
        "made": {
            "url": url_of(name),
            "groups": groups,
            "asked_model": "m1",
            "text_digests": {},
            "replaced_digests": group_digests(page, groups),
        },
        "key": "key-1",
    }
    text = json.dumps(record)
    if is_taken:
        write_site(**{name: new})
        store.keep_taken(path, text)
    else:
        store.keep_rejected(path, text)
    return record
