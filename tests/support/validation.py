"""Helpers for tests of the validator: the example site on disk, and the findings of pages in memory."""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from qtgen.page.profile import default_profile
from qtgen.site.discovery import PageBatch, iter_batches
from qtgen.validation.diagnostics import Diagnostic
from qtgen.validation.rules import PageFile, Rule, check_page, rules_of
from qtgen.validation.rules.example import EXAMPLE_PAGE, EXAMPLE_PATH, NEIGHBOUR_PAGE, NEIGHBOUR_PATH
from qtgen.validation.run import ValidationOptions, ValidationResult
from support.default_tables import read

Run = Callable[..., tuple[int, str, str]]
"""The type of the fixture `qtgen`."""

ALL_RULES: Sequence[Rule] = rules_of(default_profile())


def write_page(path: str | Path, text: str = EXAMPLE_PAGE) -> None:
    """Write a file and the folders that it needs."""
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_text(text, encoding="utf-8")


def write_example_site() -> None:
    """Write both pages of the example site below the current folder."""
    write_page(EXAMPLE_PATH, EXAMPLE_PAGE)
    write_page(NEIGHBOUR_PATH, NEIGHBOUR_PAGE)


def example_with(old: str, new: str) -> bytes:
    """Return the example page with a replacement, which must change it."""
    assert old in EXAMPLE_PAGE
    return EXAMPLE_PAGE.replace(old, new).encode()


def check(raw: bytes, path: str = EXAMPLE_PATH) -> list[Diagnostic]:
    """Return the diagnostics of all page rules for a page."""
    return check_page(PageFile(path, read(raw)), ALL_RULES)


def codes_of(raw: bytes) -> list[str]:
    """Return the codes of the diagnostics for a page."""
    return [diagnostic.code for diagnostic in check(raw)]


def codes_of_block(text: str) -> list[str]:
    """Return the codes of family 5xx, except QT508 about KaTeX, for an answer with a text of its own lines."""
    raw = example_with(
        "answer: >-\n    ", rf"answer: >-{chr(10)}    Intro text here.\n\n{text}\n\nThe end is near.\n\n"
    )
    return sorted({code for code in codes_of(raw) if code.startswith("QT5") and code != "QT508"})


def run_options(batches: Iterable[PageBatch], options: ValidationOptions) -> list[Diagnostic]:
    """Return the diagnostics of a run."""
    with ValidationResult(batches, options) as result:
        return [diagnostic for file in result for diagnostic in file.diagnostics]


def validate_paths(paths: Iterable[str], options: ValidationOptions | None = None) -> list[Diagnostic]:
    """Return the diagnostics for files and folders."""
    return run_options(
        iter_batches([Path(path) for path in paths]), options or ValidationOptions(ALL_RULES, profile=default_profile())
    )
