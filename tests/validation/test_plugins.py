"""Plugins: a file that qtgen.toml names, and an installed package, are treated like built-in rules and formats."""

import json
import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from types import SimpleNamespace

import pytest

from qtgen.errors import PluginError
from qtgen.generation.config import generation_config
from qtgen.page.profile import default_profile
from qtgen.settings import load_settings
from qtgen.validation.plugins import LoadedPlugins, load_plugins, loaded_plugins, reload_plugins, rules_key
from qtgen.validation.reports import format_names
from qtgen.validation.rules import REGISTRY
from qtgen.validation.rules.example import EXAMPLE_PAGE, EXAMPLE_PATH, NEIGHBOUR_PAGE, NEIGHBOUR_PATH
from support import ROOT, TODAY
from support.validation import Run, write_page

_PACKAGE = Path(__file__).parents[1] / "fixtures" / "plugin_package"
_SHOUTING = EXAMPLE_PAGE.replace("Osmosis moves", "Great! Osmosis moves")
_RULES_FILE = "my_rules.py"


def write_site(page: str = _SHOUTING) -> None:
    write_page(EXAMPLE_PATH, page)
    write_page(NEIGHBOUR_PATH, NEIGHBOUR_PAGE)


def write_plugin_file() -> None:
    """Write a plugin file with the rule and the format of the package, and name it in qtgen.toml."""
    sources = [_PACKAGE / "qtgen_acme" / name for name in ("rules.py", "reports.py")]
    write_page(_RULES_FILE, "\n".join(source.read_text() for source in sources))
    write_page("qtgen.toml", f'plugins = ["./{_RULES_FILE}"]\n')


# --- files ------------------------------------------------------------------------------------------------------------


def test_a_rule_of_a_file_is_selected_reported_and_fixed(qtgen: Run) -> None:
    write_plugin_file()
    write_site()
    code, out, err = qtgen("validate", "outputs")
    assert code == 0
    assert out.startswith(f"{EXAMPLE_PATH}:21:10: ACME101 `answer` has an exclamation mark; write a full stop\n")
    assert err.endswith("1 finding can be fixed with `--fix`\n")
    assert qtgen("validate", "outputs", "--ignore", "ACME")[1] == ""
    assert "ACME101" in qtgen("validate", "outputs", "--select", "no-exclamation")[1]
    assert qtgen("validate", "outputs", "--fix")[2].startswith("fixed 1 finding in 1 page\n")
    assert "Great. Osmosis" in Path(EXAMPLE_PATH).read_text()


@pytest.mark.parametrize("name", ["json", "github", "gitlab", "sarif", "junit", "acme"])
def test_a_rule_of_a_file_is_in_every_report(qtgen: Run, name: str) -> None:
    write_plugin_file()
    write_site()
    assert "ACME101" in qtgen("validate", "outputs", "--format", name)[1]


