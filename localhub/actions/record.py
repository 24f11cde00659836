"""Workflow runs and their jobs in the database: every change is told as GitHub tells it. Inside transactions only."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from localhub import checks
from localhub.actions import concurrency, plan, shapes
from localhub.actions.act_log import Job
from localhub.actions.workflows import Problem, Workflow, refusals, runner_labels
from localhub.events import Event
from localhub.gitstore import GitRepo
from localhub.render import actions as render

if TYPE_CHECKING:
    from localhub.actions.triggers import Subject
    from localhub.db import Row
    from localhub.hub import Hub

ACTIONS_APP_ID = 15368


def actions_bot(hub: Hub) -> int:
    """The account that workflow jobs act as."""
    return int(hub.db.get("apps", ACTIONS_APP_ID)["bot_id"])


def queue(
    hub: Hub, repo: Row, parsed: Workflow | Problem, subject: Subject, sender: int, payload: str, base: str
) -> int:
    """A new run of a workflow; one that cannot run here ends at once, failed, with the reasons as annotations."""
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
        payload=payload,
        base=base,
        actor_id=sender,
        triggering_actor_id=sender,
        created_at=now,
        updated_at=now,
        started_at=now,
    )
    begin(hub, run_id, parsed)
    run = hub.db.get("workflow_runs", run_id)
    if isinstance(parsed, Workflow) and run["status"] == "queued":
        for other in concurrency.join(hub, run, parsed):
            # The runner takes it from here, also for one that it has not begun.
            hub.db.update("workflow_runs", other["id"], cancel_asked=1)
    return run_id


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
    """Tell that an attempt of a run is queued, and queue the jobs that wait for nothing."""
    run = hub.db.get("workflow_runs", run_id)
    tell(hub, run, "requested")
    if isinstance(parsed, Problem):
        leg = plan.Leg("workflow", {}, parsed.path)
        add_job(hub, run, leg, [])
        finish(hub, run, None, [parsed], cancelled=False)
        return
    git = GitRepo(hub.git_dir(run["repo_id"]))

    def read(path: str) -> str | None:
        content = git.read(run["checkout_sha"], path)
        return None if content is None else content.decode("utf-8", "replace")

    problems = refusals(parsed, read)
    if problems:
        for leg in plan.legs(parsed):
            add_job(hub, run, leg, runner_labels(parsed.jobs[leg.job_id]))
        finish(hub, run, parsed, problems, cancelled=False)
        return
    if not run["only_failed"]:
        for leg in plan.first_legs(parsed):
            add_job(hub, run, leg, runner_labels(parsed.jobs[leg.job_id]))


def tell(hub: Hub, run: Row, action: str) -> None:
    """The workflow_run webhook."""
    flow = hub.db.get("workflows", run["workflow_id"])
    payload = {"workflow_run": render.run(hub, run), "workflow": render.workflow(hub, flow)}
    hub.emit(Event("workflow_run", action, run["repo_id"], run["triggering_actor_id"], payload))


def _tell_job(hub: Hub, run: Row, job_row: Row, action: str) -> None:
    payload = {"workflow_job": render.job(hub, job_row)}
    hub.emit(Event("workflow_job", action, run["repo_id"], run["triggering_actor_id"], payload))


def start(hub: Hub, run_id: int) -> Row:
    """The runner has taken the run."""
    hub.db.update("workflow_runs", run_id, status="in_progress", updated_at=hub.now())
    run = hub.db.get("workflow_runs", run_id)
    checks.set_suite(hub, hub.db.get("check_suites", run["suite_id"]), "in_progress", None, actions_bot(hub))
    tell(hub, run, "in_progress")
    return run


def add_job(hub: Hub, run: Row, leg: plan.Leg, labels: Sequence[str]) -> Row:
    """A queued job with its check run; what exists of an interrupted attempt is queued again."""
    found = job_of(hub, run, leg.key)
    if found is not None:
        return found
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
        job_id=leg.job_id,
        matrix=json.dumps(leg.matrix),
        name=leg.name,
        labels=json.dumps(list(labels)),
        created_at=now,
        started_at=now,
    )
    row = hub.db.get("workflow_jobs", check["id"])
    _tell_job(hub, run, row, "queued")
    return row


def job_of(hub: Hub, run: Row, key: str) -> Row | None:
    """The job of the run's current attempt with this key."""
    return hub.db.row(
        "SELECT * FROM workflow_jobs WHERE run_id = ? AND attempt = ? AND key = ?", run["id"], run["attempt"], key
    )


def jobs_of(hub: Hub, run: Row) -> list[Row]:
    """The jobs of the run's current attempt."""
    return hub.db.rows(
        "SELECT * FROM workflow_jobs WHERE run_id = ? AND attempt = ? ORDER BY id", run["id"], run["attempt"]
    )


def move_job(hub: Hub, run: Row, workflow: Workflow, job: Job) -> None:
    """Write what the runner reports of a job."""
    leg = plan.Leg(job.job_id, job.matrix, job.name)
    row = add_job(hub, run, leg, runner_labels(workflow.jobs[job.job_id]))
    if job.conclusion is not None:
        end_job(hub, run, row, job.conclusion, [shapes.note(one) for one in job.annotations], job)
        return
    hub.db.update(
        "workflow_jobs", row["id"], status="in_progress", started_at=shapes.moment(job.started), steps=shapes.steps(job)
    )
    if row["status"] != "in_progress":
        check = hub.db.get("check_runs", row["id"])
        checks.update_run(
            hub, check, {"status": "in_progress", "started_at": shapes.moment(job.started)}, actions_bot(hub)
        )
        _tell_job(hub, run, hub.db.get("workflow_jobs", row["id"]), "in_progress")


