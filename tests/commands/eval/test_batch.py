"""`qtgen eval run --batch`."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from qtgen._util.text import money
from support import points_json
from support.batch_endpoint import BatchEndpoint, batch_endpoint

pytestmark = pytest.mark.block_network(allowed_hosts=["127.0.0.1"])
RunEval = Callable[..., tuple[int, str, str]]


@pytest.fixture
def provider(smoke: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[BatchEndpoint]:
    monkeypatch.setenv("QTGEN_IGNORE", "QT609")
    with batch_endpoint(tmp_path / "provider", answer=lambda _: points_json()) as endpoint:
        text = f'provider = "openai"\nmodel = "m"\nprompt = "explain"\nbase_url = "{endpoint.address}"\n'
        (smoke / "suite.toml").write_text(text)
        (smoke / "baseline.json").unlink()
        yield endpoint


def items(out: str) -> list[Any]:
    return [(item["repeat"], item["score"] is not None) for item in json.loads(out)["items"]]


def test_all_repeats_are_in_one_batch_and_every_run_asks_again(provider: BatchEndpoint, run_eval: RunEval) -> None:
    code, out, err = run_eval("run", "smoke", "--batch", "--repeats", 2, "--json")
    assert code == 0, err
    assert items(out) == [(1, True)] * 8 + [(2, True)] * 8
    assert [batch["request_counts"]["total"] for batch in provider.batches()] == [16]
    assert run_eval("run", "smoke", "--batch")[0] == 0
    assert [batch["request_counts"]["total"] for batch in provider.batches()] == [16, 8]
    assert not provider.live


def test_a_run_that_does_not_wait_is_resumed(provider: BatchEndpoint, run_eval: RunEval) -> None:
    provider.faults.seconds = 3_600
    code, out, err = run_eval("run", "smoke", "--batch", "--no-wait", "--json", "--junit", "r.xml")
    assert code == 0, err
    message = "8 pages pending; --batch --resume continues once the batches are finished"
    assert message in err
    assert json.loads(out) == {"suite": "smoke", "pending": message}
    assert f'<skipped message="{message}" />' in Path("r.xml").read_text()
    provider.faults.seconds = 0
    for batch in provider.batches():
        provider._save({**batch, "_due": 0})
    code, out, err = run_eval("run", "smoke", "--batch", "--resume", "--json")
    assert (code, items(out)) == (0, [(1, True)] * 8), err
    assert len(provider.batches()) == 1


@pytest.mark.parametrize("option", ["--record", "--deadline=6h", "--pages=."])
def test_what_cannot_be_combined(provider: BatchEndpoint, run_eval: RunEval, option: str) -> None:
    code, _, err = run_eval("run", "smoke", "--batch", option)
    assert (code, f"--batch cannot be combined with {option.split('=')[0]}" in err) == (2, True)


def test_pages_of_a_batch_and_their_judges_share_one_budget(
    provider: BatchEndpoint, run_eval: RunEval, tmp_path: Path
) -> None:
    prices = {"m": 1_000.0, "j": 1e9}  # no judgement fits into the budget
    tables = [f'[prices."{model}"]\ninput = {usd}\noutput = {usd}\nbatch = 0.5\n' for model, usd in prices.items()]
    (tmp_path / "qtgen.toml").write_text("".join(tables))
    pages = json.loads(run_eval("run", "smoke", "--batch", "--json")[1])["usage"]["cost_usd"]
    assert pages > 0
    budget = 25 * pages  # the ceilings of all pages of the batch fit
    code, out, _ = run_eval("run", "smoke", "--batch", "--judge", "j", "--budget", budget, "--json")
    report = json.loads(out)
    assert (code, report["judging"]["judges"]["j"]["failed"]) == (1, 24)
    assert f"might cost more than the {money(budget - pages)} left" in report["items"][0]["notes"]["judge"]
    assert len(provider.live) == 0
