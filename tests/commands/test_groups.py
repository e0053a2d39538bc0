"""What every command shares: lazy loading, suggestions, logging, quietness, completion and missing extras."""

import gc
import json
import logging
from collections.abc import Callable
from pathlib import Path

import click
import pytest

from qtgen import cli
from qtgen.commands._errors import describe, exit_code, option_of
from qtgen.commands._groups import Entry, LazyGroup
from qtgen.commands._output import diff_lines, listed, note, warn
from qtgen.errors import (
    EndpointDown,
    Interrupted,
    LedgerError,
    MissingExtra,
    ProviderUnusable,
    QtgenError,
    SettingsError,
    UsageError,
)

Run = Callable[..., tuple[int, str, str]]


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("valdate", "did you mean `validate`?"),
        ("regenrate", "did you mean `regenerate`?"),
        ("xyz", "there are generate, "),
    ],
)
def test_an_unknown_command_gets_a_suggestion(qtgen: Run, name: str, hint: str) -> None:
    code, out, err = qtgen(name)
    assert (code, out) == (2, "")
    assert err.startswith(f"qtgen: no such command `{name}`; {hint}")
    assert err.count("\n") == 1


def test_an_unknown_option_of_a_command_gets_a_suggestion(qtgen: Run) -> None:
    code, _, err = qtgen("validate", "--formt", "json")
    assert code == 2
    assert err.startswith("qtgen: no such option '--formt'; did you mean '--format'")


