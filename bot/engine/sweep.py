"""The safety net and the clock: what is due, what was forgotten, whose process is gone, what can be deleted."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass

import structlog

from bot.engine.carry import release
from bot.engine.durable import carry_id
from bot.engine.kernel import Kernel
from bot.engine.leases import Lease
from bot.store import aggregates, holds, outbox

log = structlog.get_logger("engine")


@dataclass(frozen=True, slots=True)
class Rhythm:
    """Seconds between looks."""

    sweep_s: float = 3.0
    forgotten_s: float = 10.0
    """an event or a run that nobody has touched for so long is looked after"""
    prune_s: float = 60.0
    keep_s: float = 120.0
    """how long DBOS's finished rows are kept"""


class Sweeper:
    """One thread that sleeps until something is due or it is time to look after what was forgotten.

    Nothing depends on being woken: each look reads the tables. Everything it does may be done twice.
    """

    def __init__(self, kernel: Kernel, lease: Lease, rhythm: Rhythm, running: Callable[[], frozenset[str]]) -> None:
        self._kernel = kernel
        self._running = running
        self._doubtful: set[str] = set()
        self._lease = lease
        self._rhythm = rhythm
        self._condition = threading.Condition()
        self._due: float | None = None
        self._stopped = False
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Looks after everything that an earlier process left, then goes on in the background."""
        self._kernel.on_due = self.due_at
        self.look_after(at_start=True)
        self._thread = threading.Thread(target=self._loop, name="sweep", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        with self._condition:
            self._stopped = True
            self._condition.notify_all()
        if self._thread is not None:
            self._thread.join(timeout=10)
            self._thread = None

    def due_at(self, when: float) -> None:
        """Something becomes due at `when`."""
        with self._condition:
            if self._due is None or when < self._due:
                self._due = when
                self._condition.notify_all()

    def _loop(self) -> None:
        clock = self._kernel.clock
        failing = False
        next_sweep = clock() + self._rhythm.sweep_s
        next_prune = clock() + self._rhythm.prune_s
        while True:
            with self._condition:
                until = next_sweep if self._due is None else min(next_sweep, self._due)
                if not self._stopped and until > clock():
                    self._condition.wait(until - clock())
                if self._stopped:
                    return
                self._due = None
            try:
                self.run_due()
                if clock() >= next_sweep:
                    next_sweep = clock() + self._rhythm.sweep_s
                    self.look_after()
                if clock() >= next_prune:
                    next_prune = clock() + self._rhythm.prune_s
                    self._kernel.durable.prune(clock() - self._rhythm.keep_s)
                if failing:
                    log.info("the sweep works again")
                failing = False
            except Exception as error:
                if not failing:
                    log.warning("the sweep failed, tried again until it works", exc_info=error)
                failing = True
                next_sweep = clock() + self._rhythm.sweep_s

    def run_due(self) -> None:
        """Hands out all whose time has come, and learns when the next one's comes."""
        more = True
        while more:
            with self._kernel.database.read() as connection:
                found = outbox.due(connection, self._kernel.clock())
                nearest = outbox.next_due(connection)
            more = bool(found)
            if found:
                with self._kernel.unit() as unit:
                    for item in found:
                        unit.dispatch(item)
            elif nearest is not None:
                self.due_at(nearest)
        self._retry_steps()

    def _retry_steps(self) -> None:
        with self._kernel.database.read() as connection:
            nearest = aggregates.next_retry(connection)
        if nearest is None:
            return
        if nearest > self._kernel.clock():
            self.due_at(nearest)
            return
        with self._kernel.unit() as unit:
            for address in aggregates.due_for_retry(unit.connection, unit.now):
                unit.turns.add(address)

    def look_after(self, *, at_start: bool = False) -> None:
        """Re-drives what nobody seems to be doing: lost wake-ups, dead processes, holds without a probe."""
        clock = self._kernel.clock
        resumed = self._kernel.durable.resume_dead(self._lease.alive())
        if resumed:
            log.info("took over unfinished runs", runs=resumed)
        before = clock() - (0.0 if at_start else self._rhythm.forgotten_s)
        with self._kernel.database.read() as connection:
            inboxes = aggregates.forgotten(connection, before)
            handed = outbox.long_dispatched(connection, before)
        orphans = self._orphans(handed)
        with self._kernel.unit() as unit:
            unit.turns.update(inboxes)
            for item in orphans:
                if outbox.take_back(unit.connection, item, unit.now):
                    unit.due_at(unit.now)
            for hold in holds.adopt_orphans(unit.connection, unit.now):
                release(unit, hold.scope, hold.kind)
            if at_start:
                unit.turns.update(aggregates.revive(unit.connection))
        if at_start:
            self.due_at(clock())

    def _orphans(self, handed: list[outbox.Due]) -> list[outbox.Due]:
        """Actions that DBOS was handed and nobody will do: it forgot them, or this process claimed and dropped them."""
        if not handed:
            return []
        active = self._kernel.durable.active([carry_id(item.key, item.dispatches) for item in handed])
        gone = [item for item in handed if carry_id(item.key, item.dispatches) not in active]
        running = self._running()
        dropped = [
            item
            for item in handed
            if active.get(carry_id(item.key, item.dispatches)) == self._lease.executor and item.key not in running
        ]
        # Between being claimed and being begun lie a few milliseconds: only what looks so twice was dropped.
        sure = [item for item in dropped if item.key in self._doubtful]
        self._doubtful = {item.key for item in dropped}
        return gone + sure
