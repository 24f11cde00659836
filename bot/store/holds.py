"""Holds: something outside (a model server, GitHub, the disk …) stops actions. One of them probes, the others wait."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa

from bot.store.database import Database
from bot.store.outbox import OPEN
from bot.store.tables import hold_trees, holds, outbox


@dataclass(frozen=True, slots=True)
class HoldRow:
    scope: str
    kind: str
    reason: str
    since: float
    tries: int
    probe_at: float
    prober: str


@dataclass(frozen=True, slots=True)
class Held:
    """What a hold did: whether it is new, and whether its tree is to be told."""

    hold: HoldRow
    is_new: bool
    tell_tree: bool
    probes: bool


def find(connection: sa.Connection, scope: str, kind: str) -> HoldRow | None:
    row = connection.execute(sa.select(holds).where(holds.c.scope == scope, holds.c.kind == kind)).first()
    return HoldRow(*row) if row else None


def note(
    database: Database,
    connection: sa.Connection,
    *,
    scope: str,
    kind: str,
    reason: str,
    tree: str,
    key: str,
    now: float,
    delay_s: tuple[float, float],
    retry_after: float | None,
) -> Held:
    """Records that the action `key` was held. `delay_s`: the first and the longest pause between probes."""
    found = find(connection, scope, kind)
    hold, prober = found, found.prober if found else key
    if found is None or prober == key:
        # The next probe is another action's: one that fails for a reason of its own must not stop all others.
        prober = (_other(connection, scope, kind, key) if found else None) or key
        tries = (found.tries if found else 0) + 1
        pause = max(min(delay_s[1], delay_s[0] * 2.0 ** min(tries - 1, 30)), retry_after or 0.0)
        since = found.since if found else now
        hold = HoldRow(scope, kind, reason, since, tries, now + pause, prober)
        row = {name: getattr(hold, name) for name in HoldRow.__slots__}
        database.upsert(connection, holds, row, ("scope", "kind"))
        connection.execute(outbox.update().where(outbox.c.key == prober).values(not_before=hold.probe_at))
    tell = bool(tree) and database.insert_new(
        connection, hold_trees, {"scope": scope, "kind": kind, "tree": tree}, ("scope", "kind", "tree")
    )
    assert hold is not None
    return Held(hold, found is None, tell, prober == key)


def _other(connection: sa.Connection, scope: str, kind: str, key: str) -> str | None:
    """Another action that waits for the same, the one that waits longest."""
    query = sa.select(outbox.c.key).where(
        outbox.c.hold_scope == scope, outbox.c.hold_kind == kind, outbox.c.status == "held", outbox.c.key != key
    )
    found = connection.execute(query.order_by(outbox.c.updated).limit(1)).scalar()
    return None if found is None else str(found)


def stops(connection: sa.Connection, scopes: tuple[str, ...], type_: str, key: str) -> HoldRow | None:
    """The hold that an action of this type would run into: one like it waits, or everything is suspended."""
    alike = (
        sa.select(sa.literal(1))
        .where(
            outbox.c.hold_scope == holds.c.scope,
            outbox.c.hold_kind == holds.c.kind,
            outbox.c.status == "held",
            outbox.c.type == type_,
        )
        .exists()
    )
    row = connection.execute(
        sa.select(holds)
        .where(holds.c.scope.in_(scopes), holds.c.prober != key, (holds.c.kind == "suspended") | alike)
        .limit(1)
    ).first()
    return HoldRow(*row) if row else None


def release(connection: sa.Connection, scope: str, kind: str, now: float) -> tuple[HoldRow, list[str]] | None:
    """Ends a hold: all that waited for it is due now. Returns it with the trees that were told of it."""
    found = find(connection, scope, kind)
    if found is None:
        return None
    trees = list(
        connection.execute(
            sa.select(hold_trees.c.tree).where(hold_trees.c.scope == scope, hold_trees.c.kind == kind)
        ).scalars()
    )
    connection.execute(hold_trees.delete().where(hold_trees.c.scope == scope, hold_trees.c.kind == kind))
    connection.execute(holds.delete().where(holds.c.scope == scope, holds.c.kind == kind))
    connection.execute(
        outbox.update()
        .where(outbox.c.hold_scope == scope, outbox.c.hold_kind == kind, outbox.c.status == "held")
        .values(status="pending", not_before=now, dispatched=None, hold_scope=None, hold_kind=None, updated=now)
    )
    return found, trees


def hurry(connection: sa.Connection, scope: str, kind: str, now: float) -> bool:
    """Lets the probing action of a hold run now: somebody says that the reason is gone."""
    found = find(connection, scope, kind)
    if found is None:
        return False
    connection.execute(
        outbox.update().where(outbox.c.key == found.prober, outbox.c.status == "held").values(not_before=now)
    )
    return True


def adopt_orphans(connection: sa.Connection, now: float) -> list[HoldRow]:
    """Holds whose probing action is gone: another takes its place. Returns those with none left, to be released."""
    empty: list[HoldRow] = []
    for row in connection.execute(sa.select(holds)).all():
        hold = HoldRow(*row)
        same = (outbox.c.hold_scope == hold.scope) & (outbox.c.hold_kind == hold.kind) & outbox.c.status.in_(OPEN)
        waiting = list(connection.execute(sa.select(outbox.c.key).where(same).limit(50)).scalars())
        if hold.prober in waiting:
            continue
        if not waiting:
            empty.append(hold)
            continue
        this = (holds.c.scope == hold.scope) & (holds.c.kind == hold.kind)
        connection.execute(holds.update().where(this).values(prober=waiting[0]))
        connection.execute(outbox.update().where(outbox.c.key == waiting[0]).values(not_before=now))
    return empty
