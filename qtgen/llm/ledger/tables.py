"""The ledger's tables, in an SQLite file or in PostgreSQL.

Users' ledgers have them, so names and columns stay. If you add a table or a column, raise `schema.VERSION`. Older
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
    text,
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
    Column("pid", Integer, nullable=False),  # valid only on the same `machine`
    Column("group_id", String(32)),  # see `run_groups`; null for a run on its own
    Column("ended", Float),  # when the run ended; null if it has not, or was killed
)

# One row per request, by the digest of its exact bytes. Its state is one of:
#   open                    a run is waiting for the response
#   done                    it has an answer
#   rejected                it has an answer with faults, which led to a repair
#   cut, refused, filtered  the endpoint's final response was no answer
#   faulty                  it has an answer that led to no page
#   batched                 it is in a batch; `run` is the batch, and the answer an older one that a fresh run replaces
#   failed                  a batch's endpoint rejected it; `answer` is the error as JSON, and `run` the batch
# The states done, rejected, cut, refused and filtered are reused.
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
    Index(
        "requests_in_batches", "run", sqlite_where=text("state = 'batched'"), postgresql_where=text("state = 'batched'")
    ),
    Index("requests_failed", "run", sqlite_where=text("state = 'failed'"), postgresql_where=text("state = 'failed'")),
    sqlite_with_rowid=False,
)

# One row per attempt, including failed ones.
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
    # An attempt that is recorded again, because it is unknown whether the first commit succeeded, is recorded once.
    Index("attempts_once", "run", "key", "at", unique=True),
)

# The id of each page, so that every run gives a page the same one. It is null on sites whose pages have no ids.
pages = Table(
    "pages",
    metadata,
    Column("url", Text, primary_key=True),
    Column("id", BigInteger, index=True),
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

# Runs of the same command on the same work that are alive at the same time. They share one budget.
run_groups = Table(
    "run_groups",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("command", String(16), nullable=False),
    Column("work", String(64), nullable=False),  # a digest of the list, the prompts, the models and the endpoint
    Column("started", Float, nullable=False),  # seconds since 1970
    Column("budget_usd", Float),  # null for no limit
)

# The blocks of a list that runs of a group have leased. Its state is one of:
#   taken  the run works on it
#   done   the run has an outcome for each of its rows
#   free   the run has released it
leases = Table(
    "leases",
    metadata,
    Column("group_id", String(32), primary_key=True),
    Column("block", Integer, primary_key=True, autoincrement=False),
    Column("run", String(32), nullable=False),
    Column("state", String(8), nullable=False),
    sqlite_with_rowid=False,
)

# What each run of a group has spent, and what it has set aside for requests.
budget_shares = Table(
    "budget_shares",
    metadata,
    Column("run", String(32), primary_key=True),
    Column("group_id", String(32), nullable=False, index=True),
    Column("spent_usd", Float, nullable=False),
    Column("aside_usd", Float, nullable=False),
    sqlite_with_rowid=False,
)

# The user's rate limits at each endpoint, from which all runs draw.
rate_buckets = Table(
    "rate_buckets",
    metadata,
    Column("place", String(64), primary_key=True),  # a digest, because an address can contain a password
    Column("kind", String(8), primary_key=True),  # requests or tokens
    Column("per_minute", Float, nullable=False),
    Column("confirmed", Float, nullable=False),  # when a run with this limit, or a lower one, drew last
    Column("level", Float, nullable=False),  # units that can be drawn
    Column("updated", Float, nullable=False),
    sqlite_with_rowid=False,
)

# One row per batch. Its state is one of:
#   prepared   its file is being uploaded, or it is not yet known whether the provider has it
#   submitted  the provider has it
#   written    its file was written for another service, whose results are read from a file
#   collected  its results are recorded
#   failed     the provider rejected it
#   lost       it never reached the provider
#   cancelled  its requests were released
# In the last four states, none of its requests is `batched` any more.
batches = Table(
    "batches",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("place", String(64), nullable=False),  # a digest of the endpoint
    Column("model", Text, nullable=False),
    Column("run", String(32), nullable=False),  # the run that submits it
    Column("state", String(9), nullable=False),
    Column("status", Text),  # as the provider reports it
    Column("dialect", Text, nullable=False),  # in which its requests are written, as JSON
    Column("remote_id", Text),
    Column("input_file", Text),
    Column("requests", Integer, nullable=False),
    Column("bytes", BigInteger, nullable=False),
    Column("tokens", BigInteger, nullable=False),  # estimated prompt tokens
    Column("set_aside_usd", Float),  # the most that it can cost; null if it is unknown
    Column("completed", Integer),  # as the provider reports it
    Column("collected", Integer, nullable=False),  # requests with a result
    Column("answered", Integer, nullable=False),  # of these, those with a final response
    Column("cost_usd", Float, nullable=False),  # of these, as far as it is known
    Column("unpriced", Integer, nullable=False),
    Column("created", Float, nullable=False),
    Column("submitted", Float),
    Column("finished", Float),
    Column("note", Text),
)

# What distinguishes the requests of a run that must not reuse answers of other runs, such as an evaluation.
batch_scopes = Table(
    "batch_scopes",
    metadata,
    Column("name", Text, primary_key=True),
    Column("token", String(32), nullable=False),
)
