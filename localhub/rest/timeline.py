"""Events of issues and pull requests, and their timeline: events, comments, reviews and commits in one order."""

from __future__ import annotations

from fastapi import APIRouter, Response

from localhub import issuecounts, issues, story
from localhub.context import current_actor
from localhub.errors import not_found
from localhub.http import PageDep, reply
from localhub.hub import Hub
from localhub.render import issues as render
from localhub.render.timeline import item
from localhub.rest.issues import BOTH


def router(hub: Hub) -> APIRouter:
    api = APIRouter()
    db = hub.db

    @api.get("/repos/{owner}/{name}/issues/events")
    def of_repository(owner: str, name: str, paging: PageDep) -> Response:
        repo = hub.access.repo(owner, name, BOTH)
        where = "FROM issue_events WHERE repo_id = ? AND told = 1"
        if some := hub.access.only_pulls(repo):
            where += " AND EXISTS (SELECT 1 FROM issues i WHERE i.id = issue_id AND i.is_pull)"
        rows = db.rows(f"SELECT * {where} ORDER BY id DESC LIMIT ? OFFSET ?", repo["id"], paging.limit, paging.offset)
        total = (
            db.value(f"SELECT COUNT(*) {where}", repo["id"]) if some else issuecounts.tally(hub, "events", repo["id"])
        )
        return paging.reply([render.event(hub, row, repo, with_issue=True) for row in rows], total)

    @api.get("/repos/{owner}/{name}/issues/events/{event_id}")
    def one(owner: str, name: str, event_id: int) -> Response:
        repo = hub.access.repo(owner, name, BOTH)
        sql = """SELECT e.*, i.is_pull FROM issue_events e JOIN issues i ON i.id = e.issue_id
                 WHERE i.repo_id = ? AND e.id = ? AND e.told = 1"""
        row = db.row(sql, repo["id"], event_id)
        if row is None:
            raise not_found()
        if not row["is_pull"]:
            hub.access.require_again(repo, "issues")
        return reply(render.event(hub, row, repo, with_issue=True))

    @api.get("/repos/{owner}/{name}/issues/{number}/events")
    def of_issue(owner: str, name: str, number: int, paging: PageDep) -> Response:
        repo = hub.access.repo(owner, name, BOTH)
        row = issues.find(hub, repo, number)
        where = "FROM issue_events WHERE issue_id = ? AND told = 1"
        rows = db.rows(f"SELECT * {where} ORDER BY id LIMIT ? OFFSET ?", row["id"], paging.limit, paging.offset)
        total = db.value(f"SELECT COUNT(*) {where}", row["id"])
        return paging.reply([render.event(hub, each, repo) for each in rows], total)

    @api.get("/repos/{owner}/{name}/issues/{number}/timeline")
    def timeline(owner: str, name: str, number: int, paging: PageDep) -> Response:
        repo = hub.access.repo(owner, name, BOTH)
        row = issues.find(hub, repo, number)
        items = story.of(hub, current_actor(), row)
        return paging.reply([item(hub, repo, row, each) for each in paging.slice(items)], len(items))

    return api
