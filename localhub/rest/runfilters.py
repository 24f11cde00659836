"""The filters of lists of workflow runs."""

from __future__ import annotations

import re
from typing import Annotated, Any

from fastapi import Depends, Response

from localhub.db import Row
from localhub.errors import field, invalid
from localhub.http import Paging
from localhub.hub import Hub
from localhub.render import actions as render

_DAY = re.compile(r"^\d{4}-\d\d-\d\d$")
#: Of one search GitHub shows no more (REST reference, "List workflow runs for a repository").
_MOST = 1000


class Filters:
    """What the query asks for."""

    def __init__(
        self,
        actor: str | None = None,
        branch: str | None = None,
        event: str | None = None,
        status: str | None = None,
        created: str | None = None,
        exclude_pull_requests: bool = False,
        check_suite_id: int | None = None,
        head_sha: str | None = None,
    ) -> None:
        self.actor, self.status, self.created = actor, status, created
        self.exclude_pull_requests = exclude_pull_requests
        self.columns = {"head_branch": branch, "event": event, "suite_id": check_suite_id, "head_sha": head_sha}

    def reply(self, hub: Hub, repo: Row, paging: Paging, workflow_id: int | None = None) -> Response:
        """A page of the repository's runs, newest first."""
        columns: dict[str, Any] = {**self.columns, "workflow_id": workflow_id}
        if self.actor:
            columns["actor_id"] = hub.db.value("SELECT id FROM accounts WHERE login = ?", self.actor) or -1
        where, args = "repo_id = ?", [repo["id"]]
        for column, value in columns.items():
            if value is not None:
                where, args = f"{where} AND {column} = ?", [*args, value]
        if self.status is not None:
            where, args = f"{where} AND (status = ? OR conclusion = ?)", [*args, self.status, self.status]
        for sign, moment in _range(self.created):
            where, args = f"{where} AND created_at {sign} ?", [*args, moment]
        total = hub.db.value(f"SELECT count(*) FROM workflow_runs WHERE {where}", *args)  # noqa: S608
        rows = hub.db.rows(
            f"SELECT * FROM workflow_runs WHERE {where} ORDER BY id DESC LIMIT ? OFFSET ?",  # noqa: S608
            *args,
            paging.limit,
            paging.offset,
        )
        shown = [render.run(hub, row) for row in rows]
        if self.exclude_pull_requests:
            shown = [one | {"pull_requests": []} for one in shown]
        return paging.reply(shown, total, {"total_count": total}, "workflow_runs")


def _range(created: str | None) -> list[tuple[str, str]]:
    """`2026-01-01..2026-02-01`, `>=2026-01-01`, `2026-01-01`: signs and moments; 422 for what is no date."""
    if not created:
        return []
    if ".." in created:
        first, last = created.split("..", 1)
        found = [(">=", first)] * (first != "*") + [("<=", last)] * (last != "*")
    else:
        sign = re.match(r"[<>]=?", created)
        found = [(sign[0], created[sign.end() :])] if sign else [(">=", created), ("<=", created)]
    for _, moment in found:
        if not re.match(r"^\d{4}-\d\d-\d\d", moment):
            raise invalid("Validation Failed", field("WorkflowRun", "created", "invalid"))
    return [(sign, _edge(sign, moment)) for sign, moment in found]


def _edge(sign: str, moment: str) -> str:
    """A day alone begins at its first second, or ends with its last."""
    if not _DAY.match(moment):
        return moment
    return moment + ("T23:59:59Z" if sign in ("<=", ">") else "T00:00:00Z")


FiltersDep = Annotated[Filters, Depends(Filters)]
