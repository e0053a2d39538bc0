"""The review app on a small site: in this process for tables of requests, or served for a browser."""

import json
import os
import subprocess
import sys
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from starlette.types import ASGIApp

from qtgen.page.profile import Profile, default_profile
from qtgen.review.web.access import LinkAccess
from qtgen.review.web.app import create_app
from qtgen.review.web.guards import allowed_hosts
from qtgen.review.web.workspace import Workspace, open_workspace
from qtgen.settings import Settings
from support.asgi import Headers, Reply, call
from support.reviews import url_of

SAME_ORIGIN: Headers = [("sec-fetch-site", "same-origin"), ("content-type", "application/json")]
OLD = "Osmosis is the movement of water through a membrane.\n\nIt evens out two concentrations of a solute."
NEW = "Osmosis is the diffusion of water through a membrane.\n\nIt evens out two concentrations of a solute."


@dataclass(frozen=True, slots=True)
class ReviewApp:
    """The app, and the requests that a browser sends to it."""

    workspace: Workspace
    app: ASGIApp
    access: LinkAccess

    @property
    def _cookie(self) -> tuple[str, str]:
        return "cookie", self.access.cookie.partition(";")[0]

    def get(self, target: str, *headers: tuple[str, str]) -> Reply:
        """Open a screen."""
        return call(self.app, "GET", target, [self._cookie, *headers])

    def send(self, path: str, body: object, method: str = "POST") -> Reply:
        """Send JSON as the scripts of the app do. Bytes are sent as they are."""
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        return call(self.app, method, path, [self._cookie, *SAME_ORIGIN], [raw])

    def decide(self, action: str, name: str = "osmosis", **values: Any) -> Reply:
        """Decide about a page as it is shown now."""
        return self.send("/api/decisions", self.decision(action, name, **values))

    def decision(self, action: str, name: str = "osmosis", **values: Any) -> dict[str, Any]:
        """Return the body of a decision about a page as it is shown now."""
        page = self.workspace.index.page(url_of(name))
        body = {"id": str(uuid.uuid4()), "action": action, "url": url_of(name)}
        return {**body, "file_digest": page.file_digest if page else "", **values}


@contextmanager
def open_app(
    who: str = "Ada", *, read_only: bool = False, paths: Sequence[str] = ("site",), profile: Profile | None = None
) -> Iterator[ReviewApp]:
    """Open the app on the pages below `site`, with the decisions in `out`."""
    settings = Settings(out=Path("out"))
    workspace = open_workspace(
        [Path(path) for path in paths], settings, profile or default_profile(), read_only=read_only
    )
    access = LinkAccess(who, b"s" * 32)
    try:
        yield ReviewApp(
            workspace, create_app(workspace, access, allowed_hosts("127.0.0.1", []), read_only=read_only), access
        )
    finally:
        workspace.close()


@contextmanager
def served(*options: str, env: Mapping[str, str] | None = None) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """Run `qtgen review site --out out` on a free port. Yield the printed link and the process."""
    arguments = ["-m", "qtgen", "review", "site", "--out", "out", "--port", "0", "--no-browser", *options]
    root = str(Path(__file__).parents[2])
    process = subprocess.Popen(
        [sys.executable, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": root, **(env or {})},
    )
    try:
        assert process.stdout is not None
        link = process.stdout.readline().strip()
        if not link:
            raise AssertionError(process.communicate(timeout=20)[1])
        yield link, process
    finally:
        process.kill()
        process.communicate()
