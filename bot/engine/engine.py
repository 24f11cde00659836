"""The engine as the rest of the bot sees it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import structlog

from bot.contract import Codec, Delivery, External, HoldKind, PerformFunction, StepFunction
from bot.engine.carry import Carrier, Patience, release
from bot.engine.durable import Durable
from bot.engine.kernel import Kernel
from bot.engine.leases import LEASE_S, Lease
from bot.engine.runner import Runner
from bot.engine.sweep import Rhythm, Sweeper
from bot.engine.turns import Turns
from bot.store import aggregates, holds, outbox, records
from bot.store.database import Database
from planner.model import Address, Scope

log = structlog.get_logger("engine")


def _exit_at_once() -> None:
    """A process without its lease may be running beside its successor: it must not do one effect more."""
    import os

    os._exit(75)


@dataclass(frozen=True, slots=True)
class Options:
    """How much at once, and how patient."""

    agents: int = 8
    github: int = 4
    git: int = 2
    timer: int = 2
    turns: int = 2
    """threads that run steps; they are short and hold no connection while they decide"""
    poll_s: float = 1.5
    """how often an idle queue looks by itself; wake-ups do not wait for it"""
    lease_s: float = LEASE_S
    patience: Patience = field(default_factory=Patience)
    rhythm: Rhythm = field(default_factory=Rhythm)


class Engine:
    """Events in, steps, actions out; durable over `kill -9`. One for each process."""

    def __init__(
        self,
        database: Database,
        codec: Codec,
        step: StepFunction,
        perform: PerformFunction,
        options: Options | None = None,
        *,
        clock: Callable[[], float] = time.time,
        on_lost: Callable[[], None] = _exit_at_once,
    ) -> None:
        options = options or Options()
        queues = {
            "github": options.github,
            "agents": options.agents,
            "git": options.git,
            "timer": options.timer,
        }
        self.database = database
        self.stopping = threading.Event()
        """set when the process shuts down; long effects may look at it"""
        self._durable = Durable(database, queues, options.poll_s)
        self._lease = Lease(database, clock, on_lost, options.lease_s)
        self._runner = Runner(options.turns)
        self._kernel = Kernel(database, self._durable, self._runner, codec, clock)
        self._turns = Turns(self._kernel, step)
        self._carrier = Carrier(self._kernel, perform, options.patience, self._lease.valid)
        self._sweeper = Sweeper(self._kernel, self._lease, options.rhythm, lambda: self._carrier.running)
        self._ready = False

    def start(self) -> None:
        """Migrates, takes a lease, launches DBOS and goes on with what an earlier process left. Before uvicorn."""
        self.database.migrate()
        self._lease.acquire()
        self._durable.start(self._lease.executor, self._carrier.run)
        self._runner.start(self._turns.run)
        self._sweeper.start()
        self._ready = True
        log.info("engine started", executor=self._lease.executor, database=self.database.url.get_backend_name())

    def stop(self, timeout_s: float = 5.0) -> bool:
        """Takes no more work and waits for running effects; False if some still ran, which their next start redoes."""
        self._ready = False
        self.stopping.set()
        self._sweeper.stop()
        self._durable.stop_taking()
        idle = self._carrier.wait_idle(timeout_s)
        self._runner.stop()
        if not idle:
            log.warning("stopped while actions ran; they start again", actions=sorted(self._carrier.running))
        self._durable.stop()
        self._lease.release()
        return idle

    @property
    def ready(self) -> bool:
        """Whether events are being worked on: started, not stopping, and the lease holds."""
        return self._ready and self._lease.valid()

    @property
    def running(self) -> frozenset[str]:
        """Keys of the actions that this process is doing."""
        return self._carrier.running

    def apply_external(
        self,
        events: Iterable[External] = (),
        actions: Iterable[tuple[Address, Scope, Any]] = (),
        delivery: Delivery | None = None,
    ) -> bool:
        """What a webhook or a sweep found, in one transaction; False if the delivery's GUID came before.

        Facts that came before are dropped by their ids. An action must carry a key.
        """
        found, asked = list(events), list(actions)
        with self._kernel.unit() as unit:
            if delivery is not None:
                status = "handled" if found or asked else "ignored"
                if records.seen(unit.database, unit.connection, delivery.guid, delivery.event, status, unit.now):
                    return False
            for to, event_id, event in found:
                unit.deliver(to, event_id, event)
            for owner, scope, action in asked:
                if not action.key:
                    raise ValueError(f"an action from outside needs a key: {action!r}")
                unit.ask(action.key, owner, scope, action)
        return True

    def retry_held(self, installation: int, kind: HoldKind) -> bool:
        """Lets what is held try now, because its reason seems to be gone; False if nothing is held for it."""
        with self._kernel.unit() as unit:
            hurried = holds.hurry(unit.connection, f"installation:{installation}", kind, unit.now)
            unit.due_at(unit.now)
            return hurried

    def hurry(self, action: str, part: str) -> bool:
        """Makes waiting actions of a type, whose JSON contains `part`, due now; False if there is none.

        For what is known to be over: a webhook about checks hurries those who poll for them.
        """
        with self._kernel.unit() as unit:
            hurried = outbox.hurry(unit.connection, action, part, unit.now)
            if hurried:
                unit.due_at(unit.now)
            return hurried

    def release_budget(self, tree: str) -> bool:
        """Lets what waits for a tree's budget go on: it was raised."""
        with self._kernel.unit() as unit:
            return release(unit, f"tree:{tree}", "budget")

    def revive(self, address: Address) -> bool:
        """Gives a poisoned aggregate another chance; False if it is not poisoned."""
        with self._kernel.unit() as unit:
            found = aggregates.revive(unit.connection, address)
            unit.turns.update(found)
            return bool(found)
