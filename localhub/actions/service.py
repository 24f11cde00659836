"""The queue of workflow jobs. It lives in the database: what was queued or running when a process died runs again."""

from __future__ import annotations

import hmac
import logging
import os
import secrets
import shutil
import threading
import time
import weakref
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from localhub import checks
from localhub.actions import jobs, preparing, record, triggers
from localhub.actions.act_log import Annotation, Reader
from localhub.actions.runner import Execution, Runner
from localhub.actions.sandbox import Sandbox
from localhub.actions.schedule import Schedule
from localhub.actions.state import workflow_of
from localhub.actions.surroundings import hold, scratch_for
from localhub.actions.workflows import Problem, Workflow
from localhub.context import RequestContext, current_actor, set_context
from localhub.errors import GitHubError

if TYPE_CHECKING:
    from localhub.db import Row
    from localhub.events import Event
    from localhub.hub import Hub

log = logging.getLogger(__name__)
_STEP_SECONDS = 1.0
CANCELLED = record.CANCELLED


class Actions:
    """One thread looks at events, `slots` threads run jobs; they sleep until there is something to do."""

    def __init__(
        self,
        hub: Hub,
        toolchain: Path | None = None,
        slots: int = 2,
        time_limit: float = 3600.0,
        scratch: Path | None = None,
    ) -> None:
        self._hub = hub
        self._time_limit = time_limit
        self._slots = slots
        self._toolchain = toolchain
        self._scratch = scratch or scratch_for(hub.data)
        self._runner: Runner | None = None
        self._held: int | None = None
        self._wake = threading.Condition()
        self._stopping = False
        self._taken: dict[int, tuple[Row, Execution]] = {}
        self._threads: list[threading.Thread] = []
        self._schedule = Schedule(hub, self._notify)
        self._log_secret = secrets.token_bytes(16)
        _INSTANCES[hub] = self
        for name in triggers.EVENTS:
            hub.on(name, self._heard)
        hub.on("push", lambda event: checks.on_push(hub, event))
        hub.quiet_checks["workflow_runs"] = self.pending
        hub.on_start(self.start)
        hub.on_close(self.close)

    @staticmethod
    def of(hub: Hub) -> Actions:
        """The hub's own, with default settings unless it was made before."""
        return _INSTANCES.get(hub) or Actions(hub)

    def log_key(self, kind: str, number: int) -> str:
        """What opens the log of a `job` or `run` without a token, as GitHub's signed log addresses do."""
        return hmac.new(self._log_secret, f"{kind} {number}".encode(), "sha256").hexdigest()

    def pending(self) -> int:
        """Events not looked at and runs not ended."""
        events = self._hub.db.value("SELECT count(*) FROM workflow_triggers")
        return int(events + self._hub.db.value("SELECT count(*) FROM workflow_runs WHERE status <> 'completed'"))

    def start(self) -> None:
        """Begin to work, first on what an earlier process left."""
        self._held = hold(self._scratch)
        self._runner = Runner(Sandbox(self._scratch, self._toolchain), self._hub.clock.timestamp)
        with self._hub.tx():
            again = "UPDATE workflow_jobs SET status = 'queued', steps = '[]', log = '' WHERE status = 'in_progress'"
            self._hub.db.execute(again)
        self._threads = [threading.Thread(target=self._look_loop, name="localhub-workflows")]
        self._threads += [
            threading.Thread(target=self._run_loop, args=[slot], name=f"localhub-jobs-{slot}")
            for slot in range(self._slots)
        ]
        for thread in self._threads:
            thread.start()
        self._schedule.start()

    def close(self) -> None:
        """Stop; jobs under way are killed and run again at the next start."""
        self._schedule.close()
        with self._wake:
            self._stopping = True
            for _, execution in self._taken.values():
                execution.cancel("localhub was stopped", grace=0)
            self._wake.notify_all()
        for thread in self._threads:
            thread.join()
        if self._held is not None:
            shutil.rmtree(self._scratch, ignore_errors=True)
            os.close(self._held)

    def cancel(self, run: Row, *, force: bool = False) -> None:
        """End a run, queued or running; inside a transaction."""
        record.cancel(self._hub, run, force=force)
        self.poke()

    def rerun(self, run: Row, by: int, *, only_failed: bool = False, keys: Sequence[str] | None = None) -> None:
        """Queue a new attempt, of all jobs, the failed ones, or those with `keys`; inside a transaction."""
        if only_failed:
            good = ("success", "skipped")
            keys = [row["key"] for row in record.latest_jobs(self._hub, run) if row["conclusion"] not in good]
        record.again(self._hub, run, by, keys)
        self.poke()

    def poke(self) -> None:
        """Look for work when the current transaction is on the disk."""
        self._hub.db.after_commit(self._notify)

    def workflow_of(self, run: Row) -> Workflow | Problem:
        """The workflow file of a run, as it is in the run's commit."""
        return workflow_of(self._hub, run)

    def _heard(self, event: Event) -> None:
        # What a workflow does with its own token starts no workflow (GitHub's guard against loops).
        if current_actor().kind != "actions" and triggers.remember(self._hub, event):
            self.poke()

    def _notify(self) -> None:
        """Cancel what was asked to be, and wake who waits for work."""
        with self._wake:
            for job_id, (_, execution) in self._taken.items():
                reason = self._hub.db.value("SELECT cancel FROM workflow_jobs WHERE id = ?", job_id)
                if reason:
                    execution.cancel(reason)
            self._wake.notify_all()

    def _loop(self, take: Callable[[], Any], work: Callable[[Any], None]) -> None:
        while True:
            with self._wake:
                found = None if self._stopping else take()
                if found is None:
                    if self._stopping:
                        return
                    self._wake.wait()
                    continue
            work(found)

    def _look_loop(self) -> None:
        self._loop(lambda: self._hub.db.row("SELECT * FROM workflow_triggers ORDER BY id LIMIT 1"), self._look)

    def _look(self, row: Row) -> None:
        set_context(RequestContext(row["base"], ""))
        try:
            triggers.look(self._hub, row)
        except Exception:
            log.exception(
                "event %s of repository %s could not be looked at for workflows", row["event"], row["repo_id"]
            )
            with self._hub.tx():
                self._hub.db.execute("DELETE FROM workflow_triggers WHERE id = ?", row["id"])
        self._notify()

    def _run_loop(self, slot: int) -> None:
        self._loop(self._take, lambda row: self._work(row, slot))

    def _take(self) -> Row | None:
        """The first queued job whose matrix has room."""
        waiting = self._hub.db.rows("SELECT * FROM workflow_jobs WHERE status = 'queued' ORDER BY id LIMIT 1000")
        running = [row for row, _ in self._taken.values()]
        for row in waiting:
            if row["id"] not in self._taken and _has_room(row, running):
                self._taken[row["id"]] = (row, Execution())
                return row
        return None

    def _work(self, row: Row, slot: int) -> None:
        try:
            run = self._hub.db.get("workflow_runs", row["run_id"])
            set_context(RequestContext(run["base"], ""))
            self._run(row, slot)
        except (GitHubError, LookupError) as error:
            log.warning("job %s ended because its repository is gone: %s", row["id"], error)
        except Exception as error:
            log.exception("workflow job %s failed inside localhub", row["id"])
            self._ended(row, "failure", [_note(f"localhub could not run this job: {error!r}")])
        finally:
            with self._wake:
                del self._taken[row["id"]]
            self._notify()

    def _run(self, row: Row, slot: int) -> None:
        assert self._runner is not None
        hub = self._hub
        with self._wake:
            _, execution = self._taken[row["id"]]
        with hub.tx():
            row = hub.db.get("workflow_jobs", row["id"])
            if row["status"] != "queued":
                return
            if row["cancel"]:
                record.ended(hub, row, "cancelled", [])
                return
            row = record.start(hub, row)
        request = preparing.request_for(hub, hub.db.get("workflow_runs", row["run_id"]), row, self._time_limit)
        if isinstance(request, list):
            notes = [Annotation(one.path, one.line, one.line, "failure", one.message) for one in request]
            self._ended(row, "failure", notes)
            return
        written = time.monotonic()

        def report(reader: Reader) -> None:
            # Every write waits for the disk: steps are written now and then, the end always.
            nonlocal written
            if time.monotonic() - written > _STEP_SECONDS:
                written = time.monotonic()
                reader.flush()
                with hub.tx():
                    jobs.move(hub, row, reader.job)

        job = self._runner.run(request, slot, report, execution)
        if self._stopping and job.conclusion == "cancelled":
            return
        assert job.conclusion is not None
        with hub.tx():
            record.ended(hub, hub.db.get("workflow_jobs", row["id"]), job.conclusion, job.annotations, job)

    def _ended(self, row: Row, conclusion: str, notes: list[Annotation]) -> None:
        with self._hub.tx():
            record.ended(self._hub, self._hub.db.get("workflow_jobs", row["id"]), conclusion, notes)


def _has_room(row: Row, running: Sequence[Row]) -> bool:
    legs = sum(one["run_id"] == row["run_id"] and one["job_id"] == row["job_id"] for one in running)
    return bool(legs < row["parallel"])


def _note(message: str) -> Annotation:
    return Annotation(".github", 1, 1, "failure", message)


_INSTANCES: weakref.WeakKeyDictionary[Hub, Actions] = weakref.WeakKeyDictionary()
