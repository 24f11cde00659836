"""Milestones over REST."""

from __future__ import annotations

from typing import Literal

from fastapi import APIRouter, Response
from pydantic import BaseModel

from localhub import milestones
from localhub.context import current_actor
from localhub.http import PageDep, reply
from localhub.hub import Hub
from localhub.render import issues as render
from localhub.rest.issues import BOTH

State = Literal["open", "closed"]
_SORTS = {
    "due_on": "due_on IS NULL, due_on",
    "completeness": "m.closed_issues * 1.0 / NULLIF(m.open_issues + m.closed_issues, 0)",
}


class NewMilestone(BaseModel):
    title: str
    description: str | None = None
    state: State = "open"
    due_on: str | None = None


class ChangeMilestone(BaseModel):
    title: str | None = None
    description: str | None = None
    state: State | None = None
    due_on: str | None = None


def router(hub: Hub) -> APIRouter:
    api = APIRouter()
    root = "/repos/{owner}/{name}/milestones"

    @api.get(root)
    def listing(
        owner: str, name: str, paging: PageDep, state: str = "open", sort: str = "due_on", direction: str = "asc"
    ) -> Response:
        repo = hub.access.repo(owner, name, BOTH)
        order = f"{_SORTS.get(sort, _SORTS['due_on'])} {'DESC' if direction == 'desc' else 'ASC'}, m.number"
        sql = f"SELECT m.* FROM milestones m WHERE m.repo_id = ? AND ? IN ('all', m.state) ORDER BY {order}"  # noqa: S608
        rows = hub.db.rows(sql, repo["id"], state)
        return paging.reply([render.milestone(hub, repo, row) for row in paging.slice(rows)], len(rows))

    @api.post(root)
    def create(owner: str, name: str, wanted: NewMilestone) -> Response:
        repo = hub.access.repo(owner, name, BOTH, "write", role="triage")
        row = milestones.create(hub, repo, current_actor(), **wanted.model_dump())
        data = render.milestone(hub, repo, row)
        return reply(data, 201, {"Location": data["url"]})

    @api.get(root + "/{number}")
    def get(owner: str, name: str, number: int) -> Response:
        repo = hub.access.repo(owner, name, BOTH)
        return reply(render.milestone(hub, repo, milestones.find(hub, repo, number)))

    @api.patch(root + "/{number}")
    def change(owner: str, name: str, number: int, wanted: ChangeMilestone) -> Response:
        repo = hub.access.repo(owner, name, BOTH, "write", role="triage")
        row = milestones.find(hub, repo, number)
        values = wanted.model_dump(exclude_unset=True)
        for key in ("title", "state"):  # null leaves these as they are
            if values.get(key) is None:
                values.pop(key, None)
        return reply(render.milestone(hub, repo, milestones.change(hub, repo, row, values)))

    @api.delete(root + "/{number}")
    def delete(owner: str, name: str, number: int) -> Response:
        repo = hub.access.repo(owner, name, BOTH, "write", role="triage")
        milestones.delete(hub, milestones.find(hub, repo, number))
        return reply(None, 204)

    @api.get(root + "/{number}/labels")
    def labels(owner: str, name: str, number: int, paging: PageDep) -> Response:
        """The labels of its issues."""
        repo = hub.access.repo(owner, name, BOTH)
        row = milestones.find(hub, repo, number)
        rows = hub.db.rows(
            """SELECT DISTINCT l.* FROM labels l JOIN issue_labels x ON x.label_id = l.id
               JOIN issues i ON i.id = x.issue_id WHERE i.milestone_id = ? ORDER BY l.name""",
            row["id"],
        )
        return paging.reply([render.label(hub, repo, each) for each in paging.slice(rows)], len(rows))

    return api
