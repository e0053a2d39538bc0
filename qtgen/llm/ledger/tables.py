"""The ledger's tables, in an SQLite file or in PostgreSQL.

Users' ledgers have them, so names and columns stay. Whoever adds a table or a column raises `schema.VERSION`; older
ledgers then get it. A column that is added to an existing table accepts null.
"""

from sqlalchemy import (
    BigInteger,
    Column,
    Float,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
)

metadata = MetaData()

# One row: the version of these tables.
schema = Table("schema", metadata, Column("version", Integer, nullable=False))

# One row per run: which process it is, and when it last showed that it is alive. Times are the database's.
runs = Table(
    "runs",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("started", Float, nullable=False),  # seconds since 1970
    Column("beat", Float, nullable=False),
    Column("machine", String(16), nullable=False),  # a digest, not a name
    Column("pid", Integer, nullable=False),  # means something only where `machine` is the same
)

# One row per request, by the digest of its exact bytes. Its state is one of:
#   open                    a run is waiting for the response
#   done                    it has an answer
#   rejected                it has an answer with faults, which led to a repair
#   cut, refused, filtered  the endpoint's final response was no answer
#   faulty                  it has an answer that led to no page
# All states but the first and the last are reused.
requests = Table(
    "requests",
    metadata,
    Column("key", LargeBinary(32), primary_key=True),
    Column("state", String(8), nullable=False),
    Column("run", String(32), nullable=False),  # the run that claimed it last
    Column("model", Text, nullable=False),
    Column("prompt", Text, nullable=False),
    Column("template", String(16), nullable=False),  # digest of the prompt without the question
    Column("bytes", Integer, nullable=False),
    Column("answer", Text),
    Column("served_by", Text),
    Column("request_id", Text),
    Column("prompt_tokens", Integer),
    Column("completion_tokens", Integer),
    Column("cached_tokens", Integer),
    Column("cost_usd", Float),
    Column("reasoning_tokens", Integer),
    Column("reported_usd", Float),
    sqlite_with_rowid=False,
)

# One row per attempt, whatever came of it.
attempts = Table(
    "attempts",
    metadata,
    Column("number", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("key", LargeBinary(32), nullable=False),
    Column("run", String(32), nullable=False),
    Column("model", Text, nullable=False),
    Column("at", Float, nullable=False),
    Column("seconds", Float, nullable=False),
    Column("kind", Text, nullable=False),  # `ok`, or the kind of the failure
    Column("prompt_tokens", Integer, nullable=False),
    Column("completion_tokens", Integer, nullable=False),
    Column("cached_tokens", Integer, nullable=False),
    Column("cost_usd", Float),  # null if it is unknown
    Column("reasoning_tokens", Integer),
    Column("reported_usd", Float),  # null if the provider reports none
    # An attempt that is recorded again, because nobody knows whether the first time succeeded, is recorded once.
    Index("attempts_once", "run", "key", "at", unique=True),
)

# The id of each page, so that every run gives a page the same one.
pages = Table(
    "pages",
    metadata,
    Column("url", Text, primary_key=True),
    Column("id", BigInteger, nullable=False, index=True),
    sqlite_with_rowid=False,
)

# The prompts as the last run used them.
prompts = Table(
    "prompts",
    metadata,
    Column("name", Text, primary_key=True),
    Column("template", String(16), nullable=False),
)

# How requests to an endpoint are changed, because it has rejected others.
dialects = Table(
    "dialects",
    metadata,
    Column("place", String(64), primary_key=True),  # a digest, because an address can contain a password
    Column("model", Text, primary_key=True),
    Column("dialect", Text, nullable=False),  # JSON
    Column("at", Float, nullable=False),  # when it was learned, in seconds since 1970
)
