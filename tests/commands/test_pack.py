"""`qtgen pack` and `qtgen unpack`, and the commands that read packs."""

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from qtgen._util.text import pluralize
from qtgen.site.locations import MANIFEST_NAME
from support.packs import read_tree, rows_of, use_small_shards, write_rows, write_tree
from support.pages import DANGLING_LINK, LONG_DESCRIPTION, UNSPACED_KEYWORDS, page_text
from support.validation import Run

SITE = {
    "biology/what-is-osmosis.md": page_text("osmosis", **DANGLING_LINK).encode(),
    "biology/what-is-diffusion.md": page_text("diffusion", **{"seo.page_description": LONG_DESCRIPTION}).encode(),
    "biology/what-is-mitosis.md": page_text("mitosis", **{"seo.page_keywords": UNSPACED_KEYWORDS}).encode(),
    "biology/What-is-mitosis.md": page_text("mitosis").replace("\n", "\r\n").encode(),
    "physics/what-is-heat.md": b"\xef\xbb\xbf" + page_text("heat").encode(),
    "physics/what-is-\udcff.md": b"---\ntitle: \xff\n---\n",
    "physics/empty.md": b"",
    "physics/large.md": b"x" * 1_100_000,
    "README.md": b"# Not a page\n",
    "what-is-light.md": page_text("light").encode(),
}


@pytest.fixture(autouse=True)
def _site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    use_small_shards(monkeypatch)
    write_tree(Path("outputs"), SITE)


def pack(qtgen: Run, *arguments: object) -> None:
    assert qtgen("pack", "outputs", *(arguments or ["out"]))[0] == 0


def move_away() -> None:
    """Make the pages unreachable under the paths that reports name."""
    Path("outputs").rename("moved")


def test_a_site_is_packed_and_unpacked(qtgen: Run) -> None:
    code, out, err = qtgen("pack", "outputs", "out")
    assert (code, out, err) == (0, "", "packed 10 pages into 3 shards: 1 MB became 0 MB\n")
    assert qtgen("unpack", "out", "copy") == (0, "", "unpacked 10 pages\n")
    assert read_tree(Path("copy")) == SITE
    assert qtgen("unpack", "out", "copy") == (0, "", "unpacked 0 pages; 10 pages unchanged\n")


def test_json_documents(qtgen: Run) -> None:
    Path("outputs/gone.md").symlink_to("nowhere")
    code, out, err = qtgen("pack", "outputs", "out", "--json")
    assert code == 1
    assert err.startswith("not packed: outputs/gone.md: No such file or directory\n")
    document = json.loads(out)
    assert document.pop("packed_bytes") > 0
    assert document == {
        "pages": 10,
        "bytes": sum(map(len, SITE.values())),
        "shards": 3,
        "not_packed": [{"path": "outputs/gone.md", "reason": "No such file or directory"}],
    }
    Path("out/pages-00000.parquet").unlink()
    write_tree(Path("copy"), {"what-is-light.md": b"mine"})
    code, out, err = qtgen("unpack", "out", "copy", "--json")
    assert code == 1
    assert "--force replaces pages that have other contents" in err
    document = json.loads(out)
    assert (document["written"], document["unchanged"]) == (5, 0)
    assert [(row["path"], row["page"], row["kind"]) for row in document["failed"]] == [
        ("out/pages-00000.parquet", None, "damaged-pack"),
        ("copy/what-is-light.md", None, "page"),
    ]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ("pack gone out", "gone: no such folder"),
        ("pack empty out", "empty: no pages (*.md) in this folder"),
        ("pack outputs outputs", "outputs: the folder is not empty (README.md); choose another folder"),
        ("pack outputs done", "done: there is a pack already; add --force to replace it"),
        ("pack outputs nonsense://x", "nonsense://x: protocol not known: nonsense; use a folder, or a URL that fsspec"),
        ("unpack gone copy", "gone: not a pack: there is no qtgen-pack.json"),
        ("unpack outputs copy", "outputs: not a pack: there is no qtgen-pack.json"),
        ("unpack unfinished copy", "unfinished: there is no qtgen-pack.json, so packing was interrupted"),
        ("unpack truncated copy", "truncated/qtgen-pack.json: not a manifest ("),
        ("validate unfinished", "unfinished: there is no qtgen-pack.json, so packing was interrupted"),
        ("validate truncated", "truncated/qtgen-pack.json: not a manifest ("),
        ("validate memory://gone", "memory://gone: not a pack: there is no qtgen-pack.json"),
        ("validate outputs done", "done: a pack cannot be combined with other paths"),
        ("validate done --fix", "done: --fix needs files, not a pack; use `qtgen unpack` first"),
        ("validate done --diff", "done: --diff needs files, not a pack; use `qtgen unpack` first"),
        ("validate done --watch", "done: --watch needs files, not a pack; use `qtgen unpack` first"),
        ("validate outputs --corpus done --fix", "done: --fix needs files, not a pack"),
        ("link done", "done: changing links needs files, not a pack; use `qtgen unpack` first"),
        ("link outputs --corpus memory://gone --check", "memory://gone: not a pack"),
        ("link outputs --corpus done --dry-run", "done: changing links needs files, not a pack"),
    ],
)
def test_an_unusable_call_is_one_line(qtgen: Run, arguments: str, words: str) -> None:
    Path("empty").mkdir()
    for name in ("done", "unfinished", "truncated"):
        pack(qtgen, name)
    Path("unfinished", MANIFEST_NAME).unlink()
    manifest = Path("truncated", MANIFEST_NAME)
    manifest.write_bytes(manifest.read_bytes()[:100])
    code, out, err = qtgen(*arguments.split())
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert err.startswith(f"qtgen: {words}")
    assert read_tree(Path("outputs")) == SITE


