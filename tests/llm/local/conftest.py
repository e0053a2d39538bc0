"""The fake hub, and an empty cache."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from qtgen.llm.local import table
from support.hub import FakeHub, fake_hub, tiny_table


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[FakeHub]:
    """A hub that the library asks, and a hub's cache that is empty."""
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub-cache"))
    monkeypatch.setattr(constants, "DOWNLOAD_CHUNK_SIZE", 10_000)  # what a dropped connection can lose
    monkeypatch.setattr("time.sleep", lambda seconds: None)  # the library waits before it retries
    with fake_hub() as running:
        yield running


@pytest.fixture
def use_table(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Return a function that replaces the shipped table by the tiny one."""

    def use(**changes: Any) -> None:
        tiny = tiny_table(**changes)
        for module in ("table", "download"):
            monkeypatch.setattr(f"qtgen.llm.local.{module}.load_table", lambda: tiny)

    table.load_table.cache_clear()
    return use


@pytest.fixture
def environ(tmp_path: Path, request: pytest.FixtureRequest) -> dict[str, str]:
    variables = {"XDG_CACHE_HOME": str(tmp_path / "cache")}
    if "hub" in request.fixturenames:
        variables["HF_ENDPOINT"] = request.getfixturevalue("hub").address
    return variables
