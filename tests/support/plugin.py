"""Shared fixtures. Real pages are read from ../shared, which a user's checkout does not have; those tests skip then."""

import os
import sys
import tarfile
from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from qtgen import cli
from qtgen._util.resources import shipped_folder
from qtgen.generation import answers
from qtgen.generation.config import GenerationConfig
from qtgen.generation.prompts import PromptLibrary
from qtgen.llm.cassettes import same_bytes, without_secrets
from qtgen.page.compile import default_layout
from qtgen.page.profile import default_profile
from qtgen.validation import plugins as validation_plugins
from qtgen.validation import workers
from qtgen.validation.rules import REGISTRY, PageChecker, PageFile, PageRule
from qtgen.validation.selection import choose_rules
from support import SENT_KEYS, SHARED, TODAY
from support.ray_cluster import running_ray

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
    checker = PageChecker(rules, profile=default_profile())

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


@pytest.fixture(scope="session")
def ray_cluster() -> Iterator[None]:
    """A Ray with two workers, which all tests of this process share."""
    pytest.importorskip("ray")
    with running_ray():
        yield


@pytest.fixture(autouse=True)
def _alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No setting of this machine reaches a test, and every test has a folder of its own."""
    for name in [
        name
        for name in os.environ
        if name.startswith(("OPENAI_", "OTEL_", "QTGEN_")) or name.lower().endswith("_proxy")
    ]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("COLUMNS", "100")  # texts wrap at the width of the terminal, if there is one
    monkeypatch.chdir(tmp_path)


# The tables that plugins add to, by the module that holds each; a module that is not loaded has no plugins.
_TABLES = {
    "qtgen.validation.rules.registry": "REGISTRY",
    "qtgen.validation.reports.registry": "FORMATS",
    "qtgen.evaluation.metrics.base": "METRICS",
    "qtgen.evaluation.reports": "FORMATS",
    "qtgen.llm.providers": "_REGISTRY",
}


def _is_of_plugin(value: Any) -> bool:
    """Return True if an entry of a table was registered outside qtgen."""
    for attribute in ("check", "render", "function", "connect"):
        if function := getattr(value, attribute, None):
            return not function.__module__.startswith("qtgen.")
    return not value.__module__.startswith("qtgen.")


@pytest.fixture(autouse=True)
def _no_plugins(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A test starts without plugins, and those that it loads are unloaded at its end."""
    monkeypatch.setattr(validation_plugins, "_loaded", validation_plugins.LoadedPlugins())
    yield
    for module, name in _TABLES.items():
        table = getattr(sys.modules.get(module), name, {})
        for key in [key for key, value in table.items() if _is_of_plugin(value)]:
            del table[key]
    for module in [module for module in sys.modules if module.startswith("qtgen_plugin_")]:
        del sys.modules[module]
    workers._page_checker.cache_clear()  # it is kept by the number of rules


@pytest.fixture
def qtgen(capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    """Run a command line in this process: exit code, stdout, stderr."""

    def run(*arguments: object) -> tuple[int, str, str]:
        code = cli.run([str(argument) for argument in arguments])
        out, err = capsys.readouterr()
        return code, out, err

    return run


@pytest.fixture(scope="session")
def library() -> PromptLibrary:
    return PromptLibrary(
        [shipped_folder("prompts")],
        answers.schemas_of(default_profile()),
        default_layout(),
    )


@pytest.fixture
def config(library: PromptLibrary) -> GenerationConfig:
    return GenerationConfig(library, choose_rules(profile=default_profile()), TODAY, default_profile(), repairs=2)


# --- recordings -------------------------------------------------------------------------------------------------------


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
