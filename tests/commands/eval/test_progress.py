"""The progress line: on a terminal only, after a moment, and gone at the end."""

import sys

import pytest

from qtgen.commands.eval._progress import ProgressLine, track


class Clock:
    """A clock that moves on by a step each time it is read."""

    def __init__(self, step: float) -> None:
        self.now, self.step = 0.0, step

    def __call__(self) -> float:
        self.now += self.step
        return self.now


def test_the_line_counts_up_and_disappears(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    line = ProgressLine("scored", 1_200, clock=Clock(0.6))
    for _ in range(3):
        line.advance()
    line.close()
    line.close()
    assert capsys.readouterr().err == "\r\x1b[Kscored 2 of 1,200\r\x1b[Kscored 3 of 1,200\r\x1b[K"


def test_short_work_shows_nothing(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    line = ProgressLine("scored", clock=Clock(0.01))
    for _ in range(5):
        line.advance()
    line.close()
    assert capsys.readouterr().err == ""


def test_without_a_terminal_there_is_no_line(capsys: pytest.CaptureFixture[str]) -> None:
    line = ProgressLine("scored", clock=Clock(10))
    line.advance()
    line.close()
    assert list(track([1, 2], "scored")) == [1, 2]
    assert capsys.readouterr().err == ""
