"""Fetching from a hub: resuming, digests, locks, a full disk, and a hub that says no."""

import errno
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from qtgen._util import extras
from qtgen.errors import MissingExtra, ModelError
from qtgen.llm.local import download
from support import ROOT
from support.hub import COMMIT, CONTENTS, DIGEST, FILE, REPOSITORY, FakeHub

pytestmark = pytest.mark.block_network(allowed_hosts=["127.0.0.1"])
UseTable = Callable[..., None]
Environ = dict[str, str]


def parts(environ: Environ) -> list[Path]:
    return [*Path(environ["XDG_CACHE_HOME"]).rglob("*.part")]


def failure(environ: Environ) -> str:
    """Fetch the tiny model, which must fail, and return the message. No file counts as the model afterwards."""
    with pytest.raises(ModelError) as caught:
        download.fetch(environ, "tiny")
    assert download.find(environ, "tiny") is None
    assert not [*Path(environ["XDG_CACHE_HOME"]).rglob("*.gguf")]
    return str(caught.value)


def test_a_file_is_fetched_verified_and_recorded(hub: FakeHub, use_table: UseTable, environ: Environ) -> None:
    use_table()
    file = download.fetch(environ, "tiny")
    assert file.read_bytes() == CONTENTS
    assert file == Path(environ["XDG_CACHE_HOME"], "qtgen", "models", "tiny", FILE)
    record = download.read_record(environ, "tiny")
    assert record is not None
    assert (record.sha256, record.commit, record.file) == (DIGEST, COMMIT, file)
    assert download.fetch(environ, "tiny") == file
    assert hub.ranges == [None], "the second call downloads nothing"
    assert parts(environ) == []


@pytest.mark.parametrize(("cut", "resumed"), [(100_000, "bytes=100000-"), (1, None), (1_023_999, "bytes=1020000-")])
def test_a_dropped_connection_is_resumed(
    hub: FakeHub, use_table: UseTable, environ: Environ, cut: int, resumed: str | None
) -> None:
    use_table()
    hub.cut, hub.cuts = cut, 1
    assert download.fetch(environ, "tiny").read_bytes() == CONTENTS
    assert hub.ranges == [None, resumed]


def test_a_later_call_resumes(hub: FakeHub, use_table: UseTable, environ: Environ) -> None:
    use_table()
    hub.cut, hub.cuts = 0, 100
    assert "the hub cannot be reached" in failure(environ)
    hub.cuts, hub.ranges = 0, []
    part = Path(environ["XDG_CACHE_HOME"], "qtgen", "models", "tiny", f"{DIGEST}.part")
    part.write_bytes(CONTENTS[:300_000])
    assert download.fetch(environ, "tiny").read_bytes() == CONTENTS
    assert hub.ranges == ["bytes=300000-"]


@pytest.mark.parametrize("extra", [b"", b"more than the whole file"])
def test_a_part_of_the_whole_size_or_more(hub: FakeHub, use_table: UseTable, environ: Environ, extra: bytes) -> None:
    use_table()
    part = Path(environ["XDG_CACHE_HOME"], "qtgen", "models", "tiny", f"{DIGEST}.part")
    part.parent.mkdir(parents=True)
    part.write_bytes(CONTENTS + extra)
    assert download.fetch(environ, "tiny").read_bytes() == CONTENTS
    assert hub.ranges == ([None] if extra else [])


def test_a_corrupt_part_is_removed_and_fetched_again(hub: FakeHub, use_table: UseTable, environ: Environ) -> None:
    use_table()
    part = Path(environ["XDG_CACHE_HOME"], "qtgen", "models", "tiny", f"{DIGEST}.part")
    part.parent.mkdir(parents=True)
    part.write_bytes(b"x" * 1_000)
    assert "and was removed" in failure(environ)
    assert parts(environ) == []
    assert download.fetch(environ, "tiny").read_bytes() == CONTENTS


def test_a_file_that_does_not_have_the_hubs_digest_is_removed(
    hub: FakeHub, use_table: UseTable, environ: Environ
) -> None:
    use_table()
    hub.contents = CONTENTS[::-1]
    message = failure(environ)
    assert f"instead of {DIGEST[:12]}…, and was removed" in message
    assert parts(environ) == []


