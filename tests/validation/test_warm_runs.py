"""Runs with a cache print what runs without one print, whatever has changed between them."""

import os
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qtgen.page.profile import default_profile
from qtgen.site.discovery import iter_batches
from qtgen.validation.cache import Cache
from qtgen.validation.diagnostics import Diagnostic
from qtgen.validation.findings import FindingKind
from qtgen.validation.reports import ReportContext, format_names, get_format
from qtgen.validation.rules.example import EXAMPLE_PAGE, EXAMPLE_PATH, NEIGHBOUR_PAGE, NEIGHBOUR_PATH
from qtgen.validation.rules.settings import BannedPhrase, RuleSettings
from qtgen.validation.run import ValidationOptions, ValidationResult
from qtgen.validation.selection import PathRules, choose_rules
from support.validation import ALL_RULES, write_page

_PROFILE = default_profile()
_FIRST_TIME = 2_000_000_000 * 10**9  # nanoseconds; later than any time that the system itself gives to a file
_NOW = 2 * _FIRST_TIME
_times = count(_FIRST_TIME)

_TEXTS = (
    EXAMPLE_PAGE,
    NEIGHBOUR_PAGE,
    NEIGHBOUR_PAGE.replace("id: 8", "id: 9"),
    NEIGHBOUR_PAGE.replace("What is diffusion?", "What is Diffusion?"),
    EXAMPLE_PAGE.replace("score: -1.0", "score: 7"),
    EXAMPLE_PAGE.replace("score: -1.0", "score: 7.0"),
    EXAMPLE_PAGE.replace("id: 8", "id: 9").replace("\n", "\r\n"),
    EXAMPLE_PAGE.replace("questions/what-is-diffusion", "questions/what-is-confusion"),
    EXAMPLE_PAGE.replace("\n", "\r\n"),
    "x",
)
_FOLDERS = ("site/a", "site/b", "site/b/c")
_NAMES = ("p.md", "q.md", "Q.md", "what-is-osmosis.md")
_SELECTIONS: Sequence[dict[str, Any]] = (
    {"rules": ALL_RULES},
    {"rules": choose_rules(["QT4", "QT205"], profile=_PROFILE)},
    {"rules": choose_rules(["QT403", "QT410"], profile=_PROFILE)},
    {"rules": choose_rules(profile=_PROFILE), "by_path": [PathRules("site/b/*", ignore=("QT4",))]},
    {"rules": ALL_RULES, "settings": RuleSettings(repeated_sentence_pages=1)},
    {"rules": ALL_RULES, "settings": RuleSettings(repeated_sentence_pages=2)},
    {"rules": ALL_RULES, "corpus": Path("site"), "checked": "site/a"},
    {"rules": ALL_RULES, "corpus": Path("site"), "checked": "site/b", "unsafe": False},
)


def _write(path: str, text: str) -> None:
    write_page(path, text)
    time = next(_times)
    os.utime(path, ns=(time, time))


def _change(folder: str, name: str, text: str) -> None:
    if Path(folder).is_dir() or folder != "site/b/c":
        _write(f"{folder}/{name}", text)


def _remove(folder: str, name: str, _: str) -> None:
    Path(folder, name).unlink(missing_ok=True)


def _rename_folder(folder: str, _: str, __: str) -> None:
    source, target = Path(folder), Path("site/renamed")
    if source.is_dir() and not target.exists():
        source.rename(target)


@contextmanager
def _opened(options: dict[str, Any], *, cached: bool, fixes: bool) -> Iterator[ValidationResult]:
    arguments = dict(options)
    checked = arguments.pop("checked", "site")
    cache = Cache(Path(".cache"), "rules", Path(), _NOW) if cached else None
    run = ValidationOptions(**arguments, profile=_PROFILE, jobs=1, cache=cache, fixes=fixes)
    try:
        with ValidationResult(iter_batches([Path(checked)], lambda _: None), run) as result:
            yield result
    finally:
        if cache:
            cache.close()


