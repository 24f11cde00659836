"""Issues: list, create, read, edit, lock; see `timeline.py` for what happened to them."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field

from localhub import assignees, issues, locking, ownissues
from localhub.context import current_actor
from localhub.db import Row
from localhub.editing import permitted
from localhub.errors import field, invalid
from localhub.http import PageDep, reply
from localhub.hub import Hub
from localhub.issuefilters import Filter
from localhub.issuelist import listed
from localhub.render import issues as render
from localhub.versions import is_first

BOTH = ("issues", "pull_requests")


class NameOnly(BaseModel):
    name: str


class CreateIssue(BaseModel):
    title: str | int
    body: str | None = None
    labels: list[str | NameOnly] = Field(default_factory=list)
    assignees: list[str] = Field(default_factory=list)
    assignee: str | None = None
    milestone: int | str | None = None
    type: str | None = None


class ChangeIssue(BaseModel):
    title: str | int | None = None
    body: str | None = None
    state: str | None = None
    state_reason: str | None = None
    labels: list[str | NameOnly] | None = None
    assignees: list[str] | None = None
    assignee: str | None = None
    milestone: int | str | None = None
    type: str | None = None


class LockIssue(BaseModel):
    lock_reason: str | None = None


def names(labels: list[str | NameOnly]) -> list[str]:
    return [each if isinstance(each, str) else each.name for each in labels]


def number_of(milestone: int | str) -> int:
    """Of a milestone, which clients send as text too."""
    try:
        number = int(milestone)
    except ValueError:
        number = 0
    if not 0 < number < 2**63:
        raise invalid("Validation Failed", field("Issue", "milestone", "invalid"))
    return number


def router(hub: Hub) -> APIRouter:
    api = APIRouter()

    def assignable(repo: Row, issue: Row | None, logins: list[str]) -> None:
        """422 for who cannot be assigned; the calls that only add assignees pass over them."""
        for login in logins:
            person = hub.db.value("SELECT id FROM accounts WHERE login = ?", login)
            if person is None or not assignees.assignable(hub, repo, issue, person):
                raise invalid("Validation Failed", field("Issue", "assignees", "invalid", value=login))

    @api.get("/repos/{owner}/{name}/issues")
    def listing(owner: str, name: str, request: Request, paging: PageDep) -> Response:
        repo = hub.access.repo(owner, name, BOTH)
        also = [Filter("i.is_pull = 1")] if hub.access.only_pulls(repo) else []
        rows, total = listed(hub, dict(request.query_params), paging, repo=repo, also=also)
        return paging.reply(render.issues(hub, rows, repo), total)

    @api.get("/issues")
    def mine(request: Request, paging: PageDep) -> Response:
        rows, total = ownissues.listed(hub, hub.access.user(), dict(request.query_params), paging)
        return paging.reply(render.issues(hub, rows), total)

    @api.post("/repos/{owner}/{name}/issues")
    def create(owner: str, name: str, wanted: CreateIssue) -> Response:
        repo = hub.access.repo(owner, name, "issues", "write", role="read")
        people = wanted.assignees or ([wanted.assignee] if wanted.assignee and is_first() else [])
        if people and hub.access.allowed(hub.access.user(), repo, "issues", "write", role="triage"):
            assignable(repo, None, people)
        milestone = number_of(wanted.milestone) if wanted.milestone is not None else None
        made = issues.create(
            hub,
            repo,
            hub.access.user(),
            str(wanted.title),
            wanted.body,
            labels=names(wanted.labels),
            assignees=people,
            milestone=milestone,
            type=wanted.type,
        )
        data = render.issue(hub, made.row, repo, render.new(made.labels, made.people))
        return reply(data, 201, {"Location": data["url"]})

    @api.get("/repos/{owner}/{name}/issues/{number:int}")
    def get(owner: str, name: str, number: int) -> Response:
        repo = hub.access.repo(owner, name, BOTH)
        return reply(render.issue(hub, issues.find(hub, repo, number), repo))

    @api.patch("/repos/{owner}/{name}/issues/{number:int}")
    def change(owner: str, name: str, number: int, wanted: ChangeIssue) -> Response:
        repo = hub.access.repo(owner, name, BOTH, "write", role="read")
        row, actor = issues.find(hub, repo, number), hub.access.user()
        values = wanted.model_dump(exclude_unset=True)
        values = permitted(hub, repo, row, actor, values)
        if values.get("state") not in (None, "open", "closed"):
            raise invalid("Validation Failed", {"resource": "Issue", "field": "state", "code": "invalid"})
        if values.get("labels") is not None:
            values["labels"] = names(wanted.labels or [])
        if "assignee" in values and "assignees" not in values and is_first():
            values["assignees"] = [values["assignee"]] if values["assignee"] else []
        if values.get("assignees"):
            assignable(repo, row, values["assignees"])
        if values.get("milestone") is not None:
            values["milestone"] = number_of(values["milestone"])
        row = issues.edit(hub, repo, row, actor, values)
        return reply(render.issue(hub, row, repo))

    @api.put("/repos/{owner}/{name}/issues/{number}/lock")
    def lock(owner: str, name: str, number: int, wanted: LockIssue | None = None) -> Response:
        repo = hub.access.repo(owner, name, BOTH, "write")
        reason = wanted.lock_reason if wanted else None
        locking.lock(hub, issues.find(hub, repo, number), current_actor(), locked=True, reason=reason)
        return reply(None, 204)

    @api.delete("/repos/{owner}/{name}/issues/{number}/lock")
    def unlock(owner: str, name: str, number: int) -> Response:
        repo = hub.access.repo(owner, name, BOTH, "write")
        locking.lock(hub, issues.find(hub, repo, number), current_actor(), locked=False)
        return reply(None, 204)

    return api
