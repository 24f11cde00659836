"""The queue of workflow runs. It lives in the database: what was queued or running when a process died runs again."""

from __future__ import annotations

import hmac
import json
import logging
import os
import secrets
import shutil
import threading
import time
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from localhub import checks
from localhub.actions import plan, record, triggers
from localhub.actions.act_log import Job
from localhub.actions.runner import Execution, Outcome, Request, Runner
from localhub.actions.sandbox import Sandbox
from localhub.actions.surroundings import environment, hold, scratch_for
from localhub.actions.workflows import Problem, Workflow, parse
from localhub.context import RequestContext, current_actor, set_context
from localhub.errors import GitHubError
from localhub.gitstore import GitRepo

if TYPE_CHECKING:
    from localhub.db import Row
    from localhub.events import Event
    from localhub.hub import Hub

log = logging.getLogger(__name__)
_STEP_SECONDS = 1.0
CANCELLED = "The operation was canceled."


class Actions:
    """One thread looks at events, `slots` threads run workflows; they sleep until there is something to do."""

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
        self._taken: dict[int, Execution] = {}
        self._threads: list[threading.Thread] = []
        self._log_secret = secrets.token_bytes(16)
        _INSTANCES[hub] = self
        hub.on("push", self._heard)
        hub.on("pull_request", self._heard)
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
            self._hub.db.execute("UPDATE workflow_runs SET status = 'queued' WHERE status = 'in_progress'")
        self._threads = [threading.Thread(target=self._look_loop, name="localhub-workflows")]
        self._threads += [
            threading.Thread(target=self._run_loop, args=[slot], name=f"localhub-jobs-{slot}")
            for slot in range(self._slots)
        ]
        for thread in self._threads:
            thread.start()

    def close(self) -> None:
        """Stop; runs under way are killed and stay queued for the next start."""
        with self._wake:
            self._stopping = True
            for execution in self._taken.values():
                execution.cancel("localhub was stopped")
            self._wake.notify_all()
        for thread in self._threads:
            thread.join()
        if self._held is not None:
            shutil.rmtree(self._scratch, ignore_errors=True)
            os.close(self._held)

    def cancel(self, run: Row) -> None:
        """End a run, queued or running; inside a transaction."""
        self._hub.db.update("workflow_runs", run["id"], cancel_asked=1)
        self.poke()

    def rerun(self, run: Row, by: int, *, only_failed: bool) -> None:
        """Queue a new attempt; inside a transaction."""
        hub = self._hub
        record.again(hub, run, by, only_failed=only_failed)
        fresh = hub.db.get("workflow_runs", run["id"])
        record.begin(hub, run["id"], self.workflow_of(fresh))
        self.poke()

    def poke(self) -> None:
        """Look for work when the current transaction is on the disk."""
        self._hub.db.after_commit(self._notify)

    def workflow_of(self, run: Row) -> Workflow | Problem:
        """The workflow file of a run, as it is in the run's commit."""
        path = self._hub.db.get("workflows", run["workflow_id"])["path"]
        content = GitRepo(self._hub.git_dir(run["repo_id"])).read(run["checkout_sha"], path)
        if content is None:
            return Problem(path, 1, f"{path} is not in commit {run['checkout_sha']}")
        return parse(path, content.decode("utf-8", "replace"))

    def _heard(self, event: Event) -> None:
        # What a workflow does with its own token starts no workflow (GitHub's guard against loops).
        if current_actor().kind != "actions":
            triggers.remember(self._hub, event)
            self.poke()

    def _notify(self) -> None:
        """Cancel what was asked to be, and wake who waits for work."""
        with self._wake:
            for run_id, execution in self._taken.items():
                if self._hub.db.value("SELECT cancel_asked FROM workflow_runs WHERE id = ?", run_id):
                    execution.cancel(CANCELLED)
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
        self._loop(self._take, lambda run: self._work(run, slot))

    def _take(self) -> Row | None:
        open_runs = self._hub.db.rows("SELECT * FROM workflow_runs WHERE status <> 'completed' ORDER BY id LIMIT 1000")
        busy = {(run["repo_id"], run["concurrency"]) for run in open_runs if run["id"] in self._taken}
        for run in open_runs:
            waits = run["concurrency"] is not None and (run["repo_id"], run["concurrency"]) in busy
            # A cancelled run is taken out of turn: all that is left to do is to end it.
            if run["id"] not in self._taken and run["status"] == "queued" and (not waits or run["cancel_asked"]):
                self._taken[run["id"]] = Execution()
                return run
        return None

    def _work(self, run: Row, slot: int) -> None:
        set_context(RequestContext(run["base"], ""))
        try:
            self._run(run, slot)
        except GitHubError as error:
            log.warning("run %s ended because its repository is gone: %s", run["id"], error.message)
        except Exception as error:
            log.exception("workflow run %s failed inside localhub", run["id"])
            with self._hub.tx():
                path = self._hub.db.get("workflows", run["workflow_id"])["path"]
                fault = Problem(path, 1, f"localhub could not run this workflow: {error!r}")
                record.finish(self._hub, self._hub.db.get("workflow_runs", run["id"]), None, [fault], cancelled=False)
        finally:
            with self._wake:
                del self._taken[run["id"]]
                self._wake.notify_all()

    def _run(self, run: Row, slot: int) -> None:
        hub = self._hub
        workflow = self.workflow_of(run)
        if run["cancel_asked"] or isinstance(workflow, Problem):
            problems = [workflow] if isinstance(workflow, Problem) else []
            with hub.tx():
                parsed = workflow if isinstance(workflow, Workflow) else None
                record.finish(hub, run, parsed, problems, cancelled=bool(run["cancel_asked"]))
            return
        with hub.tx():
            run = record.start(hub, run["id"])
        document = plan.document(workflow, 1)
        ignored: set[str] = set()
        if run["only_failed"] and (reuse := record.kept(hub, run, workflow)) is not None:
            plan.rerun(document, *reuse)
            ignored = set(reuse[0])
        outcome = self._execute(run, workflow, document, ignored, slot)
        self._end(run, workflow, outcome, ignored)

    def _execute(self, run: Row, workflow: Workflow, document: dict[str, Any], ignored: set[str], slot: int) -> Outcome:
        assert self._runner is not None
        hub = self._hub
        written: dict[str, float] = {}

        def report(job: Job) -> None:
            # Every write waits for the disk: steps are written now and then, beginnings and ends always.
            now = time.monotonic()
            if job.job_id in ignored or (job.conclusion is None and now - written.get(job.key, -9.0) < _STEP_SECONDS):
                return
            written[job.key] = now
            with hub.tx():
                record.move_job(hub, run, workflow, job)

        request = Request(
            workflow=workflow,
            document=document,
            git_dir=hub.git_dir(run["repo_id"]),
            sha=run["checkout_sha"],
            ref=run["ref"],
            event_name=run["event"],
            event=json.loads(run["payload"]),
            actor=hub.db.get("accounts", run["actor_id"])["login"],
            env=environment(hub, run),
            time_limit=self._time_limit,
        )
        with self._wake:
            execution = self._taken[run["id"]]
        if hub.db.get("workflow_runs", run["id"])["cancel_asked"]:
            execution.cancel(CANCELLED)
        return self._runner.run(request, slot, report, execution)

    def _end(self, run: Row, workflow: Workflow, outcome: Outcome, ignored: set[str]) -> None:
        if self._stopping and outcome.cancelled:
            return
        problems = []
        if outcome.problem and not outcome.cancelled:
            problems = [Problem(workflow.path, 1, outcome.problem)]
        with self._hub.tx():
            for job in outcome.jobs:
                if job.job_id not in ignored:
                    record.move_job(self._hub, run, workflow, job)
            record.finish(self._hub, run, workflow, problems, cancelled=outcome.cancelled)


_INSTANCES: weakref.WeakKeyDictionary[Hub, Actions] = weakref.WeakKeyDictionary()
