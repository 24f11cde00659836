"""Sub-issues and dependencies."""

from __future__ import annotations

from fastapi import APIRouter, Response
from pydantic import BaseModel

from localhub import issues, relations
from localhub.auth import Actor
from localhub.context import current_actor
from localhub.db import Row
from localhub.errors import GitHubError, not_found
from localhub.http import PageDep, Paging, reply
from localhub.hub import Hub
from localhub.render import issues as render

BASE = "/repos/{owner}/{name}/issues/{number}"


class AddSubIssue(BaseModel):
    sub_issue_id: int
    replace_parent: bool = False


class RemoveSubIssue(BaseModel):
    sub_issue_id: int


class Prioritise(BaseModel):
    sub_issue_id: int
    after_id: int | None = None
    before_id: int | None = None


class AddBlocker(BaseModel):
    issue_id: int


def visible(hub: Hub, issue_id: int, actor: Actor, message: str) -> Row:
    """The issue of this database id, if the actor may see it: other repositories' issues can be linked too."""
    row = hub.db.row("SELECT * FROM issues WHERE id = ?", issue_id)
    if row is None or not hub.access.sees(actor, hub.access.repo_by_id(row["repo_id"])):
        raise GitHubError(404, message)
    return row


def router(hub: Hub) -> APIRouter:
    api = APIRouter()
    unknown = "The provided sub-issue does not exist"

    def read(owner: str, name: str, number: int) -> Row:
        return issues.find(hub, hub.access.repo(owner, name, "issues"), number)

    def write(owner: str, name: str, number: int) -> Row:
        return issues.find(hub, hub.access.repo(owner, name, "issues", "write", role="triage"), number)

    def shown(rows: list[Row], paging: Paging) -> Response:
        rows = [row for row in rows if hub.access.shows(row["repo_id"])]
        return paging.reply(render.issues(hub, paging.slice(rows)), len(rows))

    @api.get(BASE + "/sub_issues")
    def children(owner: str, name: str, number: int, paging: PageDep) -> Response:
        return shown(relations.children(hub, read(owner, name, number)["id"]), paging)

    @api.post(BASE + "/sub_issues")
    def add(owner: str, name: str, number: int, wanted: AddSubIssue) -> Response:
        parent, actor = write(owner, name, number), current_actor()
        child = visible(hub, wanted.sub_issue_id, actor, unknown)
        row = relations.add_sub_issue(hub, parent, child, actor, replace_parent=wanted.replace_parent)
        data = render.issue(hub, row)
        return reply(data, 201, {"Location": data["url"]})

    @api.delete(BASE + "/sub_issue")
    def remove(owner: str, name: str, number: int, wanted: RemoveSubIssue) -> Response:
        parent, actor = write(owner, name, number), current_actor()
        child = visible(hub, wanted.sub_issue_id, actor, unknown)
        return reply(render.issue(hub, relations.remove_sub_issue(hub, parent, child, actor)))

    @api.patch(BASE + "/sub_issues/priority")
    def prioritise(owner: str, name: str, number: int, wanted: Prioritise) -> Response:
        parent = write(owner, name, number)
        child = visible(hub, wanted.sub_issue_id, current_actor(), unknown)
        row = relations.prioritise(hub, parent, child, after=wanted.after_id, before=wanted.before_id)
        return reply(render.issue(hub, row))

    @api.get(BASE + "/parent")
    def parent(owner: str, name: str, number: int) -> Response:
        found = relations.parent_of(hub, read(owner, name, number)["id"])
        if found is None or not hub.access.shows(found["repo_id"]):
            raise not_found()
        return reply(render.issue(hub, found))

    @api.get(BASE + "/dependencies/blocked_by")
    def blockers(owner: str, name: str, number: int, paging: PageDep) -> Response:
        return shown(relations.blockers(hub, read(owner, name, number)["id"]), paging)

    @api.get(BASE + "/dependencies/blocking")
    def blocked(owner: str, name: str, number: int, paging: PageDep) -> Response:
        return shown(relations.blocked(hub, read(owner, name, number)["id"]), paging)

    @api.post(BASE + "/dependencies/blocked_by")
    def add_blocker(owner: str, name: str, number: int, wanted: AddBlocker) -> Response:
        issue, actor = write(owner, name, number), current_actor()
        blocker = visible(hub, wanted.issue_id, actor, "Not Found")
        data = render.issue(hub, relations.add_blocker(hub, issue, blocker, actor))
        return reply(data, 201, {"Location": data["url"]})

    @api.delete(BASE + "/dependencies/blocked_by/{blocker_id}")
    def remove_blocker(owner: str, name: str, number: int, blocker_id: int) -> Response:
        issue, actor = write(owner, name, number), current_actor()
        blocker = visible(hub, blocker_id, actor, "Not Found")
        return reply(render.issue(hub, relations.remove_blocker(hub, issue, blocker, actor)))

    return api