def test_a_file_is_found_from_any_folder_of_the_project(qtgen: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    write_plugin_file()
    write_site()
    monkeypatch.chdir("outputs")
    assert "ACME101" in qtgen("validate", ".")[1]


def test_new_pages_must_satisfy_the_rules_of_a_file() -> None:
    write_plugin_file()
    settings = load_settings(Path.cwd(), {}, {}).settings
    assert "ACME101" in [rule.code for rule in generation_config(settings, TODAY, default_profile()).rules]


def test_a_rule_of_a_file_is_a_reason_to_rewrite_a_page(qtgen: Run) -> None:
    write_plugin_file()
    write_site()
    report = json.loads(qtgen("regenerate", "outputs", "--because", "ACME101", "--check", "--json")[1])
    assert [item["reasons"] for item in report["items"]] == [["ACME101"]]


def test_explain_and_help_show_what_a_file_adds(qtgen: Run) -> None:
    write_plugin_file()
    assert "Why it is bad: our style guide forbids it." in qtgen("explain", "ACME101")[1]
    out = qtgen("explain")[1]
    assert "(plugin)" in next(line for line in out.splitlines() if line.startswith("ACME101"))
    assert any(line.split()[:2] == ["my_rules.py", "plugin"] for line in out.splitlines())
    assert "|junit|acme]" in "".join(qtgen("validate", "--help")[1].split())


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (None, "no such file; correct the setting `plugins`"),
        ("import nowhere_at_all", "cannot be loaded: ModuleNotFoundError: No module named 'nowhere_at_all'"),
        ("raise SyntaxError('x')", "cannot be loaded: SyntaxError: x"),
        (
            (_PACKAGE / "qtgen_acme" / "rules.py").read_text().replace("ACME101", "QT901"),
            "cannot be loaded: ValueError: rule code `QT901` begins with QT, which is reserved",
        ),
    ],
)
def test_a_file_that_cannot_be_loaded_is_one_line_and_exit_2(qtgen: Run, source: str | None, message: str) -> None:
    write_plugin_file()
    Path(_RULES_FILE).unlink()
    if source is not None:
        write_page(_RULES_FILE, source)
    for command in (["validate", "."], ["explain"]):
        code, out, err = qtgen(*command)
        assert (code, out, err.count("\n")) == (2, "", 1)
        assert _RULES_FILE in err
        assert message in err


def test_a_file_is_loaded_once(tmp_path: Path) -> None:
    write_plugin_file()
    settings = SimpleNamespace(plugins=[f"./{_RULES_FILE}"])
    first = load_plugins(settings)
    assert first == load_plugins(settings) == loaded_plugins()
    assert [file.name for file in first.files] == [_RULES_FILE]
    assert format_names()[-1] == "acme"


def test_a_worker_loads_what_its_parent_has_loaded() -> None:
    write_plugin_file()
    parent = LoadedPlugins((Path(_RULES_FILE).absolute(),), installed=True)
    reload_plugins(parent)
    assert "ACME101" in REGISTRY
    assert loaded_plugins() == parent


def test_the_cache_key_depends_on_the_contents_of_the_files() -> None:
    write_plugin_file()
    built_in = rules_key(profile=default_profile())
    load_plugins(SimpleNamespace(plugins=[_RULES_FILE]))
    first = rules_key(profile=default_profile())
    write_page(_RULES_FILE, Path(_RULES_FILE).read_text() + "# changed\n")
    assert len({built_in, first, rules_key(profile=default_profile())}) == 3


def test_a_changed_rule_is_not_answered_from_the_cache(qtgen: Run) -> None:
    write_plugin_file()
    write_site()
    for path in (EXAMPLE_PATH, NEIGHBOUR_PATH):
        os.utime(path, (1, 1))
    command = [sys.executable, "-m", "qtgen", "validate", "outputs", "--format", "acme"]
    assert "ACME101" in subprocess.run(command, capture_output=True, text=True, check=False).stdout
    write_page(_RULES_FILE, Path(_RULES_FILE).read_text().replace("ACME101", "ACME102"))
    assert "ACME102" in subprocess.run(command, capture_output=True, text=True, check=False).stdout


# --- packages ---------------------------------------------------------------------------------------------------------


def install(folder: Path, version: str = "1.0.0") -> None:
    """Make the package look installed below `folder`, as pip would."""
    project = tomllib.loads((_PACKAGE / "pyproject.toml").read_text())["project"]
    shutil.copytree(_PACKAGE / "qtgen_acme", folder / "qtgen_acme", dirs_exist_ok=True)
    metadata = folder / "qtgen_acme.dist-info"
    metadata.mkdir(exist_ok=True)
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {version}\n")
    groups = (
        f"[{group}]\n" + "".join(f"{name} = {value}\n" for name, value in entry_points.items())
        for group, entry_points in project["entry-points"].items()
    )
    (metadata / "entry_points.txt").write_text("\n".join(groups))


