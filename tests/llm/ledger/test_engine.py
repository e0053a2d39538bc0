"""Opening the ledger's database."""

from pathlib import Path

import pytest
import sqlalchemy as sa

from qtgen._util import extras
from qtgen.errors import LedgerError, MissingExtra, SettingsError
from qtgen.llm.ledger import Ledger
from qtgen.llm.ledger.engine import without_login


def test_a_database_is_named_without_its_login() -> None:
    assert without_login(sa.make_url("postgresql+psycopg://me:secret@db/x?password=secret")) == "postgresql://db/x"
    assert without_login(sa.make_url("sqlite:///a/b.sqlite")) == "a/b.sqlite"
    assert without_login(sa.make_url("sqlite://")) == "in memory"


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("mysql://me:secret@h/x", "h/x: `mysql` databases are not supported; name a file, or a `postgresql://` URL"),
        ("://me:secret@h/x", "h/x: this is not a database URL"),
        ("postgresql://me:secret@h:many/x", "h:many/x: this is not a database URL"),
    ],
)
def test_a_url_that_cannot_be_used_is_a_settings_error_without_its_password(url: str, words: str) -> None:
    with pytest.raises(SettingsError) as caught:
        Ledger(url)
    assert words in str(caught.value)
    assert (caught.value.setting, "secret" in str(caught.value)) == ("ledger", False)


def test_a_folder_that_cannot_be_made_is_a_settings_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SettingsError) as caught:
        Ledger(str(tmp_path / "file" / "folder" / "ledger.sqlite"))
    assert (caught.value.setting, str(tmp_path / "file") in str(caught.value)) == ("ledger", True)


def test_a_missing_driver_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(extras, "missing", lambda *modules: modules[0])
    with pytest.raises(MissingExtra) as caught:
        Ledger("postgresql://h/x")
    assert (caught.value.extra, caught.value.module) == ("postgresql", "psycopg")


def test_a_database_that_cannot_be_opened_is_a_ledger_error(tmp_path: Path) -> None:
    with pytest.raises(LedgerError, match="the ledger cannot be used"):
        Ledger(f"postgresql://nobody@/x?host={tmp_path}")
    (tmp_path / "no.sqlite").write_bytes(b"this is no database" * 100)
    with pytest.raises(LedgerError, match="not a database"):
        Ledger(str(tmp_path / "no.sqlite"))
