"""Workflow runs in the database: what follows from what, told as GitHub tells it. Inside transactions only."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from localhub import checks
from localhub.actions import concurrency, jobs, shapes, templates
from localhub.actions.act_log import Annotation, Job
from localhub.actions.expressions import ExpressionError
from localhub.actions.graph import to_run_again
from localhub.actions.jobs import ACTIONS_APP_ID, actions_bot
from localhub.actions.plan import Leg
from localhub.actions.state import graph_of, known_of, rows_of, seen, workflow_of
from localhub.actions.values import text_of
from localhub.actions.workflows import Problem, Workflow
from localhub.events import Event
from localhub.render import actions as render

if TYPE_CHECKING:
    from localhub.actions.subjects import Subject
    from localhub.db import Row
    from localhub.hub import Hub

CANCELLED = "The operation was canceled."
FAIL_FAST = "The job was canceled because another job of its matrix failed."


def queue(
    hub: Hub, repo: Row, parsed: Workflow | Problem, subject: Subject, sender: int, payload: str, base: str
) -> int:
    """A new run of a workflow; its first jobs are queued unless its concurrency group is taken."""
    flow = workflow_row(hub, repo, parsed, runs=1)
    suite = checks.create_suite(hub, repo, ACTIONS_APP_ID, subject.head_sha, subject.head_branch, by=actions_bot(hub))
    now = hub.now()
    run_id = hub.db.insert(
        "workflow_runs",
        repo_id=repo["id"],
        workflow_id=flow["id"],
        suite_id=suite["id"],
        number=flow["last_run"],
        event=subject.event,
        ref=subject.ref,
        head_branch=subject.head_branch,
        head_sha=subject.head_sha,
        checkout_sha=subject.checkout_sha,
        title=subject.title,
        pull_number=subject.pull_number,
        from_fork=int(subject.from_fork),
        payload=payload,
        base=base,
        actor_id=sender,
        triggering_actor_id=sender,
        created_at=now,
        updated_at=now,
        started_at=now,
    )
    run = hub.db.get("workflow_runs", run_id)
    if isinstance(parsed, Workflow) and parsed.document.get("run-name"):
        _name(hub, run, parsed)
    begin(hub, run_id, parsed)
    return run_id


def _name(hub: Hub, run: Row, parsed: Workflow) -> None:
    try:
        title = text_of(templates.value(parsed.document["run-name"], known_of(hub, run, parsed))).strip()
    except ExpressionError:
        return  # the run keeps its ordinary title, and fails by itself if it cannot run
    hub.db.update("workflow_runs", run["id"], title=title or run["title"])


def workflow_row(hub: Hub, repo: Row, parsed: Workflow | Problem, *, runs: int = 0) -> Row:
    """The row of a workflow file, made if need be; `runs` more runs of it."""
    now = hub.now()
    found = hub.db.row("SELECT * FROM workflows WHERE repo_id = ? AND path = ?", repo["id"], parsed.path)
    name = parsed.name if isinstance(parsed, Workflow) else (found["name"] if found else parsed.path)
    if found is None:
        flow = hub.db.insert(
            "workflows", repo_id=repo["id"], path=parsed.path, name=name, created_at=now, updated_at=now
        )
    else:
        flow = found["id"]
    hub.db.execute(
        "UPDATE workflows SET last_run = last_run + ?, name = ?, updated_at = ? WHERE id = ?", runs, name, now, flow
    )
    return hub.db.get("workflows", flow)


def begin(hub: Hub, run_id: int, parsed: Workflow | Problem) -> None:
    """Tell that an attempt of a run is there, and queue its first jobs, or let it wait for its group."""
    tell(hub, hub.db.get("workflow_runs", run_id), "requested")
    run = hub.db.get("workflow_runs", run_id)
    if isinstance(parsed, Problem):
        row = jobs.add(hub, run, Leg("workflow", {}, parsed.path))
        jobs.end(hub, run, row, "failure", [shapes.problem_note(parsed)], None)
        _finish(hub, run, "failure")
        return
    try:
        others = concurrency.join(hub, run, parsed)
    except ExpressionError as error:
        begin_failed(hub, run, Problem(parsed.path, 1, f"The concurrency group cannot be evaluated: {error}"))
        return
    for other in others:
        cancel(hub, other)
    if concurrency.waits(hub, hub.db.get("workflow_runs", run_id)):
        hub.db.update("workflow_runs", run_id, status="pending")
    else:
        advance(hub, run_id)


def begin_failed(hub: Hub, run: Row, problem: Problem) -> None:
    """A run that can have no jobs fails with the reason as the annotation of one."""
    row = jobs.add(hub, run, Leg("workflow", {}, problem.path))
    jobs.end(hub, run, row, "failure", [shapes.problem_note(problem)], None)
    _finish(hub, run, "failure")


def tell(hub: Hub, run: Row, action: str) -> None:
    """The workflow_run webhook."""
    flow = hub.db.get("workflows", run["workflow_id"])

    def payload() -> dict[str, Any]:
        return {"workflow_run": render.run(hub, run), "workflow": render.workflow(hub, flow)}

    hub.emit(Event("workflow_run", action, run["repo_id"], run["triggering_actor_id"], payload))


def advance(hub: Hub, run_id: int) -> None:
    """Make the jobs that come next; end the run when nothing is left to do."""
    while True:
        run = hub.db.get("workflow_runs", run_id)
        if run["status"] in ("completed", "pending"):
            return
        workflow = workflow_of(hub, run)
        if isinstance(workflow, Problem):
            begin_failed(hub, run, workflow)
            return
        graph = graph_of(hub, run, workflow)
        for new in graph.new:
            row = jobs.add(hub, run, new.leg)
            if new.conclusion is not None:
                notes = [Problem(workflow.path, 1, new.problem)] if new.problem else []
                jobs.end(hub, run, row, new.conclusion, map(shapes.problem_note, notes), None)
            elif new.leg.concurrency:
                _take_place(hub, row, cancels=new.leg.cancels)
        if graph.done:
            _finish(hub, run, _conclusion(hub, run))
            return
        if not any(new.conclusion for new in graph.new):
            return


def _take_place(hub: Hub, row: Row, *, cancels: bool) -> None:
    """A job in a group waits for who has it, instead of who waited; with `cancel-in-progress` it ends that one, too."""
    rivals = concurrency.rivals(hub, row)
    if any(other["status"] != "pending" for other in rivals):
        hub.db.update("workflow_jobs", row["id"], status="pending")
    for other in rivals:
        if cancels or other["status"] == "pending":
            cancel_job(hub, hub.db.get("workflow_runs", other["run_id"]), other, CANCELLED)


def _end(hub: Hub, run: Row, row: Row, conclusion: str, notes: Iterable[Mapping[str, Any]], job: Job | None) -> None:
    """A job ends; the one that waited for its group may run."""
    jobs.end(hub, run, row, conclusion, notes, job)
    waiting = concurrency.rivals(hub, row) if row["concurrency"] and row["status"] != "pending" else []
    if waiting and all(other["status"] == "pending" for other in waiting):
        hub.db.update("workflow_jobs", waiting[-1]["id"], status="queued")


def start(hub: Hub, row: Row) -> Row:
    """A runner has taken a job; with the first one the run is under way."""
    run = hub.db.get("workflow_runs", row["run_id"])
    if run["status"] != "in_progress":
        hub.db.update("workflow_runs", run["id"], status="in_progress", updated_at=hub.now())
        run = hub.db.get("workflow_runs", run["id"])
        checks.set_suite(hub, hub.db.get("check_suites", run["suite_id"]), "in_progress", None, actions_bot(hub))
        tell(hub, run, "in_progress")
    return jobs.start(hub, run, row)


def ended(hub: Hub, row: Row, conclusion: str, notes: Iterable[Annotation], job: Job | None = None) -> None:
    """A job has ended: its matrix may be over with it, others may follow, the run may end."""
    run = hub.db.get("workflow_runs", row["run_id"])
    _end(hub, run, row, conclusion, map(shapes.note, notes), job)
    if conclusion == "failure" and row["fail_fast"] and not row["tolerated"]:
        for other in _rows(hub, run):
            if other["job_id"] == row["job_id"] and other["status"] != "completed":
                cancel_job(hub, run, other, FAIL_FAST)
    advance(hub, run["id"])


def _rows(hub: Hub, run: Row) -> list[Row]:
    """The jobs of the run's current attempt."""
    return hub.db.rows(
        "SELECT * FROM workflow_jobs WHERE run_id = ? AND attempt = ? ORDER BY id", run["id"], run["attempt"]
    )


