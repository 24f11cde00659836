"""What all checks and statuses of a commit come to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from localhub import statuses
from localhub.graphql.base import Connection, Scope
from localhub.graphql.checks import CheckRun, StatusContext
from localhub.graphql.commits import Commit

if TYPE_CHECKING:
    from localhub.db import Row

_GOOD = ("success", "neutral", "skipped")


class Status:
    """All statuses of a commit."""

    def __init__(self, commit: Commit, rows: list[Row]) -> None:
        self.commit = commit
        self._rows = rows

    @classmethod
    def of(cls, commit: Commit) -> Status | None:
        rows = statuses.latest(commit.repository.hub, commit.repository.row, commit.oid)
        return cls(commit, rows) if rows else None

    def id(self) -> str:
        return f"S_{self.commit.id()}"

    def state(self) -> str:
        return statuses.combined([row["state"] for row in self._rows]).upper()

    def contexts(self) -> list[StatusContext]:
        return [StatusContext(self.commit.repository.scope, row) for row in self._rows]

    def context(self, name: str) -> StatusContext | None:
        return next((one for one in self.contexts() if one.row["context"].lower() == name.lower()), None)


class StatusCheckRollup:
    """The newest check runs of each suite and name, and the newest statuses, of one commit."""

    def __init__(self, commit: Commit, runs: list[Row], contexts: list[Row]) -> None:
        self.commit = commit
        self._runs = runs
        self._contexts = contexts

    @classmethod
    def of(cls, commit: Commit) -> StatusCheckRollup | None:
        repo = commit.repository
        runs = repo.hub.db.rows(
            """SELECT * FROM check_runs r WHERE repo_id = ? AND head_sha = ? AND NOT EXISTS (
               SELECT 1 FROM check_runs n WHERE n.suite_id = r.suite_id AND n.name = r.name AND n.id > r.id)
               ORDER BY id""",
            repo.row["id"],
            commit.oid,
        )
        contexts = statuses.latest(repo.hub, repo.row, commit.oid)
        return cls(commit, runs, contexts) if runs or contexts else None

    def id(self) -> str:
        return f"SCR_{self.commit.id()}"

    def state(self) -> str:
        parts = [_run_state(row) for row in self._runs] + [row["state"].upper() for row in self._contexts]
        return next((one for one in ("ERROR", "FAILURE", "PENDING", "EXPECTED") if one in parts), "SUCCESS")

    def contexts(self, **page: Any) -> StatusCheckRollupContextConnection:
        return StatusCheckRollupContextConnection(self.commit.repository.scope, self._runs, self._contexts, page)


class StatusCheckRollupContextConnection(Connection):
    """A page of runs, then statuses, with counts of all."""

    def __init__(self, scope: Scope, runs: list[Row], contexts: list[Row], page: dict[str, Any]) -> None:
        items = [CheckRun(scope, row) for row in runs] + [StatusContext(scope, row) for row in contexts]
        super().__init__(items, lambda item: item, **page)
        self._runs, self._contexts = runs, contexts
        self.checkRunCount, self.statusContextCount = len(runs), len(contexts)

    def checkRunCountsByState(self) -> list[dict[str, Any]]:
        return _counts([(row["conclusion"] or row["status"]).upper() for row in self._runs])

    def statusContextCountsByState(self) -> list[dict[str, Any]]:
        return _counts([row["state"].upper() for row in self._contexts])


def _counts(states: list[str]) -> list[dict[str, Any]]:
    return [{"state": state, "count": states.count(state)} for state in sorted(set(states))]


def _run_state(row: Row) -> str:
    if row["status"] != "completed":
        return "PENDING"
    return "SUCCESS" if row["conclusion"] in _GOOD else "FAILURE"
