"""Check suites, check runs, workflow runs and statuses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from localhub import protection
from localhub.graphql.accounts import App, account
from localhub.graphql.base import Connection, Object, QueryError, Scope
from localhub.graphql.commits import Commit, Ref
from localhub.graphql.repository import Repository, repository
from localhub.ids import node_id, parse_node_id
from localhub.render import checks as render

if TYPE_CHECKING:
    from localhub.db import Row


def _upper(value: str | None) -> str | None:
    return None if value is None else value.upper()


def _pull(scope: Scope, repo_id: int, pull_id: str | None, number: int | None) -> Row:
    """The pull request that a check is asked about."""
    parsed = parse_node_id(pull_id) if pull_id else None
    if parsed is not None:
        row = scope.hub.db.row("SELECT * FROM pulls WHERE id = ? AND repo_id = ?", parsed[1], repo_id)
    else:
        row = scope.hub.db.row("SELECT * FROM pulls WHERE number = ? AND repo_id = ?", number, repo_id)
    if row is None:
        raise QueryError("NOT_FOUND", "A pull request ID or pull request number is required.")
    return row


def _required(scope: Scope, repo_id: int, pull: Row, context: str, app_id: int | None) -> bool:
    repo = scope.hub.access.repo_by_id(repo_id)
    rules = protection.rules_for(scope.hub, repo, pull["base_ref"])
    return rules is not None and any(name == context and app in (None, app_id) for name, app in rules.checks)


class CheckSuite(Object):
    COLUMNS = {"createdAt": "created_at", "updatedAt": "updated_at"}

    def id(self) -> str:
        return node_id("CheckSuite", self.row["id"])

    def repository(self) -> Repository:
        return repository(self.scope, self.row["repo_id"])

    def app(self) -> App:
        return App(self.scope, self.hub.db.get("apps", self.row["app_id"]))

    def creator(self) -> None:
        return None

    def branch(self) -> Ref | None:
        name = self.row["head_branch"]
        return self.repository().ref(f"refs/heads/{name}") if name else None

    def commit(self) -> Commit | None:
        return Commit.at(self.repository(), self.row["head_sha"])

    def status(self) -> str:
        return str(self.row["status"]).upper()

    def conclusion(self) -> str | None:
        return _upper(self.row["conclusion"])

    def url(self) -> str:
        return self._html(self.resourcePath())

    def resourcePath(self) -> str:
        return (
            f"{self.repository().resourcePath()}/commit/{self.row['head_sha']}/checks?check_suite_id={self.row['id']}"
        )

    def checkRuns(self, filterBy: dict[str, Any] | None = None, **page: Any) -> Connection:
        asked = filterBy or {}
        rows = self.hub.db.rows("SELECT * FROM check_runs WHERE suite_id = ? ORDER BY id", self.row["id"])
        if asked.get("checkType", "LATEST") == "LATEST":
            rows = list({row["name"]: row for row in rows}.values())
        if asked.get("checkName"):
            rows = [row for row in rows if row["name"] == asked["checkName"]]
        wanted = asked.get("statuses") or ([asked["status"]] if asked.get("status") else [])
        rows = [row for row in rows if not wanted or row["status"].upper() in wanted]
        ends = asked.get("conclusions")
        rows = [row for row in rows if not ends or (row["conclusion"] or "").upper() in ends]
        return Connection(rows, lambda row: CheckRun(self.scope, row), **page)

    def workflowRun(self) -> WorkflowRun | None:
        row = self.hub.db.row("SELECT * FROM workflow_runs WHERE suite_id = ?", self.row["id"])
        return None if row is None else WorkflowRun(self.scope, row)


class CheckRun(Object):
    COLUMNS = {
        "name": "name",
        "externalId": "external_id",
        "startedAt": "started_at",
        "completedAt": "completed_at",
        "title": "title",
        "summary": "summary",
        "text": "text",
    }

    def id(self) -> str:
        return node_id("CheckRun", self.row["id"])

    def repository(self) -> Repository:
        return repository(self.scope, self.row["repo_id"])

    def checkSuite(self) -> CheckSuite:
        return CheckSuite(self.scope, self.hub.db.get("check_suites", self.row["suite_id"]))

    def status(self) -> str:
        return str(self.row["status"]).upper()

    def conclusion(self) -> str | None:
        return _upper(self.row["conclusion"])

    def detailsUrl(self) -> str:
        return str(render.run(self.hub, self.row)["details_url"])

    def url(self) -> str:
        return str(render.run(self.hub, self.row)["html_url"])

    permalink = url

    def resourcePath(self) -> str:
        return self.url().removeprefix(self.hub.html())

    def isRequired(self, pullRequestId: str | None = None, pullRequestNumber: int | None = None) -> bool:
        pull = _pull(self.scope, self.row["repo_id"], pullRequestId, pullRequestNumber)
        return _required(self.scope, self.row["repo_id"], pull, self.row["name"], self.row["app_id"])

    def annotations(self, **page: Any) -> Connection:
        rows = self.hub.db.rows("SELECT * FROM check_annotations WHERE run_id = ? ORDER BY id", self.row["id"])
        return Connection(rows, self._annotation, **page)

    def _annotation(self, row: Row) -> dict[str, Any]:
        return {
            "databaseId": row["id"],
            "annotationLevel": row["level"].upper(),
            "blobUrl": render.annotation(self.hub, self.row, row)["blob_href"],
            "path": row["path"],
            "title": row["title"],
            "message": row["message"],
            "rawDetails": row["raw_details"],
            "location": {
                "start": {"line": row["start_line"], "column": row["start_column"]},
                "end": {"line": row["end_line"], "column": row["end_column"]},
            },
        }


class WorkflowRun(Object):
    COLUMNS = {"createdAt": "created_at", "updatedAt": "updated_at", "runNumber": "number", "event": "event"}

    def id(self) -> str:
        return node_id("WorkflowRun", self.row["id"])

    def checkSuite(self) -> CheckSuite:
        return CheckSuite(self.scope, self.hub.db.get("check_suites", self.row["suite_id"]))

    def workflow(self) -> Workflow:
        return Workflow(self.scope, self.hub.db.get("workflows", self.row["workflow_id"]))

    def url(self) -> str:
        return self._html(self.resourcePath())

    def resourcePath(self) -> str:
        return f"{repository(self.scope, self.row['repo_id']).resourcePath()}/actions/runs/{self.row['id']}"

    def file(self) -> dict[str, Any]:
        path = self.hub.db.get("workflows", self.row["workflow_id"])["path"]
        return {
            "id": f"WFRF_{self.row['id']}",
            "path": path,
            "run": self,
            "url": f"{self.url()}/workflow",
            "resourcePath": f"{self.resourcePath()}/workflow",
        }


class Workflow(Object):
    COLUMNS = {"createdAt": "created_at", "updatedAt": "updated_at", "name": "name"}

    def id(self) -> str:
        return node_id("Workflow", self.row["id"])

    def url(self) -> str:
        return self._html(self.resourcePath())

    def resourcePath(self) -> str:
        file = str(self.row["path"]).rsplit("/", 1)[-1]
        return f"{repository(self.scope, self.row['repo_id']).resourcePath()}/actions/workflows/{file}"


class StatusContext(Object):
    COLUMNS = {
        "context": "context",
        "createdAt": "created_at",
        "description": "description",
        "targetUrl": "target_url",
    }

    def id(self) -> str:
        return node_id("StatusContext", self.row["id"])

    def state(self) -> str:
        return str(self.row["state"]).upper()

    def creator(self) -> Any:
        return account(self.scope, self.row["creator_id"])

    def avatarUrl(self, size: int | None = None) -> Any:
        return self.creator().avatarUrl()

    def commit(self) -> Commit | None:
        return Commit.at(repository(self.scope, self.row["repo_id"]), self.row["sha"])

    def isRequired(self, pullRequestId: str | None = None, pullRequestNumber: int | None = None) -> bool:
        pull = _pull(self.scope, self.row["repo_id"], pullRequestId, pullRequestNumber)
        return _required(self.scope, self.row["repo_id"], pull, self.row["context"], None)
