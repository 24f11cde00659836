"""Jobs in the database: every change of one is told as GitHub tells it. Inside transactions only."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from localhub import checks
from localhub.actions import shapes
from localhub.events import Event
from localhub.render import actions as render

if TYPE_CHECKING:
    from localhub.actions.act_log import Job
    from localhub.actions.plan import Leg
    from localhub.db import Row
    from localhub.hub import Hub

ACTIONS_APP_ID = 15368


def actions_bot(hub: Hub) -> int:
    """The account that workflow jobs act as."""
    return int(hub.db.get("apps", ACTIONS_APP_ID)["bot_id"])


def tell(hub: Hub, run: Row, row: Row, action: str) -> None:
    """The workflow_job webhook."""

    def payload() -> dict[str, Any]:
        return {"workflow_job": render.job(hub, row)}

    hub.emit(Event("workflow_job", action, run["repo_id"], run["triggering_actor_id"], payload))


def add(hub: Hub, run: Row, leg: Leg) -> Row:
    """A queued job with its check run."""
    repo = hub.access.repo_by_id(run["repo_id"])
    suite = hub.db.get("check_suites", run["suite_id"])
    check = checks.create_run(hub, repo, suite, {"name": leg.name, "status": "queued"}, actions_bot(hub))
    now = hub.now()
    hub.db.insert(
        "workflow_jobs",
        id=check["id"],
        run_id=run["id"],
        repo_id=run["repo_id"],
        attempt=run["attempt"],
        key=leg.key,
        job_id=leg.group,
        matrix=json.dumps(leg.matrix),
        name=leg.name,
        labels=json.dumps(list(leg.labels)),
        tolerated=int(leg.tolerated),
        fail_fast=int(leg.fail_fast),
        parallel=leg.parallel,
        concurrency=leg.concurrency.lower() if leg.concurrency else None,
        created_at=now,
        started_at=now,
    )
    row = hub.db.get("workflow_jobs", check["id"])
    tell(hub, run, row, "queued")
    return row


def start(hub: Hub, run: Row, row: Row) -> Row:
    """A runner has taken the job."""
    now = hub.now()
    hub.db.update("workflow_jobs", row["id"], status="in_progress", started_at=now)
    check = hub.db.get("check_runs", row["id"])
    checks.update_run(hub, check, {"status": "in_progress", "started_at": now}, actions_bot(hub))
    row = hub.db.get("workflow_jobs", row["id"])
    tell(hub, run, row, "in_progress")
    return row


def move(hub: Hub, row: Row, job: Job) -> None:
    """Write how far a running job has come."""
    hub.db.update("workflow_jobs", row["id"], steps=shapes.steps(job), log=job.log)


def end(hub: Hub, run: Row, row: Row, conclusion: str, notes: Iterable[Mapping[str, Any]], job: Job | None) -> None:
    """A job and its check run end, once."""
    if row["status"] == "completed":
        return
    columns: dict[str, Any] = {"status": "completed", "conclusion": conclusion, "completed_at": hub.now()}
    output: dict[str, Any] = {}
    if job is not None:
        columns |= {"log": job.log, "summary": job.summary, "steps": shapes.steps(job)}
        columns["outputs"] = json.dumps(job.outputs)
        if job.summary:
            output = {"title": row["name"], "summary": job.summary[:65_535]}
    hub.db.update("workflow_jobs", row["id"], **columns)
    changed = {"status": "completed", "conclusion": conclusion, "completed_at": columns["completed_at"]}
    changed |= {"annotations": list(notes)[:50], **output}
    # Whoever hears that the check has ended can read the whole job.
    tell(hub, run, hub.db.get("workflow_jobs", row["id"]), "completed")
    checks.update_run(hub, hub.db.get("check_runs", row["id"]), changed, actions_bot(hub))
