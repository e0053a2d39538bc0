"""Checking pages by column finds the same as checking them one by one, in the same order."""

import gc
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from qtgen._util import extras
from qtgen.page.profile import default_profile
from qtgen.site.discovery import Overlay, iter_batches
from qtgen.validation import columns, workers
from qtgen.validation.cache import Cache
from qtgen.validation.columns import check_by_columns
from qtgen.validation.diagnostics import Diagnostic
from qtgen.validation.records import PageRecords, records_of
from qtgen.validation.rules.example import EXAMPLE_PAGE, apply_example, example_site_of
from qtgen.validation.rules.settings import DEFAULT_SETTINGS, RuleSettings
from qtgen.validation.run import ValidationOptions
from qtgen.validation.selection import PathRules
from qtgen.validation.workers import check_file
from support.validation import ALL_RULES, run_options, write_page

PROFILE = default_profile()
Alone = list[str]
"""The paths of pages that were checked alone, although the others were checked by column."""


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch) -> Alone:
    """Let every run check pages by column."""
    paths: Alone = []

    def check(path: str, *arguments: object, **named: object) -> object:
        paths.append(path)
        return check_file(path, *arguments, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(workers, "_WORTH_COLUMNS", 1)
    monkeypatch.setattr(columns, "check_file", check)
    return paths


@pytest.fixture
def one_by_one(monkeypatch: pytest.MonkeyPatch) -> Callable[[ValidationOptions], list[Diagnostic]]:
    """Return a function that validates the site without columns."""

    def run(options: ValidationOptions) -> list[Diagnostic]:
        with monkeypatch.context() as patch:
            patch.setattr(workers, "_WORTH_COLUMNS", 1 << 60)
            return validate(options)

    return run


def validate(options: ValidationOptions) -> list[Diagnostic]:
    return run_options(iter_batches([Path("site")]), options)


def write_examples(root: str) -> int:
    """Write the examples of all rules, each to a folder of its own. Return how many there are."""
    site = example_site_of(PROFILE)
    pages = [apply_example(example, site) for rule in ALL_RULES for example in (rule.bad, rule.good)]
    for number, (path, raw) in enumerate(pages):
        file = Path(root, f"{number:03}", path)
        file.parent.mkdir(parents=True)
        file.write_bytes(raw)
    return len(pages)


RULES = [rule for rule in ALL_RULES if rule.code != "QT410"]  # nearly all examples have similar questions
OPTIONS = ValidationOptions(RULES, jobs=1, profile=PROFILE)
SELECTED = [rule for rule in RULES if rule.code in ("QT302", "QT402", "QT601", "QT603", "QT605")]
VARIANTS = {
    "all rules": OPTIONS,
    "without QT611": replace(OPTIONS, rules=[rule for rule in RULES if rule.code != "QT611"]),
    "selected": replace(OPTIONS, rules=SELECTED),
    "per path": replace(OPTIONS, by_path=[PathRules("site/00*/**", ignore=("QT6",))], root=Path()),
    "fixes": replace(OPTIONS, fixes=True),
    "settings": replace(OPTIONS, settings=replace(DEFAULT_SETTINGS, repeated_sentence_pages=2)),
    "corpus": replace(OPTIONS, corpus=Path("corpus")),
    "two processes": replace(OPTIONS, jobs=2),
}


@pytest.mark.parametrize("name", VARIANTS)
def test_examples_of_all_rules(
    name: str, alone: Alone, one_by_one: Callable[[ValidationOptions], list[Diagnostic]]
) -> None:
    count = write_examples("site") + write_examples("corpus")
    found = validate(VARIANTS[name])
    assert found == one_by_one(VARIANTS[name])
    assert len(found) > 10
    assert len(alone) < count / 2


def test_pages_that_change_between_runs(one_by_one: Callable[[ValidationOptions], list[Diagnostic]]) -> None:
    write_examples("site")
    long_after = Path("site").stat().st_mtime_ns + 10**10

    def validate_cached() -> list[Diagnostic]:
        cache = Cache(Path(".qtgen/cache"), "key", Path(), long_after)
        try:
            return validate(replace(OPTIONS, cache=cache))
        finally:
            cache.close()

    assert validate_cached() == validate_cached() == one_by_one(OPTIONS)
    for file in sorted(Path("site").rglob("*.md"))[:60:3]:
        file.write_text(EXAMPLE_PAGE.replace("osmosis", "osmosis again"), encoding="utf-8")
    assert validate_cached() == one_by_one(OPTIONS)


def records(pages: Sequence[tuple[str, int]], overlay: Overlay, settings: RuleSettings) -> PageRecords:
    """Return the records of pages that are checked one by one, after checking that columns give the same."""
    expected = records_of(check_file(*page, overlay, settings, profile=PROFILE) for page in pages)
    found = check_by_columns(pages, overlay, settings, PROFILE)
    assert found.facts == expected.facts
    assert found.sentences == expected.sentences
    paths = [path for path, _ in pages]
    assert [*found.findings.diagnostics(paths, every_code)] == [*expected.findings.diagnostics(paths, every_code)]
    return expected


def every_code(_: str) -> frozenset[str]:
    return frozenset(rule.code for rule in ALL_RULES)


@pytest.mark.parametrize("compare_sentences", [False, True])
def test_files_that_vanish_grow_or_shrink(alone: Alone, compare_sentences: bool) -> None:
    size = len(EXAMPLE_PAGE.encode())
    sizes = {"kept": size, "grown": size - 9, "shrunk": size + 9, "empty": 0, "unknown": -1, "large": 9 << 20}
    for name in sizes:
        write_page(f"site/biology/{name}.md")
    Path("site/biology/empty.md").write_bytes(b"")
    Path("site/biology/folder.md").mkdir()
    gone = {"gone": size, "folder": size}
    pages = [(f"site/biology/{name}.md", size) for name, size in {**sizes, **gone}.items()]
    overlay = {pages[0][0]: EXAMPLE_PAGE.replace("score: -1.0", "score: 7.5").encode()}
    settings = replace(DEFAULT_SETTINGS, compare_sentences=compare_sentences)
    for contents in ({}, overlay):
        expected = records(pages, contents, settings)
        assert len(expected.findings.pages_with("QT108")) == 3
    assert {Path(path).stem for path in alone} == {"empty", "unknown", "large", "gone", "folder"}


def test_no_pages() -> None:
    assert check_by_columns([], {}, DEFAULT_SETTINGS, PROFILE).page_count == 0


def test_pages_of_many_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(columns, "_BATCH_BYTES", 20_000)
    write_examples("site")
    files = sorted(Path("site").rglob("*.md"))
    records([(file.as_posix(), file.stat().st_size) for file in files], {}, DEFAULT_SETTINGS)


@pytest.mark.parametrize("jobs", [1, 2])
def test_without_numpy(monkeypatch: pytest.MonkeyPatch, alone: Alone, jobs: int) -> None:
    write_examples("site")
    with_columns = validate(replace(OPTIONS, jobs=jobs))
    alone.clear()
    monkeypatch.setitem(sys.modules, "numpy", None)
    monkeypatch.delitem(sys.modules, "qtgen.validation.columns")
    assert extras.missing("numpy")
    assert validate(replace(OPTIONS, jobs=jobs)) == with_columns
    assert "qtgen.validation.columns" not in sys.modules


def test_the_collector_is_on_again(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[bool] = []

    def fail(*_: object) -> None:
        seen.append(gc.isenabled())
        raise RuntimeError("stopped")

    monkeypatch.setattr(columns, "columns_of", fail)
    with pytest.raises(RuntimeError, match="stopped"):
        check_by_columns([("site/biology/page.md", -1)], {}, DEFAULT_SETTINGS, PROFILE)
    assert seen == [False]
    assert gc.isenabled()


def test_few_pages_load_no_numpy() -> None:
    for number in range(14):
        write_page(f"site/biology/{number}.md")
    code = "import sys; from qtgen.cli import main\ntry: main()\nfinally: print('numpy' in sys.modules)"
    command = [sys.executable, "-c", code, "validate", "site", "--no-cache"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stdout.splitlines()[-1] == "False", done.stderr
