"""Learned dialects in the ledger: who finds them, and what replaces them."""

from pathlib import Path

from qtgen.llm.dialect.value import Dialect
from qtgen.llm.endpoint import Endpoint
from qtgen.llm.factory import endpoints_for
from qtgen.llm.ledger import Changes, Ledger
from qtgen.llm.types import AnswerFormat
from qtgen.settings import Settings
from support.ledgers import make_older

LEARNED = Dialect(omit=("temperature",), rejected_formats=(AnswerFormat.JSON_SCHEMA,))
ADDRESS = "http://127.0.0.1:9/v1?api-version=secret-in-the-address"
SETTINGS = {"base_url": ADDRESS, "model": "m"}


def endpoint(ledger: Ledger, **settings: object) -> Endpoint:
    [found] = endpoints_for(Settings.model_validate({**SETTINGS, **settings}), ledger)
    return found


def record(ledger: Ledger, dialect: Dialect) -> None:
    place = endpoints_for(Settings.model_validate(SETTINGS))[0].place
    ledger.commit(Changes(dialects={(place, "m"): dialect.to_json()}))


def test_the_next_run_finds_the_dialect(tmp_path: Path) -> None:
    url = str(tmp_path / "ledger.sqlite")
    first = Ledger(url)
    record(first, Dialect())
    record(first, LEARNED)
    first.close()
    second = Ledger(url)
    found = endpoint(second)
    assert (found.dialect, found.learned_dialect, found.own_dialect) == (LEARNED, LEARNED, Dialect())
    assert endpoint(second, model="other").dialect == Dialect()
    assert endpoint(second, base_url="http://127.0.0.1:9/v1").dialect == Dialect()
    second.close()
    assert b"secret-in-the-address" not in (tmp_path / "ledger.sqlite").read_bytes()


def test_settings_take_precedence(tmp_path: Path) -> None:
    ledger = Ledger(str(tmp_path / "ledger.sqlite"))
    record(ledger, LEARNED)
    assert endpoint(ledger, dialect={"remember": False}).dialect == Dialect()
    assert endpoint(ledger, answer_format="json_schema").dialect == Dialect(omit=("temperature",))
    assert endpoint(ledger, request={"temperature": 1}).dialect.omit == ()
    own = endpoint(ledger, dialect={"omit": ["seed"], "stream": True})
    assert own.dialect.omit == ("temperature", "seed")
    assert own.dialect.stream
    assert own.own_dialect == Dialect(omit=("seed",), stream=True)
    ledger.close()


def test_a_dialect_of_another_version_is_ignored(tmp_path: Path) -> None:
    ledger = Ledger(str(tmp_path / "ledger.sqlite"))
    place = endpoints_for(Settings.model_validate(SETTINGS))[0].place
    ledger.commit(Changes(dialects={(place, "m"): '{"rejected_formats": ["xml"]}'}))
    assert endpoint(ledger).dialect == Dialect()
    ledger.close()


def test_a_ledger_of_an_older_version_gets_the_table(tmp_path: Path) -> None:
    url = str(tmp_path / "ledger.sqlite")
    Ledger(url).close()
    make_older(url)
    ledger = Ledger(url)
    record(ledger, LEARNED)
    assert endpoint(ledger).dialect == LEARNED
    ledger.close()
