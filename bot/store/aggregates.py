"""Aggregates, their inboxes and the routes that lead to them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

import sqlalchemy as sa

from bot.store.database import Database
from bot.store.tables import aggregates, inbox, routes
from planner.model import Address, Route, Scope


@dataclass(frozen=True, slots=True)
class AggregateRow:
    address: Address
    version: int
    state: str | None
    failures: int
    poisoned: bool


@dataclass(frozen=True, slots=True)
class InboxRow:
    seq: int
    id: str
    event: str


def derived_id(cause: str, owner: Address, mark: str, index: int) -> str:
    """The id of what `owner` made of the event `cause`: the same each time, and short however long the chain is."""
    text = f"{cause}>{owner}{mark}{index}"
    if len(text) <= 100:
        return text
    return f"{text[:48]}~{hashlib.blake2b(text.encode(), digest_size=16).hexdigest()}"


def load(connection: sa.Connection, address: Address) -> AggregateRow | None:
    columns = aggregates.c
    row = connection.execute(
        sa.select(columns.version, columns.state, columns.failures, columns.poisoned).where(
            columns.kind == address.kind, columns.key == address.key
        )
    ).first()
    return AggregateRow(address, row.version, row.state, row.failures, row.poisoned) if row else None


def save(
    database: Database,
    connection: sa.Connection,
    address: Address,
    seen_version: int | None,
    state: str,
    scope: Scope,
    now: float,
) -> bool:
    """Compare-and-swap: False if somebody else saved since `seen_version` was read (None: it did not exist)."""
    values = {
        "version": (seen_version or 0) + 1,
        "state": state,
        "installation": scope.installation,
        "repo_id": scope.repo_id,
        "repo": scope.repo,
        "root": scope.root,
        "tree": scope.tree,
        "failures": 0,
        "error": None,
        "retry_at": None,
        "updated": now,
    }
    if seen_version is None:
        row = {"kind": address.kind, "key": address.key, **values}
        return database.insert_new(connection, aggregates, row, ("kind", "key"))
    return (
        connection.execute(
            aggregates.update()
            .where(
                aggregates.c.kind == address.kind,
                aggregates.c.key == address.key,
                aggregates.c.version == seen_version,
            )
            .values(**values)
        ).rowcount
        == 1
    )


def record_failure(
    database: Database,
    connection: sa.Connection,
    address: Address,
    error: str,
    now: float,
    limit: int,
    backoff_s: float,
) -> bool:
    """Notes that a step raised; True if this was the last try and the aggregate is parked as poisoned."""
    blank = {"kind": address.kind, "key": address.key, "version": 0, "updated": now}
    database.insert_new(connection, aggregates, blank, ("kind", "key"))
    row = load(connection, address)
    failures = (row.failures if row else 0) + 1
    poisoned = failures >= limit
    connection.execute(
        aggregates.update()
        .where(aggregates.c.kind == address.kind, aggregates.c.key == address.key)
        .values(
            failures=failures,
            poisoned=poisoned,
            error=error,
            retry_at=None if poisoned else now + backoff_s * 2 ** (failures - 1),
            updated=now,
        )
    )
    return poisoned


def revive(connection: sa.Connection, address: Address | None = None) -> list[Address]:
    """Gives poisoned aggregates (or one of them) another chance, as after an upgrade; returns which."""
    poisoned: sa.ColumnElement[bool] = aggregates.c.poisoned.is_(True)
    if address is not None:
        poisoned = sa.and_(poisoned, aggregates.c.kind == address.kind, aggregates.c.key == address.key)
    rows = connection.execute(sa.select(aggregates.c.kind, aggregates.c.key).where(poisoned)).all()
    connection.execute(aggregates.update().where(poisoned).values(poisoned=False, failures=0, retry_at=None))
    return [Address(kind=row.kind, key=row.key) for row in rows]


def due_for_retry(connection: sa.Connection, now: float) -> list[Address]:
    """Aggregates whose failed step is to be tried again; each is returned once."""
    due = sa.and_(aggregates.c.retry_at.is_not(None), aggregates.c.retry_at <= now)
    rows = connection.execute(sa.select(aggregates.c.kind, aggregates.c.key).where(due)).all()
    if rows:
        connection.execute(aggregates.update().where(due).values(retry_at=None))
    return [Address(kind=row.kind, key=row.key) for row in rows]


def next_retry(connection: sa.Connection) -> float | None:
    """When the next failed step is to be tried again."""
    found = connection.execute(sa.select(sa.func.min(aggregates.c.retry_at))).scalar()
    return None if found is None else float(found)


def deliver(database: Database, connection: sa.Connection, to: Address, event_id: str, event: str, now: float) -> bool:
    """Puts an event into an inbox; False if this fact came before."""
    row = {"id": event_id, "kind": to.kind, "key": to.key, "event": event, "received": now}
    return database.insert_new(connection, inbox, row, ("kind", "key", "id"))


def unconsumed(connection: sa.Connection, address: Address, limit: int = 200) -> list[InboxRow]:
    """What waits in an inbox, in the order in which it came."""
    rows = connection.execute(
        sa.select(inbox.c.seq, inbox.c.id, inbox.c.event)
        .where(inbox.c.kind == address.kind, inbox.c.key == address.key, inbox.c.consumed_at.is_(None))
        .order_by(inbox.c.seq)
        .limit(limit)
    ).all()
    return [InboxRow(row.seq, row.id, row.event) for row in rows]


def consume(connection: sa.Connection, rows: Iterable[InboxRow], now: float) -> bool:
    """Marks events as consumed; False if another turn was faster with one of them."""
    seqs = [row.seq for row in rows]
    done = connection.execute(
        inbox.update().where(inbox.c.seq.in_(seqs), inbox.c.consumed_at.is_(None)).values(consumed_at=now)
    )
    return done.rowcount == len(seqs)


def forgotten(connection: sa.Connection, before: float, limit: int = 500) -> list[Address]:
    """Inboxes with events older than `before` that nobody consumed."""
    waiting = inbox.c.consumed_at.is_(None) & (inbox.c.received <= before)
    poisoned = (
        sa.select(sa.literal(1))
        .where(aggregates.c.kind == inbox.c.kind, aggregates.c.key == inbox.c.key)
        .where(aggregates.c.poisoned.is_(True) | aggregates.c.retry_at.is_not(None))
        .exists()
    )
    rows = connection.execute(
        sa.select(inbox.c.kind, inbox.c.key).where(waiting, ~poisoned).distinct().limit(limit)
    ).all()
    return [Address(kind=row.kind, key=row.key) for row in rows]


def add_routes(database: Database, connection: sa.Connection, repo_id: int, found: Iterable[Route]) -> None:
    for route in found:
        row = {
            "repo_id": repo_id,
            "kind": route.kind,
            "value": route.value,
            "to_kind": route.to.kind,
            "to_key": route.to.key,
        }
        database.upsert(connection, routes, row, ("repo_id", "kind", "value"))


def route(connection: sa.Connection, repo_id: int, kind: str, value: str) -> Address | None:
    """Who owns what GitHub calls `value` (an issue or pull number, a head SHA, a comment id)."""
    row = connection.execute(
        sa.select(routes.c.to_kind, routes.c.to_key).where(
            routes.c.repo_id == repo_id, routes.c.kind == kind, routes.c.value == value
        )
    ).first()
    return Address(kind=row.to_kind, key=row.to_key) if row else None
