"""One journey through each of two real servers. `make servers` installs them; the embedded one is in test_live.py."""

import contextlib
import importlib.util
import json
import os
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from qtgen.llm.local import download
from support import own_quirks
from support.quirks import PRICES, Case, Run
from support.quirky_endpoint import quirky_endpoint

pytestmark = [
    pytest.mark.live,
    pytest.mark.xdist_group("live"),
    pytest.mark.block_network(allowed_hosts=["127.0.0.1"]),
]


def _load_servers() -> ModuleType:
    spec = importlib.util.spec_from_file_location("servers", Path(__file__).with_name("servers.py"))
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


servers = _load_servers()


@contextlib.contextmanager
def _skipping_without_it() -> Iterator[None]:
    try:
        yield
    except servers.MissingServer as error:
        pytest.skip(str(error))


def test_pages_through_litellm_in_front_of_an_endpoint_with_a_dialect(
    qtgen: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The proxy wraps the endpoint's words in its own. The dialect is learned from them nevertheless."""
    Path("q.csv").write_text("question,subject\nWhat is osmosis number 1?,Biology\nWhat is erosion number 2?,Biology\n")
    Path("qtgen.toml").write_text(PRICES)
    quirk = own_quirks.QUIRKS["only_the_default_temperature"]
    with (
        quirky_endpoint(quirk, Case("", speed=1.0)) as upstream,
        _skipping_without_it(),
        servers.litellm_proxy(f"http://127.0.0.1:{upstream.port}/v1", tmp_path) as (address, key),
    ):
        monkeypatch.setenv("OPENAI_BASE_URL", address)
        monkeypatch.setenv("OPENAI_API_KEY", key)
        code, out, err = qtgen("generate", "q.csv", "--model", "m", "--json")
        checked = qtgen("check-endpoint", "--model", "m")
        unknown_model = qtgen("check-endpoint", "--model", "nope")
    assert (checked[0], "temperature" in checked[1]) == (0, True), checked
    assert (unknown_model[0], "nope" in unknown_model[2]) == (2, True), unknown_model
    assert code == 0, err
    assert "temperature" in err
    assert key not in err
    lines = [json.loads(line) for line in out.splitlines()]
    assert [line["status"] for line in lines] == ["written", "written"]
    assert [line["usage"]["cost_usd"] for line in lines] == [0.0013, 0.0013]
    asked = [document for document in upstream.requests if "messages" in document]  # the proxy probes its upstream
    generated = [document for document in asked if "<question>" in document["messages"][-1]["content"]]
    assert len(generated) <= 4, "two that teach the dialect, and two in it"
    assert qtgen("validate", "outputs", "--ignore", "QT4")[0] == 0


def test_a_page_through_llama_cpp_python(qtgen: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It rejects `json_schema` with HTTP 500, so qtgen requests `json_object`. A small model needs Markdown."""
    model = download.find(os.environ)
    if model is None:
        pytest.skip("the embedded model is not on this machine; `make test` fetches it")
    Path("q.csv").write_text("question,subject\nWhy is the sky blue?,Physics\n")
    with _skipping_without_it(), servers.llama_cpp_python(model, tmp_path) as address:
        monkeypatch.setenv("OPENAI_BASE_URL", address)
        monkeypatch.setenv("QTGEN_MAX_TOKENS", "40")
        code, _, err = qtgen("generate", "q.csv", "--model", "m")
        assert code == 1, "40 tokens are too few for a page"
        assert "json_object" in err
        assert "HTTP 500" not in err.splitlines()[-1]
        assert "max_tokens" in err, "it answered, and the answer was cut off"
        monkeypatch.delenv("QTGEN_MAX_TOKENS")
        for name, value in {"ANSWER_FORMAT": "markdown", "SHORT_PROMPTS": "true", "GRAMMAR": "true"}.items():
            monkeypatch.setenv(f"QTGEN_{name}", value)
        code, out, err = qtgen("generate", "q.csv", "--model", "m", "--json")
        checked = qtgen("check-endpoint", "--model", "m")
        wrong_address = qtgen("check-endpoint", "--model", "m", "--base-url", address.removesuffix("/v1"))
    assert (checked[0], "json_object" in checked[1]) == (0, True), checked
    assert (wrong_address[0], wrong_address[2].rstrip().endswith(address)) == (2, True), wrong_address
    assert code == 0, err
    line = json.loads(out)
    assert line["status"] == "written"
    assert line["usage"]["completion_tokens"] > 50
    assert line["usage"]["cost_usd"] is None
    assert qtgen("validate", "outputs")[0] == 0
