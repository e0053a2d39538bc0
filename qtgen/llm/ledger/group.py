"""Operations of a run within its group: lease blocks of a list, and draw from the group's budget."""

from collections.abc import Sequence

from qtgen.llm.ledger import allowances, leases
from qtgen.llm.ledger.allowances import MoneyDraw, MoneyGrant
from qtgen.llm.ledger.database import Database
from qtgen.llm.ledger.groups import Membership
from qtgen.llm.ledger.leases import OpenBlocks


class LedgerGroup:
    """The group of a run. Each method is one transaction. Every method raises LedgerError.

    Args:
        run: The run.
        membership: Its group, and how many other runs there are.
        database: The ledger's database.
    """

    def __init__(self, run: str, membership: Membership, database: Database) -> None:
        self._run, self.membership, self._database = run, membership, database

    @property
    def id(self) -> str:
        """Identifies the group."""
        return self.membership.group

    def take_block(self, blocks: Sequence[int], done: Sequence[int] = (), *, left: bool = False) -> int | None:
        """Lease the first available block, and return its index. See `leases.take`. `done` blocks are finished."""
        with self._database.write() as connection:
            leases.finish(connection, self.id, self._run, done)
            return leases.take(connection, self.id, self._run, blocks, left=left)

    def release_blocks(self, done: Sequence[int], given_up: Sequence[int]) -> None:
        """Record which blocks are done, and release the others."""
        with self._database.write() as connection:
            leases.finish(connection, self.id, self._run, done)
            leases.release(connection, self.id, self._run, given_up)

    def open_blocks(self) -> OpenBlocks:
        """Return what other runs have left to do."""
        with self._database.read() as connection:
            return leases.open_blocks(connection, self.id, self._run)

    def blocks_of_others(self) -> set[int]:
        """Return the blocks that other runs work on or have finished."""
        with self._database.read() as connection:
            return leases.blocks_of_others(connection, self.id, self._run)

    def draw_money(self, draw: MoneyDraw) -> MoneyGrant:
        """Set money aside within the group's budget. See `allowances.draw_money`."""
        with self._database.write() as connection:
            return allowances.draw_money(connection, self.id, self._run, draw)
