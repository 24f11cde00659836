"""The store as the performers see it: signed markers, the ledger, counters."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import Any

from bot import markers
from bot.contract import ActionRow
from bot.perform.context import Mark
from bot.previews import CostBasis
from bot.store import records
from bot.store.database import Database
from planner.facts import Usage
from planner.model import Scope
from planner.task import Task

HOUR_S = 3600.0


class SignedMarks:
    """Markers with our keys."""

    def __init__(self, keys: tuple[str, ...]) -> None:
        self._keys = keys

    def sign(self, scope: Scope, kind: str, parent: int, key: str, facts: Mapping[str, Any]) -> str:
        return markers.make(markers.Marker(scope.repo_id, kind, parent, key, facts), self._keys)

    def read(self, repo_id: int, text: str | None) -> Mark | None:
        found = markers.find(text, self._keys, repo_id)
        return None if found is None else Mark(found.kind, found.parent, found.key, found.facts)


class StoreBooks:
    """The ledger, and what tasks cost so far."""

    def __init__(self, database: Database, clock: Callable[[], float]) -> None:
        self._database = database
        self._clock = clock

    def spend(self, row: ActionRow, number: int, role: str, model: str, usage: Usage) -> None:
        spending = records.Spending(
            id=f"{row.key}:{row.attempts}:{number}",
            tree=row.scope.tree,
            node=row.owner.key,
            attempt=row.key,
            role=role,
            model=model,
            input_tokens=usage.input_tokens,
            output_tokens=usage.output_tokens,
            cached_tokens=usage.cached_tokens,
            dollars=usage.dollars,
            at=self._clock(),
        )
        with self._database.write() as connection:
            records.spend(self._database, connection, spending)

    def spent(self, tree: str) -> Usage:
        with self._database.read() as connection:
            totals = records.spent(connection, tree)
        return Usage(
            calls=totals.calls,
            dollars=totals.dollars,
            input_tokens=totals.input_tokens,
            output_tokens=totals.output_tokens,
        )

    def cost_basis(self, repo_id: int) -> CostBasis | None:
        with self._database.read() as connection:
            found = records.views(connection, kind="task")
        tasks = [Task.model_validate_json(v.state) for v in found if v.state is not None]
        ended = [t for t in tasks if t.scope.repo_id == repo_id and t.state in ("landed", "done")]
        if not ended:
            return None
        return CostBasis(sum(t.usage.dollars for t in ended) / len(ended), len(ended))


class Meters:
    """Requests and creations since this process began; creations are kept in the store for the quota."""

    def __init__(self, database: Database, clock: Callable[[], float]) -> None:
        self._database = database
        self._clock = clock
        self._lock = threading.Lock()
        self.requests = 0
        self.writes = 0

    def created(self, installation: int) -> tuple[float, ...]:
        with self._database.read() as connection:
            return tuple(records.creations_since(connection, installation, self._clock() - HOUR_S))

    def on_request(self, installation: int) -> None:
        del installation
        with self._lock:
            self.requests += 1

    def on_create(self, installation: int) -> None:
        with self._lock:
            self.writes += 1
        with self._database.write() as connection:
            records.note_creation(connection, installation, "content", self._clock())
