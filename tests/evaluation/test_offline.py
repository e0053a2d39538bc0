"""Evaluation without a network: replayed recordings, pages of a folder, and the baseline."""

from pathlib import Path

import pytest

from qtgen.errors import UsageError
from qtgen.evaluation.offline import evaluate, replay_settings, with_suite_settings
from qtgen.evaluation.suites.suite import load_suite
from qtgen.page.profile import default_profile
from qtgen.settings import Settings


def test_pages_of_a_folder_are_compared_with_a_given_baseline(smoke: Path) -> None:
    report = evaluate(smoke, pages=smoke / "references", baseline=smoke / "baseline.json", settings=Settings())
    assert (report.provider, report.model) == ("pages", str(smoke / "references"))
    assert report.gate
    assert report.gate.verdict == "better"


def test_a_suite_without_a_baseline_has_no_gate(smoke: Path) -> None:
    (smoke / "baseline.json").unlink()
    assert evaluate(smoke, pages=smoke / "references").gate is None
    with pytest.raises(UsageError, match=r"none\.json: no such file"):
        evaluate(smoke, pages=smoke / "references", baseline=smoke / "none.json")


def test_the_suite_s_settings_are_on_top_of_the_project_s(smoke: Path) -> None:
    (smoke / "suite.toml").write_text('provider = "openai"\nmodel = "m"\nbase_url = "http://localhost:8/v1"')
    project = Settings(model=("a", "b"), prompt="explain")
    settings = with_suite_settings(project, load_suite(smoke, default_profile()))
    assert (settings.provider, settings.model, settings.base_url) == ("openai", ("m",), "http://localhost:8/v1")
    assert settings.prompt == "explain"
    (smoke / "suite.toml").write_text("")
    assert with_suite_settings(project, load_suite(smoke, default_profile())).model == ("a",)


def test_a_replay_needs_no_key() -> None:
    key = replay_settings(Settings(provider="openai")).api_key
    assert key
    assert key.get_secret_value() == "replayed"
    assert replay_settings(Settings(provider="local")).api_key is None
