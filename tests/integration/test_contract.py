"""The command-line contract: exit codes, JSON shapes, rule codes and places, compared with golden files.

The golden files were recorded from the version before the code was laid out in packages. They hold no wording, so
messages may improve. If one of these tests fails, a program that reads qtgen's output may fail too.
"""

import difflib
import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from support import ROOT, contract, points_json
from support.contract import CASES, Run, check_contract, without_words, write_site
from support.endpoint import FakeEndpoint, Reply, fake_endpoint

pytestmark = [pytest.mark.block_network(allowed_hosts=["127.0.0.1"]), pytest.mark.xdist_group("contract")]
SETTINGS = contract.read_golden("settings")
ON_REQUEST = ["QT410"]
"""Rules that run only if they are selected."""
REPORTED = ["QT101", "QT105", "QT201", "QT203", "QT403", "QT405", "QT409", "QT501", "QT503", "QT602"]
"""Rules whose findings stand for all in the report formats: every severity, with and without fixes, between pages."""


@pytest.fixture
def command(qtgen: Run) -> Run:
    """Run a command line with the version under test: this checkout, unless another one is being recorded."""
    return contract.other_version if contract.COMMAND else qtgen


@pytest.fixture
def clean(tmp_path: Path) -> Path:
    """A site of two pages without a fault, in the current folder."""
    write_site({})
    return tmp_path


# --- validate ---------------------------------------------------------------------------------------------------------