def cancel_job(hub: Hub, run: Row, row: Row, reason: str) -> None:
    """End a job: at once when it only waits, else the service ends what runs."""
    if row["status"] in ("queued", "pending"):
        _end(hub, run, row, "cancelled", [], None)
    elif row["status"] == "in_progress" and row["cancel"] is None:
        hub.db.update("workflow_jobs", row["id"], cancel=reason)


def cancel(hub: Hub, run: Row, *, force: bool = False) -> None:
    """End a run. Jobs whose `if` holds even then go on, as on GitHub, unless it is forced."""
    hub.db.update("workflow_runs", run["id"], cancel_asked=1)
    run = hub.db.get("workflow_runs", run["id"])
    workflow = workflow_of(hub, run)
    if run["status"] == "pending" or isinstance(workflow, Problem):
        if run["status"] == "pending":
            hub.db.update("workflow_runs", run["id"], status="queued")
        for row in _rows(hub, run):
            cancel_job(hub, run, row, CANCELLED)
        _finish(hub, run, "cancelled")
        return
    for row in _rows(hub, run):
        if row["status"] != "completed" and (force or not _goes_on(hub, run, workflow, row)):
            cancel_job(hub, run, row, CANCELLED)
    advance(hub, run["id"])


def _goes_on(hub: Hub, run: Row, workflow: Workflow, row: Row) -> bool:
    """Whether a job would be started in a cancelled run: it is judged as if it were not there yet."""
    graph = graph_of(hub, run, workflow, [one for one in rows_of(hub, run) if one["job_id"] != row["job_id"]])
    return any(new.leg.group == row["job_id"] and new.conclusion is None for new in graph.new)


