"""Every request, what came of it and what it cost: so that nothing is paid for twice."""

from qtgen.ledger.book import Asked, Book, Tried, key_of
from qtgen.ledger.desk import Desk, opened

__all__ = ["Asked", "Book", "Desk", "Tried", "key_of", "opened"]
