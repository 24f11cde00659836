"""Workflows, workflow runs, jobs and their logs."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Response
from fastapi.responses import PlainTextResponse

from localhub.actions import triggers
from localhub.actions.logs import packed
from localhub.actions.record import jobs_of
from localhub.actions.service import Actions
from localhub.actions.workflows import Workflow, parse
from localhub.db import Row
from localhub.errors import GitHubError, not_found
from localhub.gitstore import GitRepo
from localhub.http import PageDep, reply
from localhub.hub import Hub
from localhub.render import actions as render
from localhub.versions import is_first


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

    def workflow_row(repo: Row, key: str) -> Row:
        column = "id" if key.isdigit() else "path"
        value: str | int = int(key) if key.isdigit() else f".github/workflows/{key.rsplit('/', 1)[-1]}"
        triggers.register(hub, repo)
        row = hub.db.row(f"SELECT * FROM workflows WHERE repo_id = ? AND {column} = ?", repo["id"], value)  # noqa: S608
        if row is None:
            raise not_found()
        return row

    def listing(repo: Row, paging: PageDep, filters: dict[str, Any]) -> Response:
        where, args = "repo_id = ?", [repo["id"]]
        status = filters.pop("status", None)
        if status is not None:
            where, args = f"{where} AND (status = ? OR conclusion = ?)", [*args, status, status]
        for column, value in filters.items():
            if value is not None:
                where, args = f"{where} AND {column} = ?", [*args, value]
        total = hub.db.value(f"SELECT count(*) FROM workflow_runs WHERE {where}", *args)  # noqa: S608
        rows = hub.db.rows(
            f"SELECT * FROM workflow_runs WHERE {where} ORDER BY id DESC LIMIT ? OFFSET ?",  # noqa: S608
            *args,
            paging.limit,
            paging.offset,
        )
        return paging.reply([render.run(hub, row) for row in rows], total, {"total_count": total}, "workflow_runs")

    @api.get("/repos/{owner}/{name}/actions/runs")
    def runs(
        owner: str,
        name: str,
        paging: PageDep,
        actor: str | None = None,
        branch: str | None = None,
        event: str | None = None,
        status: str | None = None,
        head_sha: str | None = None,
        check_suite_id: int | None = None,
    ) -> Response:
        repo = hub.access.repo(owner, name, "actions")
        found = hub.db.value("SELECT id FROM accounts WHERE login = ?", actor) if actor else None
        filters: dict[str, Any] = {"head_branch": branch, "event": event, "status": status, "head_sha": head_sha}
        filters |= {"suite_id": check_suite_id, "actor_id": (found or -1) if actor else None}
        return listing(repo, paging, filters)

    @api.get("/repos/{owner}/{name}/actions/workflows")
    def workflows(owner: str, name: str, paging: PageDep) -> Response:
        repo = hub.access.repo(owner, name, "actions")
        triggers.register(hub, repo)
        rows = hub.db.rows("SELECT * FROM workflows WHERE repo_id = ? ORDER BY id", repo["id"])
        shown = [render.workflow(hub, row) for row in paging.slice(rows)]
        return paging.reply(shown, len(rows), {"total_count": len(rows)}, "workflows")

    @api.get("/repos/{owner}/{name}/actions/workflows/{key}")
    def workflow(owner: str, name: str, key: str) -> Response:
        return reply(render.workflow(hub, workflow_row(hub.access.repo(owner, name, "actions"), key)))

    def switch(owner: str, name: str, key: str, state: str) -> Response:
        row = workflow_row(hub.access.repo(owner, name, "actions", "write"), key)
        with hub.tx():
            hub.db.update("workflows", row["id"], state=state, updated_at=hub.now())
        return reply(None, 204)

    @api.put("/repos/{owner}/{name}/actions/workflows/{key}/disable")
    def disable(owner: str, name: str, key: str) -> Response:
        return switch(owner, name, key, "disabled_manually")

    @api.put("/repos/{owner}/{name}/actions/workflows/{key}/enable")
    def enable(owner: str, name: str, key: str) -> Response:
        return switch(owner, name, key, "active")

    @api.get("/repos/{owner}/{name}/actions/workflows/{key}/runs")
    def workflow_runs(
        owner: str,
        name: str,
        key: str,
        paging: PageDep,
        branch: str | None = None,
        event: str | None = None,
        status: str | None = None,
        head_sha: str | None = None,
    ) -> Response:
        repo = hub.access.repo(owner, name, "actions")
        filters = {"workflow_id": workflow_row(repo, key)["id"], "head_branch": branch, "event": event}
        return listing(repo, paging, {**filters, "status": status, "head_sha": head_sha})

    @api.post("/repos/{owner}/{name}/actions/workflows/{key}/dispatches")
    def dispatch(owner: str, name: str, key: str, data: dict[str, Any]) -> Response:
        repo = hub.access.repo(owner, name, "actions", "write")
        ref = str(data.get("ref") or "")
        git = GitRepo(hub.git_dir(repo))
        full = ref if ref.startswith("refs/") else f"refs/heads/{ref}"
        sha = git.resolve(full)
        if sha is None:
            raise GitHubError(422, f"No ref found for: {ref}")
        flow = workflow_row(repo, key)
        if flow["state"] != "active":
            raise GitHubError(422, "Cannot trigger a 'workflow_dispatch' on a disabled workflow")
        path = flow["path"]
        content = git.read(sha, path)
        parsed = parse(path, content.decode("utf-8", "replace")) if content is not None else None
        if parsed is None:
            raise not_found()
        if not isinstance(parsed, Workflow) or "workflow_dispatch" not in parsed.on:
            raise GitHubError(422, "Workflow does not have 'workflow_dispatch' trigger")
        with hub.tx():
            by = hub.access.user().account_id
            run_id = triggers.dispatch(hub, repo, parsed, full, sha, data.get("inputs") or {}, by)
            service.poke()
        if is_first() and data.get("return_run_details") is not True:
            return reply(None, 204)
        shown = render.run(hub, hub.db.get("workflow_runs", run_id))
        return reply({"workflow_run_id": run_id, "run_url": shown["url"], "html_url": shown["html_url"]})

    @api.get("/repos/{owner}/{name}/actions/runs/{run_id}")
    def run(owner: str, name: str, run_id: int) -> Response:
        return reply(render.run(hub, run_row(hub.access.repo(owner, name, "actions"), run_id)))

    @api.get("/repos/{owner}/{name}/actions/runs/{run_id}/jobs")
    def jobs(owner: str, name: str, run_id: int, paging: PageDep, filter: str = "latest") -> Response:
        row = run_row(hub.access.repo(owner, name, "actions"), run_id)
        newest = "AND id IN (SELECT max(id) FROM workflow_jobs WHERE run_id = ? GROUP BY key)"
        only, args = (newest, [run_id, run_id]) if filter == "latest" else ("", [run_id])
        rows = hub.db.rows(f"SELECT * FROM workflow_jobs WHERE run_id = ? {only} ORDER BY id", *args)  # noqa: S608
        del row
        shown = [render.job(hub, one) for one in paging.slice(rows)]
        return paging.reply(shown, len(rows), {"total_count": len(rows)}, "jobs")

    @api.get("/repos/{owner}/{name}/actions/runs/{run_id}/attempts/{attempt}/jobs")
    def attempt_jobs(owner: str, name: str, run_id: int, attempt: int, paging: PageDep) -> Response:
        run_row(hub.access.repo(owner, name, "actions"), run_id)
        rows = hub.db.rows("SELECT * FROM workflow_jobs WHERE run_id = ? AND attempt = ? ORDER BY id", run_id, attempt)
        shown = [render.job(hub, one) for one in paging.slice(rows)]
        return paging.reply(shown, len(rows), {"total_count": len(rows)}, "jobs")

    @api.get("/repos/{owner}/{name}/actions/runs/{run_id}/artifacts")
    def artifacts(owner: str, name: str, run_id: int) -> Response:
        run_row(hub.access.repo(owner, name, "actions"), run_id)
        return reply({"total_count": 0, "artifacts": []})

    @api.get("/repos/{owner}/{name}/actions/runs/{run_id}/logs")
    def logs(owner: str, name: str, run_id: int) -> Response:
        run_row(hub.access.repo(owner, name, "actions"), run_id)
        where = hub.html(f"/_localhub/logs/run/{run_id}?key={service.log_key('run', run_id)}")
        return Response(status_code=302, headers={"Location": where})

    @api.get("/_localhub/logs/run/{run_id}")
    def packed_logs(run_id: int, key: str = "") -> Response:
        if key != service.log_key("run", run_id):
            raise not_found()
        row = hub.db.get("workflow_runs", run_id)
        return Response(packed(jobs_of(hub, row)), media_type="application/zip")

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

    def again(owner: str, name: str, run_id: int, *, only_failed: bool) -> Response:
        repo = hub.access.repo(owner, name, "actions", "write")
        with hub.tx():
            row = run_row(repo, run_id)
            if row["status"] != "completed":
                raise GitHubError(403, "This workflow is already running")
            if only_failed and row["conclusion"] in ("success", "skipped"):
                raise GitHubError(403, "This workflow run has no failed jobs to rerun")
            service.rerun(row, hub.access.user().account_id, only_failed=only_failed)
        return reply({}, 201)

    @api.post("/repos/{owner}/{name}/actions/runs/{run_id}/rerun")
    def rerun(owner: str, name: str, run_id: int) -> Response:
        return again(owner, name, run_id, only_failed=False)

    @api.post("/repos/{owner}/{name}/actions/runs/{run_id}/rerun-failed-jobs")
    def rerun_failed(owner: str, name: str, run_id: int) -> Response:
        return again(owner, name, run_id, only_failed=True)

    @api.post("/repos/{owner}/{name}/actions/runs/{run_id}/cancel")
    @api.post("/repos/{owner}/{name}/actions/runs/{run_id}/force-cancel")
    def cancel(owner: str, name: str, run_id: int) -> Response:
        repo = hub.access.repo(owner, name, "actions", "write")
        with hub.tx():
            row = run_row(repo, run_id)
            if row["status"] == "completed":
                raise GitHubError(409, "Cannot cancel a workflow run that is completed.")
            service.cancel(row)
        return reply({}, 202)

    return api
