"""`qtgen review PATHS…`: its help, its options, and the server that it starts."""

import http.client
import json
import os
import signal
import socket
import subprocess
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from qtgen.commands.review.serve import reviewer_name
from qtgen.errors import UsageError
from qtgen.review.web.server import only_server
from support.pages import page_path, write_site
from support.review_app import served
from support.reviews import url_of

pytestmark = pytest.mark.block_network(allowed_hosts=["127.0.0.1"])

Run = Callable[..., tuple[int, str, str]]
HEADER = ("--auth-header", "X-User", "--trusted-proxy", "127.0.0.1")


def get(address: str, *headers: tuple[str, str]) -> tuple[int, str, str]:
    """Return status, `Set-Cookie` and body."""
    host, _, path = address.removeprefix("http://").partition("/")
    with closing(http.client.HTTPConnection(host, timeout=20)) as connection:
        connection.request("GET", f"/{path}", headers=dict(headers))
        reply = connection.getresponse()
        return reply.status, reply.headers.get("set-cookie", ""), reply.read().decode()


def test_help_lists_commands_and_options_of_serving(qtgen: Run) -> None:
    code, out, _ = qtgen("review", "--help")
    assert code == 0
    for word in ("plan", "stats", "export", "--corpus", "--out", "--queue", "--reviewer", "--port", "--host"):
        assert f"  {word} " in out
    for option in ("--allow-host", "--auth-header", "--trusted-proxy", "--read-only", "--no-browser"):
        assert option in out
    assert "qtgen review PATHS… [OPTIONS] | COMMAND" in out


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["nowhere"], "nowhere: no such file or folder"),
        (["site", "--host", "0.0.0.0"], "add --auth-header and --trusted-proxy, or leave out --host"),
        (["site", "--host", "192.0.2.7", *HEADER], "--host: cannot listen at 192.0.2.7"),
        (["site", "--auth-header", "X-User"], "--auth-header needs --trusted-proxy"),
        (["site", "--trusted-proxy", "10.0.0.1"], "--trusted-proxy needs --auth-header"),
        (["site", "--auth-header", "X", "--trusted-proxy", "proxy"], "--trusted-proxy: `proxy` is not an IP address"),
        (["site", *HEADER, "--reviewer", "Ada"], "--reviewer excludes --auth-header, which names each reviewer"),
        (["site", "--reviewer", " "], "--reviewer: the name is empty, too long or not printable; give another one"),
        (["site", "--static", "html", "--port", "0"], "--static starts no server, so it excludes --port"),
        (["site", "--allow-host", "*"], "--allow-host: '*' is not the name of a host; give the name alone"),
        (["site", "--auth-header", "X:", "--trusted-proxy", "::1"], "--auth-header: 'X:' is not the name of a header"),
        (["site", "--static", "site"], "site: contains other files, and would be overwritten; choose a new or empty"),
        (["site", "--queue", "flaged"], "no queue is called `flaged`; did you mean `flagged`?"),
        (["site", "--port", "70000"], "invalid value for '--port': 70000"),
        (["--port", "1"], "missing argument 'PATHS…'"),
        ([], "missing argument 'PATHS…'; see `qtgen review --help`"),
        (["stat"], "stat: no such file or folder"),
    ],
)
def test_wrong_call(qtgen: Run, arguments: list[str], line: str) -> None:
    write_site(osmosis={})
    code, out, err = qtgen("review", *arguments)
    assert (code, out) == (2, "")
    assert line in err
    assert err.count("\n") == 1


def test_port_in_use(qtgen: Run) -> None:
    write_site(osmosis={})
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        code, _, err = qtgen("review", "site", "--port", port)
    assert (code, err) == (2, f"qtgen: --port: port {port} is in use; choose another port\n")


def test_port_of_the_server_that_reviews_the_folder(qtgen: Run) -> None:
    write_site(osmosis={})
    with socket.socket() as other, only_server(Path("outputs/.qtgen/review"), "http://127.0.0.1:1"):
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        code, _, err = qtgen("review", "site", "--port", port)
        assert (code, err.count("\n")) == (2, 1)
        assert err.startswith("qtgen: outputs: another server at http://127.0.0.1:1 reviews the pages of this folder")
        assert f"port {port} is in use" in qtgen("review", "site", "--port", port, "--read-only")[2]
        assert f"port {port} is in use" in qtgen("review", "site", "--port", port, "--out", "other")[2]
    assert not Path("other").exists()


@pytest.mark.parametrize("more", [["--port", "0"], ["--static", "html"]])
def test_folder_without_pages_is_refused_and_nothing_written(qtgen: Run, more: list[str]) -> None:
    Path("empty").mkdir()
    line = "qtgen: empty: no pages (*.md) in this folder\n"
    assert qtgen("review", "empty", *more) == (2, "", line)
    assert [str(path) for path in Path().iterdir()] == ["empty"]
    write_site(osmosis={})
    assert qtgen("review", "empty", "site", "--static", "html")[0] == 0


def test_second_server_is_refused_unless_it_is_read_only(qtgen: Run) -> None:
    write_site(osmosis={})
    with only_server(Path("out/.qtgen/review"), "http://127.0.0.1:1"):
        code, _, err = qtgen("review", "site", "--out", "out", "--port", 0)
        assert code == 2
        assert err == (
            "qtgen: out: another server at http://127.0.0.1:1 reviews the pages of this folder; "
            "use that one, or add --read-only\n"
        )
        with served("--read-only") as (link, _):
            assert get(link)[0] == 303


