"""Every report format against its own schema, and what its readers rely on."""

import json
from collections.abc import Callable
from pathlib import Path

import jsonschema
import pytest
import xmlschema

from qtgen.validation.diagnostics import Diagnostic, Severity
from qtgen.validation.reports import text as text_report
from qtgen.validation.rules.example import EXAMPLE_PAGE, EXAMPLE_PATH

Run = Callable[..., tuple[int, str, str]]
SCHEMAS = Path(__file__).parents[1] / "schemas"
# An astral character before what is wrong: columns differ in code points and UTF-16 units.
BROKEN = (
    EXAMPLE_PAGE.replace("Osmosis moves", r"𝔘 Osmosis \( a \) moves & <b>bold</b>, 100%:")
    .replace("author:", "auther:")
    .replace("osmosis, membrane", "osmosis,membrane")
)


def schema(name: str) -> dict[str, object]:
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
def test_nothing_found_is_a_whole_document_too(qtgen: Run, form: str) -> None:
    Path(EXAMPLE_PATH).parent.mkdir(parents=True)
    Path(EXAMPLE_PATH).write_text(EXAMPLE_PAGE, encoding="utf-8")
    code, out, _ = qtgen("validate", "outputs", "--format", form)
    assert code == 0
    if form in ("json", "sarif", "gitlab"):
        json.loads(out)


def test_the_caret_stands_below_the_place(broken: Run) -> None:
    out = broken("validate", "outputs", "--select", "QT202")[1].splitlines()
    assert out[1:] == ["   17 | auther: QuickTakes", "      | ^^^^^^"]


@pytest.mark.parametrize("column", [1, 60, 150, 400])
def test_a_long_line_is_cut_around_the_place(column: int) -> None:
    source = "".join(chr(0x4E00 + n) if n % 50 == 0 else chr(97 + n % 26) for n in range(400))
    diagnostic = Diagnostic("p", 1, column, 1, column + 3, "QT101", "x", Severity.ERROR, "m")
    shown, carets = (line.partition("| ")[2] for line in text_report.snippet(diagnostic, [source]).splitlines())
    assert len(shown) <= 102
    before = shown[
        : next(n for n in range(len(shown) + 1) if text_report.display_width(shown[:n]) == carets.index("^"))
    ]
    assert column > len(source) or shown[len(before)] == source[column - 1]


def test_control_characters_do_not_reach_the_terminal() -> None:
    diagnostic = Diagnostic("p", 1, 1, 1, 2, "QT105", "x", Severity.ERROR, "m")
    assert "\x1b" not in text_report.snippet(diagnostic, ["\x1b[31mred\x07"])


def test_statistics_by_code_and_folder(broken: Run) -> None:
    code, out, _ = broken("validate", "outputs", "--statistics")
    assert code == 1
    assert "1  QT202  unknown-key" in out
    assert out.rstrip().endswith("outputs/biology")
