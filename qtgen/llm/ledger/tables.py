"""What the ledger keeps. An SQLite file by default, or PostgreSQL."""

from sqlalchemy import BigInteger, Column, Float, Index, Integer, LargeBinary, MetaData, String, Table, Text

metadata = MetaData()

# One row a call of `generate`: who works, and until when it was last seen alive.
runs = Table(
    "runs",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("started", Float, nullable=False),  # seconds since 1970
    Column("beat", Float, nullable=False),
    Column("machine", String(16), nullable=False),  # a digest, not a name
    Column("pid", Integer, nullable=False),
)

# One row a request by the hash of its exact bytes. open: somebody waits for its answer; done: it has one; rejected: one
# with faults, on the way to a page; cut, refused, filtered: the endpoint's last word, which is no answer; faulty: one
# that led to no page. All between the first and the last are used again.
requests = Table(
    "requests",
    metadata,
    Column("key", LargeBinary(32), primary_key=True),
    Column("state", String(8), nullable=False),
    Column("run", String(32), nullable=False),  # whose it is, or was
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
    sqlite_with_rowid=False,
)

# One row each time a request was sent, whatever came of it.
attempts = Table(
    "attempts",
    metadata,
    Column("number", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("key", LargeBinary(32), nullable=False),
    Column("run", String(32), nullable=False),
    Column("model", Text, nullable=False),
    Column("at", Float, nullable=False),
    Column("seconds", Float, nullable=False),
    Column("kind", Text, nullable=False),  # ok, or the kind of failure
    Column("prompt_tokens", Integer, nullable=False),
    Column("completion_tokens", Integer, nullable=False),
    Column("cached_tokens", Integer, nullable=False),
    Column("cost_usd", Float),  # null: not known
    Index("attempts_by_run", "run"),
)

# The id that each page got, so that two runs give it the same.
pages = Table(
    "pages",
    metadata,
    Column("url", Text, primary_key=True),
    Column("id", BigInteger, nullable=False, index=True),
    sqlite_with_rowid=False,
)

# The prompts as they last were.
prompts = Table(
    "prompts",
    metadata,
    Column("name", Text, primary_key=True),
    Column("template", String(16), nullable=False),
)
