"""Locked conversations: only who can write goes on in them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from localhub import issues
from localhub.errors import field, invalid
from localhub.timeline import record

if TYPE_CHECKING:
    from localhub.auth import Actor
    from localhub.db import Row
    from localhub.hub import Hub

REASONS = ("off-topic", "too heated", "resolved", "spam")


def lock(hub: Hub, row: Row, actor: Actor, *, locked: bool, reason: str | None = None) -> Row:
    """Lock or unlock; what is so already tells nobody."""
    if reason is not None and reason not in REASONS:
        raise invalid("Validation Failed", field("Issue", "lock_reason", "invalid"))
    reason = reason if locked else None
    with hub.tx():
        row = hub.db.get("issues", row["id"])
        if (bool(row["locked"]), row["lock_reason"]) == (locked, reason):
            return row
        row = issues.touch(hub, row["id"], locked=int(locked), lock_reason=reason)
        action = "locked" if locked else "unlocked"
        said: dict[str, Any] = {"lock_reason": reason} if locked else {}
        record(hub, row["repo_id"], row["id"], action, actor.account_id, **said)
        return issues.tell(hub, row, action, actor.account_id)