def test_a_command_without_its_extra_says_which_to_install(qtgen: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    table = {"link": Entry("Link.", "links", ("no_such_module",))}
    monkeypatch.setattr(cli.qtgen, "table", table)
    monkeypatch.setattr(cli.qtgen, "commands", {})
    code, out, err = qtgen("link", "x")
    assert (code, out) == (2, "")
    assert err == (
        "qtgen: `qtgen link` needs the `links` extra (no_such_module is not installed); "
        "run `pip install 'qtgen[links]'` (from a wheel file: `pip install 'PATH/qtgen-VERSION.whl[links]'`)\n"
    )


@pytest.mark.parametrize("name", list(cli.COMMANDS))
def test_every_command_can_log_and_be_quiet(name: str) -> None:
    command = cli.qtgen.get_command(click.Context(cli.qtgen, info_name="qtgen"), name)
    assert command is not None
    options = {option for parameter in command.params for option in parameter.opts}
    if isinstance(command, click.Group):
        context = click.Context(command, info_name=name)
        for subname in command.list_commands(context):
            subcommand = command.get_command(context, subname)
            assert subcommand is not None
            assert {"--verbose", "--quiet", "--log-file"} <= {o for p in subcommand.params for o in p.opts}, subname
    else:
        assert {"--verbose", "--quiet", "--log-file"} <= options


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_prints_a_script(qtgen: Run, shell: str) -> None:
    code, out, err = qtgen("completion", shell)
    assert (code, err) == (0, "")
    assert "_QTGEN_COMPLETE" in out


def _probe() -> LazyGroup:
    """A group with one command that logs and notes."""

    @click.command
    def probe() -> int:
        logging.getLogger("qtgen.probe").debug("a request", extra={"attempt": 2})
        logging.getLogger("qtgen.probe").info("it started")
        logging.getLogger("qtgen.probe").warning("it took long")
        note("3 pages written")
        warn(["a", "b"], "page", " were skipped")
        click.echo("data")
        return 0

    from qtgen.commands._groups import common_options

    probe.params.extend(common_options())
    group = LazyGroup(table={"probe": Entry("Probe.")})
    group.commands["probe"] = probe
    return group


def _run_probe(capsys: pytest.CaptureFixture[str], *options: str) -> tuple[str, str]:
    assert _probe().main(["probe", *options], standalone_mode=False) == 0
    captured = capsys.readouterr()
    return captured.out, captured.err


def test_without_options_notes_are_printed_and_nothing_is_logged(capsys: pytest.CaptureFixture[str]) -> None:
    out, err = _run_probe(capsys)
    assert out == "data\n"
    assert err == "3 pages written\nwarning: a\nwarning: b\nwarning: 2 pages were skipped\n"


def test_quiet_keeps_results_and_warnings(capsys: pytest.CaptureFixture[str]) -> None:
    out, err = _run_probe(capsys, "-q")
    assert out == "data\n"
    assert err == "warning: a\nwarning: b\nwarning: 2 pages were skipped\n"


@pytest.mark.parametrize(
    ("option", "lines"),
    [
        ("-v", ["INFO qtgen.probe: it started", "WARNING qtgen.probe: it took long"]),
        ("-vv", ["DEBUG qtgen.probe: a request", "INFO qtgen.probe: it started", "WARNING qtgen.probe: it took long"]),
    ],
)
def test_verbose_logs_on_stderr(capsys: pytest.CaptureFixture[str], option: str, lines: list[str]) -> None:
    _, err = _run_probe(capsys, option)
    assert err.splitlines()[: len(lines)] == lines


def test_the_log_file_gets_json_lines(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    file = tmp_path / "run.log"
    for _ in range(2):
        _, err = _run_probe(capsys, "--log-file", str(file))
        assert "it started" not in err
    entries = [json.loads(line) for line in file.read_text().splitlines()]
    assert [entry["level"] for entry in entries] == ["debug", "info", "warning"] * 2
    assert entries[0]["message"] == "a request"
    assert entries[0]["attempt"] == 2
    assert entries[0]["time"].endswith("+00:00")


def test_handlers_are_removed_at_the_end_of_a_command(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    logger = logging.getLogger("qtgen")
    before = (list(logger.handlers), logger.level)
    _run_probe(capsys, "-vv", "--log-file", str(tmp_path / "run.log"))
    assert (list(logger.handlers), logger.level) == before


def test_a_log_file_that_cannot_be_written_is_one_line(qtgen: Run, tmp_path: Path) -> None:
    code, _, err = qtgen("schema", "--log-file", tmp_path / "no" / "run.log")
    assert code == 2
    assert "cannot be written (No such file or directory)" in err
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    ("error", "code", "line"),
    [
        (UsageError("no question file"), 2, "no question file"),
        (SettingsError("must be positive", setting="max_tokens"), 2, "--max-tokens: must be positive"),
        (SettingsError("is missing", setting="api_key"), 2, "OPENAI_API_KEY: is missing"),
        (SettingsError("is a folder", setting="ledger"), 2, "the setting `ledger`: is a folder"),
        (SettingsError("is unknown", path="qtgen.toml", field="tris", remedy="did you mean `tries`?"), 2,
         "qtgen.toml: `tris`: is unknown; did you mean `tries`?"),
        (ProviderUnusable("the endpoint refused the key"), 2, "the endpoint refused the key"),
        (EndpointDown("nothing listens"), 1, "nothing listens; run the same command again to resume"),
        (Interrupted("2 of 5 questions are left"), 130, "2 of 5 questions are left; run the same command again to resume"),
        (LedgerError("locked"), 1, "locked"),
        (QtgenError("x", path="a.csv:3"), 1, "a.csv:3: x"),
    ],
)  # fmt: skip
def test_errors_become_a_line_and_an_exit_code(error: QtgenError, code: int, line: str) -> None:
    assert exit_code(error) == code
    assert describe(error) == line


def test_a_missing_extra_names_both_ways_to_install_it() -> None:
    line = describe(MissingExtra("`qtgen eval`", "evals", "numpy"))
    assert "pip install 'qtgen[evals]'" in line
    assert ".whl[evals]" in line


def test_a_setting_is_named_by_its_option() -> None:
    assert option_of("base_url") == "--base-url"


@pytest.mark.parametrize(("count", "last"), [(5, "line 4"), (6, "… and 1 more page"), (12, "… and 7 more pages")])
def test_long_lists_are_shortened(count: int, last: str) -> None:
    lines = list(listed([f"line {number}" for number in range(count)], "page"))
    assert len(lines) == min(count, 6)
    assert lines[-1] == last


def test_a_warning_of_nothing_is_silent(capsys: pytest.CaptureFixture[str]) -> None:
    warn([], "page", " were skipped")
    assert capsys.readouterr() == ("", "")


def test_a_diff_has_no_line_ends() -> None:
    assert list(diff_lines("a.md", "x\ny\n", "x\nz\n")) == ["--- a.md", "+++ a.md", "@@ -1,2 +1,2 @@", " x", "-y", "+z"]


@pytest.mark.parametrize("is_enabled", [True, False])
def test_importing_a_command_leaves_the_garbage_collector_as_it_was(is_enabled: bool) -> None:
    was_enabled = gc.isenabled()
    try:
        gc.enable() if is_enabled else gc.disable()
        assert cli.run(["validate", "--help"]) == 0
        assert gc.isenabled() is is_enabled
    finally:
        gc.enable() if was_enabled else gc.disable()