def _finish(hub: Hub, run: Row, conclusion: str) -> None:
    """The attempt ends; a run that waited for its group begins."""
    hub.db.update(
        "workflow_runs", run["id"], status="completed", conclusion=conclusion, cancel_asked=0, updated_at=hub.now()
    )
    checks.set_suite(hub, hub.db.get("check_suites", run["suite_id"]), "completed", conclusion, actions_bot(hub))
    tell(hub, hub.db.get("workflow_runs", run["id"]), "completed")
    for waiting in concurrency.next_runs(hub, run):
        hub.db.update("workflow_runs", waiting["id"], status="queued")
        advance(hub, waiting["id"])


def _conclusion(hub: Hub, run: Row) -> str:
    ends = [
        "success" if row["tolerated"] and row["conclusion"] == "failure" else row["conclusion"]
        for row in rows_of(hub, run)
    ]
    if run["cancel_asked"] and "cancelled" in ends:
        return "cancelled"
    return checks.conclude(ends)


def latest_jobs(hub: Hub, run: Row) -> list[Row]:
    """The newest job of each key, of whatever attempt."""
    return hub.db.rows(
        """SELECT * FROM workflow_jobs WHERE id IN
           (SELECT max(id) FROM workflow_jobs WHERE run_id = ? GROUP BY key) ORDER BY id""",
        run["id"],
    )


def again(hub: Hub, run: Row, by: int, keys: Sequence[str] | None) -> None:
    """A new attempt of a completed run: of all its jobs, or of those with `keys` and all that stand on them."""
    kept: list[int] = []
    parsed = workflow_of(hub, run)
    if keys is not None and isinstance(parsed, Workflow):
        rows = rows_of(hub, run)
        anew = to_run_again(graph_of(hub, run, parsed), [seen(row, run["attempt"]) for row in rows], set(keys))
        kept = [row["id"] for row in rows if row["key"] not in anew]
    now = hub.now()
    names = ("status", "conclusion", "triggering_actor_id", "started_at", "updated_at")
    hub.db.insert("workflow_attempts", run_id=run["id"], attempt=run["attempt"], **{name: run[name] for name in names})
    hub.db.update(
        "workflow_runs",
        run["id"],
        attempt=run["attempt"] + 1,
        kept=json.dumps(kept),
        status="queued",
        conclusion=None,
        triggering_actor_id=by,
        started_at=now,
        updated_at=now,
        base=hub.root,
    )
    checks.set_suite(hub, hub.db.get("check_suites", run["suite_id"]), "queued", None, by)
    begin(hub, run["id"], parsed)
