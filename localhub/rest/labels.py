"""Labels of repositories and of issues; assignees."""

from __future__ import annotations

from fastapi import APIRouter, Response
from pydantic import BaseModel

from localhub import assignees, issues, labels
from localhub.context import current_actor
from localhub.db import Row
from localhub.errors import not_found
from localhub.http import PageDep, reply
from localhub.hub import Hub
from localhub.render import issues as render
from localhub.render.accounts import simple_user
from localhub.rest.issues import BOTH, NameOnly, names


class CreateLabel(BaseModel):
    name: str
    color: str | None = None
    description: str | None = None


class ChangeLabel(BaseModel):
    new_name: str | None = None
    color: str | None = None
    description: str | None = None


class Labels(BaseModel):
    labels: list[str | NameOnly] = []


class Assignees(BaseModel):
    assignees: list[str] = []


Wanted = Labels | list[str | NameOnly]


def _names(wanted: Wanted) -> list[str]:
    return names(wanted.labels if isinstance(wanted, Labels) else wanted)


def router(hub: Hub) -> APIRouter:
    api = APIRouter()

    @api.get("/repos/{owner}/{name}/labels")
    def listing(owner: str, name: str, paging: PageDep) -> Response:
        repo = hub.access.repo(owner, name, BOTH)
        rows = hub.db.rows("SELECT * FROM labels WHERE repo_id = ? ORDER BY name", repo["id"])
        return paging.reply([render.label(hub, repo, row) for row in paging.slice(rows)], len(rows))

    @api.post("/repos/{owner}/{name}/labels")
    def create(owner: str, name: str, wanted: CreateLabel) -> Response:
        repo = hub.access.repo(owner, name, BOTH, "write", role="write")
        row = labels.create(hub, repo, wanted.name, current_actor(), wanted.color, wanted.description)
        data = render.label(hub, repo, row)
        return reply(data, 201, {"Location": data["url"]})

    @api.get("/repos/{owner}/{name}/labels/{label:path}")
    def get(owner: str, name: str, label: str) -> Response:
        repo = hub.access.repo(owner, name, BOTH)
        return reply(render.label(hub, repo, labels.find(hub, repo, label)))

    @api.patch("/repos/{owner}/{name}/labels/{label:path}")
    def change(owner: str, name: str, label: str, wanted: ChangeLabel) -> Response:
        repo = hub.access.repo(owner, name, BOTH, "write")
        values = wanted.model_dump(exclude_unset=True)
        row = labels.change(hub, repo, labels.find(hub, repo, label), current_actor(), values)
        return reply(render.label(hub, repo, row))

    @api.delete("/repos/{owner}/{name}/labels/{label:path}")
    def delete(owner: str, name: str, label: str) -> Response:
        repo = hub.access.repo(owner, name, BOTH, "write")
        labels.delete(hub, repo, labels.find(hub, repo, label), current_actor())
        return reply(None, 204)

    _of_issues(api, hub)
    _assignees(api, hub)
    return api


def _of_issues(api: APIRouter, hub: Hub) -> None:
    path = "/repos/{owner}/{name}/issues/{number}/labels"

    def shown(repo: Row, issue: Row) -> Response:
        return reply([render.label(hub, repo, row) for row in labels.of_issue(hub, issue["id"])])

    @api.get(path)
    def listing(owner: str, name: str, number: int, paging: PageDep) -> Response:
        repo = hub.access.repo(owner, name, BOTH)
        rows = labels.of_issue(hub, issues.find(hub, repo, number)["id"])
        return paging.reply([render.label(hub, repo, row) for row in paging.slice(rows)], len(rows))

    @api.post(path)
    def add(owner: str, name: str, number: int, wanted: Wanted) -> Response:
        repo = hub.access.repo(owner, name, BOTH, "write", role="triage")
        issue = labels.add(hub, repo, issues.find(hub, repo, number), _names(wanted), current_actor())
        return shown(repo, issue)

    @api.put(path)
    def replace(owner: str, name: str, number: int, wanted: Wanted) -> Response:
        repo = hub.access.repo(owner, name, BOTH, "write", role="triage")
        issue = labels.replace(hub, repo, issues.find(hub, repo, number), _names(wanted), current_actor())
        return shown(repo, issue)

    @api.delete(path)
    def clear(owner: str, name: str, number: int) -> Response:
        repo = hub.access.repo(owner, name, BOTH, "write", role="triage")
        labels.replace(hub, repo, issues.find(hub, repo, number), [], current_actor())
        return reply(None, 204)

    @api.delete(path + "/{label:path}")
    def remove(owner: str, name: str, number: int, label: str) -> Response:
        repo = hub.access.repo(owner, name, BOTH, "write", role="triage")
        issue = labels.remove(hub, repo, issues.find(hub, repo, number), label, current_actor())
        return shown(repo, issue)


def _assignees(api: APIRouter, hub: Hub) -> None:
    @api.get("/repos/{owner}/{name}/assignees")
    def available(owner: str, name: str, paging: PageDep) -> Response:
        repo = hub.access.repo(owner, name, BOTH)
        people = hub.db.rows("SELECT * FROM accounts WHERE type = 'User' ORDER BY id")
        rows = [row for row in people if assignees.assignable(hub, repo, None, row["id"])]
        return paging.reply([simple_user(hub, row) for row in paging.slice(rows)], len(rows))

    @api.get("/repos/{owner}/{name}/assignees/{login}")
    def check(owner: str, name: str, login: str) -> Response:
        repo = hub.access.repo(owner, name, BOTH)
        row = hub.db.row("SELECT id FROM accounts WHERE login = ?", login)
        if row is None or not assignees.assignable(hub, repo, None, row["id"]):
            raise not_found()
        return reply(None, 204)

    @api.get("/repos/{owner}/{name}/issues/{number}/assignees/{login}")
    def check_for_issue(owner: str, name: str, number: int, login: str) -> Response:
        """204 for who can be assigned to this issue: its author and commenters can, too."""
        repo = hub.access.repo(owner, name, BOTH)
        row = issues.find(hub, repo, number)
        person = hub.db.value("SELECT id FROM accounts WHERE login = ?", login)
        if person is None or not assignees.assignable(hub, repo, row, person):
            raise not_found()
        return reply(None, 204)

    @api.post("/repos/{owner}/{name}/issues/{number}/assignees")
    def add(owner: str, name: str, number: int, wanted: Assignees) -> Response:
        repo = hub.access.repo(owner, name, BOTH, "write", role="read")
        row = issues.find(hub, repo, number)
        if _may_assign(repo):
            row = assignees.add(hub, repo, row, wanted.assignees, current_actor())
        return reply(render.issue(hub, row, repo), 201)

    @api.delete("/repos/{owner}/{name}/issues/{number}/assignees")
    def remove(owner: str, name: str, number: int, wanted: Assignees) -> Response:
        repo = hub.access.repo(owner, name, BOTH, "write", role="read")
        row = issues.find(hub, repo, number)
        if _may_assign(repo):
            row = assignees.remove(hub, row, wanted.assignees, current_actor())
        return reply(render.issue(hub, row, repo))

    def _may_assign(repo: Row) -> bool:
        """GitHub passes over people silently when who asks may not assign."""
        return hub.access.allowed(hub.access.user(), repo, BOTH, "write", role="triage")
