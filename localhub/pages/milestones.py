"""The milestones of a repository, and what belongs to one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, Request, Response

from localhub import milestones
from localhub.context import current_actor
from localhub.errors import invalid
from localhub.http import PageDep
from localhub.pages import shapes
from localhub.pages.talk import BOTH, Talk
from localhub.pages.web import FormDep, Posted, Web, home, to

if TYPE_CHECKING:
    from localhub.db import Row
    from localhub.hub import Hub


def routes(api: APIRouter, web: Web) -> None:
    hub = web.hub
    root = "/{owner}/{name}"

    @api.get(root + "/milestones")
    def listed(owner: str, name: str, request: Request) -> Response:
        repo = hub.access.repo(owner, name, BOTH)
        state = "closed" if request.query_params.get("state") == "closed" else "open"
        sql = "SELECT * FROM milestones WHERE repo_id = ? AND state = ? ORDER BY due_on IS NULL, due_on, number"
        rows = [told(hub, row) for row in hub.db.rows(sql, repo["id"], state)]
        counted = hub.db.rows(
            "SELECT state, COUNT(*) AS n FROM milestones WHERE repo_id = ? GROUP BY state", repo["id"]
        )
        counts = {row["state"]: row["n"] for row in counted}
        return web.page(
            request, "milestones.html", repo=repo, tab="issues", rows=rows, state=state, counts=counts,
            talk=Talk(hub, repo),
        )  # fmt: skip

    @api.post(root + "/milestones")
    def create(owner: str, name: str, form: FormDep) -> Response:
        repo = hub.access.repo(owner, name, BOTH, "write")
        row = milestones.create(hub, repo, current_actor(), form.text("title").strip(), **_fields(form))
        return to(f"{home(repo)}/milestone/{row['number']}")

    @api.get(root + "/milestone/{number:int}")
    def one(owner: str, name: str, number: int, request: Request, paging: PageDep) -> Response:
        repo = hub.access.repo(owner, name, BOTH)
        row = milestones.find(hub, repo, number)
        state = "closed" if request.query_params.get("state") == "closed" else "open"
        where = "FROM issues WHERE milestone_id = ? AND state = ?"
        rows = hub.db.rows(
            f"SELECT * {where} ORDER BY number LIMIT ? OFFSET ?", row["id"], state, paging.limit, paging.offset
        )
        return web.page(
            request, "milestone.html", repo=repo, tab="issues", shown=told(hub, row), state=state, paging=paging,
            rows=[(each, shapes.issue_state(hub, each)) for each in rows], talk=Talk(hub, repo),
            total=hub.db.value(f"SELECT COUNT(*) {where}", row["id"], state),
        )  # fmt: skip

    @api.post(root + "/milestone/{number:int}")
    def change(owner: str, name: str, number: int, form: FormDep) -> Response:
        """`do`: save, close, open or delete."""
        repo = hub.access.repo(owner, name, BOTH, "write")
        row = milestones.find(hub, repo, number)
        match form.text("do"):
            case "delete":
                milestones.delete(hub, row)
                return to(f"{home(repo)}/milestones")
            case "close" | "open" as verb:
                milestones.change(hub, repo, row, {"state": "closed" if verb == "close" else "open"})
            case _:
                milestones.change(hub, repo, row, {"title": form.text("title").strip(), **_fields(form)})
        return to(f"{home(repo)}/milestone/{number}")


def _fields(form: Posted) -> dict[str, Any]:
    due = form.text("due_on").strip()
    if due and len(due) != len("2027-01-31"):
        raise invalid("The due date is written as 2027-01-31.")
    return {"description": form.text("description") or None, "due_on": f"{due}T00:00:00Z" if due else None}


def told(hub: Hub, row: Row) -> dict[str, Any]:
    """A milestone with how much of it is done."""
    counted = hub.db.rows("SELECT state, COUNT(*) AS n FROM issues WHERE milestone_id = ? GROUP BY state", row["id"])
    counts = {each["state"]: each["n"] for each in counted}
    done, total = counts.get("closed", 0), sum(counts.values())
    late = bool(row["due_on"] and row["state"] == "open" and row["due_on"] < hub.now())
    return {
        "row": row, "done": done, "left": total - done, "total": total, "late": late,
        "percent": done * 100 // total if total else 0,
    }  # fmt: skip