def test_another_file_than_the_table_knows_is_not_even_downloaded(
    hub: FakeHub, use_table: UseTable, environ: Environ
) -> None:
    use_table()
    hub.digest = "a" * 64
    assert "the hub offers another file of tiny (SHA-256 aaaaaaaaaaaa…)" in failure(environ)
    assert hub.ranges == []


def test_without_a_known_digest_the_first_fetch_decides(hub: FakeHub, use_table: UseTable, environ: Environ) -> None:
    use_table(sha256=None, source={"repository": REPOSITORY, "file": FILE})
    file = download.fetch(environ, "tiny")
    file.unlink()
    hub.digest = "b" * 64
    assert "the hub offers another file of tiny" in failure(environ)
    hub.digest = DIGEST
    assert download.fetch(environ, "tiny").read_bytes() == CONTENTS


def test_a_file_outside_large_file_storage_is_remembered_by_its_digest(
    hub: FakeHub, use_table: UseTable, environ: Environ
) -> None:
    use_table(sha256=None)
    hub.digest = "d41d8cd98f"
    download.fetch(environ, "tiny").unlink()
    record = download.read_record(environ, "tiny")
    assert record is not None
    assert record.sha256 == DIGEST
    hub.contents = CONTENTS[::-1]
    assert "and was removed" in failure(environ)


@pytest.mark.parametrize(
    ("error", "words"),
    [
        ((403, "GatedRepo"), "is restricted); accept its terms on the hub and set HF_TOKEN"),
        ((404, "RepoNotFound"), "or the token is invalid); check HF_ENDPOINT and HF_TOKEN"),
        ((404, "RevisionNotFound"), "does not contain tiny-q4.gguf); upgrade qtgen"),
        ((404, "EntryNotFound"), "does not contain tiny-q4.gguf); upgrade qtgen"),
        ((500, ""), "the hub responded with status 500); run the same command again later"),
        ((418, ""), "the hub responded with status 418)"),
    ],
)
def test_a_hub_that_says_no(
    hub: FakeHub, use_table: UseTable, environ: Environ, error: tuple[int, str], words: str
) -> None:
    use_table()
    hub.error = error
    message = failure(environ)
    assert words in message
    assert "\n" not in message


def test_a_hub_that_is_not_there(hub: FakeHub, use_table: UseTable, environ: Environ) -> None:
    use_table()
    message = failure(environ | {"HF_ENDPOINT": "http://127.0.0.1:9"})
    assert "the model tiny could not be fetched (the hub cannot be reached: " in message
    assert "check the connection, or set HF_ENDPOINT to a mirror" in message


@pytest.mark.parametrize(
    "variables", [{"HF_ENDPOINT": "http://[x"}, {"HF_ENDPOINT": "http://x:port"}, {"HF_TOKEN": "hf_sécret"}]
)
def test_an_invalid_variable_of_the_hub_is_one_line_without_the_token(
    hub: FakeHub, environ: Environ, tmp_path: Path, variables: dict[str, str]
) -> None:
    environ["HF_HOME"] = str(tmp_path / "hub-home")
    process = start(environ, "models", "fetch", "tiny", **variables)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 1, err
    assert len(err.splitlines()) == 2, "the note and the error"
    assert "is invalid); correct or unset the variable" in err
    assert "cret" not in err


def test_a_server_that_is_no_hub(hub: FakeHub, use_table: UseTable, environ: Environ) -> None:
    use_table()
    hub.digest = ""
    assert "sends no digest, so it is not a hub; check HF_ENDPOINT" in failure(environ)


