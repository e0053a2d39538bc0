"""Runs against endpoints with quirks: their pages, messages and number of requests.

`make soak` sends 600 requests through mixed faults and an outage.
"""

import os

import pytest

from support import own_quirks, shared_quirks
from support.mixed_faults import MixedFaults
from support.quirks import Case, Run, check, load_quirks, run_case, shared_endpoint
from support.quirky_endpoint import quirky_endpoint

pytestmark = pytest.mark.block_network(allowed_hosts=["127.0.0.1"])
MANY = int(os.environ.get("QTGEN_MANY", "100"))


def test_every_shared_quirk_has_a_case() -> None:
    assert {case.quirk for case in shared_quirks.CASES} == set(load_quirks().QUIRKS)


@pytest.mark.parametrize("case", shared_quirks.CASES, ids=lambda case: case.id)
def test_a_run_against_a_shared_quirk(case: Case, qtgen: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AZURE_KEY", "azure-key-1234567890")
    with shared_endpoint(case, monkeypatch) as endpoint:
        result = run_case(case, endpoint, qtgen, monkeypatch)
    check(case, result)


@pytest.mark.parametrize("case", own_quirks.CASES, ids=lambda case: case.id)
def test_a_run_against_a_quirk(case: Case, qtgen: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    with quirky_endpoint(own_quirks.QUIRKS[case.quirk], case) as endpoint:
        result = run_case(case, endpoint, qtgen, monkeypatch)
    check(case, result)


def test_mixed_faults_and_an_outage_lose_nothing(qtgen: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every page is written. No answer is discarded or paid for twice."""
    quirk = MixedFaults(outage_from=MANY // 3)
    case = Case("", pages=MANY, questions=MANY, most=3 * MANY)
    with quirky_endpoint(quirk, case) as endpoint:
        result = run_case(case, endpoint, qtgen, monkeypatch)
    check(case, result)
    assert len(quirk.answered) == len(set(quirk.answered)) == MANY
    assert quirk.faults > MANY / 10
