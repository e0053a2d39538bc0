"""The public names of the package: they exist, they are light, and they do what their documentation shows."""

import subprocess
import sys

import pytest

import qtgen.evaluation as public
from qtgen.evaluation import EvalReport, evaluate, score
from support import ROOT


def test_every_public_name_exists() -> None:
    assert dir(public) == public.__all__
    assert all(hasattr(public, name) for name in public.__all__)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = public.nothing  # type: ignore[attr-defined]


def test_importing_public_names_loads_no_optional_dependency() -> None:
    code = (
        "import sys; from qtgen.evaluation import metric, Case, Score, EvalReport, score; "
        "from qtgen.evaluation.metrics import METRICS, describe_metric; "
        "from qtgen.evaluation.metrics.overall import describe_score; describe_score(); "
        "[describe_metric(known) for known in METRICS.values()]; "
        "print(*{'numpy', 'scipy', 'wordllama', 'sacrebleu', 'jinja2', 'openai', 'sqlalchemy', 'vcr', 'rich'} "
        "& set(sys.modules))"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert result.stdout.strip() == ""


def test_an_answer_is_scored_by_one_call() -> None:
    result = score("Why is the sky blue?", "Air scatters blue light more.", "Air scatters blue light more.")
    assert result.score == pytest.approx(1.0, abs=0.01)
    nuggets = score(
        "Why?", ["Ice melts.", "Water boils."], "Water boils.", must=["Water boils."], metrics=["must_recall"]
    )
    assert nuggets.metrics["must_recall"] == 1.0
    assert "bleu" not in nuggets.metrics
    assert score("Why?", "", "Water boils.").error is not None


def test_a_suite_is_evaluated_by_one_call() -> None:
    report = evaluate(ROOT / "evals" / "smoke")
    assert isinstance(report, EvalReport)
    assert report.gate
    assert report.gate.verdict == "no change shown"