def _printed(options: dict[str, Any], *, cached: bool) -> dict[str, object]:
    """Return all that is shown of a run: the reports, the diagnostics and the counts."""
    shown: dict[str, object] = {}
    for fixes in (False, True):
        with _opened(options, cached=cached, fixes=fixes) as result:
            diagnostics = [found for file in result for found in file.diagnostics]
            assert [found for file in result for found in file.diagnostics] == diagnostics
            shown[f"fixes {fixes}"] = diagnostics, result.pages
            if not fixes:
                shown["counts"] = _counts(result)
                assert shown["counts"] == _counted(diagnostics)
            context = ReportContext(result.pages, "1", ALL_RULES, lambda path: Path(path).read_text().split("\n"))
            formats = [get_format(name) for name in format_names()]
            for one in formats:
                if one.needs_fixes == fixes:
                    shown[one.name] = [*one.render(diagnostics, context)]
    return shown


def _counts(result: ValidationResult) -> tuple[Counter[tuple[str, FindingKind]], int]:
    kinds: Counter[tuple[str, FindingKind]] = Counter()
    pages = 0
    for folder, numbers, affected in result.counts():
        kinds.update({(folder, kind): number for kind, number in numbers.items()})
        pages += affected
    return kinds, pages


def _counted(diagnostics: Sequence[Diagnostic]) -> tuple[Counter[tuple[str, FindingKind]], int]:
    kinds = Counter((found.path.rpartition("/")[0], FindingKind(*found[5:10], *found[11:])) for found in diagnostics)
    return kinds, len({found.path for found in diagnostics})


_steps = st.lists(
    st.tuples(
        st.sampled_from([_change, _change, _change, _remove, _rename_folder]),
        st.sampled_from(_FOLDERS),
        st.sampled_from(_NAMES),
        st.sampled_from(_TEXTS),
        st.sampled_from(_SELECTIONS),
    ),
    min_size=1,
    max_size=4,
)


@given(steps=_steps)
@settings(max_examples=8, deadline=None)
def test_half_warm_runs_print_what_cold_runs_print(
    steps: list[tuple[Callable[[str, str, str], None], str, str, str, dict[str, Any]]],
) -> None:
    before = Path.cwd()
    with TemporaryDirectory() as folder:
        os.chdir(folder)
        try:
            for number, text in enumerate(_TEXTS):
                _write(f"{_FOLDERS[number % 3]}/page-{number}.md", text)
            for step, place, name, text, options in steps:
                step(place, name, text)
                cold = _printed(options, cached=False)
                assert _printed(options, cached=True) == cold, "half-warm"
                assert _printed(options, cached=True) == cold, "warm"
        finally:
            os.chdir(before)


# --- what follows from all pages --------------------------------------------------------------------------------------


@pytest.fixture
def _site() -> None:
    _write(EXAMPLE_PATH, EXAMPLE_PAGE.replace("id: 8", "id: 9"))
    _write(NEIGHBOUR_PATH, NEIGHBOUR_PAGE)


def _codes(now: int = _NOW, **changes: Any) -> list[str]:
    cache = Cache(Path(".cache"), "rules", Path(), now)
    options = replace(ValidationOptions(ALL_RULES, profile=_PROFILE, jobs=1, cache=cache), **changes)
    try:
        with ValidationResult(iter_batches([Path("outputs")]), options) as result:
            return [found.code for file in result for found in file.diagnostics]
    finally:
        cache.close()