def run_with_package(folder: Path, code: str) -> str:
    """Run a program that has the package on its path, and return its output."""
    path = os.pathsep.join([str(folder), str(ROOT)])
    script = folder / "program.py"
    script.write_text(code)
    done = subprocess.run(
        [sys.executable, script], capture_output=True, text=True, check=False, env={**os.environ, "PYTHONPATH": path}
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site-packages")
    install(folder)
    return folder


def test_an_installed_rule_format_and_metric_are_explained(package: Path) -> None:
    program = (
        "from qtgen import cli\nfor words in ([], ['ACME101'], ['shouting'], ['acme']): cli.run(['explain', *words])"
    )
    out = run_with_package(package, program)
    assert "qtgen_acme.rules (qtgen.rules)" in out
    assert "qtgen_acme.metrics (qtgen.metrics)" in out
    assert "Why it is bad: our style guide forbids it." in out
    assert "Share of the candidate's characters that are exclamation marks." in out
    assert "One code and path per line, for our dashboard." in out


@pytest.mark.parametrize("start_method", ["fork", "spawn"])
def test_workers_run_an_installed_rule_however_they_are_started(package: Path, start_method: str) -> None:
    write_site()
    program = f"""
import multiprocessing
from qtgen import cli

if __name__ == "__main__":
    multiprocessing.set_start_method("{start_method}")
    cli.run(["validate", "outputs", "--format", "acme", "--jobs", "2", "--no-cache"])
"""
    assert run_with_package(package, program) == f"ACME101 {EXAMPLE_PATH}\npages 2\n"


def test_a_new_version_of_a_package_is_another_cache_key(package: Path) -> None:
    program = (
        "from qtgen.validation.plugins import load_installed_plugins, rules_key\n"
        "from qtgen.page.profile import default_profile\n"
        "load_installed_plugins()\nprint(rules_key(profile=default_profile()))"
    )
    first = run_with_package(package, program)
    install(package, "1.0.1")
    second = run_with_package(package, program)
    assert "qtgen-acme-1.0.0" in first
    assert "qtgen-acme-1.0.1" in second


def test_the_public_functions_use_installed_plugins(package: Path) -> None:
    write_site()
    program = (
        "import json\nfrom qtgen.validation import fix, validate\n"
        "codes = [found.code for found in validate('outputs')]\n"
        "print(json.dumps([codes, [file.fixes for file in fix('outputs', write=False)]]))"
    )
    assert json.loads(run_with_package(package, program)) == [["ACME101"], [1]]


def test_a_broken_package_is_one_line_and_exit_2(package: Path) -> None:
    (package / "qtgen_acme" / "rules.py").write_text("1 / 0")
    program = (
        "import contextlib, sys\nfrom qtgen import cli\nsys.stderr = sys.stdout\nprint(cli.run(['validate', '.']))"
    )
    out = run_with_package(package, program)
    assert out.splitlines()[-1] == "2"
    assert "the plugin `acme` of the package qtgen-acme cannot be loaded: ZeroDivisionError" in out


def test_a_plugin_error_is_a_usage_error() -> None:
    with pytest.raises(PluginError):
        load_plugins(SimpleNamespace(plugins=["nowhere.py"]))


def test_a_plugin_that_fails_is_one_line_that_names_its_place(qtgen: Run) -> None:
    write_site()
    write_page(
        "broken.py",
        "from qtgen.validation import Example, Severity, rule\n\n\n"
        '@rule("ACME900", "broken", Severity.WARNING, bad=Example("moves water", "x"))\n'
        "def broken(file):\n"
        '    """A rule that fails."""\n'
        "    return undefined_name\n",
    )
    write_page("qtgen.toml", 'plugins = ["./broken.py"]\n')
    code, _, err = qtgen("validate", "outputs", "--no-cache")
    assert code == 2
    assert err.rstrip().endswith(
        "broken.py:7: this plugin failed: NameError: name 'undefined_name' is not defined; correct it"
    )
    assert "Traceback" not in err
