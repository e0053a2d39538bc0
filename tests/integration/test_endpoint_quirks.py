"""Every quirk of an endpoint has a right outcome: pages, words, and how many requests it may take."""

import pytest

from support import own_quirks, shared_quirks
from support.quirks import Case, Run, check, load_quirks, run_case, shared_endpoint
from support.quirky_endpoint import quirky_endpoint

pytestmark = pytest.mark.block_network(allowed_hosts=["127.0.0.1"])


def test_every_quirk_has_a_case() -> None:
    assert {case.quirk for case in shared_quirks.CASES} == set(load_quirks().QUIRKS)
    assert {case.quirk for case in own_quirks.CASES} == set(own_quirks.QUIRKS)


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
