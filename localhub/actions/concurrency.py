"""`concurrency:` of a workflow: one run of a group at a time, the newest waiting one kept.

Source: docs.github.com, "Control the concurrency of workflows and jobs". Of expressions it knows the `github` values
that groups are made of, and `||`; a group that needs more is no group here. Groups of single jobs are not kept.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from localhub.actions.workflows import Workflow

if TYPE_CHECKING:
    from localhub.db import Row
    from localhub.hub import Hub

_EXPRESSION = re.compile(r"\$\{\{(.*?)\}\}")


class _UnknownError(Exception):
    """An expression that is not understood."""


def group_of(workflow: Workflow, values: Mapping[str, Any]) -> tuple[str | None, bool]:
    """The group, None without one, and whether a new run cancels the one in progress."""
    wish = workflow.document.get("concurrency")
    if isinstance(wish, str):
        wish = {"group": wish}
    if not isinstance(wish, Mapping) or not wish.get("group"):
        return None, False
    try:
        group = _EXPRESSION.sub(lambda match: _text(match[1], values), str(wish["group"]))
    except _UnknownError:
        return None, False
    cancel = wish.get("cancel-in-progress")
    return group, cancel is True or str(cancel).lower() == "true"


def _text(expression: str, values: Mapping[str, Any]) -> str:
    """The first part of `a || b` that is not empty."""
    for part in expression.split("||"):
        word = part.strip()
        if len(word) > 1 and word[0] == word[-1] == "'":
            value: Any = word[1:-1]
        elif word in values:
            value = values[word]
        else:
            raise _UnknownError(word)
        if value not in (None, "", False):
            return str(value)
    return ""


def values_of(hub: Hub, run: Row, workflow: Workflow) -> dict[str, Any]:
    """The values that groups are made of."""
    repo = hub.access.repo_by_id(run["repo_id"])
    pull = run["pull_number"]
    return {
        "github.workflow": workflow.name,
        "github.ref": run["ref"],
        "github.ref_name": run["ref"].removeprefix("refs/heads/").removeprefix("refs/tags/").removeprefix("refs/pull/"),
        "github.head_ref": run["head_branch"] if pull is not None else "",
        "github.event_name": run["event"],
        "github.run_id": run["id"],
        "github.sha": run["checkout_sha"],
        "github.repository": f"{repo['owner_login']}/{repo['name']}",
        "github.event.number": pull,
        "github.event.pull_request.number": pull,
    }


def join(hub: Hub, run: Row, workflow: Workflow) -> list[Row]:
    """Put a queued run into its group, inside a transaction; the runs that it takes the place of."""
    group, cancel = group_of(workflow, values_of(hub, run, workflow))
    if group is None:
        return []
    hub.db.update("workflow_runs", run["id"], concurrency=group)
    others = hub.db.rows(
        "SELECT * FROM workflow_runs WHERE repo_id = ? AND concurrency = ? AND status <> 'completed' AND id <> ?",
        run["repo_id"],
        group,
        run["id"],
    )
    return [other for other in others if cancel or other["status"] == "queued"]
