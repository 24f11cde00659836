"""The only importer of DBOS: which effect runs next, on which process, how many at once, and again after a crash.

DBOS keeps one row for each run of an action. The row is written in the transaction that makes the run necessary,
claimed by exactly one process, and given to another when that process dies. What a run does is decided by our own
tables, so a run that comes twice, late or in the wrong order finds nothing to do.

Turns are not DBOS workflows: a turn is one transaction, its wake-up is the unconsumed row in the inbox, and a workflow
around it cost three more transactions (50 instead of 200 turns a second on SQLite).
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from dbos import DBOS, DBOSClient, DBOSConfig
from dbos._queue import queue_worker_thread  # DBOS only polls; its own worker, waiting on our Wake, starts at once
from dbos._serialization import Serializer

from bot.engine.wake import Wake
from bot.store.database import Database

APPLICATION = "branchwork"
APPLICATION_VERSION = "1"
"""Pinned: DBOS's default is a hash of the source, which strands pending work after any change."""

ACTIVE = frozenset({"ENQUEUED", "PENDING", "DELAYED"})
FINISHED = ["SUCCESS", "ERROR", "CANCELLED", "MAX_RECOVERY_ATTEMPTS_EXCEEDED"]
_PAGE = 500

CarryHandler = Callable[[str, int, str], None]


class JsonSerializer(Serializer):
    """Arguments and results as JSON, not pickle: what is in the database can be read, and never runs code."""

    def serialize(self, data: Any) -> str:
        return json.dumps(data, default=repr)

    def deserialize(self, serialized_data: str) -> Any:
        return json.loads(serialized_data)

    def name(self) -> str:
        return "branchwork_json"


_carry_handler: CarryHandler | None = None


@DBOS.workflow(name="carry")
def _carry(key: str, dispatch: int, queue: str) -> None:
    if _carry_handler is None:
        raise RuntimeError("an action ran before the engine was started")
    _carry_handler(key, dispatch, queue)


class Durable:
    """DBOS as we use it. One for each process: DBOS keeps its own state in globals."""

    def __init__(self, database: Database, queues: Mapping[str, int], poll_s: float) -> None:
        self._database = database
        self._queues = dict(queues)
        self._poll_s = poll_s
        self._wakes = {name: Wake(places) for name, places in self._queues.items()}
        self._threads: list[threading.Thread] = []
        self._client: DBOSClient | None = None

    def start(self, executor: str, carry: CarryHandler) -> None:
        """Launches DBOS as `executor`, an id that no other process ever had, and starts one worker for each queue."""
        global _carry_handler
        _carry_handler = carry
        config: DBOSConfig = {
            "name": APPLICATION,
            "system_database_engine": self._database.engine,
            "application_version": APPLICATION_VERSION,
            "executor_id": executor,
            "serializer": JsonSerializer(),
            "use_listen_notify": False,
            "log_level": "WARNING",
            "scheduler_polling_interval_sec": 3600.0,
            # We wait for none of its notifications; the listener only delays a stop by its interval.
            "notification_listener_polling_interval_sec": 0.1,
        }
        dbos = DBOS(config=config)
        DBOS.listen_queues([])
        DBOS.launch()
        self._client = DBOSClient(
            system_database_engine=self._database.engine, serializer=JsonSerializer(), application_name=APPLICATION
        )
        for name, limit in self._queues.items():
            queue = DBOS.register_queue(
                name,
                worker_concurrency=limit,
                polling_interval_sec=self._poll_s,
                on_conflict="always_update",
            )
            worker = threading.Thread(
                target=queue_worker_thread, args=(self._wakes[name], dbos, queue), name=f"queue-{name}", daemon=True
            )
            worker.start()
            self._threads.append(worker)

    def enqueue_carry(self, connection: sa.Connection, key: str, queue: str, dispatch: int) -> None:
        """Asks, within the caller's transaction, for one run of an action."""
        if queue not in self._queues:
            raise ValueError(f"no queue is called {queue!r}; there are {', '.join(sorted(self._queues))}")
        options: Any = {
            "workflow_name": "carry",
            "queue_name": queue,
            "workflow_id": carry_id(key, dispatch),
            "app_version": APPLICATION_VERSION,
        }
        self._need_client().enqueue_in_transaction(connection, options, key, dispatch, queue)

    def wake(self, added: Mapping[str, int]) -> None:
        """Makes workers look now at what was added. Only for speed: they look by themselves at their interval."""
        for name, count in added.items():
            self._wakes[name].added(count)

    def began(self, queue: str) -> None:
        self._wakes[queue].began()

    def ended(self, queue: str) -> None:
        self._wakes[queue].ended()

    def resume_dead(self, alive: frozenset[str]) -> int:
        """Gives what processes outside `alive` were running back to its queues; how many runs that were."""
        client, resumed = self._need_client(), 0
        by_queue: dict[str, list[str]] = {}
        for run in client.list_workflows(status="PENDING", load_input=False, load_output=False):
            if run.executor_id not in alive:
                name = run.queue_name if run.queue_name in self._queues else "timer"
                by_queue.setdefault(str(name), []).append(run.workflow_id)
        for name, idents in by_queue.items():
            client.resume_workflows(idents, queue_name=name)
            resumed += len(idents)
        self.wake({name: len(idents) for name, idents in by_queue.items()})
        return resumed

    def active(self, idents: list[str]) -> dict[str, str | None]:
        """Which of these runs wait or run; a running one with the executor that claimed it, a waiting one with None."""
        found: dict[str, str | None] = {}
        for start in range(0, len(idents), _PAGE):
            page = idents[start : start + _PAGE]
            runs = self._need_client().list_workflows(workflow_ids=page, load_input=False, load_output=False)
            for run in runs:
                if run.status in ACTIVE:
                    found[run.workflow_id] = run.executor_id if run.status == "PENDING" else None
        return found

    def prune(self, before: float) -> int:
        """Deletes finished runs from before a time; our own unique keys remember what was done."""
        client, deleted = self._need_client(), 0
        end = datetime.fromtimestamp(before, UTC).isoformat()
        while True:
            runs = client.list_workflows(
                status=FINISHED, end_time=end, limit=_PAGE, load_input=False, load_output=False
            )
            if runs:
                client.delete_workflows([run.workflow_id for run in runs])
            deleted += len(runs)
            if len(runs) < _PAGE:
                return deleted

    def stop_taking(self) -> None:
        """No run is started from here on."""
        for wake in self._wakes.values():
            wake.set()
        for thread in self._threads:
            thread.join(timeout=10)
        self._threads.clear()

    def stop(self) -> None:
        self.stop_taking()
        if self._client is not None:
            self._client.destroy()
            self._client = None
        DBOS.destroy()

    def _need_client(self) -> DBOSClient:
        if self._client is None:
            raise RuntimeError("the engine is not running")
        return self._client


def carry_id(key: str, dispatch: int) -> str:
    return f"carry/{key}/{dispatch}"
