"""Carrying out an action: write the intent, do the effect, save what it found; hold, put off or give up."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

import structlog

from bot import crash
from bot.contract import ActionRow, External, GiveUp, Hold, Later, Performed, PerformFunction, tree_address
from bot.engine.kernel import Kernel, Unit, event_ids
from bot.store import holds, outbox
from bot.store.outbox import OutboxRow
from planner.model import Scope

log = structlog.get_logger("engine")

Outcome = Performed | Hold | Later | GiveUp | Exception


@dataclass(frozen=True, slots=True)
class Patience:
    """How often and how long to try."""

    failures: int = 8
    """raised exceptions before an action is given up"""
    interruptions: int = 25
    """crashes in the middle of it, before an action is given up"""
    first_s: float = 1.0
    longest_s: float = 60.0

    def pause(self, failures: int) -> float:
        return min(self.longest_s, self.first_s * 2.0 ** min(failures - 1, 30))


class Carrier:
    """Carries out actions, each at most once at a time in this process."""

    def __init__(
        self, kernel: Kernel, perform: PerformFunction, patience: Patience, may_act: Callable[[], bool]
    ) -> None:
        self._kernel = kernel
        self._perform = perform
        self._patience = patience
        self._may_act = may_act
        self._running: set[str] = set()
        self._changed = threading.Condition()

    @property
    def running(self) -> frozenset[str]:
        with self._changed:
            return frozenset(self._running)

    def wait_idle(self, timeout_s: float) -> bool:
        """True when nothing runs any more; False if something still does after `timeout_s`."""
        end = time.monotonic() + timeout_s
        with self._changed:
            while self._running:
                left = end - time.monotonic()
                if left <= 0:
                    return False
                self._changed.wait(left)
        return True

    def run(self, key: str, dispatch: int, queue: str) -> None:
        with self._changed:
            if key in self._running:
                return
            self._running.add(key)
        self._kernel.durable.began(queue)
        try:
            self._run(key, dispatch)
        finally:
            with self._changed:
                self._running.discard(key)
                self._changed.notify_all()
            self._kernel.durable.ended(queue)

    def _run(self, key: str, dispatch: int) -> None:
        with self._kernel.database.read() as connection:
            row = outbox.get(connection, key)
        if row is None or row.status not in outbox.OPEN or row.dispatches != dispatch:
            return
        if not self._may_act():
            log.warning("lease lost before an effect, left for another process", action=key)
            return
        if not self._begin(row):
            return
        crash.point("before", row.type)
        outcome = self._attempt(row)
        crash.point("after", row.type)
        with self._kernel.unit() as unit:
            self._record(unit, row, outcome)

    def _begin(self, row: OutboxRow) -> bool:
        """Writes the intent, unless the action would only run into what already stops another."""
        with self._kernel.unit() as unit:
            if row.queue != "timer":
                stopped = holds.stops(unit.connection, _hold_scopes(row.scope), row.type, row.key)
                if stopped is not None:
                    self._hold(unit, row, stopped.scope, stopped.kind, stopped.reason, None)
                    return False
            return outbox.start(unit.connection, row, unit.now)

    def _attempt(self, row: OutboxRow) -> Outcome:
        if row.interruptions >= self._patience.interruptions:
            return GiveUp(f"the process died {row.interruptions} times while doing it")
        try:
            action = self._kernel.codec.load_action(row.action)
            return self._perform(
                ActionRow(row.key, row.owner, row.scope, action, row.attempts + 1, maybe_done=row.attempts > 0)
            )
        except Exception as error:  # noqa: BLE001 - the one place that catches an effect's errors: all are recorded
            return error

    def _record(self, unit: Unit, row: OutboxRow, outcome: Outcome) -> None:
        if row.hold_scope is not None and row.hold_kind is not None:
            still = isinstance(outcome, Hold) and outcome.kind == row.hold_kind
            if not still:
                release(unit, row.hold_scope, row.hold_kind)
        match outcome:
            case Performed():
                self._done(unit, row, outcome)
            case Later():
                when = unit.now + outcome.seconds
                outbox.put_back(unit.connection, row.key, "pending", when, unit.now, failures=0)
                unit.due_at(when)
            case Hold():
                scope = _hold_scope(row.scope, outcome.kind)
                self._hold(unit, row, scope, outcome.kind, outcome.reason, outcome.retry_after)
            case GiveUp():
                self._failed(unit, row, str(outcome))
            case _:
                self._raised(unit, row, outcome)

    def _done(self, unit: Unit, row: OutboxRow, performed: Performed) -> None:
        events = [_named(row, index, event) for index, event in enumerate(performed.events)]
        result = event_ids([ident for _, ident, _ in events])
        if outbox.finish(unit.connection, row.key, "done", unit.now, result=result, error=performed.note or None):
            for to, ident, event in events:
                unit.deliver(to, ident, event)

    def _raised(self, unit: Unit, row: OutboxRow, error: Exception) -> None:
        failures = row.failures + 1
        reason = f"{type(error).__name__}: {error}"
        if failures >= self._patience.failures:
            log.error("action failed", action=row.key, type=row.type, failures=failures, exc_info=error)
            self._failed(unit, row, f"{reason} ({failures} times)")
            return
        pause = self._patience.pause(failures)
        log.warning("action raised", action=row.key, type=row.type, failures=failures, again_in=pause, exc_info=error)
        outbox.put_back(
            unit.connection, row.key, "pending", unit.now + pause, unit.now, failures=failures, error=reason
        )
        unit.due_at(unit.now + pause)

    def _failed(self, unit: Unit, row: OutboxRow, reason: str) -> None:
        if outbox.finish(unit.connection, row.key, "failed", unit.now, error=reason):
            log.warning("action given up", action=row.key, type=row.type, reason=reason)
            action = self._kernel.codec.load_action(row.action)
            unit.deliver(row.owner, f"failed:{row.key}", self._kernel.codec.failed_event(action, reason))

    def _hold(self, unit: Unit, row: OutboxRow, scope: str, kind: str, reason: str, retry_after: float | None) -> None:
        held = holds.note(
            unit.database,
            unit.connection,
            scope=scope,
            kind=kind,
            reason=reason,
            tree=row.scope.tree,
            key=row.key,
            now=unit.now,
            delay_s=(self._patience.first_s, self._patience.longest_s),
            retry_after=retry_after,
        )
        when = held.hold.probe_at if held.probes else None
        outbox.put_back(
            unit.connection, row.key, "held", when, unit.now, hold_scope=scope, hold_kind=kind, error=reason
        )
        unit.due_at(held.hold.probe_at)
        tree = tree_address(row.scope)
        if held.tell_tree and tree is not None:
            event = self._kernel.codec.held_event(reason, held.hold.kind)  # type: ignore[arg-type]
            unit.deliver(tree, f"held:{scope}:{kind}:{held.hold.since:.6f}", event)
        if held.is_new:
            log.warning("actions held", scope=scope, kind=kind, reason=reason)


def release(unit: Unit, scope: str, kind: str) -> bool:
    """Ends a hold: what waited is done now, and its trees are told."""
    released = holds.release(unit.connection, scope, kind, unit.now)
    if released is None:
        return False
    hold, trees = released
    for tree in trees:
        to = tree_address(Scope(installation=0, repo_id=0, repo="", root=0, tree=tree))
        if to is not None:
            event = unit.codec.released_event(hold.kind)  # type: ignore[arg-type]
            unit.deliver(to, f"released:{scope}:{kind}:{hold.since:.6f}", event)
    unit.due_at(unit.now)
    log.info("actions released", scope=scope, kind=kind, tries=hold.tries)
    return True


def _named(row: OutboxRow, index: int, event: External) -> External:
    """A performer may leave an event's id empty: then it comes from the action, whose key is unique for ever."""
    to, ident, value = event
    return to, ident or f"{row.key}:{index}", value


def _hold_scope(scope: Scope, kind: str) -> str:
    """A budget belongs to a tree; all other reasons stop an installation."""
    return f"tree:{scope.tree}" if kind == "budget" else f"installation:{scope.installation}"


def _hold_scopes(scope: Scope) -> tuple[str, ...]:
    return (f"installation:{scope.installation}", f"tree:{scope.tree}")
