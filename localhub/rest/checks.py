"""Check runs and check suites."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Response
from pydantic import BaseModel, Field

from localhub import checks
from localhub.actions.service import Actions
from localhub.auth import Actor
from localhub.context import current_actor
from localhub.db import Row
from localhub.errors import GitHubError, field, forbidden, invalid, not_found
from localhub.gitstore import GitRepo
from localhub.http import PageDep, Paging, reply
from localhub.hub import Hub
from localhub.render import checks as render


class Wish(BaseModel):
    app_id: int
    setting: bool


class Preferences(BaseModel):
    auto_trigger_checks: list[Wish] = Field(default_factory=list)


def router(hub: Hub) -> APIRouter:  # noqa: C901 - a list of endpoints
    api = APIRouter()
    finder = _Finder(hub)

    def rerun_workflow(suite_id: int, by: int, key: str | None = None) -> None:
        """What a re-request means to the one app that lives here: its workflow runs again, or one job of it."""
        run = hub.db.row("SELECT * FROM workflow_runs WHERE suite_id = ? AND status = 'completed'", suite_id)
        if run is not None:
            Actions.of(hub).rerun(run, by, keys=None if key is None else [key])

    @api.post("/repos/{owner}/{name}/check-runs")
    def create(owner: str, name: str, data: dict[str, Any]) -> Response:
        repo = hub.access.repo(owner, name, "checks", "write")
        actor = _app_only()
        columns = checks.clean(data, creating=True)
        sha = str(data.get("head_sha") or "")
        if GitRepo(hub.git_dir(repo)).resolve(sha) != sha:
            raise GitHubError(422, f"No commit found for SHA: {sha}")
        with hub.tx():
            suite = checks.suite_for(hub, repo, actor.app_id or 0, sha, actor.account_id)
            row = checks.create_run(hub, repo, suite, columns, actor.account_id)
        return reply(render.run(hub, row), 201)

    @api.patch("/repos/{owner}/{name}/check-runs/{run_id}")
    def update(owner: str, name: str, run_id: int, data: dict[str, Any]) -> Response:
        repo = hub.access.repo(owner, name, "checks", "write")
        actor = _app_only()
        row = finder.run(repo, run_id)
        if row["app_id"] != actor.app_id:
            rule = "check run can only be modified by the GitHub App that created it."
            raise forbidden(f"Invalid app_id `{actor.app_id}` - {rule}")
        columns = checks.clean(data, creating=False)
        with hub.tx():
            row = checks.update_run(hub, row, columns, actor.account_id)
        return reply(render.run(hub, row))

    @api.get("/repos/{owner}/{name}/check-runs/{run_id}")
    def get(owner: str, name: str, run_id: int) -> Response:
        return reply(render.run(hub, finder.run(hub.access.repo(owner, name, "checks"), run_id)))

    @api.get("/repos/{owner}/{name}/check-runs/{run_id}/annotations")
    def annotations(owner: str, name: str, run_id: int, paging: PageDep) -> Response:
        run = finder.run(hub.access.repo(owner, name, "checks"), run_id)
        rows = hub.db.rows("SELECT * FROM check_annotations WHERE run_id = ? ORDER BY id", run_id)
        return paging.reply([render.annotation(hub, run, row) for row in paging.slice(rows)], len(rows))

    @api.post("/repos/{owner}/{name}/check-runs/{run_id}/rerequest")
    def rerequest(owner: str, name: str, run_id: int) -> Response:
        repo = hub.access.repo(owner, name, "checks", "write")
        run = finder.run(repo, run_id)
        with hub.tx():
            by = hub.access.user().account_id
            job = hub.db.row("SELECT * FROM workflow_jobs WHERE id = ?", run_id)
            if job is not None:
                rerun_workflow(run["suite_id"], by, job["key"])
            else:
                checks.rerequest_run(hub, run, by)
        return reply({}, 201)

    @api.get("/repos/{owner}/{name}/commits/{ref:path}/check-runs")
    def of_commit(
        owner: str,
        name: str,
        ref: str,
        paging: PageDep,
        check_name: str | None = None,
        status: str | None = None,
        filter: str = "latest",
        app_id: int | None = None,
    ) -> Response:
        repo = hub.access.repo(owner, name, "checks")
        where, args = "r.repo_id = ? AND r.head_sha = ?", [repo["id"], finder.commit(repo, ref)]
        return finder.runs(paging, where, args, check_name, status, filter, app_id)

    @api.get("/repos/{owner}/{name}/check-suites/{suite_id}/check-runs")
    def of_suite(
        owner: str,
        name: str,
        suite_id: int,
        paging: PageDep,
        check_name: str | None = None,
        status: str | None = None,
        filter: str = "latest",
    ) -> Response:
        repo = hub.access.repo(owner, name, "checks")
        finder.suite(repo, suite_id)
        return finder.runs(paging, "r.suite_id = ?", [suite_id], check_name, status, filter, None)

    @api.post("/repos/{owner}/{name}/check-suites")
    def create_suite(owner: str, name: str, data: dict[str, Any]) -> Response:
        repo = hub.access.repo(owner, name, "checks", "write")
        actor = _app_only()
        sha = str(data.get("head_sha") or "")
        if GitRepo(hub.git_dir(repo)).resolve(sha) != sha:
            raise invalid("Validation Failed", field("CheckSuite", "head_sha", "invalid"))
        with hub.tx():
            last = hub.db.value("SELECT max(id) FROM check_suites")
            suite = checks.suite_for(hub, repo, actor.app_id or 0, sha, actor.account_id)
        return reply(render.suite(hub, suite), 201 if suite["id"] > (last or 0) else 200)

    @api.get("/repos/{owner}/{name}/check-suites/{suite_id}")
    def suite(owner: str, name: str, suite_id: int) -> Response:
        return reply(render.suite(hub, finder.suite(hub.access.repo(owner, name, "checks"), suite_id)))

    @api.post("/repos/{owner}/{name}/check-suites/{suite_id}/rerequest")
    def rerequest_suite(owner: str, name: str, suite_id: int) -> Response:
        repo = hub.access.repo(owner, name, "checks", "write")
        row = finder.suite(repo, suite_id)
        with hub.tx():
            by = hub.access.user().account_id
            if hub.db.value("SELECT 1 FROM workflow_runs WHERE suite_id = ?", suite_id):
                rerun_workflow(suite_id, by)
            else:
                checks.rerequest_suite(hub, row, by)
        return reply({}, 201)

    @api.patch("/repos/{owner}/{name}/check-suites/preferences")
    def preferences(owner: str, name: str, wanted: Preferences) -> Response:
        repo = hub.access.repo(owner, name, "checks", "write", role="admin")
        wishes = wanted.auto_trigger_checks
        with hub.tx():
            for wish in wishes:
                sql = "INSERT OR REPLACE INTO check_preferences VALUES (?, ?, ?)"
                hub.db.execute(sql, repo["id"], wish.app_id, int(wish.setting))
        return reply(render.preferences(hub, repo))

    @api.get("/repos/{owner}/{name}/commits/{ref:path}/check-suites")
    def suites(
        owner: str, name: str, ref: str, paging: PageDep, app_id: int | None = None, check_name: str | None = None
    ) -> Response:
        repo = hub.access.repo(owner, name, "checks")
        rows = hub.db.rows(
            """SELECT * FROM check_suites s WHERE repo_id = ? AND head_sha = ? AND (? IS NULL OR app_id = ?)
               AND (? IS NULL OR EXISTS (SELECT 1 FROM check_runs r WHERE r.suite_id = s.id AND r.name = ?))
               ORDER BY id""",
            repo["id"],
            finder.commit(repo, ref),
            app_id,
            app_id,
            check_name,
            check_name,
        )
        shown = [render.suite(hub, row) for row in paging.slice(rows)]
        return paging.reply(shown, len(rows), {"total_count": len(rows)}, "check_suites")

    return api


def _app_only() -> Actor:
    actor = current_actor()
    if actor.app_id is None or actor.kind == "app":
        raise forbidden("You must authenticate via a GitHub App.")
    return actor


class _Finder:
    """Look-ups that several endpoints share; 404 for what belongs to another repository."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub

    def run(self, repo: Row, run_id: int) -> Row:
        row = self._hub.db.row("SELECT * FROM check_runs WHERE id = ? AND repo_id = ?", run_id, repo["id"])
        if row is None:
            raise not_found()
        return row

    def suite(self, repo: Row, suite_id: int) -> Row:
        row = self._hub.db.row("SELECT * FROM check_suites WHERE id = ? AND repo_id = ?", suite_id, repo["id"])
        if row is None:
            raise not_found()
        return row

    def commit(self, repo: Row, ref: str) -> str:
        sha = GitRepo(self._hub.git_dir(repo)).resolve(ref.removeprefix("heads/").removeprefix("tags/"))
        if sha is None:
            raise GitHubError(422, f"No commit found for SHA: {ref}")
        return sha

    def runs(
        self,
        paging: Paging,
        where: str,
        args: list[Any],
        check_name: str | None,
        status: str | None,
        which: str,
        app_id: int | None,
    ) -> Response:
        """A page of runs, newest first; by default only the latest of each name in its suite."""
        if which not in ("latest", "all"):
            raise invalid("Validation Failed", field("CheckRun", "filter", "invalid"))
        for column, value in (("name", check_name), ("status", status), ("app_id", app_id)):
            if value is not None:
                where, args = f"{where} AND r.{column} = ?", [*args, value]
        if which == "latest":
            newer = "SELECT 1 FROM check_runs n WHERE n.suite_id = r.suite_id AND n.name = r.name AND n.id > r.id"
            where += f" AND NOT EXISTS ({newer})"
        rows = self._hub.db.rows(f"SELECT * FROM check_runs r WHERE {where} ORDER BY r.id DESC", *args)  # noqa: S608
        shown = [render.run(self._hub, row) for row in paging.slice(rows)]
        return paging.reply(shown, len(rows), {"total_count": len(rows)}, "check_runs")
