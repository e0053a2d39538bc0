"""Every format of the report renders every kind of report."""

import re
from dataclasses import replace

import pytest

from qtgen.errors import PluginError
from qtgen.evaluation import eval_format
from qtgen.evaluation.report import EvalReport
from qtgen.evaluation.reports import FORMATS
from support.eval_reports import SIXTY, VARIANTS


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("name", VARIANTS)
def test_every_format_renders_every_report(name: str, form: str) -> None:
    text = FORMATS[form](VARIANTS[name])
    assert text.endswith("\n")
    assert "None" not in text
    assert "nan" not in re.findall(r"\w+", text)


@pytest.mark.usefixtures("_registries")
def test_a_format_is_registered_under_its_own_name_only() -> None:
    @eval_format("suite-name")
    def render(report: EvalReport) -> str:
        return f"{report.suite}\n"

    assert FORMATS["suite-name"](SIXTY) == "core\n"
    with pytest.raises(PluginError, match="a report format named `json` already exists"):
        eval_format("json")(render)


def test_a_report_without_scores_can_be_rendered() -> None:
    report = replace(SIXTY, metrics={}, gate=None, items=())
    assert all(render(report) for render in FORMATS.values())