def test_the_hubs_token_is_sent(
    hub: FakeHub, use_table: UseTable, environ: Environ, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_table()
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    download.fetch(environ, "tiny")
    assert hub.tokens[0] == "Bearer hf_secret"


def test_a_file_in_the_hubs_own_cache_is_used(
    hub: FakeHub, use_table: UseTable, environ: Environ, tmp_path: Path
) -> None:
    use_table()
    cached = tmp_path / "hub-cache" / "models--acme--tiny-GGUF" / "snapshots" / COMMIT / FILE
    cached.parent.mkdir(parents=True)
    cached.write_bytes(CONTENTS)
    assert download.fetch(environ, "tiny") == cached
    assert download.find(environ, "tiny") == cached
    assert hub.tokens == [], "the hub is not asked"


def test_a_file_with_another_digest_in_the_hubs_own_cache_is_not_used(
    hub: FakeHub, use_table: UseTable, environ: Environ, tmp_path: Path
) -> None:
    use_table()
    cached = tmp_path / "hub-cache" / "models--acme--tiny-GGUF" / "snapshots" / COMMIT / FILE
    cached.parent.mkdir(parents=True)
    cached.write_bytes(CONTENTS[::-1])
    assert download.fetch(environ, "tiny") != cached
    assert cached.exists(), "another program's file is not removed"


def test_a_full_disk_leaves_a_part_that_does_not_count_and_is_resumed(
    hub: FakeHub, use_table: UseTable, environ: Environ, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_table()
    real = Path.open

    class Full:
        """A file on a disk that is full after two blocks."""

        def __init__(self, file: object) -> None:
            self.file = file
            self.blocks = 2

        def __getattr__(self, name: str) -> object:
            return getattr(self.file, name)

        def write(self, data: bytes) -> int:
            if not self.blocks:
                raise OSError(errno.ENOSPC, "No space left on device")
            self.blocks -= 1
            return self.file.write(data)  # type: ignore[attr-defined, no-any-return]

        def __enter__(self) -> "Full":
            return self

        def __exit__(self, *_: object) -> None:
            self.file.close()  # type: ignore[attr-defined]

    with monkeypatch.context() as patch:
        patch.setattr(
            Path,
            "open",
            lambda path, mode="r", **more: Full(real(path, mode, **more)) if mode == "ab" else real(path, mode, **more),
        )
        message = failure(environ)
    folder = download.cache_folder(environ)
    assert message.startswith(f"{folder}: the disk is full: tiny needs 1 MB, and ")
    assert "free space or set XDG_CACHE_HOME to a folder on another disk" in message
    assert [part.stat().st_size for part in parts(environ)] == [20_000]
    assert download.fetch(environ, "tiny").read_bytes() == CONTENTS
    assert hub.ranges == [None, "bytes=20000-"]


def test_a_disk_too_full_for_a_folder(use_table: UseTable, environ: Environ, monkeypatch: pytest.MonkeyPatch) -> None:
    use_table()

    def mkdir(*_: object, **more: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "mkdir", mkdir)
    assert failure(environ).startswith(f"{download.cache_folder(environ)}: the disk is full: tiny needs 1 MB, and ")
    assert not Path(environ["XDG_CACHE_HOME"]).exists()


def test_a_cache_that_cannot_be_written(hub: FakeHub, use_table: UseTable, environ: Environ, tmp_path: Path) -> None:
    use_table()
    (tmp_path / "cache").write_text("a file, not a folder")
    with pytest.raises(ModelError, match="set XDG_CACHE_HOME to a folder on another disk"):
        download.fetch(environ, "tiny")


def test_a_missing_extra_is_named(use_table: UseTable, environ: Environ, monkeypatch: pytest.MonkeyPatch) -> None:
    use_table()
    real = extras.missing
    monkeypatch.setattr(
        extras, "missing", lambda *names: next((n for n in names if n == "huggingface_hub"), None) or real(*names)
    )
    with pytest.raises(MissingExtra) as caught:
        download.fetch(environ, "tiny")
    assert caught.value.extra == "hub"


PROGRAM = """
import contextlib, sys
from support.hub import tiny_table
import qtgen.llm.local.table as table
with contextlib.suppress(ValueError):
    from huggingface_hub import constants
    constants.DOWNLOAD_CHUNK_SIZE = 10_000
table.load_table = lambda: tiny_table()
from qtgen.cli import main
main()
"""


def start(environ: Environ, *arguments: str, **more: str) -> "subprocess.Popen[str]":
    """Start `qtgen` with the tiny table in a process of its own."""
    variables = {**os.environ, **environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'tests'}", **more}
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM, *arguments],
        env=variables, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip


def wait_until(condition: Callable[[], object]) -> None:
    for _ in range(3_000):
        if condition():
            return
        REAL_SLEEP(0.01)
    raise AssertionError("it did not happen within 30 s")


REAL_SLEEP = time.sleep


def test_two_downloads_at_once_download_once(hub: FakeHub, environ: Environ, tmp_path: Path) -> None:
    environ["HF_HOME"] = str(tmp_path / "hub-home")
    started = [start(environ, "models", "fetch", "tiny") for _ in range(2)]
    outputs = [process.communicate(timeout=60) for process in started]
    assert [process.returncode for process in started] == [0, 0], outputs
    assert outputs[0][0] == outputs[1][0]
    assert Path(outputs[0][0].strip()).read_bytes() == CONTENTS
    assert hub.ranges == [None]


def test_ctrl_c_keeps_the_part_and_the_next_command_resumes(
    hub: FakeHub, environ: Environ, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("time.sleep", REAL_SLEEP)
    environ["HF_HOME"] = str(tmp_path / "hub-home")
    hub.pause = 0.3
    process = start(environ, "models", "fetch", "tiny")
    wait_until(lambda: any(part.stat().st_size for part in parts(environ)))
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert err.splitlines()[-1] == ("qtgen: fetching tiny was interrupted; run the same command again to resume")
    [part] = parts(environ)
    have = part.stat().st_size
    hub.pause = 0.0
    again = start(environ, "models", "fetch", "tiny")
    out, err = again.communicate(timeout=60)
    assert again.returncode == 0, err
    assert Path(out.strip()).read_bytes() == CONTENTS
    assert 0 < have < len(CONTENTS)
    assert hub.ranges[-1] == f"bytes={have}-"


def test_the_hubs_own_offline_variable(hub: FakeHub, environ: Environ, tmp_path: Path) -> None:
    environ["HF_HOME"] = str(tmp_path / "hub-home")
    process = start(environ, "models", "fetch", "tiny", HF_HUB_OFFLINE="1")
    _, err = process.communicate(timeout=60)
    assert process.returncode == 1
    assert err.splitlines()[-1].endswith(
        "the model tiny could not be fetched (HF_HUB_OFFLINE is set); unset it, or fetch on another machine"
    )
    assert hub.tokens == []


def put_record(environ: Environ, text: str | bytes) -> None:
    file = download._record_file(environ, "tiny")
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(text if isinstance(text, bytes) else text.encode())


@pytest.mark.parametrize("text", ["", "[]", "{", "null", b"\xff", '{"file": 5, "size": "abc"}', "[" * 100_000])
def test_a_record_that_cannot_be_read_counts_as_none(use_table: UseTable, environ: Environ, text: str | bytes) -> None:
    use_table()
    put_record(environ, text)
    assert download.read_record(environ, "tiny") is None
    assert download.find(environ, "tiny") is None


@pytest.mark.parametrize(
    "changes",
    [
        {"file": 5}, {"file": None}, {"file": "\ud800"}, {"size": "3"}, {"size": 3.5}, {"size": -1}, {"size": True},
        {"sha256": "abc"}, {"sha256": None}, {"commit": 1},
    ],
)  # fmt: skip
def test_a_damaged_record_counts_as_none(
    use_table: UseTable, environ: Environ, tmp_path: Path, changes: dict[str, object]
) -> None:
    use_table()
    file = tmp_path / "tiny.gguf"
    file.write_bytes(b"GGU")
    whole = {"file": str(file), "size": 3, "sha256": DIGEST, "commit": COMMIT, "source": "x"}
    put_record(environ, json.dumps(whole))
    assert download.find(environ, "tiny") == file
    put_record(environ, json.dumps(whole | changes))
    assert download.find(environ, "tiny") is None


def test_after_a_damaged_record_the_file_is_fetched_again(hub: FakeHub, use_table: UseTable, environ: Environ) -> None:
    use_table(sha256=None)
    put_record(environ, '{"file": 5, "size": "abc", "sha256": 7}')
    file = download.fetch(environ, "tiny")
    assert file.read_bytes() == CONTENTS
    assert download.find(environ, "tiny") == file


def test_the_record_of_a_file_that_is_gone(use_table: UseTable, environ: Environ) -> None:
    use_table()
    put_record(environ, json.dumps({"file": "/no", "size": 3, "sha256": DIGEST, "commit": COMMIT, "source": "x"}))
    assert download.read_record(environ, "tiny") is not None
    assert download.find(environ, "tiny") is None
