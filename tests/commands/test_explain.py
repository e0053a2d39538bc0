"""`qtgen explain`: rules, metrics, reasons and report formats."""

import subprocess
import sys
from pathlib import Path

import pytest

from qtgen.evaluation.metrics import JUDGE_METRICS, METRICS
from qtgen.page.profile import default_profile
from qtgen.regeneration.reasons import REASONS
from qtgen.validation.reports import format_names
from qtgen.validation.rules import rules_of
from support.validation import Run


def test_the_list_has_every_name_with_its_kind(qtgen: Run) -> None:
    code, out, err = qtgen("explain")
    assert (code, err) == (0, "")
    names = [line.split()[0] for line in out.splitlines()]
    assert names == [
        *(rule.code for rule in rules_of(default_profile())),
        "score",
        *METRICS,
        *JUDGE_METRICS,
        *REASONS,
        *format_names(),
    ]


def test_a_rule_by_code_and_by_name_in_any_case(qtgen: Run) -> None:
    text = qtgen("explain", "QT301")[1]
    assert "Why it is bad" in text
    assert "qtgen reports" in text
    assert qtgen("explain", "Title-Mismatch")[1] == qtgen("explain", "qt301")[1] == text


@pytest.mark.parametrize("name", ["contradiction", "judge_must_recall", "old", "sarif"])
def test_a_metric_a_reason_and_a_report_format(qtgen: Run, name: str) -> None:
    code, out, _ = qtgen("explain", name)
    assert code == 0
    assert name in out.splitlines()[0]


def test_the_overall_score_and_its_weights(qtgen: Run) -> None:
    code, out, _ = qtgen("explain", "score")
    assert code == 0
    assert out.startswith("score (range 0 to 1")
    assert "+0.592  coverage" in out
    assert "contradiction: nothing up to 0.02, 75% of the score from 0.35 on" in out


@pytest.mark.parametrize(
    ("name", "remedy"),
    [
        ("QT2011", "did you mean `QT201`?"),
        ("title-mismach", "did you mean `title-mismatch`?"),
        ("contradicton", "did you mean `contradiction`?"),
        ("zzzzzz", "`qtgen explain` lists all names"),
    ],
)
def test_an_unknown_name_gets_a_suggestion(qtgen: Run, name: str, remedy: str) -> None:
    code, out, err = qtgen("explain", name)
    assert (code, out) == (2, "")
    assert err == f"qtgen: no rule, metric, reason or report format is called `{name}`; {remedy}\n"


def test_rules_are_explained_without_the_extras() -> None:
    code = (
        "import sys; sys.modules['qtgen.evaluation.metrics'] = sys.modules['qtgen.regeneration.reasons'] = None;"
        "from qtgen import cli; print(cli.run(['explain', 'QT301']), cli.run(['explain']), cli.run(['explain', 'x']))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "0 0 2"
    assert "metrics are not listed, because the `evals` extra is not installed" in done.stderr


def test_a_reason_that_no_page_of_the_site_can_have_is_not_explained(qtgen: Run) -> None:
    site = Path(__file__).parents[1] / "fixtures" / "sites" / "workshop" / "site.toml"
    code, out, err = qtgen("explain", "low-score", "--site", site)
    assert (code, out) == (2, "")
    assert "the reason low-score does not apply to the site Harbour Workshop; `qtgen explain` lists" in err
    assert "low-score" not in qtgen("explain", "--site", site)[1]
    assert "even if it keeps its `published`" in qtgen("explain", "old", "--site", site)[1]
