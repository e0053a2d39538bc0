"""One journey with the real thing: the embedded model starts, answers, and leaves with the run."""

import json
import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from qtgen.llm.local import download as embedded
from qtgen.llm.local import server as local

pytestmark = [
    pytest.mark.live,
    pytest.mark.xdist_group("live"),
    pytest.mark.block_network(allowed_hosts=["127.0.0.1"]),
]


@pytest.fixture(autouse=True)
def _model_is_here() -> None:
    if embedded.find(os.environ) is None:
        pytest.skip("the embedded model is not on this machine; `make test` fetches it")


def test_one_page(qtgen: Callable[..., tuple[int, str, str]]) -> None:
    Path("q.csv").write_text("question,subject\nWhy is the sky blue?,Physics\n")
    code, out, err = qtgen("generate", "q.csv", "--json")
    assert code == 0, err
    assert "provider local (neither a key nor a base URL is set)" in err
    line = json.loads(out)
    assert line["usage"]["cost_usd"] == 0.0
    page = yaml.safe_load(Path(line["path"]).read_text().split("\n---\n")[0])
    assert (page["title"], page["subject"], page["score"]) == ("Why is the sky blue?", "Physics", -1.0)
    assert qtgen("validate", "outputs")[0] == 0


def test_the_server_stops_with_its_block() -> None:
    with local.serve(None, slots=1) as endpoint:
        port = int(str(endpoint.base_url).split(":")[2].split("/")[0])
        socket.create_connection(("127.0.0.1", port), timeout=5).close()
    with pytest.raises(OSError):  # noqa: PT011  # refused or reset, as the system likes
        socket.create_connection(("127.0.0.1", port), timeout=5)
