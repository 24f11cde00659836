"""Deliveries seen, money spent, content created, and what `branchwork status` reads."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import sqlalchemy as sa

from bot.store.database import Database
from bot.store.tables import aggregates, creations, deliveries, holds, inbox, ledger, outbox


@dataclass(frozen=True, slots=True)
class Spending:
    """One model call. `id` is unique for ever: attempt and number of the call."""

    id: str
    tree: str
    node: str
    attempt: str
    role: str
    model: str
    input_tokens: int
    output_tokens: int
    cached_tokens: int
    dollars: float
    at: float


@dataclass(frozen=True, slots=True)
class Totals:
    dollars: float
    input_tokens: int
    output_tokens: int
    calls: int = 0


@dataclass(frozen=True, slots=True)
class AggregateView:
    """One aggregate with its state as stored; for pages and commands, never for decisions."""

    kind: str
    key: str
    tree: str
    repo: str
    root: int
    version: int
    poisoned: bool
    error: str | None
    updated: float
    state: str | None


def seen(database: Database, connection: sa.Connection, guid: str, event: str, status: str, now: float) -> bool:
    """Notes a delivery; True if its GUID came before."""
    row = {"guid": guid, "event": event, "received": now, "status": status}
    return not database.insert_new(connection, deliveries, row, ("guid",))


def is_seen(connection: sa.Connection, guid: str) -> bool:
    return connection.execute(sa.select(deliveries.c.guid).where(deliveries.c.guid == guid)).first() is not None


def spend(database: Database, connection: sa.Connection, spending: Spending) -> bool:
    """Books one model call, at the moment of the call; False if it is booked already."""
    return database.insert_new(connection, ledger, asdict(spending), ("id",))


def spent(connection: sa.Connection, tree: str) -> Totals:
    columns = (ledger.c.dollars, ledger.c.input_tokens, ledger.c.output_tokens)
    sums = [sa.func.coalesce(sa.func.sum(column), 0) for column in columns]
    row = connection.execute(sa.select(*sums, sa.func.count()).where(ledger.c.tree == tree)).one()
    return Totals(float(row[0]), int(row[1]), int(row[2]), int(row[3]))


def note_creation(connection: sa.Connection, installation: int, kind: str, at: float) -> None:
    """Remembers a content creation, so that the quota holds over a restart; forgets those of more than a day ago."""
    connection.execute(creations.insert().values(installation=installation, at=at, kind=kind))
    connection.execute(creations.delete().where(creations.c.installation == installation, creations.c.at < at - 86_400))


def creations_since(connection: sa.Connection, installation: int, since: float) -> list[float]:
    """Times of the creations after `since`, oldest first."""
    return list(
        connection.execute(
            sa.select(creations.c.at)
            .where(creations.c.installation == installation, creations.c.at > since)
            .order_by(creations.c.at)
        ).scalars()
    )


def views(connection: sa.Connection, tree: str | None = None, kind: str | None = None) -> list[AggregateView]:
    """Aggregates in a stable order, of one tree or of all."""
    columns = [aggregates.c[name] for name in AggregateView.__slots__]
    query = sa.select(*columns).order_by(aggregates.c.tree, aggregates.c.kind, aggregates.c.key)
    if tree is not None:
        query = query.where(aggregates.c.tree == tree)
    if kind is not None:
        query = query.where(aggregates.c.kind == kind)
    return [AggregateView(*row) for row in connection.execute(query)]


def counts(connection: sa.Connection) -> dict[str, Any]:
    """How much of everything there is, for people and for tests that wait for silence. Read it in a snapshot."""
    work = outbox.c.queue != "timer"  # a clock that runs for hours is nothing that anybody waits for
    by_status = connection.execute(
        sa.select(outbox.c.status, sa.func.count()).where(work).group_by(outbox.c.status)
    ).all()
    ticking = sa.select(sa.func.count()).where(~work, outbox.c.status.in_(("pending", "started")))
    waiting = connection.execute(sa.select(sa.func.count()).where(inbox.c.consumed_at.is_(None))).scalar_one()
    handled = connection.execute(sa.select(sa.func.count()).select_from(deliveries)).scalar_one()
    stopped = connection.execute(sa.select(holds.c.scope, holds.c.kind, holds.c.reason, holds.c.probe_at)).all()
    return {
        "actions": {str(status): int(number) for status, number in by_status},
        "timers": int(connection.execute(ticking).scalar_one()),
        "unconsumed": int(waiting),
        "deliveries": int(handled),
        "holds": [dict(row._mapping) for row in stopped],
    }


def troubles(connection: sa.Connection) -> dict[str, list[dict[str, Any]]]:
    """What a person may have to look at: poisoned aggregates and failed actions, newest first."""
    sick = connection.execute(
        sa.select(aggregates.c.kind, aggregates.c.key, aggregates.c.error)
        .where(aggregates.c.poisoned.is_(True))
        .order_by(aggregates.c.updated.desc())
        .limit(100)
    ).all()
    failed = connection.execute(
        sa.select(outbox.c.key, outbox.c.type, outbox.c.owner_kind, outbox.c.owner_key, outbox.c.error)
        .where(outbox.c.status == "failed")
        .order_by(outbox.c.updated.desc())
        .limit(100)
    ).all()
    return {
        "poisoned": [dict(row._mapping) for row in sick],
        "failed": [dict(row._mapping) for row in failed],
    }