def end_job(
    hub: Hub, run: Row, row: Row, conclusion: str, notes: Iterable[Mapping[str, Any]], job: Job | None = None
) -> None:
    """A job and its check run end."""
    if row["status"] == "completed":
        return
    now = hub.now()
    columns: dict[str, Any] = {"status": "completed", "conclusion": conclusion, "completed_at": now}
    output: dict[str, Any] = {}
    if job is not None:
        columns |= {
            "log": job.log,
            "summary": job.summary,
            "steps": shapes.steps(job),
            "started_at": shapes.moment(job.started),
        }
        columns["outputs"] = None if job.outputs is None else json.dumps(job.outputs)
        columns["completed_at"] = shapes.moment(job.completed or job.started)
        if job.summary:
            output = {"title": job.name, "summary": job.summary[:65_535]}
    hub.db.update("workflow_jobs", row["id"], **columns)
    times = {"completed_at": columns["completed_at"]}
    if job is not None:
        times["started_at"] = columns["started_at"]
    changed = {"status": "completed", "conclusion": conclusion, "annotations": list(notes)[:50], **times, **output}
    checks.update_run(hub, hub.db.get("check_runs", row["id"]), changed, actions_bot(hub))
    _tell_job(hub, run, hub.db.get("workflow_jobs", row["id"]), "completed")


def finish(hub: Hub, run: Row, workflow: Workflow | None, problems: Sequence[Problem], *, cancelled: bool) -> None:
    """The attempt ends: jobs that never ran are cancelled, failed with the problems, or skipped."""
    notes = [shapes.problem_note(problem) for problem in problems]
    rest = "cancelled" if cancelled else ("failure" if problems else "skipped")
    seen = {row["job_id"] for row in jobs_of(hub, run)}
    kept = {row["job_id"] for row in _latest_jobs(hub, run)}
    if workflow is not None:
        for job_id, declared in workflow.jobs.items():
            if job_id not in seen and not (run["only_failed"] and job_id in kept and not problems):
                leg = plan.Leg(job_id, {}, plan.leg_name(job_id, declared, {}))
                add_job(hub, run, leg, runner_labels(declared))
    for row in jobs_of(hub, run):
        end_job(hub, run, row, rest, notes if rest == "failure" else [])
    conclusion = _conclusion(hub, run, workflow, rest, bool(problems))
    hub.db.update(
        "workflow_runs", run["id"], status="completed", conclusion=conclusion, cancel_asked=0, updated_at=hub.now()
    )
    suite = hub.db.get("check_suites", run["suite_id"])
    checks.set_suite(hub, suite, "completed", conclusion, actions_bot(hub))
    tell(hub, hub.db.get("workflow_runs", run["id"]), "completed")


def _latest_jobs(hub: Hub, run: Row) -> list[Row]:
    return hub.db.rows(
        """SELECT * FROM workflow_jobs WHERE id IN
           (SELECT max(id) FROM workflow_jobs WHERE run_id = ? GROUP BY key) ORDER BY id""",
        run["id"],
    )


def _conclusion(hub: Hub, run: Row, workflow: Workflow | None, rest: str, problems: bool) -> str:
    if problems or rest == "cancelled":
        return "failure" if problems else "cancelled"
    ends = []
    for row in _latest_jobs(hub, run):
        tolerated = workflow is not None and workflow.jobs.get(row["job_id"], {}).get("continue-on-error") is True
        ends.append("success" if tolerated and row["conclusion"] == "failure" else row["conclusion"])
    return checks.conclude(ends)


def again(hub: Hub, run: Row, by: int, *, only_failed: bool) -> None:
    """A new attempt of a completed run, queued."""
    now = hub.now()
    hub.db.update(
        "workflow_runs",
        run["id"],
        attempt=run["attempt"] + 1,
        only_failed=int(only_failed),
        status="queued",
        conclusion=None,
        triggering_actor_id=by,
        started_at=now,
        updated_at=now,
        base=hub.root,
    )
    checks.set_suite(hub, hub.db.get("check_suites", run["suite_id"]), "queued", None, by)


def kept(hub: Hub, run: Row, workflow: Workflow) -> tuple[dict[str, dict[str, str]], dict[str, list[Any]]] | None:
    """For a re-run of failed jobs: outputs of the jobs to keep, and the matrix legs to run of the others.

    None when everything has to run again, because a kept job's outputs are not known.
    """
    rows = [row for row in _latest_jobs(hub, run) if row["attempt"] < run["attempt"]]
    bad = {row["job_id"] for row in rows if row["conclusion"] not in ("success", "skipped")}
    dirty = set(bad)
    for _ in workflow.jobs:
        for job_id, job in workflow.jobs.items():
            needs = job.get("needs") or []
            if dirty & set([needs] if isinstance(needs, str) else needs):
                dirty.add(job_id)
    done: dict[str, dict[str, str]] = {}
    left: dict[str, list[Any]] = {}
    for row in rows:
        if row["job_id"] not in dirty and row["conclusion"] == "success":
            if row["outputs"] is None:
                return None
            done[row["job_id"]] = json.loads(row["outputs"])
        matrix = json.loads(row["matrix"])
        if row["job_id"] in bad and matrix and row["conclusion"] != "success":
            left.setdefault(row["job_id"], []).append(matrix)
    return done, left