def test_findings_and_fixes_of_every_rule(command: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    behaviour = {}
    for code, case in CASES.items():
        folder = tmp_path / code
        write_site(case, folder)
        monkeypatch.chdir(folder)
        select = ["--select", code] if code in ON_REQUEST else []
        exit_code, out, _ = command("validate", "outputs", "--format", "json", "--no-cache", *select)
        findings = without_words(json.loads(out), "message", "description")
        assert code in {finding["code"] for finding in findings}
        behaviour[code] = {"exit": exit_code, "findings": findings}
    check_contract("findings", behaviour)


def test_report_formats(command: Run) -> None:
    for code in REPORTED:
        write_site(CASES[code], Path(code))

    def validate(*arguments: str) -> str:
        exit_code, out, _ = command("validate", ".", "--no-cache", *arguments)
        assert exit_code == 1
        return out

    sarif = without_words(json.loads(validate("--format", "sarif")), "text", "markdown", "version", "semanticVersion")
    check_contract("sarif", sarif)
    check_contract("gitlab", contract.gitlab(validate("--format", "gitlab")))
    check_contract("github", contract.github(validate("--format", "github")))
    check_contract("junit", contract.junit(validate("--format", "junit")))
    check_contract("text", contract.text_findings(validate()))


@pytest.mark.parametrize("unsafe", [False, True], ids=["safe", "unsafe"])
def test_fixed_pages(command: Run, unsafe: bool) -> None:
    changes = {}
    for code, case in CASES.items():
        write_site(case, Path(code))
        before = _pages(code)
        command("validate", f"{code}/outputs", "--fix", "--no-cache", *(["--unsafe"] if unsafe else []))
        changes[code] = [
            line
            for path, after in _pages(code).items()
            for line in list(difflib.unified_diff(before[path], after, path, path, n=0, lineterm=""))[1:]
        ]
    check_contract(f"fixed-{'unsafe' if unsafe else 'safe'}", changes)


def _pages(folder: str) -> dict[str, list[str]]:
    files = sorted(Path(folder).rglob("*.md"))
    return {file.name: file.read_bytes().decode().split("\n") for file in files}


# --- schema, prompts, settings ----------------------------------------------------------------------------------------


def test_schemas(command: Run) -> None:
    kinds = {kind: command("schema", "--for", kind)[1] for kind in ("json", "editor", "cloudcannon")}
    parsed = {kind: yaml.safe_load(out) if kind == "cloudcannon" else json.loads(out) for kind, out in kinds.items()}
    check_contract("schemas", without_words(parsed, "description", "comment"))


def test_rendered_prompts(command: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QTGEN_ANSWER_FORMAT", "json_schema")
    listed = json.loads(command("prompts", "list", "--json")[1])
    behaviour = {"list": [{**prompt, "path": Path(prompt["path"]).name} for prompt in listed]}
    for prompt in listed:
        arguments = ["--question", "What is osmosis?", "--subject", "Biology", "--json"]
        exit_code, out, _ = command("prompts", "show", prompt["name"], *arguments)
        assert exit_code == 0
        body = json.loads(out)
        if prompt["style"] == "short":  # its answers are in Markdown
            body["grammar"] = body["grammar"].partition(" ::= ")[0]
        else:
            body["response_format"]["json_schema"]["schema"] = _bare(body["response_format"]["json_schema"]["schema"])
        behaviour[prompt["name"]] = body
    check_contract("prompts", behaviour)


def _bare(node: Any) -> Any:
    """Remove titles and descriptions from a JSON Schema: they are not part of a request's shape."""
    if isinstance(node, list):
        return [_bare(item) for item in node]
    if not isinstance(node, dict):
        return node
    return {
        key: {name: _bare(sub) for name, sub in value.items()} if key == "properties" else _bare(value)
        for key, value in node.items()
        if key not in ("title", "description", "default")
    }


def test_names_and_defaults_of_settings(command: Run) -> None:
    """Settings may be added. Those that exist keep their names, order and defaults."""
    lines = command("--show-settings")[1].splitlines()
    defaults = dict(re.sub(r" +", " ", line.partition("#")[0]).strip().split(" = ", 1) for line in lines)
    check_contract("settings", {name: defaults[name] for name in defaults if contract.UPDATING or name in SETTINGS})


# --- generate, regenerate, costs --------------------------------------------------------------------------------------

_LINE_WORDS = ("message", "description")
_TOO_LONG = "Osmosis is " + "the passage of water through a membrane " * 5


def _answer(body: dict[str, Any]) -> Reply:
    """Answer by the question's own words, in whatever shape the request's schema asks for."""
    text = json.dumps(body["messages"])
    if "refused" in text:
        return Reply(refusal="I cannot help with that.")
    if "cut off" in text:
        return Reply(points_json()[:100], finish_reason="length")
    if "invalid" in text:
        return Reply('{"introduction": 7}')
    if "rejected" in text:
        return Reply("this request is not possible", status=400)
    if "page_description" in text and "introduction" not in json.dumps(body["response_format"]):
        return Reply(json.dumps({key: json.loads(points_json())[key] for key in ("page_description", "page_keywords")}))
    return Reply(points_json())


@pytest.fixture
def endpoint(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeEndpoint]:
    with fake_endpoint(_answer) as endpoint:
        monkeypatch.setenv("OPENAI_BASE_URL", endpoint.address)
        monkeypatch.setenv("OPENAI_API_KEY", "sk-test")
        monkeypatch.setenv("QTGEN_TRIES", "1")
        Path("qtgen.toml").write_text('model = ["model-1"]\n[prices.model-1]\ninput = 1.0\noutput = 2.0\n')
        yield endpoint


def _write_questions(*questions: str) -> None:
    rows = [
        {"question": question, "subject": "Biology", "id": 101 + number, "date": "2026-01-31"}
        for number, question in enumerate(questions)
    ]
    Path("questions.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))


def test_generated_pages_and_their_costs(command: Run, endpoint: FakeEndpoint) -> None:
    _write_questions(
        "What is osmosis?",
        "Why is this question refused?",
        "Why is this answer cut off?",
        "Why is this answer invalid?",
        "Why is this request rejected?",
    )
    generate = ("generate", "questions.jsonl", "--json", "--concurrency", "1")
    first = command(*generate)
    second = command(*generate)
    requests = len(endpoint.requests)
    dry = command(*generate, "--dry-run", "--fresh")
    assert len(endpoint.requests) == requests
    provenance = [json.loads(line) for line in Path("outputs/.qtgen/provenance.jsonl").read_text().splitlines()]
    costs = {by: json.loads(command("costs", "--json", "--by", by)[1]) for by in ("model", "run", "day")}
    behaviour = {
        "exit": [first[0], second[0], dry[0]],
        "lines": contract.json_lines(first[1], *_LINE_WORDS),
        "lines of the second run": contract.json_lines(second[1], *_LINE_WORDS),
        "requests": requests,
        "keys of the dry run": list(json.loads(dry[1])),
        "keys of the provenance": [list(record) for record in provenance],
        "costs by model": costs["model"],
        "keys of the costs": {by: [list(row) for row in rows] for by, rows in costs.items()},
        "page": Path("outputs/biology/what-is-osmosis.md").read_text().split("\n"),
        "folder": sorted(str(file) for file in Path("outputs").rglob("*") if file.is_file()),
        "ledger": Path(".qtgen/ledger.sqlite").exists(),
    }
    check_contract("generate", behaviour)


def test_regenerated_pages(command: Run, endpoint: FakeEndpoint) -> None:
    write_site(CASES["QT601"])
    page = Path("outputs/biology/what-is-osmosis.md")
    before = page.read_text()
    arguments = ("regenerate", "outputs", "--because", "QT601", "--json")
    check, dry = command(*arguments, "--check"), command(*arguments, "--dry-run")
    assert page.read_text() == before
    assert endpoint.requests == []
    done = command(*arguments)
    behaviour = {
        "exit": [check[0], dry[0], done[0]],
        "check": without_words(json.loads(check[1]), *_LINE_WORDS),
        "dry run": _without_seconds(json.loads(dry[1])),
        "lines": contract.json_lines(done[1], *_LINE_WORDS),
        "requests": len(endpoint.requests),
        "page": page.read_text().split("\n"),
    }
    check_contract("regenerate", behaviour)


def _without_seconds(value: Any) -> Any:
    if isinstance(value, list):
        return [_without_seconds(item) for item in value]
    if not isinstance(value, dict):
        return value
    return {key: None if key == "seconds" else _without_seconds(item) for key, item in value.items()}


# --- link, eval -------------------------------------------------------------------------------------------------------


def test_links(command: Run) -> None:
    for suite in ("smoke", "core"):
        for file in sorted((ROOT / "evals" / suite / "references").glob("*.md")):
            subject = re.findall(r"^subject: (.*)$", file.read_text(), re.MULTILINE)[0]
            folder = Path("content", subject.lower().replace(" ", "-"))
            folder.mkdir(parents=True, exist_ok=True)
            shutil.copy(file, folder)
    before = command("link", "content", "--check", "--json")
    dry = command("link", "content", "--dry-run", "--json")
    done = command("link", "content", "--json")
    after = command("link", "content", "--check", "--json")
    repairs = {}
    for code in ("QT403", "QT405", "QT407"):
        write_site(CASES[code], Path(code))
        repairs[code] = command("link", f"{code}/outputs", "--corpus", f"{code}/outputs", "--json")
    behaviour = {
        "exit": [before[0], dry[0], done[0], after[0]],
        "before": json.loads(before[1]),
        "same as a dry run": json.loads(dry[1])["changed"] == json.loads(done[1])["changed"],
        "done": without_words(json.loads(done[1]), "reason", "message"),
        "after": json.loads(after[1]),
        "repairs": {code: [exit_code, json.loads(out)] for code, (exit_code, out, _) in repairs.items()},
    }
    check_contract("links", behaviour)


def test_scores(command: Run) -> None:
    reference = json.loads(points_json())["introduction"] + " " + json.loads(points_json())["summary"]
    records: list[Any] = [
        {"id": "same", "question": "What is osmosis?", "reference": reference, "candidate": reference},
        {"id": "less", "question": "What is osmosis?", "reference": [reference], "candidate": "Water moves."},
        {"id": "empty", "question": "What is osmosis?", "reference": reference, "candidate": ""},
        {"id": "incomplete", "question": "What is osmosis?"},
        ["not an object"],
    ]
    Path("items.jsonl").write_text("".join(json.dumps(record) + "\n" for record in records) + "not JSON\n")
    exit_code, out, _ = command("eval", "score", "items.jsonl", "--jobs", "1")
    check_contract("scores", {"exit": exit_code, "lines": _rounded(contract.json_lines(out, "message"))})


def _rounded(value: Any) -> Any:
    """Round numbers to what every machine agrees on."""
    if isinstance(value, dict):
        return {key: _rounded(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_rounded(item) for item in value]
    return round(value, 4) if isinstance(value, float) else value


def test_evaluation_report(command: Run) -> None:
    Path("evals").symlink_to(ROOT / "evals")
    exit_code, _, _ = command("eval", "run", "smoke", "--json", "report.json", "--junit", "report.xml")
    report = json.loads(Path("report.json").read_text())
    compared = command("eval", "compare", "report.json", "report.json", "--json", "-")
    behaviour = {
        "exit": [exit_code, compared[0]],
        "report": _shape(report),
        "comparison": _shape(json.loads(compared[1])),
        "junit": contract.junit(Path("report.xml").read_text()),
    }
    check_contract("evaluation", behaviour)


def _shape(value: Any) -> Any:
    """Describe a JSON value by its keys and the types of its values; a list by its length and its first item."""
    if isinstance(value, dict):
        return {key: _shape(item) for key, item in value.items()}
    if isinstance(value, list):
        return [len(value), *map(_shape, value[:1])]
    return type(value).__name__


# --- exit codes -------------------------------------------------------------------------------------------------------

EXIT_CODES = [
    "--help",
    "--version",
    "no-such-command",
    "--no-such-option",
    "validate outputs",
    "validate faulty",
    "validate faulty --select QT101",
    "validate faulty --ignore QT203",
    "validate faulty --diff",
    "validate outputs --diff",
    "validate missing",
    "validate",
    "validate outputs --select QT999",
    "validate outputs --unsafe",
    "validate outputs --statistics --format json",
    "validate outputs --format yaml",
    "validate outputs --corpus missing",
    "validate outputs --stdin-filename page.md",
    "explain",
    "explain QT101",
    "explain rouge_l",
    "explain old",
    "explain QT999",
    "schema",
    "schema --for nothing",
    "prompts list",
    "prompts show explain --question Why?",
    "prompts show nothing --question Why?",
    "prompts show explain",
    "costs",
    "costs --by week",
    "init project",
    "init project",
    "link outputs --check",
    "link outputs --dry-run",
    "link missing",
    "link outputs --check --relink --diff --html report.html --corpus missing",
    "generate missing.csv",
    "generate questions.txt",
    "generate questions.txt --subject Biology --dry-run --provider local",
    "generate questions.txt --subject Biology --provider openai",
    "generate questions.txt --subject Biology --budget -1",
    "generate unknown-column.csv --subject Biology",
    "generate questions.txt --subject Biology --prompt nothing",
    "regenerate outputs --check",
    "regenerate outputs --dry-run",
    "regenerate missing --check",
    "regenerate outputs --because nothing --check",
    "regenerate outputs --only nothing --check",
    "eval",
    "eval run missing",
    "eval score missing.jsonl",
    "eval score empty.jsonl",
    "eval score empty.jsonl --metrics nothing",
    "eval compare missing.json missing.json",
    "eval meta --data missing",
    "eval power",
    "eval power --deviation 0.1",
    "eval verify",
    "eval verify missing.json",
    "eval calibrate missing.json --labels missing.jsonl",
]


def test_exit_codes(command: Run, clean: Path) -> None:
    write_site(CASES["QT203"], Path("faulty"))
    Path("questions.txt").write_text("What is osmosis?\n")
    Path("unknown-column.csv").write_text("question,autor\nWhat is osmosis?,me\n")
    Path("empty.jsonl").touch()
    check_contract("exit-codes", [[line, command(*line.split())[0]] for line in EXIT_CODES])


@pytest.mark.parametrize(
    "text",
    ["unknown = 1\n", 'tries = "many"\n', "not toml\n", 'api_key = "sk-1"\n'],
    ids=["unknown", "type", "syntax", "secret"],
)
def test_invalid_settings_exit_with_2_and_one_line(command: Run, clean: Path, text: str) -> None:
    Path("qtgen.toml").write_text(text)
    exit_code, out, err = command("validate", "outputs")
    assert (exit_code, out, err.count("\n")) == (2, "", 1)
    assert "qtgen.toml" in err
