"""One transaction of the loop: rows, and the runs that must exist if and only if the rows do."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from bot.contract import Codec
from bot.engine.durable import Durable
from bot.engine.runner import Runner
from bot.store import aggregates, outbox
from bot.store.database import Database
from planner.model import Address, Scope

DEFAULT_QUEUE = "github"


@dataclass(slots=True)
class Unit:
    """What one transaction does; made by `Kernel.unit`."""

    connection: sa.Connection
    database: Database
    durable: Durable
    codec: Codec
    now: float
    turns: set[Address] = field(default_factory=set)
    added: Counter[str] = field(default_factory=Counter)
    next_due: float | None = None

    def deliver(self, to: Address, event_id: str, event: Any) -> bool:
        """Puts an event into an inbox and asks for a turn; False if this fact came before."""
        fresh = aggregates.deliver(self.database, self.connection, to, event_id, self.codec.dump_event(event), self.now)
        if fresh:
            self.turns.add(to)
        return fresh

    def ask(self, key: str, owner: Address, scope: Scope, action: Any) -> bool:
        """Puts an action into the outbox and has it done when its time comes; False if it is known."""
        queue = getattr(action, "queue", DEFAULT_QUEUE)
        not_before = self.now + float(getattr(action, "delay_s", 0) or 0)
        added = outbox.add(
            self.database,
            self.connection,
            key=key,
            owner=owner,
            scope=scope,
            queue=queue,
            type_=type(action).__name__,
            action=self.codec.dump_action(action),
            coalesce=getattr(action, "coalesce", None),
            not_before=not_before,
            now=self.now,
        )
        if added and not_before <= self.now:
            self.dispatch(outbox.Due(key, queue, 0))
        elif added:
            self.due_at(not_before)
        return added

    def dispatch(self, item: outbox.Due) -> None:
        """Hands a waiting action to its queue."""
        if outbox.dispatch(self.connection, item, self.now):
            self.durable.enqueue_carry(self.connection, item.key, item.queue, item.dispatches + 1)
            self.added[item.queue] += 1

    def due_at(self, when: float) -> None:
        """Remembers that something waits for its time, so that the timer learns of it after the commit."""
        self.next_due = when if self.next_due is None else min(when, self.next_due)


class Kernel:
    """What turns, actions and the sweep share."""

    def __init__(
        self, database: Database, durable: Durable, runner: Runner, codec: Codec, clock: Callable[[], float]
    ) -> None:
        self.database = database
        self.durable = durable
        self.runner = runner
        self.codec = codec
        self.clock = clock
        self.on_due: Callable[[float], None] = lambda when: None
        """told after a commit of the earliest time at which something is due"""

    @contextmanager
    def unit(self) -> Iterator[Unit]:
        """A transaction; whoever has to act on it is woken after its commit."""
        with self.database.write() as connection:
            unit = Unit(connection, self.database, self.durable, self.codec, self.clock())
            yield unit
        self.runner.want(unit.turns)
        self.durable.wake(unit.added)
        if unit.next_due is not None:
            self.on_due(unit.next_due)


def event_ids(rows: list[str]) -> str:
    """Ids of the events that an action led to, as kept with its row."""
    return json.dumps(rows)
