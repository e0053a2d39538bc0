"""Model files of one name never share answers."""

import os
from pathlib import Path

import pytest

from qtgen.llm.endpoint import make_request
from qtgen.llm.local import identity
from qtgen.llm.local.identity import file_identity
from qtgen.llm.local.server import endpoint
from qtgen.llm.types import Prompt


def model(folder: Path, data: bytes | bytearray) -> Path:
    folder.mkdir()
    file = folder / "model.gguf"
    file.write_bytes(data)
    return file


def test_two_files_of_one_name_have_other_digests_in_the_ledger(tmp_path: Path, prompt: Prompt) -> None:
    first, second, copy = (model(tmp_path / name, data) for name, data in (("a", b"one"), ("b", b"two"), ("c", b"one")))
    digests = [make_request(prompt, endpoint(file)).key.digest for file in (first, second, copy)]
    assert digests[0] != digests[1]
    assert digests[0] == digests[2], "the place of a file does not count, only its contents"


def test_the_embedded_model_keeps_the_place_that_older_ledgers_have() -> None:
    assert endpoint(None).place == "local"


@pytest.mark.parametrize("position", [0, 100, 3_000_000, 6_000_000, 7_999_999])
def test_a_change_anywhere_in_a_large_file_is_noticed(tmp_path: Path, position: int) -> None:
    """Whole tensors differ between two models, so the changed region is larger than the gap between two samples."""
    data = bytearray(8_000_000)
    before = file_identity(model(tmp_path / "before", data))
    data[position : position + 50_000] = b"\xff" * len(data[position : position + 50_000])
    assert file_identity(model(tmp_path / "after", data)) != before


def test_files_of_another_size_differ(tmp_path: Path) -> None:
    sizes = (7_999_999, 8_000_000)
    assert len({file_identity(model(tmp_path / str(size), bytes(size))) for size in sizes}) == 2


def test_a_file_is_read_again_only_after_it_has_changed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    identity._digest.cache_clear()
    file = model(tmp_path / "a", b"one")
    first = file_identity(file)
    assert file_identity(file) == first
    assert identity._digest.cache_info().hits == 1
    file.write_bytes(b"two")
    os.utime(file, ns=(1, 1))
    assert file_identity(file) != first


def test_a_missing_file_has_no_identity(tmp_path: Path) -> None:
    assert file_identity(tmp_path / "no.gguf") == ""
