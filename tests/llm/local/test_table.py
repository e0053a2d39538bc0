"""The shipped table, and what the setting `local_model` selects."""

import re
from pathlib import Path

import pytest
from pydantic import ValidationError

from qtgen.errors import ModelNotFetched, SettingsError
from qtgen.llm.endpoint import make_request
from qtgen.llm.local import server, table
from qtgen.llm.local.table import HubSource, load_table, select_model
from qtgen.llm.types import Prompt
from support.hub import tiny_entry

OPEN_LICENSES = {"Apache-2.0", "MIT"}


@pytest.mark.parametrize("name", load_table().models)
def test_each_row_is_pinned_and_openly_licensed(name: str) -> None:
    entry = load_table().entry(name)
    assert entry.license in OPEN_LICENSES
    assert entry.sha256 is not None
    assert "\n" not in entry.description
    assert re.fullmatch("[a-z0-9.-]+", name), "a name is one word on a command line"
    assert not name.endswith(".gguf"), "a name cannot be taken for a file"
    if isinstance(entry.source, HubSource):
        assert re.fullmatch("[0-9a-f]{40}", entry.source.revision)
        assert entry.source.file.endswith(".gguf")


def test_digests_and_sources_are_not_copied_between_rows() -> None:
    rows = load_table().models.values()
    assert len({row.sha256 for row in rows}) == len({str(row.source) for row in rows}) == len(rows) == 6


def test_no_setting_selects_the_embedded_model() -> None:
    model = select_model(None)
    assert (model.name, model.is_embedded, model.file) == ("smollm2-135m-instruct", True, None)
    assert model == select_model(Path("smollm2-135m-instruct"))
    assert list(model.request) == ["repeat_penalty", "repeat_last_n", "seed"]


def test_a_name_selects_a_row() -> None:
    model = select_model(Path("qwen2.5-1.5b-instruct"))
    assert (model.name, model.is_embedded, model.file) == ("qwen2.5-1.5b-instruct", False, None)
    assert (model.entry, model.context) == (load_table().entry("qwen2.5-1.5b-instruct"), 6_144)
    assert model.request == {"seed": 7}


@pytest.mark.parametrize("path", ["x.gguf", "models/x", "./models/x.bin", "/abs/qwen2.5-1.5b-instruct"])
def test_a_path_selects_a_file_and_neutral_parameters(path: str) -> None:
    model = select_model(Path(path))
    assert (model.file, model.entry, model.is_embedded) == (Path(path), None, False)
    assert model.request == {"seed": 7}
    assert (model.context, model.format) == (6_144, "markdown")


def test_a_file_without_an_extension_in_the_current_folder_is_a_file() -> None:
    Path("mymodel").write_bytes(b"GGUF")
    assert select_model(Path("mymodel")).file == Path("mymodel")


@pytest.mark.parametrize(
    ("value", "hint"),
    [("qwen2.5-1.5b-instrukt", "did you mean `qwen2.5-1.5b-instruct`?"), ("zzz", "the models are smollm2-135m")],
)
def test_an_unknown_name_has_a_suggestion(value: str, hint: str) -> None:
    with pytest.raises(SettingsError, match="neither a known model nor a GGUF file") as caught:
        select_model(Path(value))
    assert caught.value.setting == "local_model"
    assert hint in str(caught.value)
    with pytest.raises(SettingsError, match=re.escape(f"no such model `{value}`; {hint}")):
        load_table().entry(value)


def test_an_empty_name_is_unknown() -> None:
    with pytest.raises(SettingsError, match=re.escape("no such model ``; the models are smollm2-135m")):
        load_table().entry("")
    with pytest.raises(SettingsError, match=r'^"" is neither a known model nor a GGUF file; the models are smoll'):
        select_model(Path())


def test_a_folder_is_no_model() -> None:
    Path("mymodel").mkdir()
    with pytest.raises(SettingsError, match="mymodel is neither a known model nor a GGUF file"):
        select_model(Path("mymodel"))


def test_rows_of_the_table_never_share_answers_in_the_ledger(prompt: Prompt) -> None:
    endpoints = [server.endpoint(Path(name)) for name in load_table().models]
    assert len({make_request(prompt, endpoint).key.digest for endpoint in endpoints}) == len(endpoints)
    assert endpoints[0].identity == ""
    assert endpoints[1].identity == "2fa3f013dcdd7b99"


def test_a_model_that_is_not_on_this_machine_is_not_fetched_unasked(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with pytest.raises(ModelNotFetched) as caught, server.serve(Path("qwen2.5-0.5b-instruct"), slots=1):
        pass
    assert caught.value.name == "qwen2.5-0.5b-instruct"


@pytest.mark.parametrize(
    "changes",
    [
        {"size": 0},
        {"sha256": "abc"},
        {"sha256": "A" * 64},
        {"format": "xml"},
        {"unknown": 1},
        {"source": {"file": "x"}},
    ],
)
def test_a_broken_row_is_rejected(changes: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        tiny_entry(**changes)


def test_the_table_is_read_once() -> None:
    assert load_table() is table.load_table()
