"""Workflow runs, their attempts, jobs and logs."""

from __future__ import annotations

from fastapi import APIRouter, Response
from fastapi.responses import PlainTextResponse

from localhub.actions.logs import packed
from localhub.actions.service import Actions
from localhub.actions.state import rows_of
from localhub.clock import parse_iso
from localhub.db import Row
from localhub.errors import GitHubError, field, invalid, not_found
from localhub.http import PageDep, reply
from localhub.hub import Hub
from localhub.render import actions as render
from localhub.rest.runfilters import FiltersDep


def router(hub: Hub) -> APIRouter:  # noqa: C901 - a list of endpoints
    api = APIRouter()
    service = Actions.of(hub)

    def run_row(repo: Row, run_id: int) -> Row:
        row = hub.db.row("SELECT * FROM workflow_runs WHERE id = ? AND repo_id = ?", run_id, repo["id"])
        if row is None:
            raise not_found()
        return row

    def job_row(repo: Row, job_id: int) -> Row:
        row = hub.db.row("SELECT * FROM workflow_jobs WHERE id = ? AND repo_id = ?", job_id, repo["id"])
        if row is None:
            raise not_found()
        return row

    @api.get("/repos/{owner}/{name}/actions/runs")
    def runs(
        owner: str,
        name: str,
        paging: PageDep,
        filters: FiltersDep,
    ) -> Response:
        return filters.reply(hub, hub.access.repo(owner, name, "actions"), paging)

    @api.get("/repos/{owner}/{name}/actions/runs/{run_id}")
    def run(owner: str, name: str, run_id: int) -> Response:
        return reply(render.run(hub, run_row(hub.access.repo(owner, name, "actions"), run_id)))

    @api.get("/repos/{owner}/{name}/actions/runs/{run_id}/jobs")
    def jobs(owner: str, name: str, run_id: int, paging: PageDep, filter: str = "latest") -> Response:
        row = run_row(hub.access.repo(owner, name, "actions"), run_id)
        if filter not in ("latest", "all"):
            raise invalid("Validation Failed", field("WorkflowJob", "filter", "invalid"))
        every = "SELECT * FROM workflow_jobs WHERE run_id = ? ORDER BY id"
        rows = rows_of(hub, row) if filter == "latest" else hub.db.rows(every, run_id)
        shown = [render.job(hub, one) for one in paging.slice(rows)]
        return paging.reply(shown, len(rows), {"total_count": len(rows)}, "jobs")

    @api.get("/repos/{owner}/{name}/actions/runs/{run_id}/attempts/{attempt}")
    def attempt(owner: str, name: str, run_id: int, attempt: int) -> Response:
        row = run_row(hub.access.repo(owner, name, "actions"), run_id)
        return reply(render.attempt(hub, row, attempt_row(row, attempt)))

    def attempt_row(row: Row, attempt: int) -> Row:
        """What is kept of an attempt; the run itself for the current one."""
        if attempt == row["attempt"]:
            return row
        found = hub.db.row("SELECT * FROM workflow_attempts WHERE run_id = ? AND attempt = ?", row["id"], attempt)
        if found is None:
            raise not_found()
        return found

    @api.get("/repos/{owner}/{name}/actions/runs/{run_id}/attempts/{attempt}/jobs")
    def attempt_jobs(owner: str, name: str, run_id: int, attempt: int, paging: PageDep) -> Response:
        attempt_row(run_row(hub.access.repo(owner, name, "actions"), run_id), attempt)
        rows = hub.db.rows("SELECT * FROM workflow_jobs WHERE run_id = ? AND attempt = ? ORDER BY id", run_id, attempt)
        shown = [render.job(hub, one) for one in paging.slice(rows)]
        return paging.reply(shown, len(rows), {"total_count": len(rows)}, "jobs")

    @api.get("/repos/{owner}/{name}/actions/runs/{run_id}/logs")
    def logs(owner: str, name: str, run_id: int) -> Response:
        run_row(hub.access.repo(owner, name, "actions"), run_id)
        where = hub.html(f"/_localhub/logs/run/{run_id}?key={service.log_key('run', run_id)}")
        return Response(status_code=302, headers={"Location": where})

    @api.get("/repos/{owner}/{name}/actions/runs/{run_id}/attempts/{attempt}/logs")
    def attempt_logs(owner: str, name: str, run_id: int, attempt: int) -> Response:
        attempt_row(run_row(hub.access.repo(owner, name, "actions"), run_id), attempt)
        where = hub.html(f"/_localhub/logs/run/{run_id}?key={service.log_key('run', run_id)}&attempt={attempt}")
        return Response(status_code=302, headers={"Location": where})

    @api.get("/_localhub/logs/run/{run_id}")
    def packed_logs(run_id: int, key: str = "", attempt: int | None = None) -> Response:
        if key != service.log_key("run", run_id):
            raise not_found()
        row = hub.db.get("workflow_runs", run_id)
        of_attempt = "SELECT * FROM workflow_jobs WHERE run_id = ? AND attempt = ? ORDER BY id"
        rows = rows_of(hub, row) if attempt is None else hub.db.rows(of_attempt, run_id, attempt)
        return Response(packed(rows), media_type="application/zip")

    @api.get("/repos/{owner}/{name}/actions/runs/{run_id}/timing")
    def timing(owner: str, name: str, run_id: int) -> Response:
        row = run_row(hub.access.repo(owner, name, "actions"), run_id)
        began, ended = parse_iso(row["started_at"]), parse_iso(row["updated_at"])
        return reply({"billable": {}, "run_duration_ms": int((ended - began).total_seconds() * 1000)})

    @api.delete("/repos/{owner}/{name}/actions/runs/{run_id}")
    def delete(owner: str, name: str, run_id: int) -> Response:
        repo = hub.access.repo(owner, name, "actions", "write")
        with hub.tx():
            row = run_row(repo, run_id)
            if row["status"] != "completed":
                raise GitHubError(403, "Workflow run is still running")
            hub.db.execute("DELETE FROM workflow_runs WHERE id = ?", run_id)
        return reply(None, 204)

    @api.delete("/repos/{owner}/{name}/actions/runs/{run_id}/logs")
    def delete_logs(owner: str, name: str, run_id: int) -> Response:
        repo = hub.access.repo(owner, name, "actions", "write")
        with hub.tx():
            run_row(repo, run_id)
            hub.db.execute("UPDATE workflow_jobs SET log = '' WHERE run_id = ?", run_id)
        return reply(None, 204)

    @api.get("/repos/{owner}/{name}/actions/jobs/{job_id}")
    def job(owner: str, name: str, job_id: int) -> Response:
        return reply(render.job(hub, job_row(hub.access.repo(owner, name, "actions"), job_id)))

    @api.get("/repos/{owner}/{name}/actions/jobs/{job_id}/logs")
    def job_log(owner: str, name: str, job_id: int) -> Response:
        job_row(hub.access.repo(owner, name, "actions"), job_id)
        # GitHub redirects to a signed address outside of the API; clients follow it without their token.
        where = hub.html(f"/_localhub/logs/{job_id}?key={service.log_key('job', job_id)}")
        return Response(status_code=302, headers={"Location": where})

    @api.get("/_localhub/logs/{job_id}")
    def log_text(job_id: int, key: str = "") -> Response:
        if key != service.log_key("job", job_id):
            raise not_found()
        return PlainTextResponse(hub.db.get("workflow_jobs", job_id)["log"])

    def again(repo: Row, run_id: int, *, only_failed: bool = False, job: Row | None = None) -> Response:
        with hub.tx():
            row = run_row(repo, run_id)
            if row["status"] != "completed":
                raise GitHubError(403, "This workflow is already running")
            if only_failed and row["conclusion"] in ("success", "skipped"):
                raise GitHubError(403, "This workflow run has no failed jobs to rerun")
            by = hub.access.user().account_id
            service.rerun(row, by, only_failed=only_failed, keys=None if job is None else [job["key"]])
        return reply({}, 201)

    @api.post("/repos/{owner}/{name}/actions/jobs/{job_id}/rerun")
    def rerun_job(owner: str, name: str, job_id: int) -> Response:
        repo = hub.access.repo(owner, name, "actions", "write")
        row = job_row(repo, job_id)
        return again(repo, row["run_id"], job=row)

    @api.post("/repos/{owner}/{name}/actions/runs/{run_id}/rerun")
    def rerun(owner: str, name: str, run_id: int) -> Response:
        return again(hub.access.repo(owner, name, "actions", "write"), run_id)

    @api.post("/repos/{owner}/{name}/actions/runs/{run_id}/rerun-failed-jobs")
    def rerun_failed(owner: str, name: str, run_id: int) -> Response:
        return again(hub.access.repo(owner, name, "actions", "write"), run_id, only_failed=True)

    def cancelled(owner: str, name: str, run_id: int, *, force: bool) -> Response:
        repo = hub.access.repo(owner, name, "actions", "write")
        with hub.tx():
            row = run_row(repo, run_id)
            if row["status"] == "completed":
                raise GitHubError(409, "Cannot cancel a workflow run that is completed.")
            service.cancel(row, force=force)
        return reply({}, 202)

    @api.post("/repos/{owner}/{name}/actions/runs/{run_id}/cancel")
    def cancel(owner: str, name: str, run_id: int) -> Response:
        return cancelled(owner, name, run_id, force=False)

    @api.post("/repos/{owner}/{name}/actions/runs/{run_id}/force-cancel")
    def force_cancel(owner: str, name: str, run_id: int) -> Response:
        return cancelled(owner, name, run_id, force=True)

    return api
