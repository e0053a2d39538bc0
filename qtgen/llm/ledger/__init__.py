"""The ledger: every request, its response and its cost, so that nothing is paid for twice.

`Ledger` is the database. `LedgerWriter` writes to it from coroutines. `LedgerSender` is the client's layer that looks
up answers and records them.
"""

from qtgen.llm.ledger.group import LedgerGroup
from qtgen.llm.ledger.groups import Work
from qtgen.llm.ledger.ledger import Ledger
from qtgen.llm.ledger.sender import LedgerSender
from qtgen.llm.ledger.types import Changes, Claim, Judgement, ModelFacts, ModelPace
from qtgen.llm.ledger.writer import LedgerWriter, open_writer

__all__ = [
    "Changes",
    "Claim",
    "Judgement",
    "Ledger",
    "LedgerGroup",
    "LedgerSender",
    "LedgerWriter",
    "ModelFacts",
    "ModelPace",
    "Work",
    "open_writer",
]
