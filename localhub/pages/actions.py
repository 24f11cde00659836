"""Workflow runs, their jobs with logs and annotations, and check runs of apps."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, Request, Response

from localhub.actions.record import jobs_of
from localhub.actions.service import Actions
from localhub.context import current_actor
from localhub.errors import GitHubError, not_found
from localhub.http import PageDep
from localhub.pages import checks
from localhub.pages.talk import Talk
from localhub.pages.web import FormDep, Web, home, to

if TYPE_CHECKING:
    from localhub.db import Row

_STAMP = re.compile(r"^\d{4}-\d\d-\d\dT[\d:.]+Z ", re.MULTILINE)
_COLOR = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")


def routes(api: APIRouter, web: Web) -> None:
    hub = web.hub
    root = "/{owner}/{name}"

    @api.get(root + "/actions")
    def runs(owner: str, name: str, request: Request, paging: PageDep) -> Response:
        repo = hub.access.repo(owner, name, "actions")
        total = hub.db.value("SELECT COUNT(*) FROM workflow_runs WHERE repo_id = ?", repo["id"])
        rows = hub.db.rows(
            """SELECT r.*, w.name AS workflow FROM workflow_runs r JOIN workflows w ON w.id = r.workflow_id
               WHERE r.repo_id = ? ORDER BY r.id DESC LIMIT ? OFFSET ?""",
            repo["id"],
            paging.limit,
            paging.offset,
        )
        shown = [(row, checks.word(row["status"], row["conclusion"])) for row in rows]
        return web.page(request, "actions.html", repo=repo, tab="actions", runs=shown, total=total, paging=paging)

    def find(repo: Row, run_id: int) -> Row:
        row = hub.db.row(
            """SELECT r.*, w.name AS workflow FROM workflow_runs r JOIN workflows w ON w.id = r.workflow_id
               WHERE r.id = ? AND r.repo_id = ?""",
            run_id,
            repo["id"],
        )
        if row is None:
            raise not_found()
        return row

    @api.get(root + "/actions/runs/{run_id:int}")
    def run(owner: str, name: str, run_id: int, request: Request) -> Response:
        return show(owner, name, run_id, None, request)

    @api.get(root + "/actions/runs/{run_id:int}/job/{job_id:int}")
    def job(owner: str, name: str, run_id: int, job_id: int, request: Request) -> Response:
        return show(owner, name, run_id, job_id, request)

    def show(owner: str, name: str, run_id: int, job_id: int | None, request: Request) -> Response:
        repo = hub.access.repo(owner, name, "actions")
        row = find(repo, run_id)
        rows = jobs_of(hub, row)
        older = hub.db.row("SELECT * FROM workflow_jobs WHERE id = ? AND run_id = ?", job_id, run_id)
        if job_id is not None and older is None:
            raise not_found()
        if older is not None and all(each["id"] != job_id for each in rows):
            rows = [older]  # of an earlier attempt
        actor = current_actor()
        return web.page(
            request,
            "run.html",
            repo=repo,
            tab="actions",
            run=row,
            state=checks.word(row["status"], row["conclusion"]),
            jobs=[_job(each, row["attempt"], chosen=each["id"] == job_id) for each in rows],
            notes=_notes(row),
            may_write=actor.kind == "user" and hub.access.allowed(actor, repo, "actions", "write"),
            talk=Talk(hub, repo),
        )

    def _job(row: Row, attempt: int, *, chosen: bool) -> dict[str, Any]:
        state = checks.word(row["status"], row["conclusion"])
        return {
            "row": row,
            "state": state,
            "word": (row["conclusion"] or row["status"]).replace("_", " "),
            "steps": [(each, checks.word(each["status"], each["conclusion"])) for each in json.loads(row["steps"])],
            "log": _COLOR.sub("", _STAMP.sub("", row["log"])),
            "open": chosen or state == "failure",
            "old": row["attempt"] != attempt,
            "notes": checks.notes_of(hub, row["id"]),
        }

    def _notes(run_row: Row) -> list[Row]:
        """Annotations of the run that belong to none of its jobs: a workflow file that cannot be run."""
        return hub.db.rows(
            """SELECT a.* FROM check_annotations a JOIN check_runs c ON c.id = a.run_id
               WHERE c.suite_id = ? AND c.id NOT IN (SELECT id FROM workflow_jobs WHERE run_id = ?)
               ORDER BY a.id""",
            run_row["suite_id"],
            run_row["id"],
        )

    @api.get(root + "/runs/{check_id:int}")
    def check(owner: str, name: str, check_id: int, request: Request) -> Response:
        repo = hub.access.repo(owner, name, "checks")
        row = hub.db.row("SELECT * FROM check_runs WHERE id = ? AND repo_id = ?", check_id, repo["id"])
        if row is None:
            raise not_found()
        return web.page(
            request, "check.html", repo=repo, tab="actions", run=row, talk=Talk(hub, repo),
            state=checks.word(row["status"], row["conclusion"]), app=hub.db.get("apps", row["app_id"]),
            notes=checks.notes_of(hub, row["id"]),
        )  # fmt: skip

    @api.post(root + "/actions/runs/{run_id:int}/{do}")
    def act(owner: str, name: str, run_id: int, do: str, form: FormDep) -> Response:
        """`do`: rerun, rerun-failed-jobs or cancel."""
        repo = hub.access.repo(owner, name, "actions", "write")
        service = Actions.of(hub)
        with hub.tx():
            row = find(repo, run_id)
            running = row["status"] != "completed"
            if do == "cancel" and running:
                service.cancel(row)
            elif do in ("rerun", "rerun-failed-jobs") and not running:
                service.rerun(row, hub.access.user().account_id, only_failed=do != "rerun")
            else:
                raise GitHubError(409, f"This run is {'running' if running else 'completed'}: reload its page.")
        return to(f"{home(repo)}/actions/runs/{run_id}")
