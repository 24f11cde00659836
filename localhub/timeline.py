"""The timeline of issues and pull requests: one row for each thing that happened, comments (`commented`) too."""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson

from localhub.context import current_actor

if TYPE_CHECKING:
    from localhub.hub import Hub


SAID = ("commented", "reviewed", "cross-referenced")
"""In the timeline alone: `/events` has no words."""


def record(hub: Hub, repo_id: int, issue_id: int, event: str, actor_id: int | None, **data: object) -> int:
    """Note an event of an issue in this repository, inside its transaction.

    Keys of `data` that end in `_id` and name an account (assignee_id, assigner_id, requested_reviewer_id) or an issue
    (sub_issue_id, parent_issue_id, blocked_by_id, blocking_id) are shown as that object, those that begin with `_`
    not at all, others as they are.
    """
    actor = current_actor()
    return hub.db.insert(
        "issue_events",
        issue_id=issue_id,
        repo_id=repo_id,
        event=event,
        told=int(event not in SAID),
        actor_id=actor_id,
        app_id=actor.app_id if actor.account_id == actor_id else None,
        data=orjson.dumps(data).decode(),
        created_at=hub.now(),
    )
