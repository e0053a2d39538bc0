"""Every machine format against its own schema, and what its readers rely on."""

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import xmlschema
from hypothesis import given
from hypothesis import strategies as st

from qtgen._util.text import json_text
from qtgen.validation.diagnostics import Diagnostic, Edit, Fix, Severity
from qtgen.validation.reports import ReportContext, get_format
from qtgen.validation.rules.example import EXAMPLE_PAGE, EXAMPLE_PATH
from support.validation import Run

SCHEMAS = Path(__file__).parents[2] / "schemas"
# The character before the fault takes two UTF-16 code units, so columns differ from those in code points.
BROKEN = (
    EXAMPLE_PAGE.replace("Osmosis moves", r"𝔘 Osmosis \( a \) moves & <b>bold</b>, 100%:")
    .replace("author:", "auther:")
    .replace("osmosis, membrane", "osmosis,membrane")
)


def schema(name: str) -> Any:
    return json.loads((SCHEMAS / name).read_text(encoding="utf-8"))


@pytest.fixture
def broken(qtgen: Run) -> Run:
    Path(EXAMPLE_PATH).parent.mkdir(parents=True)
    Path(EXAMPLE_PATH).write_text(BROKEN, encoding="utf-8")
    return qtgen


def test_sarif(broken: Run) -> None:
    code, out, _ = broken("validate", "outputs", "--format", "sarif")
    log = json.loads(out)
    assert code == 1
    assert not list(jsonschema.Draft4Validator(schema("sarif-schema-2.1.0.json")).iter_errors(log))
    run = log["runs"][0]
    assert run["columnKind"] == "utf16CodeUnits"
    by_code = {result["ruleId"]: result for result in run["results"]}
    assert all(run["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] == code for code, result in by_code.items())
    line = BROKEN.split("\n").index(next(text for text in BROKEN.split("\n") if "𝔘" in text)) + 1
    region = by_code["QT502"]["locations"][0]["physicalLocation"]["region"]
    units = "    𝔘 Osmosis ".encode("utf-16-le")
    assert (region["startLine"], region["startColumn"]) == (line, len(units) // 2 + 1)
    replaced = by_code["QT502"]["fixes"][0]["artifactChanges"][0]["replacements"]
    assert [part["insertedContent"]["text"] for part in replaced] == ["$", "$"]


def test_json_has_fixes_in_code_points(broken: Run) -> None:
    _, out, _ = broken("validate", "outputs", "--format", "json")
    found = {d["code"]: d for d in json.loads(out)}
    assert found["QT502"]["column"] == len("    𝔘 Osmosis ") + 1
    assert found["QT603"]["fix"]["safe"] is True
    assert found["QT202"]["fix"] is None
    assert json.loads(out) == sorted(json.loads(out), key=lambda d: (d["path"], d["line"], d["column"], d["code"]))


@given(text=st.text(), field=st.none() | st.text(), edits=st.lists(st.text(), max_size=2), safe=st.booleans())
def test_json_is_that_of_the_standard_library(text: str, field: str | None, edits: list[str], safe: bool) -> None:
    fix = Fix(safe, text, tuple(Edit(1, 2, 3, 4, edit) for edit in edits)) if edits else None
    found = [
        Diagnostic(path, 5, 6, 7, 8, "QT1", "name", Severity.ERROR, text, field, fix)
        for path in ("a.md", f"{text}.md", "\udcff\x1b\x7f\x85\u202e.md")
    ]
    lines = [*get_format("json").render(found, ReportContext(3, "1", (), lambda _: ()))]
    ends = (",", ",", "")
    assert lines == ["[", *(f"  {json_text(one.as_dict())}{end}" for one, end in zip(found, ends, strict=True)), "]"]


def test_gitlab(broken: Run) -> None:
    report = json.loads(broken("validate", "outputs", "--format", "gitlab")[1])
    assert not list(jsonschema.Draft7Validator(schema("gitlab-code-quality.schema.json")).iter_errors(report))
    prints = [finding["fingerprint"] for finding in report]
    assert len(set(prints)) == len(prints) > 3


def test_junit(broken: Run) -> None:
    xsd = xmlschema.XMLSchema(SCHEMAS / "junit-10.xsd", allow="local")
    xsd.validate(broken("validate", "outputs", "--format", "junit")[1])
    Path(EXAMPLE_PATH).write_text(EXAMPLE_PAGE, encoding="utf-8")
    code, out, _ = broken("validate", "outputs", "--format", "junit")
    xsd.validate(out)
    assert (code, 'name="1 pages checked"' in out) == (0, True)


def test_github_annotations(broken: Run) -> None:
    lines = broken("validate", "outputs", "--format", "github")[1].splitlines()
    assert lines[0].startswith(f"::warning file={EXAMPLE_PATH},line=16,endLine=16,col=5,")
    assert all(line.count("::") >= 2 for line in lines)
    assert any("::error " in line and "title=QT202 unknown-key::" in line for line in lines)


@pytest.mark.parametrize("form", ["json", "sarif", "gitlab", "junit", "github"])
def test_a_report_without_findings_is_a_complete_document(qtgen: Run, form: str) -> None:
    Path(EXAMPLE_PATH).parent.mkdir(parents=True)
    Path(EXAMPLE_PATH).write_text(EXAMPLE_PAGE, encoding="utf-8")
    code, out, _ = qtgen("validate", "outputs", "--format", form)
    assert code == 0
    if form in ("json", "sarif", "gitlab"):
        json.loads(out)


def test_the_carets_are_below_the_place(broken: Run) -> None:
    out = broken("validate", "outputs", "--select", "QT202")[1].splitlines()
    assert out[1:] == ["   17 | auther: QuickTakes", "      | ^^^^^^"]


def test_statistics_by_code_and_folder(broken: Run) -> None:
    code, out, _ = broken("validate", "outputs", "--statistics")
    assert code == 1
    assert "1  QT202  unknown-key" in out
    assert out.rstrip().endswith("outputs/biology")


def test_github_leaves_out_columns_of_a_place_over_several_lines() -> None:
    diagnostic = Diagnostic("a,b.md", 3, 1, 4, 2, "QT105", "invalid-text", Severity.ERROR, "50%")
    context = ReportContext(1, "0", [], lambda _: [])
    (line,) = get_format("github").render([diagnostic], context)
    assert line == "::error file=a%2Cb.md,line=3,endLine=4,title=QT105 invalid-text::50%25"
