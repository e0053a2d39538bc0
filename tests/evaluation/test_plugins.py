"""Metrics of a user's own: they are measured, listed, documented, and part of the scorer's name."""

import importlib.metadata
import sys
from pathlib import Path

import pytest

from qtgen.errors import PluginError
from qtgen.evaluation import Case, Score, metric, plugins, score
from qtgen.evaluation.metrics import METRICS, SCORER, describe_metric, metric_directions
from qtgen.evaluation.scoring import Sample, score_samples

PLUGIN = '''
"""A metric and a format for tests."""
from qtgen.evaluation import Case, EvalReport, Score, eval_format, metric

@metric(direction="lower", version=3)
def exclamations(case: Case) -> Score:
    """Exclamation marks per sentence."""
    return Score(case.candidate.text.count("!") / len(case.candidate.sentences), "counted")

@eval_format("names")
def names(report: EvalReport) -> str:
    return "".join(f"{item.id}\\n" for item in report.items)
'''


@pytest.fixture
def plugin(tmp_path: Path, _registries: None) -> Path:
    file = tmp_path / "my_metrics.py"
    file.write_text(PLUGIN)
    plugins.load_plugins([file])
    return file


def test_without_plugins_the_scorer_is_its_version() -> None:
    assert plugins.scorer_name() == SCORER
    assert plugins.scorer_name("text-embedding-3") == f"{SCORER}+text-embedding-3"


def test_a_plugin_s_metric_is_measured_and_documented(plugin: Path) -> None:
    result = score("Why?", "Water boils.", "Water boils! It does!")
    assert result.metrics["exclamations"] == 1.0
    assert result.notes["exclamations"] == "counted"
    assert describe_metric(METRICS["exclamations"]).startswith("exclamations (range 0 to 1; lower is better; ")
    assert metric_directions()["exclamations"] == "lower"
    assert plugins.scorer_name() == f"{SCORER}+exclamations:3"


def test_worker_processes_know_the_plugin(plugin: Path) -> None:
    assert plugins.plugin_files() == (plugin,)
    samples = [Sample(n, "Why?", ("Water boils.",), "Water boils!") for n in range(70)]
    results = list(score_samples(samples, ["exclamations"], jobs=2))
    assert {result.metrics["exclamations"] for result in results} == {1.0}


@pytest.mark.usefixtures("_registries")
def test_installed_packages_register_their_metrics(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "installed_metrics.py").write_text(PLUGIN)
    info = tmp_path / "sample_plugin-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: sample-plugin\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[qtgen.metrics]\nsample = installed_metrics\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "installed_metrics", raising=False)
    plugins._load_installed.cache_clear()
    try:
        plugins.load_plugins()
        assert "exclamations" in METRICS
    finally:
        plugins._load_installed.cache_clear()
        sys.modules.pop("installed_metrics", None)


@pytest.mark.parametrize("name", ["rouge_l", "score", "judge"])
def test_a_plugin_cannot_take_the_name_of_another_metric(name: str) -> None:
    def function(case: Case) -> Score:
        """Return nothing."""
        return Score(None)

    function.__name__ = name
    with pytest.raises(PluginError, match=f"a metric named `{name}` already exists; rename the function"):
        metric()(function)


def test_a_metric_needs_a_docstring() -> None:
    def undocumented(case: Case) -> Score:
        return Score(None)

    with pytest.raises(PluginError, match="`undocumented` has no docstring"):
        metric()(undocumented)


def test_libraries_that_are_not_installed_have_no_version(monkeypatch: pytest.MonkeyPatch) -> None:
    assert plugins.library_versions()["wordfreq"] == importlib.metadata.version("wordfreq")
    monkeypatch.setattr(plugins, "_SCORING_LIBRARIES", ("numpy", "no-such-package"))
    assert list(plugins.library_versions()) == ["numpy"]