@pytest.mark.usefixtures("_site")
class TestFindingsBetweenPages:
    """They are cached as long as no fact of a page changes, and no page that was read to describe them."""

    def fail_if_run(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("qtgen.validation.run_pages.find_between_pages", lambda *_: pytest.fail("rules were run"))

    def test_no_rule_is_run_if_nothing_has_changed(self, monkeypatch: pytest.MonkeyPatch) -> None:
        assert _codes() == ["QT404"]
        self.fail_if_run(monkeypatch)
        monkeypatch.setattr("qtgen.validation.run_pages.SiteIndex", lambda *_: pytest.fail("facts were used"))
        assert _codes() == ["QT404"]

    def test_no_rule_is_run_if_a_page_changes_without_its_facts(self, monkeypatch: pytest.MonkeyPatch) -> None:
        rules = choose_rules(profile=_PROFILE)
        assert _codes(rules=rules) == ["QT404"]
        self.fail_if_run(monkeypatch)
        _write(EXAMPLE_PATH, EXAMPLE_PAGE.replace("id: 8", "id: 9").replace("score: -1.0", "score: 7.0"))
        assert _codes(rules=rules) == ["QT205", "QT404"]
        _write(NEIGHBOUR_PATH, NEIGHBOUR_PAGE.replace("id: 8", "id: 9"))
        with pytest.raises(pytest.fail.Exception, match="rules were run"):
            _codes(rules=rules)

    def test_rules_are_run_again_if_a_page_that_was_read_changes(self, monkeypatch: pytest.MonkeyPatch) -> None:
        text = EXAMPLE_PAGE.replace("id: 8", "id: 9").replace("\n", "\r\n")
        _write(EXAMPLE_PATH, text)
        rules = choose_rules(["QT404", "QT205"], profile=_PROFILE)
        assert _codes(rules=rules) == ["QT404"]
        self.fail_if_run(monkeypatch)
        _write(NEIGHBOUR_PATH, NEIGHBOUR_PAGE.replace("score: -1.0", "score: 7.0"))
        assert _codes(rules=rules) == ["QT205", "QT404"]
        _write(EXAMPLE_PATH, text.replace("score: -1.0", "score: 7.0"))
        with pytest.raises(pytest.fail.Exception, match="rules were run"):
            _codes(rules=rules)

    def test_no_record_of_a_page_is_looked_up_if_nothing_has_changed(self, monkeypatch: pytest.MonkeyPatch) -> None:
        assert _codes() == ["QT404"]
        monkeypatch.setattr("qtgen.validation.run_pages.check_batches", lambda *_: pytest.fail("a page was looked up"))
        assert _codes() == ["QT404"]

    def test_results_that_are_missing_are_computed_when_they_are_needed(self) -> None:
        _write("outputs/chemistry/other.md", EXAMPLE_PAGE.replace("id: 8", "id: 9"))
        expected = _codes()
        with closing(sqlite3.connect(".cache/pages.sqlite")) as database, database:
            database.execute("DELETE FROM known WHERE folder = '//findings/1'")
        assert _codes() == expected != []

    def test_a_check_that_was_interrupted_stores_nothing(self) -> None:
        def interrupt(pages: int) -> None:
            if pages > 1:
                raise KeyboardInterrupt

        _write("outputs/chemistry/other.md", EXAMPLE_PAGE.replace("score: -1.0", "score: 7.0"))
        options = {"rules": choose_rules(["QT205"], profile=_PROFILE), "checked": "outputs"}
        expected = _printed(options, cached=True)
        with closing(sqlite3.connect(".cache/pages.sqlite")) as database, database:
            database.execute("DELETE FROM known WHERE folder = '//findings/0'")
        with _opened({**options, "on_progress": interrupt}, cached=True, fixes=False) as result:
            with pytest.raises(KeyboardInterrupt):
                list(result)
            with pytest.raises(ValueError, match="closed"):
                list(result)
        assert _printed(options, cached=True) == expected

    def test_sentences_do_not_matter_if_they_are_not_compared(self, monkeypatch: pytest.MonkeyPatch) -> None:
        rules = choose_rules(["QT404"], profile=_PROFILE)
        _codes(rules=[*rules, *choose_rules(["QT611"], profile=_PROFILE)])
        assert _codes(rules=rules) == ["QT404"]
        self.fail_if_run(monkeypatch)
        _write(EXAMPLE_PATH, EXAMPLE_PAGE.replace("id: 8", "id: 9").replace("Osmosis moves", "Osmosis draws"))
        assert _codes(rules=rules) == ["QT404"]

    def test_no_page_is_read_for_its_fixes_if_nothing_has_changed(self, monkeypatch: pytest.MonkeyPatch) -> None:
        assert _codes(fixes=True) == ["QT404"]
        monkeypatch.setattr("qtgen.site.discovery.read_page", lambda *_: pytest.fail("a page was read"))
        assert _codes(fixes=True) == ["QT404"]

    @pytest.mark.parametrize(
        "changes",
        [
            {"rules": choose_rules(["QT404"], profile=_PROFILE)},
            {"settings": RuleSettings(repeated_sentence_pages=3)},
            {"by_path": [PathRules("outputs/*", ignore=("QT404",))]},
            {"unsafe": False},
            {"corpus": Path("outputs")},
            {"overlay": {"outputs/other.md": b"x"}},
        ],
    )
    def test_rules_are_run_again_if_something_else_changes(
        self, changes: dict[str, Any], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        _codes()
        self.fail_if_run(monkeypatch)
        with pytest.raises(pytest.fail.Exception, match="rules were run"):
            _codes(**changes)

    def test_fixes_follow_the_settings(self) -> None:
        _write("outputs/biology/other.md", EXAMPLE_PAGE.replace("id: 7", "id: 10"))
        counts = [
            _codes(fixes=True, settings=RuleSettings(repeated_sentence_pages=pages)).count("QT611")
            for pages in (2, 1, 2, 1)
        ]
        assert counts[0] == counts[2] < counts[1] == counts[3]

    def test_results_under_another_key_are_deleted(self) -> None:
        def keys() -> list[str]:
            with closing(sqlite3.connect(".cache/pages.sqlite")) as database:
                rows = database.execute("SELECT folder FROM known WHERE folder LIKE '//%' ORDER BY folder")
                return [key for (key,) in rows]

        _codes(fixes=True)
        assert keys() == ["//fixes/0", "//site"]
        _codes(settings=RuleSettings(repeated_sentence_pages=3))
        assert keys() == ["//findings/0", "//site"]

    def test_results_do_not_depend_on_the_encoding_of_file_names(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("os.fsencode", lambda name: name.encode("ascii", "surrogateescape"))
        settings = RuleSettings((BannedPhrase("naïve"),))
        assert _codes(settings=settings, fixes=True) == ["QT404"] == _codes(settings=settings, fixes=True)

    def test_findings_between_pages_alone_are_sorted_by_position(self) -> None:
        _write("outputs/biology/other.md", NEIGHBOUR_PAGE)
        rules = choose_rules(["QT401", "QT402"], profile=_PROFILE)
        with ValidationResult(
            iter_batches([Path("outputs")]), ValidationOptions(rules, profile=_PROFILE, jobs=1)
        ) as result:
            (page,) = [file.diagnostics for file in result if file.path == "outputs/biology/other.md"]
        assert [(found.line, found.code) for found in page] == sorted((found.line, found.code) for found in page)
        assert {found.code for found in page} == {"QT401", "QT402"}

    def test_pages_that_changed_just_now_are_compared_again(self, monkeypatch: pytest.MonkeyPatch) -> None:
        _codes(now=_FIRST_TIME)
        self.fail_if_run(monkeypatch)
        with pytest.raises(pytest.fail.Exception, match="rules were run"):
            _codes()

    def test_pages_that_could_not_be_read_are_compared_again(self, monkeypatch: pytest.MonkeyPatch) -> None:
        Path("outputs/gone.md").symlink_to("nowhere")
        assert "QT108" in _codes()
        self.fail_if_run(monkeypatch)
        with pytest.raises(pytest.fail.Exception, match="rules were run"):
            _codes()
