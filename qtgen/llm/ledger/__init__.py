"""Every request, what came of it and what it cost: so that nothing is paid for twice."""

from qtgen.llm.ledger.ledger import Attempt, Ledger, RequestKey, key_of
from qtgen.llm.ledger.writer import LedgerWriter, opened

__all__ = ["Attempt", "Ledger", "LedgerWriter", "RequestKey", "key_of", "opened"]
