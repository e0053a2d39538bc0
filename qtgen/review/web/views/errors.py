"""Errors as screens: what is wrong, and the next step, in one sentence."""

import sqlite3
from http import HTTPStatus

from qtgen.errors import MissingExtra, OutputError, PageConflict, QtgenError, UsageError
from qtgen.review.types import View


class NotFound(UsageError):
    """There is no page, queue or plan with that name."""


_TITLES = {
    HTTPStatus.BAD_REQUEST: "This address is not right",
    HTTPStatus.FORBIDDEN: "You may not do that",
    HTTPStatus.NOT_FOUND: "There is nothing here",
    HTTPStatus.METHOD_NOT_ALLOWED: "You may not do that",
    HTTPStatus.CONFLICT: "The page changed",
    HTTPStatus.SERVICE_UNAVAILABLE: "Not ready yet",
    HTTPStatus.INSUFFICIENT_STORAGE: "The disk is full",
}


def error_view(status: int, message: str, next_page: str = "") -> View:
    """Return the screen of an error. `next_page` is the address of the next page of the queue, if there is one."""
    title = _TITLES.get(HTTPStatus(status), "That failed")
    return View("error.html.j2", {"title": title, "message": message, "next_page": next_page}, status)


def status_of(error: Exception) -> int:
    """Return the status of the reply to a request that ended with an error."""
    if isinstance(error, NotFound):
        return HTTPStatus.NOT_FOUND
    if isinstance(error, MissingExtra):
        return HTTPStatus.NOT_IMPLEMENTED
    if isinstance(error, PageConflict):
        return HTTPStatus.CONFLICT
    if isinstance(error, OutputError):
        return HTTPStatus.INSUFFICIENT_STORAGE if error.is_disk_full else HTTPStatus.INTERNAL_SERVER_ERROR
    return HTTPStatus.INTERNAL_SERVER_ERROR if isinstance(error, sqlite3.Error) else HTTPStatus.BAD_REQUEST


def sentence_of(error: Exception) -> str:
    """Return what is wrong, and the remedy, as one sentence."""
    if isinstance(error, MissingExtra):
        return f"{error}; install `qtgen[{error.extra}]` on the server."
    if isinstance(error, OutputError) and error.is_disk_full:
        return f"{error}; free some space and try again. Nothing was lost."
    if isinstance(error, sqlite3.Error):
        return f"The index of the pages cannot be read or written ({error}); restart the server."
    text = str(error).rstrip(".")
    is_own = isinstance(error, QtgenError) and error.path is None and error.field is None
    return f"{text[:1].upper()}{text[1:]}." if is_own else f"{text}."
