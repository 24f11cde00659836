"""The outbox: every action that was ever asked for, what became of it, and what waits for what."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import sqlalchemy as sa

from bot.store.database import Database
from bot.store.tables import outbox
from planner.model import Address, Scope

Status = Literal["pending", "started", "done", "held", "failed"]
OPEN: tuple[Status, ...] = ("pending", "started", "held")


@dataclass(frozen=True, slots=True)
class OutboxRow:
    key: str
    owner: Address
    scope: Scope
    queue: str
    type: str
    action: str
    status: Status
    attempts: int
    interruptions: int
    failures: int
    dispatches: int
    hold_scope: str | None
    hold_kind: str | None


@dataclass(frozen=True, slots=True)
class Due:
    key: str
    queue: str
    dispatches: int


def add(
    database: Database,
    connection: sa.Connection,
    *,
    key: str,
    owner: Address,
    scope: Scope,
    queue: str,
    type_: str,
    action: str,
    coalesce: str | None,
    not_before: float,
    now: float,
) -> bool:
    """Adds an action; False if it is known, or if one that will do the same is still waiting."""
    if coalesce is not None and _waits(database, connection, owner, coalesce):
        return False
    row = {
        "key": key,
        "owner_kind": owner.kind,
        "owner_key": owner.key,
        "installation": scope.installation,
        "tree": scope.tree,
        "scope": scope.model_dump_json(),
        "queue": queue,
        "type": type_,
        "action": action,
        "status": "pending",
        "not_before": not_before,
        "coalesce": coalesce,
        "created": now,
        "updated": now,
    }
    return database.insert_new(connection, outbox, row, ("key",))


def _waits(database: Database, connection: sa.Connection, owner: Address, coalesce: str) -> bool:
    query = sa.select(outbox.c.key).where(
        outbox.c.coalesce == coalesce,
        outbox.c.status.in_(("pending", "held")),
        outbox.c.owner_kind == owner.kind,
        outbox.c.owner_key == owner.key,
    )
    if not database.is_sqlite:
        # Its start must wait for our commit, or it would read the state from before it and nobody would read ours.
        query = query.with_for_update()
    return connection.execute(query.limit(1)).first() is not None


def get(connection: sa.Connection, key: str) -> OutboxRow | None:
    row = connection.execute(sa.select(outbox).where(outbox.c.key == key)).first()
    if row is None:
        return None
    return OutboxRow(
        key=row.key,
        owner=Address(kind=row.owner_kind, key=row.owner_key),
        scope=Scope.model_validate_json(row.scope),
        queue=row.queue,
        type=row.type,
        action=row.action,
        status=row.status,
        attempts=row.attempts,
        interruptions=row.interruptions,
        failures=row.failures,
        dispatches=row.dispatches,
        hold_scope=row.hold_scope,
        hold_kind=row.hold_kind,
    )


def start(connection: sa.Connection, row: OutboxRow, now: float) -> bool:
    """The intent: written before the effect, so that a crash leaves its trace. False if it is no longer ours to do."""
    return (
        connection.execute(
            outbox.update()
            .where(outbox.c.key == row.key, outbox.c.dispatches == row.dispatches, outbox.c.status.in_(OPEN))
            .values(
                status="started",
                attempts=outbox.c.attempts + 1,
                interruptions=outbox.c.interruptions + (1 if row.status == "started" else 0),
                updated=now,
            )
        ).rowcount
        == 1
    )


def finish(connection: sa.Connection, key: str, status: Literal["done", "failed"], now: float, **values: Any) -> bool:
    """Closes an action; False if it was closed already."""
    return (
        connection.execute(
            outbox.update()
            .where(outbox.c.key == key, outbox.c.status.in_(OPEN))
            .values(status=status, hold_scope=None, hold_kind=None, updated=now, **values)
        ).rowcount
        == 1
    )


def put_back(
    connection: sa.Connection,
    key: str,
    status: Literal["pending", "held"],
    not_before: float | None,
    now: float,
    **values: Any,
) -> None:
    """It waits: until `not_before`, or (None) until somebody sets a time."""
    values = {"hold_scope": None, "hold_kind": None, **values}
    connection.execute(
        outbox.update()
        .where(outbox.c.key == key, outbox.c.status.in_(OPEN))
        .values(status=status, not_before=not_before, dispatched=None, updated=now, **values)
    )


def due(connection: sa.Connection, now: float, limit: int = 200) -> list[Due]:
    """What waits for its time and whose time has come."""
    rows = connection.execute(
        sa.select(outbox.c.key, outbox.c.queue, outbox.c.dispatches)
        .where(outbox.c.dispatched.is_(None), outbox.c.not_before <= now, outbox.c.status.in_(OPEN))
        .order_by(outbox.c.not_before)
        .limit(limit)
    ).all()
    return [Due(row.key, row.queue, row.dispatches) for row in rows]


def hurry(connection: sa.Connection, type_: str, part: str, now: float) -> bool:
    """Makes the waiting actions of a type whose JSON contains `part` due; False if there is none."""
    return (
        connection.execute(
            outbox.update()
            .where(
                outbox.c.dispatched.is_(None),
                outbox.c.status == "pending",
                outbox.c.not_before > now,
                outbox.c.type == type_,
                outbox.c.action.contains(part, autoescape=True),
            )
            .values(not_before=now)
        ).rowcount
        > 0
    )


def next_due(connection: sa.Connection) -> float | None:
    """When the next waiting action's time comes."""
    found = connection.execute(
        sa.select(sa.func.min(outbox.c.not_before)).where(outbox.c.dispatched.is_(None), outbox.c.status.in_(OPEN))
    ).scalar()
    return None if found is None else float(found)


def dispatch(connection: sa.Connection, item: Due, now: float) -> bool:
    """Takes an action for one more run; False if another process took it."""
    return (
        connection.execute(
            outbox.update()
            .where(outbox.c.key == item.key, outbox.c.dispatches == item.dispatches, outbox.c.dispatched.is_(None))
            .values(dispatches=item.dispatches + 1, dispatched=now)
        ).rowcount
        == 1
    )


def long_dispatched(connection: sa.Connection, before: float, limit: int = 500) -> list[Due]:
    """Open actions that were handed to DBOS before `before`: either they run still, or nobody will ever run them."""
    rows = connection.execute(
        sa.select(outbox.c.key, outbox.c.queue, outbox.c.dispatches)
        .where(outbox.c.dispatched.is_not(None), outbox.c.dispatched <= before, outbox.c.status.in_(OPEN))
        .order_by(outbox.c.dispatched)
        .limit(limit)
    ).all()
    return [Due(row.key, row.queue, row.dispatches) for row in rows]


def take_back(connection: sa.Connection, item: Due, now: float) -> bool:
    """Makes an orphaned action due again. Its status stays, so that its next run knows that it may have been done."""
    return (
        connection.execute(
            outbox.update()
            .where(outbox.c.key == item.key, outbox.c.dispatches == item.dispatches, outbox.c.status.in_(OPEN))
            .values(dispatched=None, not_before=now)
        ).rowcount
        == 1
    )
