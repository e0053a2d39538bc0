"""`qtgen review PATHS…`: index the pages, serve the review app, and open it in the browser."""

import getpass
import os
import shutil
import subprocess
import sys
import threading
import webbrowser
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlencode

import click

from qtgen._util.text import pluralize
from qtgen.commands._echo import echo
from qtgen.commands._options import Grouped, folder, options_of
from qtgen.commands._output import note, warn
from qtgen.commands._paths import NonEmptyPath
from qtgen.commands._review_command import OUT_DEFAULT, settings_for_pages
from qtgen.commands._site import profile_of, site_option
from qtgen.commands._steps import progress_after
from qtgen.commands.review._decisions import log_problems
from qtgen.commands.review._only_server import become_only_server, listen_or_name_server
from qtgen.errors import QtgenError, UsageError
from qtgen.generation.output import OutputFolder

if TYPE_CHECKING:
    from qtgen.review.web.access import Access
    from qtgen.review.web.workspace import Workspace
    from qtgen.settings import Settings

_pages, _server, _shared = options_of("Pages"), options_of("Server"), options_of("Shared server")
_ANONYMOUS = "reviewer"
_LOOPBACK = "127.0.0.1"
_VARIABLE = "QTGEN_REVIEWER"


@dataclass(frozen=True, slots=True, kw_only=True)
class ServeOptions:
    """The arguments of one call of the command."""

    paths: tuple[Path, ...]
    corpus: Path | None
    site: Path | None
    out: Path | None
    queue: str
    reviewer: str | None
    port: int | None
    host: str
    allow_host: tuple[str, ...]
    auth_header: str | None
    trusted_proxy: tuple[str, ...]
    read_only: bool
    no_browser: bool
    static: Path | None

    def check(self) -> None:
        """Raise UsageError for options that exclude or need each other."""
        from qtgen.review.web.server import is_loopback

        for path in self.paths:
            if not path.exists():
                raise UsageError("no such file or folder", path=path)
        self._check_static()
        if bool(self.auth_header) != bool(self.trusted_proxy):
            given, other = ("auth-header", "trusted-proxy") if self.auth_header else ("trusted-proxy", "auth-header")
            raise UsageError(f"--{given} needs --{other}")
        if not is_loopback(self.host) and not self.auth_header:
            message = f"--host {self.host} lets other machines in, so the server must know who decides"
            raise UsageError(message, remedy="add --auth-header and --trusted-proxy, or leave out --host")
        if self.auth_header and self.reviewer:
            raise UsageError("--reviewer excludes --auth-header, which names each reviewer")

    def _check_static(self) -> None:
        given = {
            "queue": self.queue,
            "port": self.port is not None,
            "host": self.host != _LOOPBACK,
            "allow-host": self.allow_host,
            "auth-header": self.auth_header,
        }
        if self.static and (names := [name for name, value in given.items() if value]):
            raise UsageError(f"--static starts no server, so it excludes --{names[0]}")


class _ServeContext(click.Context):
    """The context of a command that is called by the name of its group."""

    @property
    def command_path(self) -> str:
        return self.parent.command_path if self.parent else "qtgen review"


class _Serve(Grouped):
    context_class = _ServeContext


@click.command(cls=_Serve)
@click.argument("paths", nargs=-1, required=True, type=NonEmptyPath(), metavar="PATHS…")
@_pages("--corpus", type=folder, help="Check links against this folder of the site.  [default: `corpus` in qtgen.toml]")
@site_option(_pages)
@_pages(
    "--out",
    type=folder,
    help=f"Keep decisions in this folder, beside the provenance of the pages.  {OUT_DEFAULT}",
)
@_pages(
    "--static",
    type=NonEmptyPath(file_okay=False),
    metavar="DIR",
    help="Write the lists and the pages as HTML files into this folder, and start no server.",
)
@_pages("--queue", default="", metavar="NAME", help="Open this queue: rewrites, flagged, audit:NAME, …")
@_server(
    "--reviewer",
    metavar="NAME",
    help="Record decisions under this name.  [default: $QTGEN_REVIEWER, git's user.name, or the login]",
)
@_server("--port", type=click.IntRange(0, 65_535), help="Listen on this port.  [default: 8642, or a free one]")
@_server("--read-only", is_flag=True, help="Show everything, but accept no decisions.")
@_server("--no-browser", is_flag=True, help="Print the address without opening a browser.")
@_shared(
    "--host",
    default=_LOOPBACK,
    metavar="ADDR",
    show_default=True,
    help="Listen on this address. If other machines can reach it, add --auth-header.",
)
@_shared(
    "--allow-host", multiple=True, metavar="NAME", help="Accept requests for this host, such as review.example.org."
)
@_shared("--auth-header", metavar="NAME", help="Take the reviewer from this header, which the proxy sets.")
@_shared(
    "--trusted-proxy",
    multiple=True,
    metavar="ADDR",
    help="Trust --auth-header only if the connection comes from this address or network.",
)
def command(**arguments: object) -> int:
    """Review pages in the browser, until Ctrl-C."""
    options = ServeOptions(**arguments)  # type: ignore[arg-type]  # click has checked the types
    options.check()
    with ExitStack() as stack:
        if options.static:
            return _export(options, options.static, stack)
        _run(options, stack)
    return 0


