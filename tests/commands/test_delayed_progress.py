"""Progress of long steps on a terminal, and nothing elsewhere."""

import io
import subprocess
import sys

import pytest

from qtgen.commands._delayed_progress import progress_after


class Terminal(io.StringIO):
    """A stream that says that it is a terminal."""

    def isatty(self) -> bool:
        return True


class ImmediateTimer:
    """A timer that fires at once, in the same thread."""

    daemon = False

    def __init__(self, seconds: float, function: object) -> None:
        self.seconds = seconds
        self.start = function
        self.cancel = lambda: None


def use_terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """Replace stderr by a terminal. Not a fixture: pytest replaces stderr again between fixtures and test."""
    stream = Terminal()
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "80")
    return stream


def test_a_long_block_shows_progress_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = use_terminal(monkeypatch)
    monkeypatch.setattr("threading.Timer", ImmediateTimer)
    with progress_after("Writing pages", total=3) as advance:
        advance()
        advance(2)
    assert "Writing pages: 3 of 3" in terminal.getvalue()


def test_progress_without_a_total_counts_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = use_terminal(monkeypatch)
    monkeypatch.setattr("threading.Timer", ImmediateTimer)
    with progress_after("Reading pages") as advance:
        advance(1_500)
    assert "Reading pages: 1,500 " in terminal.getvalue()


def test_a_step_without_counts_shows_no_zero(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = use_terminal(monkeypatch)
    monkeypatch.setattr("threading.Timer", ImmediateTimer)
    with progress_after("Choosing links"):
        pass
    assert "Choosing links" in terminal.getvalue()
    assert "Choosing links:" not in terminal.getvalue()


def test_a_short_block_shows_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = use_terminal(monkeypatch)
    with progress_after("Writing pages", seconds=3_600) as advance:
        advance()
    assert terminal.getvalue() == ""


def test_progress_leaves_stdout_alone(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    terminal = use_terminal(monkeypatch)
    monkeypatch.setattr("threading.Timer", ImmediateTimer)
    with progress_after("Writing pages"):
        sys.stdout.write("data\n")
    assert "Writing pages" in terminal.getvalue()
    assert capsys.readouterr().out == "data\n"
    assert "data" not in terminal.getvalue()


def test_a_pipe_gets_no_progress_and_rich_is_not_loaded() -> None:
    script = (
        "import sys\n"
        "from qtgen.commands._delayed_progress import progress_after\n"
        "with progress_after('Writing pages', seconds=0.0) as advance:\n"
        "    advance()\n"
        "print('rich' in sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("False\n", "")
