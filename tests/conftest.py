"""Shared fixtures. Real pages are read from ../shared, which a user's checkout does not have; those tests skip then."""

import datetime as dt
import json
import os
import tarfile
from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from qtgen import answers, cli
from qtgen.commands.recipe import shipped
from qtgen.generator import Recipe
from qtgen.prompts import Library
from qtgen.records import Completion, Prompt, Usage
from qtgen.replay import same_bytes, without_secrets
from qtgen.rules import REGISTRY, PageChecker, PageFile
from qtgen.rules.base import PageRule
from qtgen.selection import choose_rules

ROOT = Path(__file__).resolve().parent.parent
SHARED = ROOT.parent / "shared"
TODAY = dt.date(2026, 1, 31)

# Tests are not timed: machines are noisy, and the first draw loads Unicode's tables.
settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")


@pytest.fixture(scope="session")
def real_pages() -> Mapping[str, bytes]:
    """Path -> bytes of every real page."""
    archive = SHARED / "real" / "pages.tar.gz"
    if not archive.exists():
        pytest.skip(f"{archive} is not here: real pages are not part of the project")
    with tarfile.open(archive) as tar:
        members = [m for m in tar if m.isfile() and m.name.endswith(".md")]
        return {m.name: tar.extractfile(m).read() for m in members}  # type: ignore[union-attr]


@pytest.fixture(scope="session")
def seed() -> bytes:
    """The page that the project started from."""
    files = sorted((SHARED / "seed").glob("*.md"))
    if not files:
        pytest.skip("../shared/seed is not here: real pages are not part of the project")
    return files[0].read_bytes()


@pytest.fixture(scope="session")
def passed_over() -> Callable[[PageFile], set[tuple[str, int, int]]]:
    """file -> what rules find in a page when all are asked, and the checker, which asks few, does not: code, place."""
    rules = [rule for rule in REGISTRY.values() if isinstance(rule, PageRule)]
    checker = PageChecker(rules)

    def of(file: PageFile) -> set[tuple[str, int, int]]:
        asked = {(d.code, d.line, d.column) for d in checker(file)}
        if not file.page.complete:
            return set()
        return {
            (rule.code, *file.page.position(finding.span.start))
            for rule in rules
            for finding in islice(rule.check(file), 100)
        } - asked

    return of


@pytest.fixture(autouse=True)
def _alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No setting of this machine reaches a test, and every test has a folder of its own."""
    for name in [
        name
        for name in os.environ
        if name.startswith(("OPENAI_", "OTEL_", "QTGEN_")) or name.lower().endswith("_proxy")
    ]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def qtgen(capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    """Run a command line in this process: exit code, stdout, stderr."""

    def run(*arguments: object) -> tuple[int, str, str]:
        code = cli.run([str(argument) for argument in arguments])
        out, err = capsys.readouterr()
        return code, out, err

    return run


@pytest.fixture(scope="session")
def library() -> Library:
    return Library([shipped("prompts")], {shape: answers.schema(shape) for shape in answers.SHAPES})


@pytest.fixture
def recipe(library: Library) -> Recipe:
    return Recipe(library, choose_rules(), TODAY, repairs=2)


class Scripted:
    """A provider that gives the answers (or raises the errors) it was handed, in order, and keeps what it was asked."""

    name = "scripted"
    model = "scripted-1"

    def __init__(self, *script: str | Exception) -> None:
        self.script = list(script)
        self.asked: list[Any] = []
        self.rejected = 0
        self.forgotten: list[str] = []

    async def complete(self, prompt: Prompt) -> Completion:
        return await self.send(prompt)

    def reject(self, completion: Completion) -> None:
        self.rejected += 1

    def forget(self, completion: Completion) -> None:
        self.forgotten.append(completion.text)

    async def send(self, body: Any) -> Completion:
        self.asked.append(body)
        step = self.script.pop(0)
        if isinstance(step, Exception):
            raise step
        return Completion(step, self.model, Usage(100, 50, 0, 0.25), f"request-{len(self.asked)}")


POINTS: dict[str, Any] = {
    "introduction": "Osmosis moves water through a membrane that holds the solute back, until both sides balance.",
    "points": [
        {
            "heading": heading,
            "explanation": f"{heading} matters, because water moves to the side with more solute in it.",
        }
        for heading in ("Gradient", "Membrane", "Pressure", "Balance")
    ],
    "worked_example": None,
    "summary": "Osmosis evens out concentrations by moving the water and not the solute.",
    "page_description": "Osmosis is the passage of water through a membrane to the side with more solute.",
    "page_keywords": ["osmosis", "membrane", "solute", "water", "diffusion"],
}


def points_json(**changes: Any) -> str:
    """A points answer that has no fault, with `changes`."""
    return json.dumps({**POINTS, **changes})


# --- recordings -------------------------------------------------------------------------------------------------------


SENT_KEYS: set[str] = set()
"""What the recorder saw as authorization before it was filtered."""


def pytest_recording_configure(config: pytest.Config, vcr: Any) -> None:
    vcr.register_matcher("bytes", same_bytes)


@pytest.fixture(scope="session")
def vcr_config() -> dict[str, Any]:
    """Endpoints stand on a free port, so host and port do not count; keys and cookies are never written."""
    return {
        "match_on": ["method", "path", "bytes"],
        "before_record_request": _without_secrets,
        "decode_compressed_response": True,
    }


def _without_secrets(request: Any) -> Any:
    for name, value in request.headers.items():
        if name.lower() == "authorization":
            SENT_KEYS.add(value if isinstance(value, str) else value[0])
    return without_secrets(request)


@pytest.fixture(autouse=True)
def _no_recording_unused(request: pytest.FixtureRequest) -> Iterator[None]:
    """A recording that its test does not play is a leftover."""
    yield
    if request.node.get_closest_marker("leaves_unplayed"):
        return
    if request.node.get_closest_marker("vcr") and request.config.getoption("--record-mode") == "none":
        cassette = request.getfixturevalue("vcr")
        assert cassette.all_played, f"unused recordings: {cassette.play_count} of {len(cassette)} played"