VALIDATE = [
    *(f"validate PAGES --no-cache --format {name}" for name in ("text", "json", "github", "gitlab", "sarif", "junit")),
    "validate PAGES --no-cache -v --skip-non-pages",
    "validate PAGES --no-cache --statistics",
    "validate PAGES --no-cache --jobs 2 --select QT4,QT611",
    "link PAGES --check",
    "link PAGES --check --json",
]


@pytest.mark.parametrize("arguments", VALIDATE)
@pytest.mark.parametrize("url", [False, True])
def test_reports_of_a_pack_are_those_of_the_folder(qtgen: Run, tmp_path: Path, arguments: str, url: bool) -> None:
    out = f"memory:/{tmp_path}" if url else "out"
    pack(qtgen, out)
    expected = qtgen(*arguments.replace("PAGES", "outputs").split())
    assert expected[0] == 1
    move_away()
    assert qtgen(*arguments.replace("PAGES", out).split()) == expected


@pytest.mark.parametrize(
    "arguments",
    [
        "validate outputs/biology --no-cache --json --corpus SITE",
        "validate outputs/biology/what-is-osmosis.md --json --corpus SITE",
        "link outputs/biology --check --json --corpus SITE",
    ],
)
def test_a_pack_is_a_corpus_of_files_that_changed_since(qtgen: Run, arguments: str) -> None:
    pack(qtgen)
    changed = page_text(
        "osmosis", **{"related_article1.id": 8, **{k: v for k, v in DANGLING_LINK.items() if "id" not in k}}
    )
    Path("outputs/biology/what-is-osmosis.md").write_text(changed)
    expected = qtgen(*arguments.replace("SITE", "outputs").split())
    assert qtgen(*arguments.replace("SITE", "out").split()) == expected
    assert expected[0] == 1


def test_a_pack_is_checked_against_a_corpus(qtgen: Run) -> None:
    pack(qtgen)
    shutil.copytree("outputs", "copy")
    expected = qtgen("validate", "outputs", "--no-cache", "--corpus", "outputs")
    for corpus in ("outputs", "out"):
        assert qtgen("validate", "out", "--corpus", corpus) == expected


