"""Reactions on issues and comments."""

from __future__ import annotations

from fastapi import APIRouter, Response
from pydantic import BaseModel

from localhub import issues, reactions, reviewcomments
from localhub.context import current_actor
from localhub.db import Row
from localhub.errors import forbidden, not_found
from localhub.http import PageDep, reply
from localhub.hub import Hub
from localhub.rest import comments
from localhub.rest.issues import BOTH

COMMENT = "/repos/{owner}/{name}/issues/comments/{subject}/reactions"
REVIEW = "/repos/{owner}/{name}/pulls/comments/{subject}/reactions"
ISSUE = "/repos/{owner}/{name}/issues/{subject}/reactions"


class Content(BaseModel):
    content: str


def router(hub: Hub) -> APIRouter:  # noqa: C901 (one function an endpoint)
    api = APIRouter()

    def comment_id(repo: Row, subject: int) -> int:
        return int(comments.find(hub, repo, subject)["id"])

    def issue_id(repo: Row, subject: int) -> int:
        return int(issues.find(hub, repo, subject)["id"])

    def read(owner: str, name: str) -> Row:
        return hub.access.repo(owner, name, BOTH)

    def write(owner: str, name: str) -> Row:
        return hub.access.repo(owner, name, BOTH, "write", role="read")

    def listing(kind: str, subject_id: int, content: str | None, paging: PageDep) -> Response:
        rows = reactions.listing(hub, kind, subject_id, content)
        return paging.reply([reactions.render(hub, row) for row in paging.slice(rows)], len(rows))

    def add(kind: str, subject_id: int, content: str) -> Response:
        row, new = reactions.add(hub, kind, subject_id, content, hub.access.user())
        return reply(reactions.render(hub, row), 201 if new else 200)

    def remove(kind: str, subject_id: int, reaction_id: int) -> Response:
        sql = "SELECT * FROM reactions WHERE id = ? AND subject_type = ? AND subject_id = ?"
        row = hub.db.row(sql, reaction_id, kind, subject_id)
        if row is None:
            raise not_found()
        if row["account_id"] != current_actor().account_id:
            raise forbidden("Must have admin rights to Repository.")
        with hub.tx():
            hub.db.execute("DELETE FROM reactions WHERE id = ?", reaction_id)
        return reply(None, 204)

    @api.get(COMMENT)
    def of_comment(owner: str, name: str, subject: int, paging: PageDep, content: str | None = None) -> Response:
        return listing("comment", comment_id(read(owner, name), subject), content, paging)

    @api.post(COMMENT)
    def to_comment(owner: str, name: str, subject: int, wanted: Content) -> Response:
        return add("comment", comment_id(write(owner, name), subject), wanted.content)

    @api.delete(COMMENT + "/{reaction_id}")
    def from_comment(owner: str, name: str, subject: int, reaction_id: int) -> Response:
        return remove("comment", comment_id(write(owner, name), subject), reaction_id)

    def line_id(owner: str, name: str, subject: int, *, writes: bool) -> int:
        repo = hub.access.repo(owner, name, "pull_requests", "write" if writes else "read", role="read")
        return int(reviewcomments.find(hub, repo, subject, current_actor().account_id)[1]["id"])

    @api.get(REVIEW)
    def of_line(owner: str, name: str, subject: int, paging: PageDep, content: str | None = None) -> Response:
        return listing("review_comment", line_id(owner, name, subject, writes=False), content, paging)

    @api.post(REVIEW)
    def to_line(owner: str, name: str, subject: int, wanted: Content) -> Response:
        return add("review_comment", line_id(owner, name, subject, writes=True), wanted.content)

    @api.delete(REVIEW + "/{reaction_id}")
    def from_line(owner: str, name: str, subject: int, reaction_id: int) -> Response:
        return remove("review_comment", line_id(owner, name, subject, writes=True), reaction_id)

    @api.get(ISSUE)
    def of_issue(owner: str, name: str, subject: int, paging: PageDep, content: str | None = None) -> Response:
        return listing("issue", issue_id(read(owner, name), subject), content, paging)

    @api.post(ISSUE)
    def to_issue(owner: str, name: str, subject: int, wanted: Content) -> Response:
        return add("issue", issue_id(write(owner, name), subject), wanted.content)

    @api.delete(ISSUE + "/{reaction_id}")
    def from_issue(owner: str, name: str, subject: int, reaction_id: int) -> Response:
        return remove("issue", issue_id(write(owner, name), subject), reaction_id)

    return api
