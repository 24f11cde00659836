"""`concurrency:` of workflows and jobs: one of a group at a time, the newest waiting one kept.

Source: docs.github.com, "Control the concurrency of workflows and jobs".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from localhub.actions import templates
from localhub.actions.state import known_of
from localhub.actions.values import text_of
from localhub.actions.workflows import Workflow

if TYPE_CHECKING:
    from localhub.db import Row
    from localhub.hub import Hub


def join(hub: Hub, run: Row, workflow: Workflow) -> list[Row]:
    """Put a run into its group, inside a transaction; the runs that it takes the place of. Raises ExpressionError."""
    wish = workflow.document.get("concurrency")
    if not wish:
        return []
    wish = templates.value(wish, known_of(hub, run, workflow))
    if not isinstance(wish, Mapping):
        wish = {"group": wish}
    group = text_of(wish.get("group")).lower()
    if not group:
        return []
    hub.db.update("workflow_runs", run["id"], concurrency=group)
    cancels = text_of(wish.get("cancel-in-progress")).lower() == "true"
    return [other for other in _others(hub, run, group) if cancels or other["status"] == "pending"]


def _others(hub: Hub, run: Row, group: str) -> list[Row]:
    return hub.db.rows(
        """SELECT * FROM workflow_runs WHERE repo_id = ? AND concurrency = ? AND status <> 'completed' AND id <> ?
           ORDER BY id""",
        run["repo_id"],
        group,
        run["id"],
    )


def waits(hub: Hub, run: Row) -> bool:
    """Whether another run of the group is under way."""
    if run["concurrency"] is None:
        return False
    return any(other["status"] != "pending" for other in _others(hub, run, run["concurrency"]))


def next_runs(hub: Hub, run: Row) -> list[Row]:
    """The run that waited for the group that `run` leaves."""
    if run["concurrency"] is None or waits(hub, run):
        return []
    return _others(hub, run, run["concurrency"])[:1]


def rivals(hub: Hub, row: Row) -> list[Row]:
    """The other jobs of a job's group that wait or run."""
    return hub.db.rows(
        """SELECT * FROM workflow_jobs WHERE status <> 'completed' AND repo_id = ? AND concurrency = ? AND id <> ?
           ORDER BY id""",
        row["repo_id"],
        row["concurrency"],
        row["id"],
    )
