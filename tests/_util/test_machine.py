"""The digest of this machine."""

from pathlib import Path

import pytest

from qtgen._util.machine import machine_id


def test_a_machine_without_a_boot_id_has_a_digest_too(monkeypatch: pytest.MonkeyPatch) -> None:
    def unreadable(self: Path) -> str:
        raise OSError

    with_boot_id = machine_id()
    monkeypatch.setattr(Path, "read_text", unreadable)
    assert len(machine_id.__wrapped__()) == len(with_boot_id) == 16
