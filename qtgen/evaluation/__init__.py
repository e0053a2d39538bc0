"""Evaluation: score answers against references, and compare runs with a baseline.

    from qtgen.evaluation import evaluate, score

    score("Why is the sky blue?", "Air molecules scatter blue light more.", "Because of scattering.").score
    evaluate("core").metrics["score"].mean

A metric of your own is a function with `@metric` in a plugin:

    from qtgen.evaluation import Case, Score, metric

    @metric(direction="lower")
    def exclamations(case: Case) -> Score:
        \"\"\"Number of exclamation marks, as a share of the sentences.\"\"\"
        return Score(case.candidate.text.count("!") / len(case.candidate.sentences))

Names are loaded when they are first used, so importing this package needs no optional dependency.
"""

from typing import TYPE_CHECKING

from qtgen._util.lazy import lazy_attributes

if TYPE_CHECKING:
    from qtgen.evaluation.metrics import Case, Direction, Score, metric
    from qtgen.evaluation.offline import evaluate
    from qtgen.evaluation.report import EvalItem, EvalReport, Verdict, load_report
    from qtgen.evaluation.reports import eval_format
    from qtgen.evaluation.scoring import SampleResult, score

_MODULES = {
    "Case": ".metrics",
    "Direction": ".metrics",
    "EvalItem": ".report",
    "EvalReport": ".report",
    "SampleResult": ".scoring",
    "Score": ".metrics",
    "Verdict": ".report",
    "eval_format": ".reports",
    "evaluate": ".offline",
    "load_report": ".report",
    "metric": ".metrics",
    "score": ".scoring",
}

__all__ = [
    "Case",
    "Direction",
    "EvalItem",
    "EvalReport",
    "SampleResult",
    "Score",
    "Verdict",
    "eval_format",
    "evaluate",
    "load_report",
    "metric",
    "score",
]

if not TYPE_CHECKING:  # a type checker sees the names above, and finds misspelled ones
    __getattr__, __dir__ = lazy_attributes(__name__, _MODULES)
