"""One workflow run with its jobs, their steps, logs and annotations; check runs of apps."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import FileResponse

from localhub.actions import artifacts
from localhub.actions.logs import by_step
from localhub.actions.service import Actions
from localhub.actions.state import rows_of
from localhub.checks import request_action
from localhub.clock import parse_iso
from localhub.context import current_actor
from localhub.errors import GitHubError, not_found
from localhub.pages import checks, shapes
from localhub.pages.talk import Talk
from localhub.pages.web import SECURITY, FormDep, Web, home, to

if TYPE_CHECKING:
    from collections.abc import Mapping

    from localhub.db import Row

_STAMP = re.compile(r"^\d{4}-\d\d-\d\dT[\d:.]+Z ", re.MULTILINE)
_COMMAND = re.compile(r"^##\[(?P<kind>group|endgroup|error|warning|notice|command|debug)\]")
MOST_LINES = 2000  # of a step's log on its page
_COLOR = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")


def routes(api: APIRouter, web: Web) -> None:  # noqa: C901 - a list of endpoints
    check_routes(api, web)
    hub = web.hub
    root = "/{owner}/{name}"

    def find(repo: Row, run_id: int) -> Row:
        row = hub.db.row(
            """SELECT r.*, w.name AS workflow, w.path AS file
               FROM workflow_runs r JOIN workflows w ON w.id = r.workflow_id WHERE r.id = ? AND r.repo_id = ?""",
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
        rows = rows_of(hub, row)
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
            took=shapes.span(_took(row, rows)),
            jobs=[_job(each, row["attempt"], chosen=each["id"] == job_id) for each in rows],
            chosen=job_id,
            notes=_notes(row),
            artifacts=artifacts.of_run(hub, row),
            may_write=actor.kind == "user" and hub.access.allowed(actor, repo, "actions", "write"),
            talk=Talk(hub, repo),
        )

    def _job(row: Row, attempt: int, *, chosen: bool) -> dict[str, Any]:
        state = checks.word(row["status"], row["conclusion"])
        return {
            "row": row,
            "state": state,
            "word": (row["conclusion"] or row["status"]).replace("_", " "),
            "took": shapes.span(_seconds(row) if row["conclusion"] != "skipped" else None),
            "steps": _steps(row),
            "log": bool(row["log"]),
            "open": chosen or state == "failure",
            "old": row["attempt"] != attempt,
            "notes": checks.notes_of(hub, row["id"]),
        }

    @api.get(root + "/actions/runs/{run_id:int}/job/{job_id:int}/log")
    def log(owner: str, name: str, run_id: int, job_id: int) -> Response:
        repo = hub.access.repo(owner, name, "actions")
        row = hub.db.row("SELECT * FROM workflow_jobs WHERE id = ? AND run_id = ?", job_id, find(repo, run_id)["id"])
        if row is None:
            raise not_found()
        return Response(row["log"], media_type="text/plain; charset=utf-8", headers=SECURITY)

    def _key(run_id: int, job_id: int) -> str:
        row = hub.db.row("SELECT key FROM workflow_jobs WHERE id = ? AND run_id = ?", job_id, run_id)
        if row is None:
            raise not_found()
        return str(row["key"])

    @api.get(root + "/actions/runs/{run_id:int}/artifacts/{artifact_id:int}")
    def artifact(owner: str, name: str, run_id: int, artifact_id: int) -> Response:
        run_row = find(hub.access.repo(owner, name, "actions"), run_id)
        found = next((each for each in artifacts.of_run(hub, run_row) if each["id"] == artifact_id), None)
        file = artifacts.path_of(hub, artifact_id)
        if found is None or not file.is_file():
            raise not_found()
        return FileResponse(file, media_type="application/zip", filename=f"{found['name']}.zip")

    def _notes(run_row: Row) -> list[Row]:
        """Annotations of the run that belong to none of its jobs: a workflow file that cannot be run."""
        return hub.db.rows(
            """SELECT a.* FROM check_annotations a JOIN check_runs c ON c.id = a.run_id
               WHERE c.suite_id = ? AND c.id NOT IN (SELECT id FROM workflow_jobs WHERE run_id = ?)
               ORDER BY a.id""",
            run_row["suite_id"],
            run_row["id"],
        )

    @api.post(root + "/actions/runs/{run_id:int}/{do}")
    def act(owner: str, name: str, run_id: int, do: str, form: FormDep) -> Response:
        """`do`: rerun, rerun-failed-jobs, rerun-job (with what needs it) or cancel."""
        repo = hub.access.repo(owner, name, "actions", "write")
        service = Actions.of(hub)
        with hub.tx():
            row = find(repo, run_id)
            running = row["status"] != "completed"
            if do == "cancel" and running:
                service.cancel(row)
            elif do == "rerun-job" and not running:
                service.rerun(row, hub.access.user().account_id, keys=[_key(run_id, form.number("job"))])
            elif do in ("rerun", "rerun-failed-jobs") and not running:
                service.rerun(row, hub.access.user().account_id, only_failed=do != "rerun")
            else:
                raise GitHubError(409, f"This run is {'running' if running else 'completed'}: reload its page.")
        return to(f"{home(repo)}/actions/runs/{run_id}")


def check_routes(api: APIRouter, web: Web) -> None:
    """The page of an app's check run, with the buttons that the app put there."""
    hub = web.hub
    root = "/{owner}/{name}"

    @api.get(root + "/runs/{check_id:int}")
    def check(owner: str, name: str, check_id: int, request: Request) -> Response:
        repo = hub.access.repo(owner, name, "checks")
        row = hub.db.row("SELECT * FROM check_runs WHERE id = ? AND repo_id = ?", check_id, repo["id"])
        if row is None:
            raise not_found()
        return web.page(
            request, "check.html", repo=repo, tab="actions", run=row, talk=Talk(hub, repo),
            state=checks.word(row["status"], row["conclusion"]), app=hub.db.get("apps", row["app_id"]),
            notes=checks.notes_of(hub, row["id"]), buttons=json.loads(row["actions"]),
            may_write=current_actor().kind == "user" and hub.access.allowed(current_actor(), repo, "checks", "write"),
        )  # fmt: skip

    @api.post(root + "/runs/{check_id:int}/actions")
    def press(owner: str, name: str, check_id: int, form: FormDep) -> Response:
        """One of the buttons that the check's app put there: the app is told."""
        repo = hub.access.repo(owner, name, "checks", "write")
        row = hub.db.row("SELECT * FROM check_runs WHERE id = ? AND repo_id = ?", check_id, repo["id"])
        if row is None:
            raise not_found()
        with hub.tx():
            request_action(hub, row, form.text("identifier"), hub.access.user().account_id)
        return to(f"{home(repo)}/runs/{check_id}")


