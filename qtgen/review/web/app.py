"""The web app: which address leads to which screen, and how errors become replies.

Screens and actions read files and the index, so they run in threads. Nothing else serves requests.
"""

import datetime as dt
import sqlite3
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, TypeAlias

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import Receive, Scope, Send

from qtgen.errors import QtgenError
from qtgen.generation.decisions import timestamp
from qtgen.review.files import PageChanged
from qtgen.review.types import View, Viewer
from qtgen.review.web.access import Access, LinkAccess
from qtgen.review.web.addresses import review_address
from qtgen.review.web.api import Api, conflict_reply
from qtgen.review.web.bundle import APPROXIMATE_HEADERS, FRAME_HEADERS, frame_document, is_bundled
from qtgen.review.web.guards import HEADERS, BodyLimit, Readers, ReplyHeaders, SameOrigin, is_api, json_bytes
from qtgen.review.web.templating import STATIC, environment
from qtgen.review.web.views.agreement import agreement_view
from qtgen.review.web.views.audit import audit_view
from qtgen.review.web.views.edit import edit_view
from qtgen.review.web.views.errors import error_view, sentence_of, status_of
from qtgen.review.web.views.history import history_view
from qtgen.review.web.views.overview import overview_view
from qtgen.review.web.views.page import review_view
from qtgen.review.web.views.pages import pages_view
from qtgen.review.web.views.preview import approximate_preview
from qtgen.review.web.workspace import Workspace

ScreenFunction: TypeAlias = Callable[[Workspace, Mapping[str, str], Viewer], View]

SCREENS: Mapping[str, ScreenFunction] = {
    "/": overview_view,
    "/pages": pages_view,
    "/review": review_view,
    "/edit": edit_view,
    "/audits/{name}": audit_view,
    "/agreement": agreement_view,
    "/history": history_view,
}
"""The screens by path."""
API = {
    "/api/decisions": ("POST", "decide"),
    "/api/drafts": ("PUT", "save_draft"),
    "/api/check": ("POST", "check"),
    "/api/reserve": ("POST", "reserve"),
}
"""The method and the function of `Api` by path."""
_BUG = "The app has a bug; the terminal of the server shows what happened."
NAVIGATION = (("/", "Overview"), ("/pages", "Pages"), ("/agreement", "Agreement"), ("/history", "History"))


def create_app(workspace: Workspace, access: Access, hosts: Sequence[str], *, read_only: bool = False) -> Starlette:
    """Return the app.

    Args:
        access: How the app knows who sends a request.
        hosts: The names that a `Host` header may have.
        read_only: Whether every action is refused.
    """
    middleware = [
        Middleware(ReplyHeaders),
        Middleware(TrustedHostMiddleware, allowed_hosts=list(hosts), www_redirect=False),
        Middleware(SameOrigin, refuse=_refuse),
        Middleware(BodyLimit, refuse=_refuse),
        Middleware(Readers, refuse=_refuse, access=access, read_only=read_only),
    ]
    app = Starlette(routes=_routes(), middleware=middleware, exception_handlers=_HANDLERS)
    app.state.workspace, app.state.access = workspace, access
    app.state.api = Api(workspace, lambda: timestamp(dt.datetime.now(dt.UTC)))
    return app


def _routes() -> list[BaseRoute]:
    return [
        Mount("/static", StaticFiles(directory=STATIC)),
        Route("/enter", _enter, methods=["GET"]),
        Route("/preview/approximate", _approximate, methods=["GET"]),
        Route("/preview", _frame, methods=["GET"]),
        *(Route(path, _screen(function), methods=["GET"]) for path, function in SCREENS.items()),
        *(Route(path, _api(name), methods=[method]) for path, (method, name) in API.items()),
    ]


def _screen(function: ScreenFunction) -> Callable[[Request], Response]:
    def endpoint(request: Request) -> Response:  # Starlette runs it in a thread, because it is no coroutine
        viewer = request.scope["viewer"]
        query = {**request.query_params, **request.path_params}
        return _rendered(function(request.app.state.workspace, query, viewer), viewer, request.url.path)

    return endpoint


def _api(name: str) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        body = await request.body()
        function = getattr(request.app.state.api, name)
        try:
            reply = await run_in_threadpool(function, body, request.scope["viewer"])
        except PageChanged as error:
            return _json(conflict_reply(error, body), 409)
        return _json(reply)

    return endpoint


def _json(value: object, status: int = 200) -> Response:
    return Response(json_bytes(value), status, media_type="application/json")


def _frame(_request: Request) -> Response:
    """Return the frame of the preview. It holds no text until the screen sends one."""
    if not is_bundled():
        raise HTTPException(404)
    return HTMLResponse(frame_document(), headers=FRAME_HEADERS)


def _approximate(request: Request) -> Response:
    document = approximate_preview(request.app.state.workspace, request.query_params, request.scope["viewer"])
    return HTMLResponse(document, headers=APPROXIMATE_HEADERS)


def _rendered(view: View, viewer: Viewer | None, path: str) -> HTMLResponse:
    nav = [{"href": href, "label": label, "is_current": href == path} for href, label in NAVIGATION]
    template = environment().get_template(view.template)
    return HTMLResponse(template.render(viewer=viewer, nav=nav, **view.context), view.status)


async def _enter(request: Request) -> Response:
    """Set the cookie of a browser that opens the printed link, and forget the key: the address bar shows another."""
    access = request.app.state.access
    if not isinstance(access, LinkAccess) or not access.accepts(request.query_params.get("key", "")):
        return await _reply(request.scope, 403, access.refusal(request.scope))
    queue = request.query_params.get("queue")
    address = review_address(None, queue) if queue else "/"
    return RedirectResponse(address, 303, headers={"set-cookie": access.cookie})


async def _refuse(scope: Scope, receive: Receive, send: Send, status: int, message: str) -> None:
    response = await _reply(scope, status, message)
    await response(scope, receive, send)


async def _reply(scope: Scope, status: int, message: str) -> Response:
    if is_api(scope["path"]):
        return _json({"error": message}, status)
    viewer = scope.get("viewer")
    return await run_in_threadpool(_rendered, error_view(status, message), viewer, scope["path"])


async def _on_error(request: Request, error: Exception) -> Response:
    return await _reply(request.scope, status_of(error), sentence_of(error))


async def _on_http_error(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    if status == 404:
        message = "There is no screen at this address."
    elif status == 405:
        message = "This address takes no such request."
    else:
        message = error.detail if isinstance(error, HTTPException) else _BUG
    reply = await _reply(request.scope, status, message)
    for name, value in HEADERS.items():  # Starlette handles a bug outside of the middlewares
        reply.headers.setdefault(name, value)
    return reply


_HANDLERS: dict[Any, Callable[[Request, Exception], Awaitable[Response]]] = {
    QtgenError: _on_error,
    sqlite3.Error: _on_error,
    HTTPException: _on_http_error,
    Exception: _on_http_error,
}