def test_printed_link_lets_a_browser_in_and_is_logged_nowhere() -> None:
    write_site(osmosis={})
    with served("--reviewer", "Ada", "-v") as (link, process):
        key = link.rpartition("=")[2]
        base = link.partition("/enter")[0]
        status, cookie, _ = get(link)
        assert status == 303
        assert "HttpOnly" in cookie
        sent = ("Cookie", cookie.partition(";")[0])
        assert get(f"{base}/review?url={url_of()}", sent)[0] == 200
        assert get(f"{base}/review?url={url_of()}")[0] == 403
        assert get(f"{base}/", ("Host", "evil.example"), sent)[0] == 400
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=20)
    assert process.returncode == 0
    assert "reviewing 1 page as Ada; press Ctrl-C to stop" in err
    assert key not in out + err
    assert "Traceback" not in err
    with served("--reviewer", "Ada") as (link, _):  # the cookie is still valid
        assert get(f"{link.partition('/enter')[0]}/review?url={url_of()}", sent)[0] == 200


def test_shared_server_believes_only_its_proxy() -> None:
    write_site(osmosis={})
    options = ("--auth-header", "X-User", "--trusted-proxy", "127.0.0.2", "--allow-host", "review.example")
    with served(*options) as (address, _):
        assert get(address, ("X-User", "ada"))[0] == 403
        assert get(address, ("X-User", "ada"), ("X-Forwarded-For", "127.0.0.2"))[0] == 403
    with served(*HEADER, "--allow-host", "review.example") as (address, _):
        status, _, html = get(address, ("X-User", "ada"), ("Host", "review.example"))
        assert (status, "ada" in html) == (200, True)
        assert get(address, ("Host", "review.example"))[0] == 403


def test_decision_that_a_killed_server_did_not_carry_out_is_discarded() -> None:
    write_site(osmosis={})
    page = Path(page_path())
    hidden = Path("out/.qtgen")
    hidden.mkdir(parents=True)
    from support.review_pages import digests_at

    texts = digests_at(page)
    line = {
        "v": 1, "id": "7d0a3f5e-0a70-4b11-9d43-07f2b3a7e111", "at": "2026-11-27T09:30:00.000Z", "who": "Ada",
        "action": "take", "url": url_of(), "texts": texts, "after": {"answer": "0000000000000000"},
    }  # fmt: skip
    (hidden / "decisions.jsonl").write_text(json.dumps(line) + "\n{torn")
    with served("--reviewer", "Ada") as (link, process):
        _, cookie, _ = get(link)
        html = get(f"{link.partition('/enter')[0]}/review?url={url_of()}", ("Cookie", cookie.partition(";")[0]))[2]
        assert 'class="badge open">' in html
        process.send_signal(signal.SIGTERM)
        err = process.communicate(timeout=20)[1]
    assert process.returncode == 0
    assert "warning: out/.qtgen/decisions.jsonl:2: not a decision" in err
    assert "warning: 1 line skipped; the other decisions count" in err


def test_static_files_need_no_server(qtgen: Run) -> None:
    write_site(osmosis={}, light={})
    code, out, err = qtgen("review", "site", "--out", "out", "--static", "html")
    assert (code, out, err) == (0, "html/index.html\n", "wrote 2 pages; open this file in a browser:\n")
    assert "What is osmosis?" in Path(out.strip()).read_text()
    assert not Path("out").exists()


def test_pages_in_their_output_folder_need_no_option(qtgen: Run) -> None:
    write_site(osmosis={})
    Path("site/.qtgen").mkdir()
    Path("site/.qtgen/provenance.jsonl").write_text("")
    with only_server(Path("site/.qtgen/review"), "http://127.0.0.1:1"):
        assert "another server at http://127.0.0.1:1" in qtgen("review", "site", "--port", 0)[2]


def test_reviewer_is_the_option_gits_name_or_the_login(monkeypatch: pytest.MonkeyPatch) -> None:
    assert reviewer_name(" Ada ") == "Ada"
    with pytest.raises(UsageError):
        reviewer_name("\x1b[1m")
    subprocess.run(["git", "init", "-q", "."], check=True)
    subprocess.run(["git", "config", "user.name", "Grace Hopper"], check=True)
    assert reviewer_name(None) == "Grace Hopper"
    monkeypatch.setenv("PATH", os.devnull)
    monkeypatch.setenv("LOGNAME", "hopper")
    assert reviewer_name(None) == "hopper"
    monkeypatch.setattr("getpass.getuser", lambda: (_ for _ in ()).throw(KeyError("uid")))
    assert reviewer_name(None) == "reviewer"


def test_name_of_git_that_is_no_text(monkeypatch: pytest.MonkeyPatch) -> None:
    subprocess.run(["git", "init", "-q", "."], check=True)
    with Path(".git/config").open("ab") as config:
        config.write(b"[user]\n\tname = Zo\xeb\n")
    assert reviewer_name(None) == "Zo\N{REPLACEMENT CHARACTER}"
    monkeypatch.setenv("QTGEN_REVIEWER", "\x1b")
    with pytest.raises(UsageError, match="the name in QTGEN_REVIEWER is empty, too long or not printable"):
        reviewer_name(None)


def test_read_only_server_writes_nothing() -> None:
    write_site(osmosis={})
    with served("--read-only") as (link, _):
        assert get(link)[0] == 303
        assert not Path("out").exists()


def test_variable_does_not_exclude_a_proxy() -> None:
    write_site(osmosis={})
    with served(*HEADER, env={"QTGEN_REVIEWER": "Zoë"}) as (address, _):
        assert "ada" in get(address, ("X-User", "ada"))[2]


def test_variable_names_the_reviewer_without_a_warning() -> None:
    write_site(osmosis={})
    with served(env={"QTGEN_REVIEWER": "Zoë"}) as (_, process):
        process.send_signal(signal.SIGINT)
        err = process.communicate(timeout=20)[1]
    assert "as Zoë" in err
    assert "warning" not in err
