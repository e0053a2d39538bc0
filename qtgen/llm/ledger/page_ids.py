"""Page ids and the digests of prompts, which the ledger keeps from run to run."""

from collections.abc import Collection, Container, Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from qtgen.llm.ledger.claims import chunks
from qtgen.llm.ledger.statements import insert
from qtgen.llm.ledger.tables import pages, prompts


def assign_ids(
    connection: sa.Connection, given_ids: Mapping[str, int | None], first: int, reserved: Container[int]
) -> dict[str, int]:
    """Return an id for each page, by URL, and record all of them so that no other page gets one of them.

    A page gets the id that its question brings along, else the id that it has, else the next one: at least `first`, and
    none of the `reserved` ones.
    """
    ids: dict[str, int] = {
        row.url: row.id
        for urls in chunks([*given_ids])
        for row in connection.execute(sa.select(pages).where(pages.c.url.in_(urls), pages.c.id.is_not(None)))
    }
    highest = connection.execute(sa.select(sa.func.max(pages.c.id))).scalar() or 0
    changed = {url: given for url, given in given_ids.items() if given is not None and ids.get(url) != given}
    _replace(connection, pages, pages.c.url, [{"url": url, "id": given} for url, given in changed.items()])
    ids |= changed
    number, new = max(first - 1, highest), []
    for url in given_ids:
        if url not in ids:
            number += 1
            while number in reserved:
                number += 1
            ids[url] = number
            new.append({"url": url, "id": number})
    _replace(connection, pages, pages.c.url, new)  # a page may have been recorded when its site had no ids
    return ids


def record_pages(connection: sa.Connection, urls: Collection[str]) -> None:
    """Record pages of a site without ids. The id of a page that has one stays."""
    rows = [{"url": url} for url in sorted(urls)]
    if rows:
        connection.execute(insert(connection, pages).on_conflict_do_nothing(index_elements=["url"]), rows)


def urls_by_id(connection: sa.Connection, ids: Collection[int]) -> dict[int, str]:
    """Return the URL of a page that has each id; ids that no page has are left out."""
    rows = (row for some in chunks([*ids]) for row in connection.execute(sa.select(pages).where(pages.c.id.in_(some))))
    return {row.id: row.url for row in rows}


def changed_prompts(connection: sa.Connection, digests: Mapping[str, str]) -> set[str]:
    """Return the names of the prompts whose digest is not the one that was recorded last."""
    recorded = {row.name: row.template for row in connection.execute(sa.select(prompts))}
    return {name for name, digest in digests.items() if recorded.get(name, digest) != digest}


def record_prompts(connection: sa.Connection, digests: Mapping[str, str]) -> None:
    """Record the digests of prompts, by name."""
    rows = [{"name": name, "template": digest} for name, digest in digests.items()]
    _replace(connection, prompts, prompts.c.name, rows)


def _replace(connection: sa.Connection, table: sa.Table, key: sa.Column[Any], rows: Sequence[dict[str, Any]]) -> None:
    """Insert rows, or put them in place of those that have the same keys."""
    if not rows:
        return
    statement = insert(connection, table)
    replaced = {name: statement.excluded[name] for name in rows[0] if name != key.name}
    ordered = sorted(rows, key=lambda row: str(row[key.name]))
    connection.execute(statement.on_conflict_do_update(index_elements=[key.name], set_=replaced), ordered)
