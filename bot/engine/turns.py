"""A turn: drain an aggregate's inbox, let the pure step decide, save all that follows in one transaction."""

from __future__ import annotations

import traceback
from dataclasses import dataclass
from typing import Any

import structlog

from bot import crash
from bot.contract import StepFunction
from bot.engine.kernel import Kernel, Unit
from bot.store import aggregates
from bot.store.aggregates import AggregateRow, InboxRow
from planner.model import Address, Step

log = structlog.get_logger("engine")

STEP_TRIES = 3
STEP_BACKOFF_S = 0.5
BATCH = 200
ROUNDS = 50
"""saves and overtaken tries of one run; who has more to do comes again"""


@dataclass(frozen=True, slots=True)
class _Seen:
    """What a turn was decided on."""

    row: AggregateRow | None
    waiting: list[InboxRow]


class Turns:
    """Runs turns. Any number may run for one aggregate: the compare-and-swap lets one of them win."""

    def __init__(self, kernel: Kernel, step: StepFunction) -> None:
        self._kernel = kernel
        self._step = step

    def run(self, address: Address) -> None:
        """Until the inbox is empty."""
        for _ in range(ROUNDS):
            seen = self._look(address)
            if not seen.waiting or (seen.row is not None and seen.row.poisoned):
                return
            try:
                decided = self._decide(address, seen)
            except Exception as error:  # noqa: BLE001 - a bug in a step must not stop the others: recorded, retried
                self._failed(address, error)
                return
            if self._save(address, seen, decided) and len(seen.waiting) < BATCH:
                return
        log.warning("an aggregate was overtaken again and again, left to the sweep", aggregate=str(address))

    def _look(self, address: Address) -> _Seen:
        with self._kernel.database.read() as connection:
            # Events first: an event of a state that is newer than the row would fail the swap, never be lost.
            waiting = aggregates.unconsumed(connection, address, BATCH)
            return _Seen(aggregates.load(connection, address) if waiting else None, waiting)

    def _decide(self, address: Address, seen: _Seen) -> Step[Any] | None:
        codec = self._kernel.codec
        stored = seen.row.state if seen.row else None
        state = None if stored is None else codec.load_state(address.kind, stored)
        events = tuple(codec.load_event(row.event) for row in seen.waiting)
        return self._step(address, state, events, self._kernel.clock())

    def _save(self, address: Address, seen: _Seen, step: Step[Any] | None) -> bool:
        """False if another turn of this aggregate saved first: nothing happened, look again."""
        if step is None:  # events for somebody who was never born: read, and nothing follows
            with self._kernel.unit() as unit:
                return aggregates.consume(unit.connection, seen.waiting, unit.now)
        state = self._kernel.codec.dump_state(address.kind, step.state)
        version = seen.row.version if seen.row else None
        try:
            with self._kernel.unit() as unit:
                if not aggregates.save(
                    unit.database, unit.connection, address, version, state, step.state.scope, unit.now
                ) or not aggregates.consume(unit.connection, seen.waiting, unit.now):
                    raise _Overtaken
                self._follow(unit, address, step, seen.waiting[-1].id)
                crash.point("before", "turn-save")
        except _Overtaken:
            return False
        crash.point("after", "turn-save")
        return True

    def _follow(self, unit: Unit, address: Address, step: Step[Any], cause: str) -> None:
        scope = step.state.scope
        aggregates.add_routes(unit.database, unit.connection, scope.repo_id, step.routes)
        for index, action in enumerate(step.actions):
            key = action.key or aggregates.derived_id(cause, address, "#", index)
            unit.ask(key, address, scope, action if action.key else action.model_copy(update={"key": key}))
        for index, send in enumerate(step.sends):
            unit.deliver(send.to, aggregates.derived_id(cause, address, "/", index), send.event)

    def _failed(self, address: Address, error: Exception) -> None:
        text = "".join(traceback.format_exception(error))
        with self._kernel.unit() as unit:
            poisoned = aggregates.record_failure(
                unit.database, unit.connection, address, text, unit.now, STEP_TRIES, STEP_BACKOFF_S
            )
            if not poisoned:
                unit.due_at(unit.now + STEP_BACKOFF_S)
        if poisoned:
            log.error("aggregate poisoned", aggregate=str(address), exc_info=error)
        else:
            log.warning("step failed", aggregate=str(address), error=repr(error))


class _Overtaken(Exception):
    """Another turn saved this aggregate first; the transaction is rolled back."""
