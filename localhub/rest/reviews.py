"""Reviews and review comments over REST."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from fastapi import APIRouter, Depends, Response
from pydantic import BaseModel

from localhub import pulls, reviewcomments, reviews
from localhub.context import current_actor
from localhub.db import Row
from localhub.errors import field, invalid, not_found
from localhub.http import PageDep, reply
from localhub.hub import Hub
from localhub.quick import quick
from localhub.render import pulls as render
from localhub.rest.comments import changed_since


class DraftComment(BaseModel):
    path: str
    body: str
    position: int | None = None
    line: int | None = None
    side: Literal["LEFT", "RIGHT"] | None = None
    start_line: int | None = None
    start_side: Literal["LEFT", "RIGHT", "side"] | None = None


class NewReview(BaseModel):
    commit_id: str | None = None
    body: str | None = None
    event: str | None = None
    comments: list[DraftComment] = []


class Submit(BaseModel):
    event: str
    body: str | None = None


class Body(BaseModel):
    body: str


class Dismiss(BaseModel):
    message: str
    event: Literal["DISMISS"] | None = None


class NewComment(BaseModel):
    body: str
    commit_id: str | None = None
    path: str | None = None
    position: int | None = None
    line: int | None = None
    side: Literal["LEFT", "RIGHT"] | None = None
    start_line: int | None = None
    start_side: Literal["LEFT", "RIGHT", "side"] | None = None
    in_reply_to: int | None = None
    subject_type: Literal["line", "file"] | None = None


@dataclass
class Order:
    """How a list of comments is asked for; GitHub ignores a direction without a sort."""

    sort: str | None = None
    direction: str | None = None
    since: str | None = None

    def sql(self) -> str:
        down = "DESC" if self.sort and self.direction == "desc" else "ASC"
        column = "c.updated_at" if self.sort in ("updated", "updated_at") else "c.id"
        return f"{column} {down}, c.id {down}"


SUBMITTED = """FROM review_comments c JOIN reviews r ON r.id = c.review_id JOIN pulls p ON p.id = c.pull_id
  WHERE r.state <> 'PENDING' AND"""


def router(hub: Hub) -> APIRouter:  # noqa: C901 (one function an endpoint)
    api = APIRouter()
    base = "/repos/{owner}/{name}/pulls"
    root = base + "/{number:int}"

    def reading(owner: str, name: str, number: int) -> tuple[Row, Row]:
        repo = hub.access.repo(owner, name, "pull_requests")
        return repo, pulls.find(hub, repo, number)

    def writing(owner: str, name: str, number: int) -> tuple[Row, Row]:
        repo = hub.access.repo(owner, name, "pull_requests", "write", role="read")
        hub.access.user()
        return repo, pulls.find(hub, repo, number)

    @api.get(root + "/reviews")
    def listed(owner: str, name: str, number: int, paging: PageDep) -> Response:
        repo, pull = reading(owner, name, number)
        rows = reviews.visible(hub, pull, current_actor().account_id)
        return paging.reply([render.review(hub, repo, pull, row) for row in paging.slice(rows)], len(rows))

    @api.post(root + "/reviews")
    @quick(lambda asked: not asked["wanted"].comments and asked["wanted"].commit_id is None)
    def create(owner: str, name: str, number: int, wanted: NewReview) -> Response:
        repo, pull = writing(owner, name, number)
        row = reviews.create(
            hub, repo, pull, current_actor(), event=wanted.event or None, body=wanted.body,
            commit_id=wanted.commit_id, comments=[each.model_dump() for each in wanted.comments],
        )  # fmt: skip
        return reply(render.review(hub, repo, pull, row))

    @api.get(root + "/reviews/{review_id}")
    def get(owner: str, name: str, number: int, review_id: int) -> Response:
        repo, pull = reading(owner, name, number)
        return reply(render.review(hub, repo, pull, _seen(pull, review_id)))

    def _seen(pull: Row, review_id: int) -> Row:
        row = reviews.find(hub, pull, review_id)
        if row["state"] == "PENDING" and row["user_id"] != current_actor().account_id:
            raise not_found()
        return row

    @api.put(root + "/reviews/{review_id}")
    def edit(owner: str, name: str, number: int, review_id: int, wanted: Body) -> Response:
        repo, pull = writing(owner, name, number)
        row = reviews.edit(hub, repo, pull, _seen(pull, review_id), current_actor(), wanted.body)
        return reply(render.review(hub, repo, pull, row))

    @api.delete(root + "/reviews/{review_id}")
    def delete(owner: str, name: str, number: int, review_id: int) -> Response:
        repo, pull = writing(owner, name, number)
        row = _seen(pull, review_id)
        data = render.review(hub, repo, pull, row)
        reviews.delete_pending(hub, row, current_actor())
        return reply(data)

    @api.post(root + "/reviews/{review_id}/events")
    def submit(owner: str, name: str, number: int, review_id: int, wanted: Submit) -> Response:
        repo, pull = writing(owner, name, number)
        found = _seen(pull, review_id)
        row = reviews.submit(hub, repo, pull, found, current_actor(), event=wanted.event, body=wanted.body)
        return reply(render.review(hub, repo, pull, row))

    @api.put(root + "/reviews/{review_id}/dismissals")
    def dismiss(owner: str, name: str, number: int, review_id: int, wanted: Dismiss) -> Response:
        repo = hub.access.repo(owner, name, "pull_requests", "write")
        pull = pulls.find(hub, repo, number)
        found = _seen(pull, review_id)
        row = reviews.dismiss(hub, repo, pull, found, current_actor().account_id, wanted.message)
        return reply(render.review(hub, repo, pull, row))

    @api.get(root + "/reviews/{review_id}/comments")
    def comments_of(owner: str, name: str, number: int, review_id: int, paging: PageDep) -> Response:
        repo, pull = reading(owner, name, number)
        row = _seen(pull, review_id)
        found = hub.db.rows("SELECT * FROM review_comments WHERE review_id = ? ORDER BY id", row["id"])
        return paging.reply([render.comment(hub, repo, pull, each) for each in paging.slice(found)], len(found))

    @api.get(root + "/comments")
    def comments(owner: str, name: str, number: int, paging: PageDep, asked: Order = Depends()) -> Response:  # noqa: B008
        repo, pull = reading(owner, name, number)
        return _listing(repo, "p.id = ?", pull["id"], paging, asked)

    @api.get(base + "/comments")
    def all_comments(owner: str, name: str, paging: PageDep, asked: Order = Depends()) -> Response:  # noqa: B008
        repo = hub.access.repo(owner, name, "pull_requests")
        return _listing(repo, "p.repo_id = ?", repo["id"], paging, asked)

    def _listing(repo: Row, where: str, value: int, paging: PageDep, asked: Order) -> Response:
        where, values = f"{where} AND c.updated_at >= ?", (value, changed_since(asked.since))
        total = hub.db.value(f"SELECT COUNT(*) {SUBMITTED} {where}", *values)
        rows = hub.db.rows(
            f"SELECT c.* {SUBMITTED} {where} ORDER BY {asked.sql()} LIMIT ? OFFSET ?",
            *values, paging.limit, paging.offset,
        )  # fmt: skip
        known: dict[int, Row] = {}
        shown = []
        for row in rows:
            pull = known.setdefault(row["pull_id"], pulls.get(hub, row["pull_id"]))
            shown.append(render.comment(hub, repo, pull, row))
        return paging.reply(shown, total)

    @api.post(root + "/comments")
    def comment(owner: str, name: str, number: int, wanted: NewComment) -> Response:
        repo, pull = writing(owner, name, number)
        if wanted.in_reply_to is not None:
            return _reply(repo, pull, wanted.in_reply_to, wanted.body)
        missing = [key for key in ("commit_id", "path") if getattr(wanted, key) is None]
        if missing:
            fields = [field("PullRequestReviewComment", key, "missing_field") for key in missing]
            raise invalid("Validation Failed", *fields)
        draft: dict[str, Any] = wanted.model_dump()
        row = reviewcomments.alone(hub, repo, pull, current_actor(), draft, wanted.commit_id)
        return _created(repo, pull, row)

    @api.post(root + "/comments/{comment_id}/replies")
    def answer(owner: str, name: str, number: int, comment_id: int, wanted: Body) -> Response:
        repo, pull = writing(owner, name, number)
        return _reply(repo, pull, comment_id, wanted.body)

    def _reply(repo: Row, pull: Row, parent_id: int, body: str) -> Response:
        actor = current_actor()
        parent = reviewcomments.parent_of(hub, pull, parent_id, actor.account_id)
        return _created(repo, pull, reviewcomments.reply(hub, repo, pull, actor, parent, body))

    def _created(repo: Row, pull: Row, row: Row) -> Response:
        data = render.comment(hub, repo, pull, row)
        return reply(data, 201, {"Location": data["url"]})

    @api.get(base + "/comments/{comment_id:int}")
    def one_comment(owner: str, name: str, comment_id: int) -> Response:
        repo = hub.access.repo(owner, name, "pull_requests")
        pull, row = reviewcomments.find(hub, repo, comment_id, current_actor().account_id)
        return reply(render.comment(hub, repo, pull, row))

    @api.patch(base + "/comments/{comment_id:int}")
    def edit_comment(owner: str, name: str, comment_id: int, wanted: Body) -> Response:
        repo = hub.access.repo(owner, name, "pull_requests", "write", role="read")
        pull, row = reviewcomments.find(hub, repo, comment_id, current_actor().account_id)
        changed = reviewcomments.edit(hub, repo, pull, row, hub.access.user(), wanted.body)
        return reply(render.comment(hub, repo, pull, changed))

    @api.delete(base + "/comments/{comment_id:int}")
    def delete_comment(owner: str, name: str, comment_id: int) -> Response:
        repo = hub.access.repo(owner, name, "pull_requests", "write", role="read")
        pull, row = reviewcomments.find(hub, repo, comment_id, current_actor().account_id)
        reviewcomments.delete(hub, repo, pull, row, hub.access.user())
        return reply(None, 204)

    return api
