"""The documentation, the workflows and the Makefile agree with the code and with each other."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from qtgen import cli
from qtgen.settings import Settings
from support import ROOT

PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]
TARGETS = set(re.findall(r"^([a-z-]+):.*## ", (ROOT / "Makefile").read_text(), re.MULTILINE))


def test_generated_pages_are_current() -> None:
    done = subprocess.run(
        [sys.executable, "docs/build.py", "--check"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_to_files_lead_somewhere(page: Path) -> None:
    """The site's build checks links between its pages; this checks all others, too."""
    links = re.findall(r"\]\((?!https?:|#)([^)#\s]+)", page.read_text(encoding="utf-8"))
    assert [link for link in links if not (page.parent / link).exists()] == []


def test_the_readme_names_every_command() -> None:
    text = (ROOT / "README.md").read_text()
    assert [name for name in cli.COMMANDS if f"qtgen {name}" not in text] == []


def test_every_setting_has_a_description() -> None:
    assert [name for name, field in Settings.model_fields.items() if not field.description] == []


def test_the_make_targets_of_the_readme_exist() -> None:
    named = set(re.findall(r"^(?:\S*bin/)?make ([a-z-]+)", (ROOT / "README.md").read_text(), re.MULTILINE))
    assert {"demo", "test", "install"} <= named
    assert named <= TARGETS


def test_the_demo_ends_with_the_command_that_opens_its_pages() -> None:
    recipe = (ROOT / "Makefile").read_text().partition("\ndemo: ")[2].partition("\n\n")[0]
    last = recipe.splitlines()[-1]
    assert last == '\t@echo "  $(BIN)/qtgen review outputs"'
    assert "review" in cli.COMMANDS
    assert "--out outputs" in recipe
    assert "$(if $(NPM),$(MAKE) --no-print-directory bundle ||" in recipe  # it builds the preview, or goes on without
    assert "  .venv/bin/qtgen review outputs\n" in (ROOT / "README.md").read_text()


def test_the_workflow_runs_make_targets_on_every_supported_python() -> None:
    jobs = yaml.safe_load((ROOT / ".github" / "workflows" / "ci.yml").read_text())["jobs"]
    runs = [step["run"] for job in jobs.values() for step in job["steps"] if "run" in step]
    matrix = jobs["test"]["strategy"]["matrix"]["include"]
    named = {run.removeprefix("make ") for run in runs if "$" not in run} | {entry["target"] for entry in matrix}
    assert named <= TARGETS
    assert {"check", "test", "coverage", "evals", "base"} <= named
    assert [entry["python"] for entry in matrix] == ["3.11", "3.12", "3.13"]


def test_every_action_is_pinned() -> None:
    for workflow in (ROOT / ".github" / "workflows").glob("*.yml"):
        for action in re.findall(r"uses: (\S+)", workflow.read_text()):
            assert re.fullmatch(r"[\w-]+/[\w-]+@v\d+(\.\d+)*", action), f"{workflow.name}: {action}"


def test_the_constraints_name_no_index_and_pin_every_direct_dependency() -> None:
    text = (ROOT / "constraints.txt").read_text()
    assert "://" not in text
    pins = {re.sub(r"[-_.]+", "-", line.partition("==")[0]).lower() for line in text.splitlines()}
    project = (ROOT / "pyproject.toml").read_text()
    direct = set(re.findall(r'^ +"([A-Za-z0-9_.-]+)(?:\[\w+\])?>=', project, re.MULTILINE))
    assert direct - {"pip"} <= pins


def test_the_hook_checks_only_pages_and_installs_only_the_base() -> None:
    (hook,) = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())
    assert "--skip-non-pages" in [*hook["entry"].split(), *hook.get("args", [])]
    assert "additional_dependencies" not in hook