def _export(options: ServeOptions, target: Path, stack: ExitStack) -> int:
    """Write the review as HTML files. Return 1 if a page could not be read."""
    from qtgen.review.web.static_site import write_static_site

    settings = _settings(options)
    workspace = stack.enter_context(_opened(replace(options, read_only=True), settings))
    site = write_static_site(workspace, target)
    warn([f"{path}: {reason}" for path, reason in site.skipped], "page")
    note(f"wrote {pluralize(site.pages, 'page')}; open this file in a browser:")
    echo(str(site.start))
    return int(bool(site.skipped))


def _run(options: ServeOptions, stack: ExitStack) -> None:
    from qtgen.review.web.app import create_app
    from qtgen.review.web.guards import allowed_hosts
    from qtgen.review.web.server import address_of, serve

    settings = _settings(options)
    hosts = allowed_hosts(options.host, options.allow_host)
    own = None if options.read_only else OutputFolder(settings.out).review_folder
    listener = stack.enter_context(listen_or_name_server(options.host, options.port, own))
    address = address_of(listener, options.host, options.allow_host)
    access = _access(options, settings.out, stack, address)
    workspace = stack.enter_context(_opened(options, settings))
    workspace.check_queue(options.queue)
    app = create_app(workspace, access, hosts, read_only=options.read_only)
    _announce(options, workspace, access, address)
    link = _link(options, access, address)
    serve(app, listener, lambda: _open_browser(link) if not options.no_browser else None)
    note("stopped")


def _settings(options: ServeOptions) -> "Settings":
    """Return the settings in force. Raises UsageError if there is nothing to review, before anything is written."""
    from qtgen.site.discovery import iter_batches

    settings = settings_for_pages({"out": options.out, "corpus": options.corpus, "site": options.site}, options.paths)
    unusable: list[QtgenError] = []
    batch = next(iter_batches(options.paths, unusable.append), None)
    failed = next(OutputFolder(settings.out).failed_records.paths(), None)
    if batch is None and failed is None and unusable:
        raise unusable[0]
    return settings


def _access(options: ServeOptions, out: Path, stack: ExitStack, address: str) -> "Access":
    """Return who may enter. Unless the server is read-only, it becomes the only one of the output folder."""
    from qtgen.review.web.access import LinkAccess, known_secret, proxy_access, read_secret

    own = OutputFolder(out).review_folder
    if not options.read_only:
        become_only_server(own, address, stack)
    if options.auth_header:
        return proxy_access(options.auth_header, options.trusted_proxy)
    secret = known_secret(own) if options.read_only else read_secret(own)
    return LinkAccess(reviewer_name(options.reviewer), secret)


@contextmanager
def _opened(options: ServeOptions, settings: "Settings") -> "Iterator[Workspace]":
    from qtgen.review.web.workspace import open_workspace

    with progress_after("Indexing pages") as step:
        workspace = open_workspace(
            options.paths, settings, profile_of(settings), read_only=options.read_only, on_progress=step.update
        )
    try:
        with workspace.watcher():
            yield workspace
    finally:
        workspace.close()


def _link(options: ServeOptions, access: "Access", address: str) -> str:
    """Return the address to open: the link with its key, unless a proxy says who enters."""
    from qtgen.review.web.access import LinkAccess

    if isinstance(access, LinkAccess):
        query = {"key": access.key, **({"queue": options.queue} if options.queue else {})}
        return f"{address}/enter?{urlencode(query)}"
    return f"{address}/review?{urlencode({'queue': options.queue})}" if options.queue else f"{address}/"


def _announce(options: ServeOptions, workspace: "Workspace", access: "Access", address: str) -> None:
    from qtgen.review.index.page_filter import PageFilter
    from qtgen.review.web.access import LinkAccess

    warn(list(workspace.index.notes), "note")
    warn(log_problems(workspace.store, workspace.log), "line", " skipped; the other decisions count")
    who = f" as {access.name}" if isinstance(access, LinkAccess) else ""
    count = pluralize(workspace.index.count(PageFilter()), "page")
    note(f"reviewing {count}{who}{'; read-only' if options.read_only else ''}; press Ctrl-C to stop")
    echo(_link(options, access, address))
    sys.stdout.flush()  # a script that reads the address waits for it


def reviewer_name(given: str | None) -> str:
    """Return the name under which decisions are recorded: the given one, $QTGEN_REVIEWER, git's, or the login.

    Raises UsageError for a name that cannot be shown.
    """
    from qtgen.review.web.access import clean_name

    name = os.environ.get(_VARIABLE) or None if given is None else given
    if name is None:
        return clean_name(_git_name()) or clean_name(_login()) or _ANONYMOUS
    if cleaned := clean_name(name):
        return cleaned
    message = f"the name{'' if given else f' in {_VARIABLE}'} is empty, too long or not printable"
    raise UsageError(message, setting="reviewer", remedy="give another one")


def _git_name() -> str:
    git = shutil.which("git")
    if git is None:
        return ""
    call: Sequence[str] = (git, "config", "user.name")
    try:
        result = subprocess.run(call, capture_output=True, check=False, timeout=10)  # noqa: S603 - no input
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return result.stdout.decode(errors="replace")


def _login() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):  # a container without users; ImportError: Windows
        return ""


def _open_browser(link: str) -> None:
    """Open a link in a browser with windows. A browser in the terminal would hide what this command prints."""
    if sys.platform.startswith("linux") and not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        return
    threading.Thread(target=webbrowser.open, args=(link,), daemon=True).start()
