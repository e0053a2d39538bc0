"""The database's clock.

Times that are compared with each other come from it, because machines that share a ledger may have wrong clocks.
"""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.expression import FunctionElement


class now(FunctionElement[float]):  # noqa: N801  # it is used like a function of SQL
    """An SQL expression: the seconds since 1970 by the database's clock, also within a long transaction."""

    type = sa.Float()
    inherit_cache = True


@compiles(now, "sqlite")
def _sqlite(*_: Any, **__: Any) -> str:
    return "((julianday('now') - 2440587.5) * 86400.0)"


@compiles(now, "postgresql")
def _postgresql(*_: Any, **__: Any) -> str:
    return "CAST(EXTRACT(EPOCH FROM clock_timestamp()) AS DOUBLE PRECISION)"


class server_start(FunctionElement[float]):  # noqa: N801  # it is used like a function of SQL
    """An SQL expression: when the database server started, in seconds since 1970; 0 for a file."""

    type = sa.Float()
    inherit_cache = True


@compiles(server_start, "sqlite")
def _no_server(*_: Any, **__: Any) -> str:
    return "0.0"


@compiles(server_start, "postgresql")
def _server_start(*_: Any, **__: Any) -> str:
    return "CAST(EXTRACT(EPOCH FROM pg_postmaster_start_time()) AS DOUBLE PRECISION)"
