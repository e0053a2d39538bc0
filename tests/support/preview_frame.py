"""The preview frame in Chromium, inside a page that posts texts to it as the review app does."""

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest

from qtgen.review.web.bundle import BUNDLE, FRAME_HEADERS, frame_document, is_bundled
from qtgen.review.web.guards import STATIC_HEADERS

if TYPE_CHECKING:
    from playwright.sync_api import Frame, Page

needs_bundle = pytest.mark.skipif(not is_bundled(), reason="`make bundle` was not run: no preview bundle")

_HOST = """<!doctype html><title>Host</title><link rel="icon" href="data:,">
<iframe sandbox="allow-scripts" src="/preview" width="800" height="600"></iframe>
<script>
  const frame = document.querySelector('iframe'), waiting = new Map()
  const ready = new Promise((resolve) => waiting.set('ready', resolve))
  window.messages = []
  window.addEventListener('message', ({source, data}) => {
    if (source !== frame.contentWindow) return
    messages.push(data)
    waiting.get(data.type === 'ready' ? 'ready' : data.id)?.(data)
  })
  window.show = async (id, markdown, marks = [], dark = false) => {
    await ready
    const shown = new Promise((resolve) => waiting.set(id, resolve))
    frame.contentWindow.postMessage({type: 'show', id, markdown, marks, dark}, '*')
    return shown
  }
</script>"""
_TYPES = {"js": "text/javascript", "css": "text/css", "woff2": "font/woff2", "txt": "text/plain"}


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        if self.path == "/":
            self._reply("text/html; charset=utf-8", _HOST.encode(), {"Content-Security-Policy": "frame-src 'self'"})
        elif self.path == "/preview":
            self._reply("text/html; charset=utf-8", frame_document().encode(), FRAME_HEADERS)
        elif self.path.startswith("/static/preview/") and (file := BUNDLE / self.path[16:]).is_file():
            self._reply(_TYPES[file.suffix[1:]], file.read_bytes(), STATIC_HEADERS)
        else:
            self.send_error(404)

    def _reply(self, kind: str, body: bytes, headers: Mapping[str, str]) -> None:
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_request(self, code: object = "-", size: object = "-") -> None:
        """Print nothing."""


@contextmanager
def frame_server() -> Iterator[str]:
    """Serve the frame and a page around it, and yield the address of the page."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}/"
        finally:
            server.shutdown()
            thread.join()


class PreviewFrame:
    """The frame of a page that `frame_server` serves."""

    def __init__(self, page: "Page", address: str) -> None:
        self.page = page
        page.goto(address)
        self.frame: Frame = page.frames[1]

    def show(self, markdown: str, marks: Sequence[tuple[int, int, str]] = (), *, dark: bool = False) -> dict[str, Any]:
        """Show a text, and return the frame's answer."""
        number = self.page.evaluate("messages.length")
        objects = [{"start": start, "end": end, "kind": kind} for start, end, kind in marks]
        arguments = [f"text-{number}", markdown, objects, dark]
        answer: dict[str, Any] = self.page.evaluate("(given) => show(...given)", arguments)
        return answer

    def html(self) -> str:
        """Return the HTML of the text that is shown."""
        return str(self.frame.evaluate("document.getElementById('preview').innerHTML"))

    def html_of(self, texts: Sequence[tuple[str, Sequence[tuple[int, int, str]]]]) -> list[str]:
        """Show texts with marks one after the other, and return the HTML of each. The layout takes longest: it is off."""
        marked = [
            [text, [{"start": start, "end": end, "kind": kind} for start, end, kind in marks]] for text, marks in texts
        ]
        return list(self.frame.evaluate(_SHOW_ALL, marked))


_SHOW_ALL = """async (texts) => {
  const container = document.getElementById('preview'), found = []
  container.hidden = true
  let previous = ''
  const show = async (markdown, marks) => {
    const shown = new Promise((resolve) => {
      const observer = new MutationObserver(() => { observer.disconnect(); resolve() })
      observer.observe(container, {childList: true, subtree: true, characterData: true})
    })
    const data = {type: 'show', id: 'batch', markdown, marks, dark: false}
    window.dispatchEvent(new MessageEvent('message', {source: parent, data}))
    await shown
  }
  for (const [index, [markdown, marks]] of texts.entries()) {
    if (markdown.trim() === previous.trim()) await show(`between ${index}`, [])  // or nothing would change
    previous = markdown
    await show(markdown, marks)
    found.push(container.innerHTML)
  }
  container.hidden = false
  return found
}"""
