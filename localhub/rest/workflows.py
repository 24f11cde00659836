"""Workflow files: listed, switched on and off, started by hand or by `repository_dispatch`."""

from __future__ import annotations

import json
from typing import Any

from fastapi import APIRouter, Response
from pydantic import BaseModel

from localhub.actions import triggers
from localhub.actions.calling import CallError
from localhub.actions.service import Actions
from localhub.actions.state import dispatch_inputs
from localhub.actions.workflows import Workflow, parse
from localhub.db import Row
from localhub.errors import GitHubError, not_found
from localhub.events import Event
from localhub.gitstore import GitRepo
from localhub.http import PageDep, reply
from localhub.hub import Hub
from localhub.render import actions as render
from localhub.rest.runfilters import FiltersDep
from localhub.versions import is_first

_MOST_INPUTS = 25
_MOST_PROPERTIES = 10


class NewDispatch(BaseModel):
    event_type: str = ""
    client_payload: dict[str, Any] | None = None


def router(hub: Hub) -> APIRouter:  # noqa: C901 - a list of endpoints
    api = APIRouter()
    service = Actions.of(hub)

    def workflow_row(repo: Row, key: str) -> Row:
        column = "id" if key.isdigit() else "path"
        value: str | int = int(key) if key.isdigit() else f".github/workflows/{key.rsplit('/', 1)[-1]}"
        triggers.register(hub, repo)
        row = hub.db.row(f"SELECT * FROM workflows WHERE repo_id = ? AND {column} = ?", repo["id"], value)  # noqa: S608
        if row is None:
            raise not_found()
        return row

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

    @api.get("/repos/{owner}/{name}/actions/workflows/{key}/timing")
    def timing(owner: str, name: str, key: str) -> Response:
        workflow_row(hub.access.repo(owner, name, "actions"), key)
        return reply({"billable": {}})

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
    def workflow_runs(owner: str, name: str, key: str, paging: PageDep, filters: FiltersDep) -> Response:
        repo = hub.access.repo(owner, name, "actions")
        return filters.reply(hub, repo, paging, workflow_row(repo, key)["id"])

    @api.post("/repos/{owner}/{name}/actions/workflows/{key}/dispatches")
    def dispatch(owner: str, name: str, key: str, data: dict[str, Any]) -> Response:
        repo = hub.access.repo(owner, name, "actions", "write")
        ref = str(data.get("ref") or "")
        git = GitRepo(hub.git_dir(repo))
        full = next((one for one in _full_names(ref) if git.ref(one)), None)
        sha = git.resolve(full) if full else None
        if full is None or sha is None:
            raise GitHubError(422, f"No ref found for: {ref}")
        flow = workflow_row(repo, key)
        if flow["state"] != "active":
            raise GitHubError(422, "Cannot trigger a 'workflow_dispatch' on a disabled workflow")
        content = git.read(sha, flow["path"])
        parsed = parse(flow["path"], content.decode("utf-8", "replace")) if content is not None else None
        if parsed is None:
            raise not_found()
        if not isinstance(parsed, Workflow) or "workflow_dispatch" not in parsed.on:
            raise GitHubError(422, "Workflow does not have 'workflow_dispatch' trigger")
        inputs = _inputs(parsed, data.get("inputs") or {})
        with hub.tx():
            by = hub.access.user().account_id
            run_id = triggers.dispatch(hub, repo, parsed, full, sha, inputs, by)
            service.poke()
        if is_first() and data.get("return_run_details") is not True:
            return reply(None, 204)
        shown = render.run(hub, hub.db.get("workflow_runs", run_id))
        return reply({"workflow_run_id": run_id, "run_url": shown["url"], "html_url": shown["html_url"]})

    @api.post("/repos/{owner}/{name}/dispatches")
    def repository_dispatch(owner: str, name: str, wanted: NewDispatch) -> Response:
        repo = hub.access.repo(owner, name, "contents", "write")
        kind, payload = wanted.event_type, wanted.client_payload or {}
        if not 0 < len(kind) <= 100:
            raise GitHubError(422, 'Invalid request.\n\n"event_type" wasn\'t supplied.')
        if len(payload) > _MOST_PROPERTIES:
            raise GitHubError(422, f"No more than {_MOST_PROPERTIES} properties are allowed: {len(payload)}.")
        with hub.tx():
            by = hub.access.user().account_id
            told = {"branch": repo["default_branch"], "client_payload": payload or None}
            hub.emit(Event("repository_dispatch", kind, repo["id"], by, told))
        return reply(None, 204)

    return api


def _full_names(ref: str) -> list[str]:
    return [ref] if ref.startswith("refs/") else [f"refs/heads/{ref}", f"refs/tags/{ref}"]


def _inputs(parsed: Workflow, given: dict[str, Any]) -> dict[str, str]:
    if len(given) > _MOST_INPUTS:
        raise GitHubError(422, f"Invalid request.\n\nNo more than {_MOST_INPUTS} properties are allowed.")
    wrong = [name for name, value in given.items() if isinstance(value, dict | list)]
    if wrong:
        raise GitHubError(422, f"Invalid request.\n\nFor 'inputs', {json.dumps(given)} is not a flat object.")
    try:
        return dispatch_inputs(parsed, given)
    except CallError as error:
        raise GitHubError(422, str(error)) from None
