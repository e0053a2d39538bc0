"""What earlier runs have learned about the endpoints in the settings, for commands that send nothing."""

import datetime as dt
import importlib.util
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from qtgen.errors import LedgerError, QtgenError
from qtgen.settings import Settings

if TYPE_CHECKING:
    from qtgen.llm.endpoint import Endpoint
    from qtgen.llm.ledger import Ledger


def endpoints_with_learned(settings: Settings) -> "list[Endpoint]":
    """Return the endpoints in the settings, with what the ledger knows about them if it is an existing file.

    Raises SettingsError.
    """
    from qtgen.llm.factory import endpoints_for

    ledger = _existing_ledger(settings)
    try:
        return endpoints_for(settings, ledger)
    except LedgerError:  # a ledger of an older version has no table of dialects
        return endpoints_for(settings)
    finally:
        if ledger:
            ledger.close()


def learned_lines(settings: Settings) -> Iterator[str]:
    """Yield a line for each endpoint whose dialect is in the ledger, if that is an existing file."""
    if importlib.util.find_spec("sqlalchemy") is None:
        return
    from qtgen.llm.factory import endpoints_for

    try:
        endpoints = endpoints_for(settings)
    except QtgenError:  # without a key or a model there is no endpoint to describe
        return
    ledger = _existing_ledger(settings)
    if ledger is None:
        return
    try:
        for endpoint in endpoints:
            yield from _lines(ledger, endpoint.place, endpoint.model, remembers=settings.dialect.remember)
    except LedgerError:  # a ledger of an older version has no table of dialects
        return
    finally:
        ledger.close()


def _existing_ledger(settings: Settings) -> "Ledger | None":
    """Return the ledger if it is an existing file. A database server may take long to answer."""
    from qtgen.llm.factory import ledger_url
    from qtgen.llm.ledger import Ledger

    url = ledger_url(settings)
    return None if "://" in url or not Path(url).is_file() else Ledger(url, create=False)


def _lines(ledger: "Ledger", place: str, model: str, *, remembers: bool) -> Iterator[str]:
    from qtgen.llm.dialect.value import from_json

    stored = ledger.dialect(place, model)
    dialect = from_json(stored.text) if stored else None
    if stored is None or dialect is None or not dialect.words():
        return
    day = dt.datetime.fromtimestamp(stored.learned_at, dt.UTC).date()
    use = "`remember = false` under [dialect] ignores it" if remembers else "ignored, because `remember` is false"
    yield f"learned        = {'; '.join(dialect.words())} # {model} at {place or 'OpenAI'}, on {day}; {use}"
