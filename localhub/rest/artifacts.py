"""Artifacts of workflow runs."""

from __future__ import annotations

from fastapi import APIRouter, Response
from fastapi.responses import FileResponse

from localhub.actions.artifacts import path_of
from localhub.actions.service import Actions
from localhub.db import Row
from localhub.errors import GitHubError, not_found
from localhub.http import PageDep, Paging, reply
from localhub.hub import Hub
from localhub.render import actions as render


def router(hub: Hub) -> APIRouter:
    api = APIRouter()
    service = Actions.of(hub)

    def listing(repo: Row, paging: Paging, wanted: str | None, run_id: int | None) -> Response:
        rows = hub.db.rows(
            """SELECT * FROM artifacts WHERE repo_id = ? AND (? IS NULL OR run_id = ?) AND (? IS NULL OR name = ?)
               ORDER BY id DESC""",
            repo["id"],
            run_id,
            run_id,
            wanted,
            wanted,
        )
        shown = [render.artifact(hub, row) for row in paging.slice(rows)]
        return paging.reply(shown, len(rows), {"total_count": len(rows)}, "artifacts")

    def artifact_row(repo: Row, artifact_id: int) -> Row:
        row = hub.db.row("SELECT * FROM artifacts WHERE id = ? AND repo_id = ?", artifact_id, repo["id"])
        if row is None:
            raise not_found()
        return row

    @api.get("/repos/{owner}/{repository}/actions/artifacts")
    def artifacts(owner: str, repository: str, paging: PageDep, name: str | None = None) -> Response:
        return listing(hub.access.repo(owner, repository, "actions"), paging, name, None)

    @api.get("/repos/{owner}/{repository}/actions/runs/{run_id}/artifacts")
    def of_run(owner: str, repository: str, run_id: int, paging: PageDep, name: str | None = None) -> Response:
        repo = hub.access.repo(owner, repository, "actions")
        if hub.db.value("SELECT 1 FROM workflow_runs WHERE id = ? AND repo_id = ?", run_id, repo["id"]) is None:
            raise not_found()
        return listing(repo, paging, name, run_id)

    @api.get("/repos/{owner}/{repository}/actions/artifacts/{artifact_id}")
    def artifact(owner: str, repository: str, artifact_id: int) -> Response:
        return reply(render.artifact(hub, artifact_row(hub.access.repo(owner, repository, "actions"), artifact_id)))

    @api.get("/repos/{owner}/{repository}/actions/artifacts/{artifact_id}/{form}")
    def download(owner: str, repository: str, artifact_id: int, form: str) -> Response:
        row = artifact_row(hub.access.repo(owner, repository, "actions"), artifact_id)
        if form != "zip":
            raise not_found()
        if row["expires_at"] <= hub.now():
            raise GitHubError(410, "Artifact has expired")
        where = hub.html(f"/_localhub/artifacts/{artifact_id}?key={service.log_key('artifact', artifact_id)}")
        return Response(status_code=302, headers={"Location": where})

    @api.get("/_localhub/artifacts/{artifact_id}")
    def content(artifact_id: int, key: str = "") -> Response:
        if key != service.log_key("artifact", artifact_id) or not path_of(hub, artifact_id).is_file():
            raise not_found()
        name = hub.db.get("artifacts", artifact_id)["name"]
        return FileResponse(path_of(hub, artifact_id), media_type="application/zip", filename=f"{name}.zip")

    @api.delete("/repos/{owner}/{repository}/actions/artifacts/{artifact_id}")
    def delete(owner: str, repository: str, artifact_id: int) -> Response:
        row = artifact_row(hub.access.repo(owner, repository, "actions", "write"), artifact_id)
        with hub.tx():
            hub.db.execute("DELETE FROM artifacts WHERE id = ?", row["id"])
        path_of(hub, row["id"]).unlink(missing_ok=True)
        return reply(None, 204)

    return api
