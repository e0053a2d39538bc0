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
    from qtgen.llm.ledger.dialects import StoredDialect


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
    """Yield a line for each change in the ledger, if that is an existing file. The model may come from an option."""
    if importlib.util.find_spec("sqlalchemy") is None:
        return
    try:
        ledger = _existing_ledger(settings)
    except QtgenError:  # the command shows settings even if they are no good
        return
    if ledger is None:
        return
    try:
        place = _place(settings)
        for stored in ledger.learned_dialects():
            yield from _lines(stored, place, remembers=settings.dialect.remember)
    except LedgerError:  # a ledger of an older version has no table of dialects
        return
    finally:
        ledger.close()


def _place(settings: Settings) -> str | None:
    """Return the place of the endpoint in the settings, whatever the model, or None if there is none."""
    from pydantic import SecretStr

    from qtgen.llm.factory import endpoints_for

    key = settings.api_key or SecretStr("no request is sent")
    try:
        return endpoints_for(settings.model_copy(update={"model": settings.model or ("m",), "api_key": key}))[0].place
    except QtgenError:
        return None


def _existing_ledger(settings: Settings) -> "Ledger | None":
    """Return the ledger if it is an existing file. A database server may take long to answer."""
    from qtgen.llm.factory import ledger_url
    from qtgen.llm.ledger import Ledger

    url = ledger_url(settings)
    return None if "://" in url or not Path(url).is_file() else Ledger(url, create=False)


def _lines(stored: "StoredDialect", place: str | None, *, remembers: bool) -> Iterator[str]:
    from qtgen.llm.dialect.value import from_json
    from qtgen.llm.transport.addresses import shown

    dialect = from_json(stored.text)
    if dialect is None:  # another version of qtgen has written it
        return
    is_here = place is not None and stored.is_at(place)
    address = (shown(place or "") or "OpenAI") if is_here else "another address"
    day = dt.datetime.fromtimestamp(stored.learned_at, dt.UTC).date()
    use = "`remember = false` under [dialect] ignores it" if remembers else "ignored, because `remember` is false"
    for change in dialect.words():
        yield f"{'learned':<14} = {change:<24} # {stored.model} at {address}, on {day}; {use}"
