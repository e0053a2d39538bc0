"""What is written is true today."""

import re
import subprocess
import sys

from qtgen import cli
from support import ROOT


def test_generated_pages_are_current() -> None:
    done = subprocess.run(
        [sys.executable, "docs/build.py", "--check"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout


def test_the_readme_names_every_command_and_only_files_that_are_there() -> None:
    text = (ROOT / "README.md").read_text()
    for name in cli.COMMANDS:
        assert f"qtgen {name}" in text, name
    for link in re.findall(r"\]\((?!http)([^)#]+)", text):
        assert (ROOT / link).exists(), link


def test_no_setting_is_without_a_word() -> None:
    from qtgen.settings import Settings

    assert all(field.description for field in Settings.model_fields.values())


def test_what_the_readme_makes_can_be_made() -> None:
    makefile = (ROOT / "Makefile").read_text()
    made = set(re.findall(r"^(?:\S*bin/)?make ([a-z]+)", (ROOT / "README.md").read_text(), re.MULTILINE))
    assert {"demo", "test", "install"} <= made
    for target in made:
        assert re.search(rf"^{target}:.*## ", makefile, re.MULTILINE), target
