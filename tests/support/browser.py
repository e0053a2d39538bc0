"""Pages in the Chromium of this machine. One browser runs per test process, and each page has a context of its own."""

import asyncio
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, ConsoleMessage, Page

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FLAGS = (
    "--no-sandbox",  # Chromium refuses to run as root with its sandbox
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
TIMEOUT_MS = 20_000
_VIOLATION = "Content Security Policy"

OpenPage = Callable[..., "Page"]


class _Running:
    """The browser, and the event loop that Playwright leaves running in the thread of the tests.

    While the loop counts as running, no test could call `asyncio.run`. So it counts only while a test has a page.
    """

    def __init__(self, browser: "Browser", loop: asyncio.AbstractEventLoop) -> None:
        self.browser = browser
        self._loop = loop

    @contextmanager
    def active(self) -> Iterator["Browser"]:
        asyncio._set_running_loop(self._loop)
        try:
            yield self.browser
        finally:
            asyncio._set_running_loop(None)


@pytest.fixture(scope="session")
def _chromium() -> Iterator[_Running]:
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    if CHROMIUM is None:
        pytest.skip("Chromium is not installed")
    driver = playwright.sync_playwright().start()
    loop = asyncio.get_running_loop()
    browser = driver.chromium.launch(executable_path=CHROMIUM, args=[*FLAGS])
    asyncio._set_running_loop(None)
    running = _Running(browser, loop)
    yield running
    with running.active():
        browser.close()
        driver.stop()


@pytest.fixture
def open_page(_chromium: _Running) -> Iterator[OpenPage]:
    """Open a page in a context of its own, such as `open_page(color_scheme="dark", viewport={…})`.

    The test fails if a page violates its Content Security Policy or raises an error that no script catches. With
    `open_page(may_violate=True)` it may do both.
    """
    faults: list[str] = []

    def watch_console(message: "ConsoleMessage") -> None:
        if _VIOLATION in message.text:
            faults.append(message.text)

    with _chromium.active() as browser:
        contexts = []

        def open_one(*, may_violate: bool = False, **options: Any) -> "Page":
            context = browser.new_context(**options)
            contexts.append(context)
            context.set_default_timeout(TIMEOUT_MS)
            if not may_violate:
                context.on("console", watch_console)
                context.on("weberror", lambda error: faults.append(str(error.error)))
            return context.new_page()

        yield open_one
        for context in contexts:
            context.close()
    assert not faults, "\n".join(faults)


@pytest.fixture
def browser_page(open_page: OpenPage) -> "Page":
    """A page of 1280 by 800 pixels."""
    return open_page(viewport={"width": 1280, "height": 800})