@dataclass(frozen=True)
class Step:
    """A step as its job's page shows it: its part of the log as (kind, text) lines, at most MOST_LINES of them."""

    name: str
    state: str
    word: str
    seconds: int | None
    lines: list[tuple[str, str]]
    left_out: int


def _steps(row: Row) -> list[Step]:
    listed = json.loads(row["steps"])
    parts = by_step(row["log"], listed)
    found = []
    for each in listed:
        lines = [_line(line) for line in parts.pop(int(each["number"]), ("", ""))[1].splitlines()]
        lines = [line for line in lines if line[1] or line[0]]
        word = str(each["conclusion"] or each["status"]).replace("_", " ")
        state = checks.word(each["status"], each["conclusion"])
        shown = lines[-MOST_LINES:]
        found.append(Step(str(each["name"]), state, word, _seconds(each), shown, len(lines) - len(shown)))
    rest = [_line(line) for _, text in parts.values() for line in text.splitlines()]
    if rest:
        found.insert(0, Step("Log", "neutral", "", None, rest[-MOST_LINES:], max(0, len(rest) - MOST_LINES)))
    return found


def _line(text: str) -> tuple[str, str]:
    """(kind, text) of a line: its commands to the runner are told by colour."""
    plain = _COLOR.sub("", _STAMP.sub("", text))
    match = _COMMAND.match(plain)
    if match is None:
        return "", plain
    return ("", "") if match["kind"] == "endgroup" else (match["kind"], plain[match.end() :])


def _took(run: Row, jobs: list[Row]) -> int | None:
    """Seconds from the start of the run's attempt to the end of its last job."""
    ends = [row["completed_at"] for row in jobs if row["attempt"] == run["attempt"] and row["completed_at"]]
    if run["status"] != "completed" or not ends:
        return None
    return _seconds({"started_at": run["started_at"], "completed_at": max(ends)})


def _seconds(step: Mapping[str, Any] | Row) -> int | None:
    """How long a step or a job took; None while it has not ended."""
    if not step["started_at"] or not step["completed_at"]:
        return None
    return max(0, int((parse_iso(step["completed_at"]) - parse_iso(step["started_at"])).total_seconds()))