def test_a_page_on_standard_input_is_compared_with_a_pack(qtgen: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    import io

    pack(qtgen)
    arguments = ("validate", "-", "--stdin-filename", "outputs/biology/what-is-osmosis.md", "--json", "--corpus")
    outputs = []
    for corpus in ("outputs", "out"):
        text = io.TextIOWrapper(io.BytesIO(page_text("osmosis", **DANGLING_LINK).encode()))
        monkeypatch.setattr(sys, "stdin", text)
        outputs.append(qtgen(*arguments, corpus))
    assert outputs[0] == outputs[1]
    assert "QT403" in outputs[0][1]


@pytest.mark.parametrize("arguments", ["validate out", "validate out --json", "link --check out --json"])
def test_damage_is_named_and_the_rest_is_reported(qtgen: Run, arguments: str) -> None:
    pack(qtgen)
    shard = Path("out/pages-00001.parquet")
    rows = rows_of(shard)
    write_rows(shard, [(rows[0][0], b"edited", *rows[0][2:]), *rows[1:]])
    Path("out/pages-00000.parquet").write_bytes(b"PAR1")
    code, out, err = qtgen(*arguments.split())
    assert code == 1
    lines = [line for line in err.splitlines() if line.startswith("qtgen: ")]
    assert len(lines) == 3
    assert lines[0].startswith("qtgen: out/pages-00000.parquet: not a shard (")
    assert lines[1].startswith("qtgen: out/pages-00001.parquet: differs from the manifest")
    assert lines[2].startswith(
        f"qtgen: out/pages-00001.parquet: `{(rows[0][0] or b'').decode()}`: not used: it does not match"
    )
    assert "outputs/physics/what-is-heat.md" in out + err


def test_a_pack_of_which_nothing_can_be_used(qtgen: Run) -> None:
    pack(qtgen)
    for shard in Path("out").glob("*.parquet"):
        shard.unlink()
    Path("out/pages-00000.parquet").write_bytes(b"")
    for arguments in ("validate out", "link --check out"):
        code, _, err = qtgen(*arguments.split())
        assert code == 1
        assert "qtgen: out: no page of this pack can be used" in err


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server(tmp_path: Path) -> Iterator[str]:
    """The address of a server for the files of the current folder."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(tmp_path))) as httpd:
        thread = threading.Thread(target=httpd.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{httpd.server_port}"
        httpd.shutdown()
        thread.join(10)


def command(*arguments: str) -> tuple[int, str, str]:
    done = subprocess.run(
        [sys.executable, "-m", "qtgen", *arguments], capture_output=True, text=True, timeout=120, check=False
    )
    return done.returncode, done.stdout, done.stderr


def test_a_pack_is_read_from_a_server(qtgen: Run, server: str) -> None:
    pack(qtgen)
    expected = command("validate", "outputs", "--no-cache", "--jobs", "2")
    move_away()
    assert command("validate", f"{server}/out", "--jobs", "2") == expected
    assert command("unpack", f"{server}/out", "copy") == (0, "", "unpacked 10 pages\n")
    assert read_tree(Path("copy")) == SITE
    code, _, err = command("pack", "copy", f"{server}/new")
    assert (code, err.count("\n")) == (1, 1)
    code, _, err = command("validate", f"{server}/gone")
    assert (code, err.count("\n")) == (2, 1)
    assert "not a pack" in err


@pytest.mark.skipif(sys.platform == "win32", reason="sends signals")
@pytest.mark.parametrize("number", ["SIGKILL", "SIGINT"])
def test_unpacking_is_resumed(qtgen: Run, number: str) -> None:
    many = {f"s/{page:04}.md": f"page {page}".encode() for page in range(4_500)}
    write_tree(Path("many"), many)
    assert command("pack", "many", "out")[0] == 0
    process = subprocess.Popen(
        [sys.executable, "-m", "qtgen", "unpack", "out", "copy"], stderr=subprocess.PIPE, text=True
    )
    deadline = time.monotonic() + 60
    while not Path("copy/s/0000.md").exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    os.kill(process.pid, getattr(signal, number))
    _, err = process.communicate(timeout=60)
    assert process.returncode == (-signal.SIGKILL if number == "SIGKILL" else 130)
    if number == "SIGINT":
        assert err == "qtgen: interrupted; the pages that were written stay; run the same command again to resume\n"
    there = {name: raw for name, raw in read_tree(Path("copy")).items() if name.endswith(".md")}
    assert there.items() <= many.items(), "no page is there in part"
    unpacked = pluralize(len(many) - len(there), "page")
    code, _, err = command("unpack", "out", "copy")
    assert (code, err) == (0, f"unpacked {unpacked}; {pluralize(len(there), 'page')} unchanged\n")
    assert read_tree(Path("copy")) == many, "no temporary file is left"
