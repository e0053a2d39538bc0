"""The desk of a reviewer: the review app from a server in this process, and a page of Chromium with keys and a mouse."""

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urlsplit

import uvicorn

from qtgen.generation.output import OutputFolder
from qtgen.page import encode_answer
from qtgen.page.profile import default_profile
from qtgen.review.web.access import LinkAccess, proxy_access, read_secret
from qtgen.review.web.app import create_app
from qtgen.review.web.guards import allowed_hosts
from qtgen.review.web.server import address_of, listen
from qtgen.review.web.workspace import open_workspace
from qtgen.settings import Settings
from support.pages import LONG_DESCRIPTION, write_site
from support.reviews import DESCRIPTION, save_rewrite, url_of

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

HEADER = "x-reviewer"
"""The header in which the proxy of a shared server names the reviewer. These browsers send it themselves."""
OLD_ANSWER = (
    "Osmosis moves water through a membrane.\n\n"
    "The pressure is $\\Pi = i c R T$, where $c$ is the concentration.\n\n"
    "- Water passes.\n- Salt stays."
)
NEW_ANSWER = OLD_ANSWER.replace("moves water", "is the diffusion of water").replace("Salt stays", "Sugar stays")


@dataclass(frozen=True, slots=True)
class Served:
    """A server: its address, and the link to open."""

    address: str
    link: str


@contextmanager
def serving(who: str = "Ann", *, read_only: bool = False, header: str = "") -> Iterator[Served]:
    """Serve the pages below `site` with the decisions in `out`, from a thread and on a free port.

    Args:
        who: The reviewer.
        header: The header that names the reviewers of a shared server; without it the link lets one reviewer enter.
    """
    store = OutputFolder(Path("out"))
    access = proxy_access(header, ["127.0.0.1"]) if header else LinkAccess(who, read_secret(store.review_folder))
    workspace = open_workspace([Path("site")], Settings(out=store.folder), default_profile(), read_only=read_only)
    with listen("127.0.0.1", 0) as listener, workspace.watcher():
        app = create_app(workspace, access, allowed_hosts("127.0.0.1", []), read_only=read_only)
        config = uvicorn.Config(app, loop="asyncio", ws="none", lifespan="off", log_config=None, proxy_headers=False)
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, args=([listener],))
        thread.start()
        address = address_of(listener, "127.0.0.1")
        link = f"{address}/enter?{urlencode({'key': access.key})}" if isinstance(access, LinkAccess) else f"{address}/"
        try:
            yield Served(address, link)
        finally:
            server.should_exit = True
            thread.join()
            workspace.close()


class Desk:
    """A page of the browser with the app.

    Args:
        page: The page.
        link: The link that the server printed.
    """

    def __init__(self, page: "Page", link: str) -> None:
        self.page, self.address = page, "http://" + urlsplit(link).netloc
        self.hosts: set[str] = set()
        page.on("request", lambda request: self.hosts.add(urlsplit(request.url).netloc))
        page.goto(link)
        self.settle()

    def settle(self) -> None:
        """Wait until the scripts of a new screen have run."""
        self.page.locator("html[data-ready]:not([data-left])").wait_for(state="attached")

    def leave(self, action: Callable[[], object]) -> None:
        """Do something that opens another screen, and wait for it."""
        self.page.evaluate("() => { document.documentElement.dataset.left = 'true' }")
        action()
        self.settle()

    def open(self, path: str, **query: str) -> None:
        """Open a screen by its address."""
        self.page.goto(f"{self.address}{path}{'?' + urlencode(query) if query else ''}")
        self.settle()

    def press(self, *keys: str) -> None:
        """Press keys, the last of which opens another screen."""
        for key in keys[:-1]:
            self.page.keyboard.press(key)
        self.leave(lambda: self.page.keyboard.press(keys[-1]))

    def click(self, name: str, role: Any = "button", *, exact: bool = False) -> None:
        """Click what opens another screen."""
        self.leave(self.page.get_by_role(role, name=name, exact=exact).click)

    @property
    def url(self) -> str:
        """The page under review."""
        return str(self.data["url"])

    @property
    def data(self) -> Mapping[str, Any]:
        """What the screen hands its scripts."""
        text = self.page.locator("#page-data, #edit-data").text_content()
        assert text
        data: Mapping[str, Any] = json.loads(text)
        return data

    @property
    def title(self) -> str:
        """The heading of the screen."""
        return self.page.locator("h1").inner_text()

    @property
    def status(self) -> "Locator":
        """The line that tells what came of an action."""
        return self.page.locator("#status")

    @property
    def preview(self) -> "Locator":
        """The body of the frame that shows the text."""
        return self.page.frame_locator("#frame").locator("body")


OpenDesk = Callable[..., Desk]


def recorded() -> list[dict[str, Any]]:
    """Return the lines of the decisions file."""
    file = OutputFolder(Path("out")).decisions_file
    return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


def write_rewrites(*names: str, answers: tuple[str, ...] = (), is_taken: bool = False) -> dict[str, bytes]:
    """Write pages with rewrites that are to be judged, of the answer or else of the description. Return their bytes."""
    pages: dict[str, dict[str, Any]] = {}
    for name in names:
        answer = {"answer": encode_answer(OLD_ANSWER), "score": 0.5} if name in answers else {}
        pages[name] = {DESCRIPTION: LONG_DESCRIPTION, **answer}
    written = write_site(**pages)
    store = OutputFolder(Path("out"))
    for name in names:
        new = {"answer": encode_answer(NEW_ANSWER)} if name in answers else None
        save_rewrite(store, new, name=name, is_taken=is_taken)
    return {url_of(name): written[path] for name, path in zip(names, written, strict=True)}
