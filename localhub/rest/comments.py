"""Comments of issues and pull requests."""

from __future__ import annotations

from fastapi import APIRouter, Response
from pydantic import BaseModel

from localhub import comments, issuecounts, issues
from localhub.clock import iso, parse_iso
from localhub.context import current_actor
from localhub.db import Row
from localhub.errors import field, forbidden, invalid, not_found
from localhub.http import PageDep, reply
from localhub.hub import Hub
from localhub.render import issues as render
from localhub.rest.issues import BOTH


class Body(BaseModel):
    body: str


def find(hub: Hub, repo: Row, comment_id: int) -> Row:
    """The comment, if it is in this repository; 403 for an app that may not have to do with its issue."""
    found = hub.db.row(
        "SELECT c.*, i.is_pull FROM comments c JOIN issues i ON i.id = c.issue_id WHERE c.id = ? AND i.repo_id = ?",
        comment_id,
        repo["id"],
    )
    if found is None:
        raise not_found()
    if not found["is_pull"]:
        hub.access.require_again(repo, "issues")
    return found


def changed_since(text: str | None) -> str:
    try:
        return iso(parse_iso(text)) if text else ""
    except ValueError as error:
        raise invalid("Validation Failed", field("IssueComment", "since", "invalid")) from error


def router(hub: Hub) -> APIRouter:
    api = APIRouter()
    db = hub.db

    @api.get("/repos/{owner}/{name}/issues/comments")
    def of_repository(
        owner: str, name: str, paging: PageDep, since: str | None = None, sort: str = "created", direction: str = "asc"
    ) -> Response:
        repo = hub.access.repo(owner, name, BOTH)
        changed = changed_since(since)
        values = (repo["id"], changed) if changed else (repo["id"],)
        where = f"FROM comments WHERE repo_id = ?{' AND updated_at >= ?' if changed else ''}"
        if some := hub.access.only_pulls(repo):
            where += " AND EXISTS (SELECT 1 FROM issues i WHERE i.id = issue_id AND i.is_pull)"
        order = f"{'updated_at' if sort == 'updated' else 'id'} {'DESC' if direction == 'desc' else 'ASC'}"
        counted = f"SELECT COUNT(*) {where}"
        total = db.value(counted, *values) if changed or some else issuecounts.tally(hub, "comments", repo["id"])
        rows = db.rows(f"SELECT * {where} ORDER BY {order} LIMIT ? OFFSET ?", *values, paging.limit, paging.offset)
        return paging.reply(render.comments(hub, rows), total)

    @api.get("/repos/{owner}/{name}/issues/{number}/comments")
    def of_issue(owner: str, name: str, number: int, paging: PageDep, since: str | None = None) -> Response:
        repo = hub.access.repo(owner, name, BOTH)
        issue = issues.find(hub, repo, number)
        changed = changed_since(since)
        values = (issue["id"], changed) if changed else (issue["id"],)
        where = f"FROM comments WHERE issue_id = ?{' AND updated_at >= ?' if changed else ''}"
        total = db.value(f"SELECT COUNT(*) {where}", *values) if changed else issue["comments"]
        rows = db.rows(f"SELECT * {where} ORDER BY id LIMIT ? OFFSET ?", *values, paging.limit, paging.offset)
        return paging.reply(render.comments(hub, rows, issue), total)

    @api.post("/repos/{owner}/{name}/issues/{number}/comments")
    def create(owner: str, name: str, number: int, wanted: Body) -> Response:
        repo = hub.access.repo(owner, name, BOTH, "write", role="read")
        issue = issues.find(hub, repo, number)
        row = comments.create(hub, repo, issue, hub.access.user(), wanted.body)
        data = render.comment(hub, row, issue, any_=False)
        return reply(data, 201, {"Location": data["url"]})

    @api.get("/repos/{owner}/{name}/issues/comments/{comment_id:int}")
    def get(owner: str, name: str, comment_id: int) -> Response:
        repo = hub.access.repo(owner, name, BOTH)
        return reply(render.comment(hub, find(hub, repo, comment_id)))

    def changeable(owner: str, name: str, comment_id: int) -> Row:
        repo = hub.access.repo(owner, name, BOTH, "write", role="read")
        row = find(hub, repo, comment_id)
        if not comments.may_change(hub, repo, row, hub.access.user()):
            raise forbidden("Must have admin rights to Repository.")
        return row

    @api.patch("/repos/{owner}/{name}/issues/comments/{comment_id:int}")
    def change(owner: str, name: str, comment_id: int, wanted: Body) -> Response:
        row = comments.edit(hub, changeable(owner, name, comment_id), current_actor(), wanted.body)
        return reply(render.comment(hub, row))

    @api.delete("/repos/{owner}/{name}/issues/comments/{comment_id:int}")
    def delete(owner: str, name: str, comment_id: int) -> Response:
        comments.delete(hub, changeable(owner, name, comment_id), current_actor())
        return reply(None, 204)

    return api
