"""Recording: whatever ends a run, nothing that was received is lost, and a cassette gives the report that it made."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from qtgen.evaluation.tapes import Journal
from support import ROOT
from support.eval_endpoint import DROP, GARBAGE, REFUSED, EvalEndpoint, eval_endpoint, question_of, use_endpoint

RunEval = Callable[..., tuple[int, str, str]]
pytestmark = pytest.mark.block_network(allowed_hosts=["127.0.0.1"])


@pytest.fixture
def endpoint(smoke: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[EvalEndpoint]:
    monkeypatch.setenv("QTGEN_IGNORE", "QT609")
    monkeypatch.setenv("QTGEN_TRIES", "1")
    (tmp_path / "qtgen.toml").write_text("")
    with eval_endpoint() as (endpoint, address):
        use_endpoint(smoke, address)
        yield endpoint


@pytest.fixture
def cassettes(smoke: Path) -> Path:
    return smoke / "cassettes"


def comparable(out: str) -> dict[str, Any]:
    """Return what must be equal in a report and in its replay."""
    report = json.loads(out)
    return {key: report[key] for key in ("items", "metrics", "usage", "judges", "recordings", "repeats")}


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("reaction", [500, 400, 429, 403, DROP, GARBAGE])
def test_requests_that_fail_keep_the_old_cassette_and_only_they_are_sent_again(
    endpoint: EvalEndpoint, run_eval: RunEval, cassettes: Path, reaction: int
) -> None:
    cassette = cassettes / "completions.yaml"
    assert run_eval("run", "smoke", "--record")[0] == 0
    before = cassette.read_bytes()
    failing = sorted({question_of(body) for body in endpoint.bodies})[:3]
    endpoint.work()
    endpoint.fail_questions("|".join(map(_escaped, failing)), reaction)
    code, out, err = run_eval("run", "smoke", "--record", "--json", "--fresh")
    assert code == 1
    assert json.loads(out)["recordings"]["unpublished"] == ["3 requests got no response that can be recorded"]
    assert "nothing was replaced: --record continues this recording" in err
    assert cassette.read_bytes() == before
    assert run_eval("run", "smoke")[0] == 0, "the old cassette is not usable"
    endpoint.work()
    code, out, err = run_eval("run", "smoke", "--record", "--json")
    assert code == 0, err
    assert sorted(map(question_of, endpoint.bodies)) == failing
    assert "5 of 5 responses of an unfinished recording are used again; --fresh asks again for all" in err
    assert names(cassettes) == ["completions.yaml"]
    assert cassette.read_bytes() != before
    assert comparable(run_eval("run", "smoke", "--json")[1]) == comparable(out)


def _escaped(question: str) -> str:
    return question.replace("?", r"\?").replace("(", r"\(").replace(")", r"\)")
