"""Marker files: one process or thread holds each."""

import sys
import threading
from pathlib import Path

import pytest

from qtgen._util import markers
from qtgen._util.markers import lock_marker
from qtgen.errors import OutputError

MARKER = "markers/biology/a"


def test_a_marker_is_held_by_one_at_a_time() -> None:
    entered: list[bool] = []

    def hold() -> None:
        marker = lock_marker(MARKER, wait=True)
        assert marker is not None
        file, was_there = marker
        entered.append(was_there)
        file.close()

    marker = lock_marker(MARKER, wait=True)
    assert marker is not None
    file, was_there = marker
    assert not was_there
    other = threading.Thread(target=hold)
    with file:
        other.start()
        other.join(timeout=0.2)
        assert other.is_alive() or sys.platform == "win32"
    other.join(timeout=10)
    assert entered == [True]
    assert Path(MARKER).exists()


@pytest.mark.skipif(sys.platform == "win32", reason="no locks")
def test_a_marker_that_is_held_need_not_be_waited_for() -> None:
    marker = lock_marker(MARKER, wait=False)
    assert marker is not None
    with marker[0]:
        assert lock_marker(MARKER, wait=False) is None
    later = lock_marker(MARKER, wait=False)
    assert later is not None
    later[0].close()
    assert later[1]


def test_without_locks_a_marker_is_a_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(markers, "fcntl", None)
    for was_there in (False, True):
        marker = lock_marker(MARKER, wait=False)
        assert marker is not None
        marker[0].close()
        assert marker[1] is was_there


def test_a_marker_that_cannot_be_created_is_an_output_error() -> None:
    Path("markers").write_text("a file")
    with pytest.raises(OutputError, match="markers"):
        lock_marker(MARKER, wait=True)
