"""Every command as a person meets it: what it prints, and its exit code."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import jsonschema
import pytest
import yaml

from qtgen import cli
from qtgen.commands._run import describe_models
from qtgen.errors import Interrupted
from qtgen.evaluation.metrics import METRICS
from qtgen.evaluation.metrics.guide import JUDGE_DOCS
from qtgen.page import schema
from qtgen.page.profile import default_profile
from qtgen.regeneration.reasons import REASONS
from qtgen.settings import Settings
from qtgen.validation.reports import format_names
from qtgen.validation.rules.example import EXAMPLE_PAGE, EXAMPLE_PATH
from qtgen.validation.rules.registry import rules_of
from support.default_tables import read_text

Run = Callable[..., tuple[int, str, str]]


def put(path: str, text: str) -> None:
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_text(text)


def test_help_names_every_command(qtgen: Run) -> None:
    code, out, _ = qtgen("--help")
    assert code == 0
    assert all(f"  {name} " in out for name in cli.COMMANDS)
    assert qtgen("--version")[1].startswith("qtgen, version ")


@pytest.mark.parametrize("name", list(cli.COMMANDS))
def test_every_command_has_help_that_begins_with_what_it_does(qtgen: Run, name: str) -> None:
    code, out, _ = qtgen(name, "--help")
    assert code == 0
    assert out.startswith(f"Usage: qtgen {name}")


def test_starting_loads_nothing_heavy() -> None:
    code = (
        "import sys; from qtgen import cli; cli.run(['--help']); print('qtgen.page' in sys.modules);"
        "cli.run(['validate', '--help']);"
        "print(sorted({'openai', 'jinja2', 'pyarrow', 'ray', 'rich', 'xllamacpp', 'tenacity'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "False" in done.stdout.splitlines(), "the help of all commands needs no page"
    assert done.stdout.splitlines()[-1] == "[]"


def test_validating_a_canonical_page_skips_imports_for_other_pages() -> None:
    put(EXAMPLE_PATH, EXAMPLE_PAGE)
    code = (
        f"import sys; from qtgen import cli; code = cli.run(['validate', {EXAMPLE_PATH!r}]);"
        "print(code, sorted({'yaml', 'tomlkit', 'pydantic', 'importlib.metadata', 'difflib'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "0 []\n"


# --- validate ---------------------------------------------------------------------------------------------------------


def test_validate_a_clean_page(qtgen: Run) -> None:
    put(EXAMPLE_PATH, EXAMPLE_PAGE)
    assert qtgen("validate", "outputs") == (0, "", "1 page checked: no problems found\n")


def test_validate_prints_places_and_a_summary(qtgen: Run) -> None:
    put(EXAMPLE_PATH, EXAMPLE_PAGE.replace("score: -1.0", "score: 7").replace("&nbsp;", ""))
    code, out, err = qtgen("validate", EXAMPLE_PATH)
    assert code == 1
    assert out.splitlines()[0] == f"{EXAMPLE_PATH}:25:8: QT205 `score` must be -1.0 or from 0 to 1, not 7"
    assert err == "1 page checked: 1 error and 1 warning in 1 page\n1 finding can be fixed with `--fix`\n"


def test_validate_json_has_the_contracts_shape(qtgen: Run) -> None:
    put(EXAMPLE_PATH, EXAMPLE_PAGE.replace("author", "auther"))
    code, out, _ = qtgen("validate", "--format", "json", "outputs")
    found = json.loads(out)
    assert code == 1
    assert [d["code"] for d in found] == ["QT202", "QT201"]
    assert set(found[0]) == {
        "path",
        "line",
        "column",
        "end_line",
        "end_column",
        "code",
        "name",
        "severity",
        "message",
        "field",
        "fix",
    }
    assert (found[0]["line"], found[0]["column"], found[0]["end_line"], found[0]["end_column"]) == (17, 1, 17, 7)


def test_select_and_ignore(qtgen: Run) -> None:
    put(EXAMPLE_PATH, EXAMPLE_PAGE.replace("auth", "awth").replace("score: -1.0", "score: 7"))
    assert "QT205" not in qtgen("validate", "--select", "QT201,QT202", "outputs")[1]
    assert [line.split()[1] for line in qtgen("validate", "--ignore", "QT20", "outputs")[1].splitlines()] == []
    code, _, err = qtgen("validate", "--select", "QT999", "outputs")
    assert (code, err) == (2, "qtgen: no rule has the code or name `QT999`; codes begin with QT\n")


def test_a_page_named_without_its_folder(qtgen: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    put(EXAMPLE_PATH, EXAMPLE_PAGE)
    monkeypatch.chdir(Path(EXAMPLE_PATH).parent)
    assert qtgen("validate", Path(EXAMPLE_PATH).name)[0] == 0


def test_warnings_alone_are_no_failure(qtgen: Run) -> None:
    put(EXAMPLE_PATH, EXAMPLE_PAGE.replace("&nbsp;", ""))
    code, out, _ = qtgen("validate", "outputs")
    assert (code, out.split()[1]) == (0, "QT106")


def test_a_path_that_is_not_there_and_a_folder_without_pages(qtgen: Run) -> None:
    assert qtgen("validate", "nowhere") == (2, "", "qtgen: nowhere: no such file or folder\n")
    Path("empty").mkdir()
    assert qtgen("validate", "empty") == (2, "", "qtgen: empty: no pages (*.md) in this folder\n")


def test_files_that_cannot_be_read_are_listed_and_the_rest_goes_on(qtgen: Run) -> None:
    put(EXAMPLE_PATH, EXAMPLE_PAGE)
    put("outputs/a/empty.md", "")
    Path("outputs/a/binary.md").write_bytes(bytes(range(256)))
    Path("outputs/a/dangling.md").symlink_to("nowhere")
    Path("outputs/a/loop").symlink_to("..")
    code, out, err = qtgen("validate", "outputs", "--ignore", "QT4")
    assert code == 1
    found = [line for line in out.splitlines() if line.startswith("outputs/")]
    assert [(line.split(":")[0].rpartition("/")[2], line.split()[1]) for line in found] == [
        ("binary.md", "QT105"),
        ("dangling.md", "QT108"),
        ("empty.md", "QT108"),
    ]
    assert err.startswith("4 pages checked: 3 errors")


# --- explain, schema, prompts, init -----------------------------------------------------------------------------------


def test_explain(qtgen: Run) -> None:
    code, out, _ = qtgen("explain")
    assert code == 0
    names = [line.split()[0] for line in out.splitlines()]
    assert names == [
        *sorted(rule.code for rule in rules_of(default_profile())),
        "score",
        *METRICS,
        *JUDGE_DOCS,
        *REASONS,
        *format_names(),
    ]
    assert qtgen("explain", "QT301")[1] == qtgen("explain", "title-mismatch")[1]
    assert "Why it is bad" in qtgen("explain", "qt301")[1]
    assert "reason   The text was written by a model that is not one of" in out
    assert "active if --older-than is given" in qtgen("explain", "old")[1]
    assert qtgen("explain", "QT000")[0] == 2


def test_the_schema_accepts_the_example_and_refuses_a_change(qtgen: Run) -> None:
    for target in ("json", "editor"):
        made = json.loads(qtgen("schema", "--for", target)[1])
        validator = jsonschema.validators.validator_for(made)
        validator.check_schema(made)
        data = json.loads(json.dumps(read_text(EXAMPLE_PAGE).data(), default=str))
        validator(made).validate(data)
        for change in ({"id": "x"}, {"auther": "y"}, {"date": 7}, {"score": 3}, {"_schema": "other"}):
            assert list(validator(made).iter_errors({**data, **change})), (target, change)
        assert list(validator(made).iter_errors({key: value for key, value in data.items() if key != "seo"}))
    assert json.loads(qtgen("schema", "--for", "editor")[1])["$schema"].endswith("draft-07/schema#")


def test_the_schema_for_the_editors_cms(qtgen: Run) -> None:
    made = yaml.safe_load(qtgen("schema", "--for", "cloudcannon")[1])
    inputs = made["collections_config"]["learn"]["_inputs"]
    assert inputs["$.title"] == {"type": "text", "comment": "The question.", "options": {"required": True}}
    assert inputs["seo.page_description"]["options"]["max_length"] == 122
    assert "related_article5.url" in inputs
    assert schema.cloudcannon_config(default_profile()) == made


def test_costs_of_a_ledger_that_is_not_there_make_none(qtgen: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QTGEN_LEDGER", "nowhere.sqlite")
    monkeypatch.setenv("QTGEN_CONCURENCY", "5")
    code, out, err = qtgen("costs", "--json")
    assert (code, json.loads(out)) == (0, [])
    assert f"no ledger at {Path('nowhere.sqlite').absolute()}\n" in err
    assert "warning: QTGEN_CONCURENCY is not a setting; did you mean `QTGEN_CONCURRENCY`?\n" in err
    assert not Path("nowhere.sqlite").exists()


def test_show_settings(qtgen: Run) -> None:
    base_url = 'base_url = "http://h/v1?api-version=2024-06-01"'
    put("qtgen.toml", f'model = "m-1"\nledger = "postgresql://me:secret@db/x"\n{base_url}\n')
    code, out, _ = qtgen("--show-settings")
    assert "postgresql://***@db/x" in out
    assert "http://h/v1?api-version=2024-06-01" in out
    assert "secret" not in out
    assert code == 0
    assert "model          = [m-1]" in out
    assert out.count("# default") > 10


def test_the_address_of_a_run_is_shown_without_secrets() -> None:
    settings = Settings(provider="openai", model=("m",)).model_copy(update={"base_url": "http://h/v1?key=secret"})
    assert describe_models(settings, ["m"]) == "provider openai: m at http://h/v1?key=***"
    assert describe_models(Settings(provider="openai"), ["m"]) == "provider openai: m at OpenAI"


# --- errors end in one place ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "code", "words"),
    [
        (Interrupted("interrupted with 3 of 9 left"), 130, "qtgen: interrupted with 3 of 9 left"),
        (KeyboardInterrupt(), 130, "qtgen: interrupted"),
        (ZeroDivisionError("oops"), 3, "this is a bug; please report it"),
    ],
)
def test_errors_become_a_line_and_a_code(
    qtgen: Run, monkeypatch: pytest.MonkeyPatch, error: BaseException, code: int, words: str
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(cli.qtgen, "main", fail)
    got, _, err = qtgen("explain")
    assert got == code
    assert words in err


def test_a_closed_pipe_is_no_error() -> None:
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    command = f"{sys.executable} -m qtgen explain | head -1; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, env=environment, check=False)
    assert done.stdout.startswith("QT101")
    assert done.stderr == ""
