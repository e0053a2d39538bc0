"""Progress of long steps on a terminal, and nothing elsewhere."""

import io
import subprocess
import sys
import threading

import pytest

from qtgen.commands._steps import Step, progress_after


class Terminal(io.StringIO):
    """A stream that says that it is a terminal, and tells when something was written."""

    def __init__(self) -> None:
        super().__init__()
        self.written = threading.Event()

    def isatty(self) -> bool:
        return True

    def write(self, text: str) -> int:
        count = super().write(text)
        self.written.set()
        return count


def use_terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """Replace stderr by a terminal. Not a fixture: pytest replaces stderr again between fixtures and test."""
    stream = Terminal()
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setenv("COLUMNS", "80")
    return stream


def test_a_long_step_shows_a_line_that_disappears_at_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = use_terminal(monkeypatch)
    with progress_after("Writing pages", total=3, seconds=0.0) as step:
        step.advance()
        step.advance(2)
        assert terminal.written.wait(10)
    assert "\r\x1b[2KWriting pages" in terminal.getvalue()
    assert terminal.getvalue().endswith("\r\x1b[2K")


@pytest.mark.parametrize(
    ("done", "total", "columns", "line"),
    [
        (3, 3, 80, "Writing pages: 3 of 3 (2 s)"),
        (1_500, None, 80, "Writing pages: 1,500 (2 s)"),
        (0, None, 80, "Writing pages (2 s)"),
        (1_500, None, 12, "Writing pag"),
    ],
)
def test_the_line_counts_and_fits_the_terminal(done: int, total: int | None, columns: int, line: str) -> None:
    step = Step("Writing pages", total)
    step.update(done)
    assert step.line(2.2, columns) == line


def test_a_short_step_shows_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = use_terminal(monkeypatch)
    with progress_after("Writing pages", seconds=3_600) as step:
        step.advance()
    assert terminal.getvalue() == ""


def test_a_disabled_step_shows_nothing_and_still_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = use_terminal(monkeypatch)
    with progress_after("Writing pages", seconds=0.0, enabled=False) as step:
        step.advance(7)
    assert (step.done, terminal.getvalue()) == (7, "")


def fail_in_a_step(terminal: Terminal) -> None:
    with progress_after("Writing pages", seconds=0.0):
        terminal.written.wait(10)
        raise ValueError("broken")


def test_an_error_inside_still_erases_the_line(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = use_terminal(monkeypatch)
    with pytest.raises(ValueError, match="broken"):
        fail_in_a_step(terminal)
    assert terminal.getvalue().endswith("\r\x1b[2K")


def test_a_pipe_gets_no_progress_and_rich_is_not_loaded() -> None:
    script = (
        "import sys\n"
        "from qtgen.commands._steps import progress_after\n"
        "with progress_after('Writing pages', seconds=0.0) as step:\n"
        "    step.advance()\n"
        "print('rich' in sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("False\n", "")
