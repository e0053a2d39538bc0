"""What works without optional dependencies, and which extra a command asks for.

`make base` shows the same with a wheel in a fresh environment, and measures it.
"""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from qtgen import cli
from qtgen.validation.rules.example import EXAMPLE_PAGE, EXAMPLE_PATH
from support import ROOT, extras, points_json
from support.extras import PROJECT, hidden_modules, run_with_extras


@pytest.fixture(autouse=True)
def page(tmp_path: Path) -> Path:
    file = tmp_path / EXAMPLE_PATH
    file.parent.mkdir(parents=True)
    file.write_text(EXAMPLE_PAGE, encoding="utf-8")
    (tmp_path / "questions.csv").write_text("question,subject\nWhat is a cell?,Biology\n")
    return file


def test_the_base_install_hides_what_it_does_not_need() -> None:
    hidden = hidden_modules(())
    assert {"openai", "jinja2", "sqlalchemy", "rich", "numpy", "faiss", "xllamacpp"} <= hidden
    assert not hidden & {"click", "pydantic", "yaml", "re2", "msgspec", "xxhash", "watchfiles", "anyio"}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ("--help", "validate"),
        ("--version", "qtgen"),
        ("--show-settings", "provider"),
        ("validate outputs", "1 page checked"),
        ("validate outputs --format sarif", "2.1.0"),
        ("schema", "$schema"),
        ("schema --for cloudcannon", "_inputs"),
        ("explain", "QT608"),
        ("explain QT101", "invalid-yaml"),
        ("init project", "created"),
        ("init --from outputs", "created  site.toml"),
        ("schema --for profile", "roles"),
        ("migrate --help", "--dry-run"),
        ("review --help", "--read-only"),
        ("completion bash", "complete"),
    ],
)
def test_the_base_install_is_enough(arguments: str, words: str) -> None:
    done = run_with_extras((), *arguments.split())
    assert done.returncode == 0, done.stderr
    assert words in done.stdout + done.stderr


def test_fixes_need_only_the_base_install(page: Path) -> None:
    page.write_text(EXAMPLE_PAGE.replace("author: QuickTakes\n", ""), encoding="utf-8")
    assert run_with_extras((), "validate", "--fix", "outputs").returncode == 0
    assert page.read_text(encoding="utf-8") == EXAMPLE_PAGE


@pytest.mark.skipif(sys.platform == "win32", reason="sends SIGINT")
def test_watching_needs_only_the_base_install(page: Path, tmp_path: Path) -> None:
    command = [
        sys.executable,
        "-c",
        extras.HIDE,
        json.dumps(sorted(hidden_modules(()))),
        "validate",
        "--watch",
        "outputs",
    ]
    log = tmp_path / "log"
    with log.open("w") as output:
        watcher = subprocess.Popen(command, stdout=output, stderr=output, env={**os.environ, "PYTHONUNBUFFERED": "1"})
        for _ in range(200):  # a change before the watcher is ready is not seen, so it is made again
            page.write_text(EXAMPLE_PAGE.replace("id: 7\n", "id: 7\nid: 7\n"), encoding="utf-8")
            time.sleep(0.1)
            if "QT103" in log.read_text():
                break
        watcher.send_signal(signal.SIGINT)
        watcher.wait(20)
    assert "QT103" in log.read_text()


MISSING = [
    ("generate questions.csv", "generate"),
    ("regenerate outputs --check", "generate"),
    ("costs", "generate"),
    ("batch list", "generate"),
    ("plan --pages 10", "generate"),
    ("prompts list", "generate"),
    ("check-endpoint", "generate"),
    ("models list", "local"),
    ("link outputs", "links"),
    ("pack outputs site.pack", "pack"),
    ("unpack site.pack copy", "pack"),
    ("validate s3://bucket/site", "pack"),
    ("eval run smoke", "evals"),
    ("eval score items.jsonl", "evals"),
    ("eval verify smoke", "evals"),
    ("eval calibrate run.json", "evals"),
    ("review outputs", "review"),
    ("review stats", "review"),
]


@pytest.mark.parametrize(("arguments", "extra"), MISSING)
def test_a_command_names_the_extra_that_it_needs(arguments: str, extra: str) -> None:
    done = run_with_extras((), *arguments.split())
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.count("\n") == 1
    assert f"needs the `{extra}` extra" in done.stderr
    assert f"pip install 'qtgen[{extra}]'" in done.stderr, "from a package index"
    assert f".whl[{extra}]'" in done.stderr, "from a wheel file"


def test_every_command_was_tried_without_extras() -> None:
    tried = {arguments.split()[0] for arguments, _ in MISSING}
    assert tried | {"validate", "schema", "explain", "init", "migrate", "completion"} == set(cli.COMMANDS)


ENOUGH: list[tuple[tuple[str, ...], str, int]] = [
    (("generate",), "generate questions.csv --dry-run --base-url http://127.0.0.1:9/v1 --model m", 0),
    (("generate",), "regenerate outputs --check", 0),
    (("generate",), "prompts show explain --question Why?", 0),
    (("generate",), "costs", 0),
    (("generate",), "batch list", 0),
    (("local",), "models list", 0),
    (("links",), "link outputs --check --corpus outputs", 1),
    (("links",), "link outputs --check --corpus outputs --html report.html", 1),
    (("pack",), "pack outputs site.pack", 0),
    (("evals",), "eval score items.jsonl", 0),
    (("evals",), "eval run smoke --html report.html", 0),
    (("evals",), "eval calibrate evals/smoke/baseline.json --labels items.jsonl", 2),
    (("evals",), "eval verify missing.json", 2),  # after loading all that it needs
    (("review",), "review plan spring outputs --tolerance 0.5", 0),
    (("review",), "review stats", 0),
    (("review",), "review export", 0),
    (("review",), "review outputs --queue none", 2),  # after loading all that serves the app
]


@pytest.mark.parametrize(("names", "arguments", "code"), ENOUGH)
def test_the_extra_of_a_command_is_enough(names: tuple[str, ...], arguments: str, code: int) -> None:
    text = json.loads(points_json())["introduction"]
    item: dict[str, Any] = {"id": 1, "question": "What is osmosis?", "reference": text, "candidate": text}
    Path("items.jsonl").write_text(json.dumps(item) + "\n")
    Path("evals").symlink_to(ROOT / "evals")
    done = run_with_extras(names, *arguments.split())
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    assert " extra" not in done.stderr


def test_the_local_provider_names_its_extra() -> None:
    done = run_with_extras(("generate",), "generate", "questions.csv", "--provider", "local")
    assert done.returncode == 2, done.stderr
    assert "needs the `local` extra" in done.stderr


@pytest.mark.parametrize("name", ["otel", "postgresql"])
def test_optional_services_name_their_extra(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_TRACES_EXPORTER", "console" if name == "otel" else "none")
    if name == "postgresql":
        monkeypatch.setenv("QTGEN_LEDGER", "postgresql://localhost/qtgen")
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/v1")
    done = run_with_extras(("generate",), "generate", "questions.csv")
    assert done.returncode == 2, done.stderr
    assert f"`{name}` extra" in done.stderr


def test_all_installs_every_extra() -> None:
    optional = PROJECT["optional-dependencies"]
    (everything,) = optional["all"]
    extras = optional.keys() - {"all", "ray"}  # Ray is larger than all the others together
    assert everything == f"qtgen[{','.join(sorted(extras))}]"
